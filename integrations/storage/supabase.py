"""Supabase Storage through storage3, with the project's secret key: no policy of the bucket lets anybody else write.

Downloads come piece by piece over the endpoint that storage3 uses, which reads all of it at once; sizes and signed
addresses are asked for directly as well, where versions of Storage differ in what storage3 takes.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from core.errors import Unavailable
from core.objects import SIGNED_SECONDS, ContentLost, insist_on_name, is_whole
from core.supabase_keys import key_headers

if TYPE_CHECKING:
    import httpx
    from storage3._async.file_api import AsyncBucketProxy

TIMEOUT_SECONDS = 60
PIECE_BYTES = 1_000_000
TRIES = 3  # to upload
PAUSE_SECONDS = 0.2


class SupabaseStore:
    """A private bucket of a project. Its URL is the project's; the key is the secret (service_role) one.

    `public_url`: the project's URL for browsers, where that is another one.
    """

    def __init__(self, url: str, secret_key: str, bucket: str, *, public_url: str | None = None) -> None:
        self.url = f"{url.rstrip('/')}/storage/v1/"
        self.public_url = f"{(public_url or url).rstrip('/')}/storage/v1/"
        self.bucket = bucket
        self.headers = key_headers(secret_key)

    async def put(self, path: str, content: bytes) -> None:
        """Have this object; Storage refuses to overwrite, and locks one that somebody else writes at the same moment.

        What is there already is read: Storage tells no sha256. Where that is damaged, it is overwritten.
        """
        is_there = await self.exists(path) is not None
        for left in reversed(range(TRIES)):
            if is_there:
                break
            try:
                await self._upload(path, content, upsert=False)
            except Unavailable:
                is_there = await self.exists(path) is not None
                if not is_there and not left:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                if await self.exists(path) == len(content):
                    return
                is_there = True
        if not await is_whole(self, path):
            await insist_on_name(path, content)
            await self._upload(path, content, upsert=True)
            if not await is_whole(self, path):
                raise ContentLost(f"The object {path} does not hold the {len(content):,} bytes that were put there")
        elif await self.exists(path) != len(content):
            raise ContentLost(f"The object {path} is another than these {len(content):,} bytes")

    async def _upload(self, path: str, content: bytes, *, upsert: bool) -> None:
        async with self._bucket() as bucket:
            said = "true" if upsert else "false"
            await bucket.upload(path, content, {"content-type": "application/octet-stream", "upsert": said})

    async def get(self, path: str) -> AsyncIterator[bytes]:
        """The object in pieces."""
        async with self._http() as http, http.stream("GET", f"object/{self.bucket}/{path}") as answer:
            if answer.status_code != 200:
                said = (await answer.aread()).decode(errors="replace")
                if await self.exists(path) is None:  # Storage says of an object too that its bucket is not there
                    raise self._missing(path)
                raise self._refused(answer.status_code, said)
            async for piece in answer.aiter_bytes(PIECE_BYTES):
                yield piece

    async def exists(self, path: str) -> int | None:
        """Its size, by what Storage knows of it."""
        async with self._http() as http:
            answer = await http.get(f"object/info/{self.bucket}/{path}")
        if answer.status_code != 200:
            if "object not found" in answer.text.casefold():
                return None
            raise self._refused(answer.status_code, answer.text)
        about: dict[str, Any] = answer.json()
        inner: dict[str, Any] = about.get("metadata") or {}
        return int(about.get("size", inner.get("size", -1)))

    async def remove(self, paths: Sequence[str]) -> None:
        """Have none of these."""
        if paths:
            async with self._bucket() as bucket:
                await bucket.remove(list(paths))

    async def signed_url(self, path: str, name: str) -> str:
        """Signed by Storage; it serves the bytes with the disposition of an attachment."""
        async with self._http() as http:
            answer = await http.post(f"object/sign/{self.bucket}/{path}", json={"expiresIn": SIGNED_SECONDS})
        if answer.status_code != 200:
            if "object not found" in answer.text.casefold():
                raise self._missing(path)
            raise self._refused(answer.status_code, answer.text)
        said: dict[str, Any] = answer.json()
        signed = str(said.get("signedURL") or said.get("signedUrl"))  # the second is newer
        return f"{self.public_url}{signed.removeprefix('/storage/v1').lstrip('/')}&download={quote(name, safe='')}"

    @asynccontextmanager
    async def _http(self) -> AsyncGenerator["httpx.AsyncClient"]:
        import httpx

        try:
            async with httpx.AsyncClient(base_url=self.url, headers=self.headers, timeout=TIMEOUT_SECONDS) as http:
                yield http
        except httpx.HTTPError as error:
            raise Unavailable(
                "Supabase Storage is out of reach", detail=type(error).__name__, hint="Look at SUPABASE_URL."
            ) from error

    @asynccontextmanager
    async def _bucket(self) -> AsyncGenerator["AsyncBucketProxy"]:
        from storage3 import AsyncStorageClient
        from storage3.exceptions import StorageApiError

        async with self._http() as http:
            client: AsyncStorageClient = AsyncStorageClient(self.url, self.headers, http_client=http)
            try:
                yield client.from_(self.bucket)
            except StorageApiError as error:
                raise self._refused(error.status, error.message) from error

    def _missing(self, path: str) -> ContentLost:
        return ContentLost(
            f"The object {path} is not in the bucket {self.bucket!r} any more",
            hint="Put it back from a back-up of the store.",
        )

    def _refused(self, status: int | str, said: str) -> Unavailable:
        """Storage's own status stands in the body; that of the answer is often 400."""
        words = said.casefold()
        if "bucket" in words and "not found" in words:
            return Unavailable(
                f"There is no bucket {self.bucket!r} in Supabase Storage",
                hint="`steward migrate` makes the bucket artifacts; another one is made in the dashboard, private. A wrong key sees none either.",
            )
        if str(status) in {"401", "403"} or "row-level security" in words or "jwt" in words:
            hint = "SUPABASE_SECRET_KEY is the project's secret (service_role) key."
            return Unavailable("Supabase Storage refuses the key", detail=f"status {status}", hint=hint)
        if str(status) == "413" or "maximum allowed size" in words:
            hint = "Raise the file size limit of the project and of the bucket."
            return Unavailable("Supabase Storage takes no object so large", detail=said[:200], hint=hint)
        return Unavailable("Supabase Storage did not take the request", detail=f"status {status}: {said[:200]}")
