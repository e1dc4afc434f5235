"""Drafts and approvals: one thin typed call per SQL function."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

from pydantic import Field

from core.database import Caller
from core.errors import Conflict
from tasks.drafts import Approval, ApprovalState, DecidedHow, Draft, DraftState, ThreadMessage
from tasks.functions import Page
from tasks.interrupts import facts_of, interrupt_of
from tasks.models import Record, Task

THREAD_MOVED = "thread moved"


class DraftVersion(Record):
    """An entry in a draft's history."""

    id: UUID
    version: int
    state: DraftState
    author_type: Literal["user", "agent"]
    author_id: UUID | None = None
    subject: str
    body: str
    to_recipients: list[str] = Field(default_factory=list[str])
    cc_recipients: list[str] = Field(default_factory=list[str])
    bcc_recipients: list[str] = Field(default_factory=list[str])
    feedback: str | None = None
    created_at: str
    decided_at: str | None = None


class DraftWithHistory(Draft):
    """A draft and all versions of it, oldest first."""

    history: list[DraftVersion] = Field(default_factory=list[DraftVersion])


class DraftBeingSent(Draft):
    """A draft as `begin_sending` found it: its state before, and whether an earlier attempt ended nobody knows how."""

    was: DraftState
    attempt_unknown: bool


async def create_draft(
    caller: Caller, task_id: UUID, content: Mapping[str, Any], supersedes_id: UUID | None = None
) -> Draft:
    """A new draft with its open approval; the earlier one is superseded."""
    row = await caller.call("create_draft", task_id=task_id, content=dict(content), supersedes_id=supersedes_id)
    return Draft.model_validate(row)


async def get_draft(caller: Caller, draft_id: UUID) -> DraftWithHistory:
    """One draft with its versions."""
    return DraftWithHistory.model_validate(await caller.call("get_draft", draft_id=draft_id))


async def list_drafts(
    caller: Caller,
    *,
    states: Sequence[DraftState] | None = None,
    task_id: UUID | None = None,
    after: list[Any] | None = None,
    limit: int = 50,
) -> Page[Draft]:
    """A page of drafts, newest first."""
    where: dict[str, Any] = {}
    if states:
        where["state"] = list(states)
    if task_id:
        where["task_id"] = str(task_id)
    return Page[Draft].model_validate(await caller.call("list_drafts", filter=where, after=after, page_size=limit))


async def revise_draft(caller: Caller, draft_id: UUID, changes: Mapping[str, Any]) -> Draft:
    """An edit: a new version, which needs its own approval."""
    return Draft.model_validate(await caller.call("revise_draft", draft_id=draft_id, changes=dict(changes)))


async def approve_draft(caller: Caller, draft_id: UUID, digest: str, notes: str | None = None) -> Draft:
    """A person's yes to exactly the content with this digest; it is sent."""
    return Draft.model_validate(await caller.call("approve_draft", draft_id=draft_id, digest=digest, notes=notes))


async def reject_draft(caller: Caller, draft_id: UUID, feedback: str | None = None) -> Draft:
    """A person's no; with feedback a new version is written."""
    return Draft.model_validate(await caller.call("reject_draft", draft_id=draft_id, feedback=feedback))


async def resolve_draft(caller: Caller, draft_id: UUID, *, was_sent: bool) -> Draft:
    """A person says what became of an uncertain message."""
    return Draft.model_validate(await caller.call("resolve_draft", draft_id=draft_id, was_sent=was_sent))


async def begin_sending(caller: Caller, draft_id: UUID, message_id: str) -> DraftBeingSent:
    """approved -> sending (worker only); uses the approval up.

    Raises Conflict, with THREAD_MOVED as its detail where a new draft with what came into the thread waits instead.
    """
    row = await caller.call("begin_sending", draft_id=draft_id, message_id=message_id)
    if row.get("moved"):
        raise Conflict(row["moved"], detail=THREAD_MOVED)
    return DraftBeingSent.model_validate(row)


async def move_thread(caller: Caller, draft_id: UUID, messages: Sequence[ThreadMessage]) -> str | None:
    """What a mailbox or chat has in the thread of a draft, and is not kept here (worker only).

    Where that is news, the draft is superseded by one that asks anew: why, in a sentence. Else None.
    """
    told = [one.model_dump(mode="json") for one in messages]
    row = await caller.call("thread_moved", draft_id=draft_id, messages=told)
    return str(row["moved"]) if row else None


async def store_provider_draft(caller: Caller, draft_id: UUID, provider_ref: str) -> None:
    """Keep the id of the draft at the provider, before that draft is sent (worker only)."""
    await caller.call("store_provider_draft", draft_id=draft_id, provider_ref=provider_ref)


async def release_sending(caller: Caller, draft_id: UUID) -> None:
    """The attempt ended and certainly nothing left (worker only)."""
    await caller.call("release_sending", draft_id=draft_id)


async def deliver_draft(
    caller: Caller,
    task_id: UUID,
    content: Mapping[str, Any],
    result: Mapping[str, Any],
    supersedes_id: UUID | None = None,
    decision: Mapping[str, Any] | None = None,
) -> Draft:
    """The end of a run that made a draft: draft, approval and the task's next state in one transaction (worker only).

    `content` may carry `provenance`. `decision` is what the policy said of it; where it allows by a permission that the
    database finds to cover it, the draft is approved, and goes when its hold is over.
    """
    row = await caller.call(
        "deliver_draft",
        task_id=task_id,
        content=dict(content),
        result_data=dict(result),
        supersedes_id=supersedes_id,
        decision=dict(decision) if decision is not None else None,
    )
    return Draft.model_validate(row)


async def finish_sending(
    caller: Caller,
    draft_id: UUID,
    outcome: Literal["sent", "failed", "uncertain"],
    receipt: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> Draft:
    """What became of a message."""
    row = await caller.call(
        "finish_sending",
        draft_id=draft_id,
        outcome=outcome,
        receipt=dict(receipt) if receipt else None,
        reason=reason,
    )
    return Draft.model_validate(row)


async def request_review(caller: Caller, task_id: UUID, title: str, result: Mapping[str, Any]) -> Task:
    """A semi-automated result waits for a person's yes."""
    return Task.model_validate(
        await caller.call("request_review", task_id=task_id, title=title, result_data=dict(result))
    )


async def decide_approval(caller: Caller, approval_id: UUID, *, approved: bool, notes: str | None = None) -> Approval:
    """Yes or no to anything that waits."""
    return Approval.model_validate(
        await caller.call("decide_approval", approval_id=approval_id, approved=approved, notes=notes)
    )


async def get_approval(caller: Caller, approval_id: UUID) -> Approval:
    """One approval, open or decided."""
    return Approval.model_validate(await caller.call("get_approval", approval_id=approval_id))


async def list_approvals(
    caller: Caller,
    *,
    states: Sequence[ApprovalState] | None = None,
    decided_how: Sequence[DecidedHow] | None = None,
    policy_id: UUID | None = None,
    held: bool = False,
    after: list[Any] | None = None,
    limit: int = 50,
) -> Page[Approval]:
    """A page of approvals, newest first; own acts only where `decided_how` says so.

    `held`: only what a permission let through and nothing was begun of.
    """
    where: dict[str, Any] = {"state": list(states)} if states else {}
    if decided_how:
        where["decided_how"] = list(decided_how)
    if policy_id:
        where["policy_id"] = str(policy_id)
    if held:
        where["held"] = True
    return Page[Approval].model_validate(
        await caller.call("list_approvals", filter=where, after=after, page_size=limit)
    )


async def request_approval(
    caller: Caller,
    task_id: UUID,
    title: str,
    payload: Mapping[str, Any],
    *,
    why: str = "",
    expires_in_seconds: float | None = None,
    remind_after_seconds: float | None = None,
) -> Approval:
    """A gate: the running task waits for a person's yes or no to exactly this payload (worker only)."""
    row = await caller.call(
        "request_approval",
        task_id=task_id,
        title=title,
        payload=dict(payload),
        why=why,
        expires_in_seconds=expires_in_seconds,
        remind_after_seconds=remind_after_seconds,
    )
    return Approval.model_validate(row)


async def request_act(
    caller: Caller,
    task_id: UUID,
    title: str,
    payload: Mapping[str, Any],
    *,
    why: str = "",
    expires_in_seconds: float | None = None,
    decision: Mapping[str, Any] | None = None,
) -> Approval:
    """A tool asks before it acts: the running task waits for a person's yes to this `{input, facts, text}` (worker only).

    `payload` may carry `destinations` (a list) and `provenance`. Where `decision` allows it by a permission that the database
    finds to cover it, the approval comes back approved, and the task goes on when its hold is over.
    """
    row = await caller.call(
        "request_act",
        task_id=task_id,
        title=title,
        payload=dict(payload),
        why=why,
        expires_in_seconds=expires_in_seconds,
        decision=dict(decision) if decision is not None else None,
    )
    return Approval.model_validate(row)


async def get_act(caller: Caller, task_id: UUID) -> Approval | None:
    """The yes on which the task's tool may act now; None when it has to ask, or is held (worker only)."""
    row = await caller.call("get_act", task_id=task_id)
    return Approval.model_validate(row) if row else None


NOT_FACTS = {"question", "why", "task", "expires_in_seconds", "remind_after_seconds"}


def shown_facts(asked: Approval) -> list[tuple[str, str]]:
    """What a question is about, name by name: of an act what its tool shows, of a gate what its plan gave it, of an agent's question what it wrote."""
    if (interrupt := interrupt_of(asked)) is not None:
        return facts_of(interrupt)
    told: Any = asked.payload.get("facts", []) if asked.tool else asked.payload
    given: list[tuple[str, Any]] = list(cast("dict[str, Any]", told).items()) if isinstance(told, dict) else told
    return [
        (name.replace("_", " "), _in_words(value))
        for name, value in given
        if (asked.tool or name not in NOT_FACTS) and value not in (None, "", [], {})
    ]


def _in_words(value: object) -> str:
    """A value as a person reads it; lists and objects line by line."""
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int() | float():
            return str(value)
        case list():
            return "\n".join(_in_words(one).replace("\n", "; ") for one in cast("list[object]", value))
        case dict():
            items = cast("dict[str, object]", value).items()
            return "\n".join(f"{name}: {_in_words(one)}".replace("\n", "; ") for name, one in items)
        case _:
            return str(value)


Shown = TypeVar("Shown", bound=Task)


def belongs_to_draft(task: Task) -> bool:
    """Is it only the sending of an approved draft, or the rewriting of a rejected one? The draft's page shows those."""
    return task.tool is not None and "draft_id" in task.tool_input


def without_sending(tasks: Iterable[Shown]) -> list[Shown]:
    """Tasks as people count them: without those that belong to a draft."""
    return [task for task in tasks if not belongs_to_draft(task)]
