"""A bucket as the place of results. Rights that it needs: s3:GetObject and s3:PutObject on its objects, s3:ListBucket on itself."""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from core.errors import Invalid
from integrations.aws.clients import ALREADY_THERE, NO_OBJECT, client, code_of, on_thread

ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9!_.*'()/-]{0,900}))?")
NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
T = TypeVar("T")


class S3Output:
    """Results below s3://bucket/prefix. Raises Invalid for an address that is none."""

    def __init__(self, address: str) -> None:
        match = ADDRESS.fullmatch(address)
        if match is None or ".." in address:
            raise Invalid(f"output: {address[:100]!r} is not allowed", detail="it is like s3://bucket/prefix")
        self.bucket, self.prefix = match[1], (match[2] or "").strip("/")

    def address(self, name: str) -> str:
        """s3://bucket/key."""
        return f"s3://{self.bucket}/{self._key(name)}"

    async def read(self, name: str) -> bytes | None:
        """The object; None where there is none."""
        from botocore.exceptions import ClientError

        key = self._key(name)

        def work() -> bytes | None:
            try:
                with self._client.get_object(Bucket=self.bucket, Key=key)["Body"] as body:
                    return body.read()
            except ClientError as error:
                if code_of(error) in NO_OBJECT:
                    return None
                raise

        return await self._on_thread(work)

    async def write(self, name: str, content: bytes, media_type: str, *, once: bool = False) -> bool:
        """Put it there. With `once` S3 itself refuses what would overwrite."""
        from botocore.exceptions import ClientError

        given: dict[str, Any] = {"Bucket": self.bucket, "Key": self._key(name), "Body": content}
        given |= {"ContentType": media_type, **({"IfNoneMatch": "*"} if once else {})}

        def work() -> bool:
            try:
                self._client.put_object(**given)
            except ClientError as error:
                if once and code_of(error) in ALREADY_THERE:
                    return False
                raise
            return True

        return await self._on_thread(work)

    async def close(self) -> None:
        """Let the connections go."""
        if "_client" in self.__dict__:
            await on_thread(self._client.close, self.bucket)

    @cached_property
    def _client(self) -> Any:
        return client("s3")

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await on_thread(work, f"The bucket {self.bucket}")

    def _key(self, name: str) -> str:
        if not NAME.fullmatch(name):
            raise Invalid(
                f"{name[:100]!r} is no name of a result", detail="letters, digits, dots, dashes, and / between"
            )
        return f"{self.prefix}/{name}" if self.prefix else name
