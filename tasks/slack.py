"""Slack's people, events and messages: one thin typed call per SQL function. All but two are the worker's."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.drafts import ApprovalState
from tasks.models import Record, Task
from tasks.nudges import NudgeState

EventKind = Literal["mention", "direct", "shortcut", "command", "home"]


class SlackLink(Record):
    """Whose Slack user this is. `account_id` is the connected workspace; None: the installation's own token."""

    id: UUID
    organization_id: UUID
    user_id: UUID
    account_id: UUID | None = None
    team_id: str
    slack_user_id: str
    direct_channel: str | None = None
    is_notified: bool = True


class Received(Record):
    """What became of an event that came in: is it the first delivery, and of somebody who is linked?"""

    is_new: bool
    is_known: bool


class SlackEvent(Record):
    """An event to be worked on."""

    id: UUID
    key: str
    kind: EventKind
    payload: dict[str, Any] = Field(default_factory=dict[str, Any])
    attempts: int
    link: SlackLink


class SlackNotice(Record):
    """A message to be posted or brought up to date; `state` is what it should tell."""

    id: UUID
    approval_id: UUID | None = None
    nudge_id: UUID | None = None
    digest_id: UUID | None = None
    """It shows one of these three."""
    channel: str | None = None
    message_ts: str | None = None
    begun_at: datetime
    attempts: int
    attempt_unknown: bool
    state: ApprovalState | Literal["sent", "failed", "uncertain"] | NudgeState | Literal["made"]
    link: SlackLink


class UsedCode(Record):
    """What became of a code that somebody said in Slack."""

    state: Literal["linked", "unknown", "taken"]
    link: SlackLink | None = None


async def link_slack_user(
    caller: Caller, user_id: UUID, team_id: str, slack_user_id: str, account_id: UUID | None = None
) -> SlackLink:
    """This Slack user is this member of the worker's tenant. Conflict when it is somebody else's."""
    row = await caller.call(
        "link_slack_user", user_id=user_id, team_id=team_id, slack_user_id=slack_user_id, account_id=account_id
    )
    return SlackLink.model_validate(row)


async def create_slack_code(caller: Caller, code_hash: str) -> None:
    """Keep a code (its SHA-256, in hex) that links whoever says it in Slack to the caller, a person."""
    await caller.call("create_slack_code", code_hash=code_hash)


async def use_slack_code(caller: Caller, code_hash: str, team_id: str, slack_user_id: str) -> UsedCode:
    """Link a Slack user by a code."""
    row = await caller.call("use_slack_code", code_hash=code_hash, team_id=team_id, slack_user_id=slack_user_id)
    return UsedCode.model_validate(row)


async def unlink_slack_user(caller: Caller, link_id: UUID) -> None:
    """Forget who a Slack user is."""
    await caller.call("unlink_slack_user", link_id=link_id)


async def resolve_slack_user(caller: Caller, team_id: str, slack_user_id: str) -> SlackLink | None:
    """Whose Slack user this is; None for a stranger."""
    row = await caller.call("resolve_slack_user", team_id=team_id, slack_user_id=slack_user_id)
    return SlackLink.model_validate(row) if row else None


async def list_slack_accounts(caller: Caller, team_id: str) -> list[tuple[UUID, UUID]]:
    """(organization, account) of every connected workspace of that id, the newest first."""
    rows = await caller.call("list_slack_accounts", team_id=team_id)
    return [(UUID(row["organization_id"]), UUID(row["account_id"])) for row in rows]


async def keep_slack_channel(caller: Caller, link_id: UUID, channel: str) -> None:
    """Remember where a person is written to directly."""
    await caller.call("keep_slack_channel", link_id=link_id, channel=channel)


async def see_slack_request(caller: Caller, signature_hash: str) -> bool:
    """Is this request new? False for a replay."""
    return bool(await caller.call("see_slack_request", signature_hash=signature_hash))


async def receive_slack_event(
    caller: Caller, key: str, team_id: str, slack_user_id: str, kind: EventKind, payload: Mapping[str, Any]
) -> Received:
    """Keep an event, once, and wake a worker for it."""
    row = await caller.call(
        "receive_slack_event",
        key=key,
        team_id=team_id,
        slack_user_id=slack_user_id,
        kind=kind,
        payload=dict(payload),
    )
    return Received.model_validate(row)


async def take_slack_event(caller: Caller, lease_seconds: float) -> SlackEvent | None:
    """The next event to work on; nobody else gets it for so long."""
    row = await caller.call("take_slack_event", lease_seconds=lease_seconds)
    return SlackEvent.model_validate(row) if row else None


async def keep_slack_tasks(caller: Caller, event_id: UUID, tasks: Sequence[Mapping[str, Any]]) -> list[Task]:
    """The tasks found in what the caller, a person, said; the event is done in the same transaction."""
    rows = await caller.call("keep_slack_tasks", event_id=event_id, tasks=[dict(task) for task in tasks])
    return [Task.model_validate(row) for row in rows]


async def end_slack_event(
    caller: Caller, event_id: UUID, error: str | None = None, *, retry_after_seconds: float | None = None
) -> None:
    """An event ended: done, failed, or (with a time) to be tried again."""
    await caller.call("end_slack_event", event_id=event_id, error=error, retry_after_seconds=retry_after_seconds)


async def take_slack_notice(caller: Caller, lease_seconds: float) -> SlackNotice | None:
    """The next message to post or bring up to date; nobody else gets it for so long."""
    row = await caller.call("take_slack_notice", lease_seconds=lease_seconds)
    return SlackNotice.model_validate(row) if row else None


async def keep_slack_notice(caller: Caller, notice_id: UUID, channel: str, message_ts: str, shown: str) -> None:
    """The message is there, and tells this state."""
    await caller.call("keep_slack_notice", notice_id=notice_id, channel=channel, message_ts=message_ts, shown=shown)


async def put_off_slack_notice(
    caller: Caller,
    notice_id: UUID,
    error: str,
    *,
    retry_after_seconds: float | None = None,
    nothing_left: bool = False,
) -> None:
    """Not now (tried again after so long), or never."""
    await caller.call(
        "put_off_slack_notice",
        notice_id=notice_id,
        error=error,
        retry_after_seconds=retry_after_seconds,
        nothing_left=nothing_left,
    )


async def clean_up_slack(caller: Caller, older_than_days: int) -> int:
    """Forget events that are long done; how many."""
    return int(await caller.call("clean_up_slack", older_than_days=older_than_days))
