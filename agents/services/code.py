"""What agents need of code hosts and pipelines."""

from collections.abc import Mapping
from typing import Any, Protocol

from core.outside.code import CheckedCommit, PipelineReport, PullRequest


class CodeHost(Protocol):
    """Where code lies. Calls raise SignInExpired, Refused, Temporary or Malformed."""

    async def get_pull_request(self, repository: str, number: int) -> PullRequest:
        """A pull request with its checks and reviews; `repository` is owner/name."""
        ...

    async def get_commit(self, repository: str, ref: str) -> CheckedCommit:
        """The checks of a branch, tag or commit."""
        ...


class Pipelines(Protocol):
    """A pipeline that takes signed requests and reports back, signed."""

    @property
    def address(self) -> str:
        """Where requests go, for people."""
        ...

    @property
    def own_address(self) -> str:
        """Where a pipeline reaches this installation, without a slash at the end."""
        ...

    async def request(self, message_id: str, body: Mapping[str, Any]) -> int:
        """Hand a request over; its status. The same id twice is one request for the receiver.

        Raises Refused or Temporary when it was not taken, Uncertain when nobody knows.
        """
        ...

    def read_report(self, headers: Mapping[str, str], body: bytes) -> PipelineReport:
        """A report that came in. Raises Unauthorized when its signature is wrong, missing or old, Invalid for its form."""
        ...
