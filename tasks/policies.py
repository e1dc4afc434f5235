"""Standing permissions and the kill switch: one thin typed call per SQL function.

What a permission allows is decided by `tasks.policy`; whether one covers what is about to leave, and how often it was used,
is the database's word.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.drafts import Approval, DecidedHow, Origin, PolicyDecision
from tasks.models import Record

Became = Literal["sent", "edited", "rejected", "failed", "uncertain", "sending", "waiting", "void"]


class Policy(Record):
    """A standing permission: a tool's name x targets x kinds of task (none: any), with limits and an end.

    `held` counts what it let through and nothing was begun of. `demoted_at`: it switched itself off, `demoted_because`.
    """

    id: UUID
    organization_id: UUID
    action: str
    targets: list[str]
    task_kinds: list[str] = Field(default_factory=list[str])
    carries: Literal["own_words", "plain_text"] = "own_words"
    max_per_hour: int
    max_per_day: int
    hold_seconds: int = 120
    expires_at: datetime
    is_enabled: bool = False
    demoted_at: datetime | None = None
    demoted_because: str | None = None
    created_by: UUID | None = None
    created_at: datetime
    updated_at: datetime
    used_this_hour: int = 0
    used_today: int = 0
    held: int = 0


class Policies(Record):
    """The permissions of a tenant, oldest first; `stopped_at`: since when none of them counts."""

    items: list[Policy] = Field(default_factory=list[Policy])
    stopped_at: datetime | None = None


class Stopped(Record):
    """How the kill switch stands, and how much was taken back."""

    stopped_at: datetime | None = None
    taken_back: int = 0


class PastAction(Record):
    """Something that was asked about or let through, and what became of it. `content`: a draft's, or an act's payload."""

    approval_id: UUID
    draft_id: UUID | None = None
    task_id: UUID
    action: str
    title: str
    task_kind: str
    destinations: list[str] = Field(default_factory=list[str])
    content: dict[str, Any] = Field(default_factory=dict[str, Any])
    provenance: dict[str, Any] = Field(default_factory=dict[str, Any])
    decision: PolicyDecision = Field(default_factory=PolicyDecision)
    decided_how: DecidedHow | None = None
    policy_id: UUID | None = None
    origin: Origin = Field(default_factory=Origin)
    became: Became
    created_at: datetime
    decided_at: datetime | None = None


async def list_policies(caller: Caller) -> Policies:
    """The standing permissions of the tenant, how often each was used lately, and whether all are stopped."""
    return Policies.model_validate(await caller.call("list_policies"))


async def save_policy(caller: Caller, policy: Mapping[str, Any]) -> Policy:
    """A new permission, or with an `id` changes to one (owners and admins). Invalid names the field and what is allowed."""
    return Policy.model_validate(await caller.call("save_policy", policy=dict(policy)))


async def delete_policy(caller: Caller, policy_id: UUID) -> None:
    """Takes a permission away; what it let through and nothing was begun of asks again."""
    await caller.call("delete_policy", policy_id=policy_id)


async def stop_permissions(caller: Caller, *, stopped: bool) -> Stopped:
    """The kill switch. Stopping takes back whatever nothing was begun of; letting go is for owners and admins."""
    return Stopped.model_validate(await caller.call("stop_permissions", stopped=stopped))


async def undo_permission(caller: Caller, approval_id: UUID) -> Approval:
    """Undo what a permission let through: the new question. Conflict when it has gone, or is going."""
    return Approval.model_validate(await caller.call("undo_permission", approval_id=approval_id))


async def list_sent_history(caller: Caller, action: str, days: int = 90) -> list[PastAction]:
    """What was asked or let through for an action in the last days, newest first, at most 500: to replay a permission over."""
    rows = await caller.call("list_sent_history", action=action, days=days)
    return [PastAction.model_validate(row) for row in rows]
