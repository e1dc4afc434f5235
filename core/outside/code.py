"""Nouns of code hosts and pipelines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

CheckState = Literal["passed", "failed", "pending"]


@dataclass(frozen=True)
class Check:
    """One check of a commit. `said` is the service's own word for its state."""

    name: str
    state: CheckState
    said: str
    url: str = ""


@dataclass(frozen=True)
class CheckedCommit:
    """A commit and its checks."""

    sha: str
    checks: Sequence[Check]


@dataclass(frozen=True)
class PullRequest:
    """A pull request as it stands. Title and names were written by others.

    `is_mergeable` is None while the service still finds out.
    """

    number: int
    title: str
    url: str
    state: Literal["open", "closed", "merged"]
    is_draft: bool
    is_mergeable: bool | None
    author: str
    head: CheckedCommit
    approved_by: Sequence[str] = ()
    changes_requested_by: Sequence[str] = ()


@dataclass(frozen=True)
class PipelineReport:
    """A report whose signature was checked. `id` is the sender's, the same when it is sent again."""

    id: str
    outcome: Mapping[str, Any] = field(default_factory=dict[str, Any])
