"""S3 and what speaks like it, through boto3 on threads. Endpoint, region and keys come from the AWS variables.

Rights that it needs on the bucket: s3:GetObject, s3:PutObject, s3:DeleteObject on its objects, s3:ListBucket on itself
(without it S3 answers 403 for an object that is not there).
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

from core.errors import StewardError, Unavailable
from core.objects import SIGNED_SECONDS, ContentLost, insist_on_name, is_whole, sha256_in
from integrations.aws.clients import ALREADY_THERE, NO_OBJECT, REFUSED, client, code_of

PIECE_BYTES = 1_000_000
T = TypeVar("T")


class S3Store:
    """A bucket. `endpoint_url` is for tests; else AWS_ENDPOINT_URL_S3 or Amazon's own."""

    def __init__(self, bucket: str, endpoint_url: str | None = None) -> None:
        self.bucket = bucket
        self.endpoint_url = endpoint_url

    async def put(self, path: str, content: bytes) -> None:
        """Have this object; S3 compares what arrived with the sha256 of the path, and overwrites what is damaged alone."""
        found = await self._is_right(path, len(content))
        if found:
            return
        is_damaged = found is False
        if is_damaged:
            await insist_on_name(path, content)
        await self._write(path, content, {} if is_damaged else {"IfNoneMatch": "*"})
        if not await self._is_right(path, len(content)):
            raise ContentLost(f"The object {path} does not hold the {len(content):,} bytes that were put there")

    async def _is_right(self, path: str, size_bytes: int) -> bool | None:
        """Does the object hold what its path names? By the sha256 that S3 knows of it; else all of it is read. None: not there."""
        about = await self._about(path)
        if about is None:
            return None
        if int(about["ContentLength"]) != size_bytes:
            return False
        known = about.get("ChecksumSHA256")
        return str(known) == _digest_in(path) if known else await is_whole(self, path)

    async def _write(self, path: str, content: bytes, condition: dict[str, str]) -> None:
        def work() -> None:
            try:
                self._client.put_object(
                    Bucket=self.bucket,
                    Key=path,
                    Body=content,
                    ContentType="application/octet-stream",  # nothing in it is run by a browser that comes to see it
                    ContentDisposition="attachment",
                    ChecksumSHA256=_digest_in(path),
                    **condition,
                )
            except Exception as error:
                if code_of(error) not in ALREADY_THERE:
                    raise

        await self._on_thread(work)

    async def get(self, path: str) -> AsyncIterator[bytes]:
        """The object in pieces of a megabyte."""

        def begin() -> Any:
            return self._client.get_object(Bucket=self.bucket, Key=path)["Body"]

        body = await self._on_thread(begin, path)
        try:
            while piece := await self._on_thread(lambda: body.read(PIECE_BYTES)):
                yield piece
        finally:
            body.close()

    async def exists(self, path: str) -> int | None:
        """Its size."""
        about = await self._about(path)
        return int(about["ContentLength"]) if about else None

    async def _about(self, path: str) -> Any:
        def work() -> Any:
            try:
                return self._client.head_object(Bucket=self.bucket, Key=path, ChecksumMode="ENABLED")
            except Exception as error:
                if code_of(error) not in NO_OBJECT:
                    raise
            # Its answer for an object does not tell which of both is missing.
            self._client.head_bucket(Bucket=self.bucket)
            return None

        return await self._on_thread(work)

    async def remove(self, paths: Sequence[str]) -> None:
        """Have none of these."""
        if not paths:
            return

        def work() -> Any:
            names = {"Objects": [{"Key": path} for path in paths], "Quiet": True}
            return self._client.delete_objects(Bucket=self.bucket, Delete=names)

        answer = await self._on_thread(work)
        if failed := answer.get("Errors"):
            raise Unavailable(f"{len(failed)} objects could not be removed", detail=str(failed[0].get("Code"))[:200])

    async def signed_url(self, path: str, name: str) -> str:
        """Signed here, without asking the store."""

        def work() -> str:
            disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
            kind = "application/octet-stream"
            asked = {
                "Bucket": self.bucket,
                "Key": path,
                "ResponseContentDisposition": disposition,
                "ResponseContentType": kind,
            }
            return str(self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=SIGNED_SECONDS))

        return await self._on_thread(work)

    @cached_property
    def _client(self) -> Any:  # boto3's clients are made at run time and have no types
        return client("s3", read_seconds=60, endpoint_url=self.endpoint_url)

    async def _on_thread(self, work: Callable[[], T], path: str = "") -> T:
        try:
            return await asyncio.to_thread(work)
        except StewardError:
            raise
        except Exception as error:
            raise self._explained(error, path) from error

    def _explained(self, error: Exception, path: str) -> Exception:
        from botocore.exceptions import BotoCoreError, ClientError

        code = code_of(error)
        if code == "NoSuchBucket" or (code in NO_OBJECT and not path):
            return Unavailable(
                f"There is no bucket {self.bucket!r} in S3", hint="Make it, or set STEWARD_ARTIFACT_BUCKET."
            )
        if code in NO_OBJECT:
            return ContentLost(
                f"The object {path} is not in the bucket {self.bucket!r} any more",
                hint="Put it back from a back-up of the store.",
            )
        if code in REFUSED:
            return Unavailable(
                f"S3 refuses the bucket {self.bucket!r}",
                detail=code,
                hint="Look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights of that key.",
            )
        if isinstance(error, (BotoCoreError, ClientError)) or type(error).__module__.startswith(
            ("urllib3", "botocore")
        ):
            return Unavailable(
                "S3 is out of reach",
                detail=code or f"{type(error).__name__}: {str(error)[:200]}",
                hint="Look at AWS_ENDPOINT_URL_S3, AWS_REGION and the keys.",
            )
        return error


def _digest_in(path: str) -> str:
    """The sha256 that a path names, as S3 writes it."""
    return base64.b64encode(bytes.fromhex(sha256_in(path))).decode()
