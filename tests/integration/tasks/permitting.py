"""What tests of the gate stand on: permissions, drafts and acts that a policy has allowed, and time that goes by."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import sql

from core.database import Caller, Database
from core.postgres import pool_of
from tasks import functions, policies, review, runs
from tasks.drafts import Approval, Draft
from tasks.models import Task
from tasks.policies import Policy

JOHN = "john@example.com"
CONTENT: dict[str, Any] = {"to_recipients": [JOHN], "subject": "Thank you", "body": "Hello John"}


def terms(**changes: Any) -> dict[str, Any]:
    """A permission as a person gives it: mail to John, for a month."""
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    return {
        "action": "email_send",
        "targets": [JOHN],
        "max_per_hour": 5,
        "max_per_day": 20,
        "expires_at": until,
        "is_enabled": True,
    } | changes


def allowed_by(policy: Policy | UUID) -> dict[str, Any]:
    """What the policy says of something that a permission covers."""
    permission_id = policy if isinstance(policy, UUID) else policy.id
    return {"verdict": "allow", "permission_id": str(permission_id), "reasons": []}


async def running(owner: Caller, service: Caller, **fields: Any) -> Task:
    """A task of the owner's that the worker has begun."""
    item = {"title": "Mail John", "execution_type": "semi_automated", "kind": "email", **fields}
    (task,) = await functions.create_tasks(owner, [item])
    await functions.queue_task_execution(owner, task.id)
    return await runs.start_task_execution(service, task.id, None)


async def delivered(owner: Caller, service: Caller, decision: dict[str, Any] | None, **content: Any) -> Draft:
    """A draft of a new task, with what the policy said of it."""
    task = await running(owner, service)
    return await review.deliver_draft(service, task.id, CONTENT | content, {"output": "x"}, decision=decision)


async def acting(owner: Caller, service: Caller, decision: dict[str, Any] | None, **payload: Any) -> Approval:
    """An act of a new task that was asked about, with what the policy said of it."""
    task = await running(owner, service, title="Invite John", kind="schedule", tool="calendar_event")
    wanted = {"input": {"title": "Lunch"}, "destinations": [JOHN], **payload}
    return await review.request_act(service, task.id, "Invite John?", wanted, decision=decision)


async def sender_of(owner: Caller, draft: Draft) -> Task:
    """The task that sends a draft."""
    tree = await functions.get_task_tree(owner, draft.task_id)
    (found,) = (child for child in tree.children if child.tool_input.get("draft_id") == str(draft.id))
    return await functions.get_task(owner, found.id)


async def write(database: Database, table: str, row_id: UUID, **changes: str) -> None:
    """Values as SQL, around all triggers: time that went by, and what nobody could write."""
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = ").format(sql.Identifier(column)) + sql.SQL(value)  # pyright: ignore[reportArgumentType]
        for column, value in changes.items()
    )
    query = sql.SQL("update public.{} set {} where id = {}").format(
        sql.Identifier(table), assignments, sql.Literal(row_id)
    )
    async with pool_of(database).connection() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(query)


async def over(database: Database, approval_id: UUID) -> None:
    """The hold of an approval is over."""
    await write(database, "approvals", approval_id, hold_until="now() - interval '1 second'")


async def approval_of(caller: Caller, draft: Draft) -> Approval:
    assert draft.approval
    return await review.get_approval(caller, draft.approval.id)


async def permitted(owner: Caller, **changes: Any) -> Policy:
    return await policies.save_policy(owner, terms(**changes))
