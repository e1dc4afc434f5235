"""What a house out of a back-up must not do by itself: act a second time, or let in whom it does not let in any more.

Between the back-up and its restore life went on, and nothing here knows how. So whatever was under way, or would go on by itself, waits for a person, no
standing permission counts, and what opens the house to programs and strangers is closed. All in the transaction of the rows, at
the schema that the back-up has: what an old one lacks is left out.
"""

from dataclasses import dataclass

from core.backup.tables import Connection, columns_of

# Nobody works at a restored house: what was being done is to be done.
UNSTARTED = """
update jobs.procrastinate_jobs j set status = 'todo', worker_id = null, abort_requested = false
where j.id in (select distinct on (coalesce(d.queueing_lock, d.id::text)) d.id from jobs.procrastinate_jobs d where d.status = 'doing'
               order by coalesce(d.queueing_lock, d.id::text), d.id)
  and not exists (select from jobs.procrastinate_jobs o where o.status = 'todo' and o.queueing_lock = j.queueing_lock);
update jobs.procrastinate_jobs set status = 'failed', worker_id = null, abort_requested = false where status = 'doing'
"""
# Queued, at work, with a yes that was not used, or about to send: it may have happened since.
# Or it waits and would go on by itself: for a time, for an answer, for an agent.
PAUSED = """
update public.tasks set paused_at = now()
where paused_at is null and id in (
  select t.root_task_id from public.tasks t
  where t.execution_status = 'queued' or (t.execution_status = 'in_progress' and t.assigned_to_type is distinct from 'user')
  union select t.root_task_id from public.tasks t join public.approvals a on a.task_id = t.id
  where a.state = 'approved' and a.used_at is null and t.execution_status not in ('completed', 'failed', 'cancelled')
  union select t.root_task_id from public.tasks t join public.drafts d on d.task_id = t.id where d.state in ('approved', 'sending')
  union select t.root_task_id from public.tasks t
  where t.execution_status = 'blocked' and (t.blocked_until is not null or t.blocked_on in ('agent', 'reply')))
returning id::text, title
"""
# An occurrence that starts by itself once it is due.
REPEATING = """
update public.tasks t set paused_at = now()
from public.organizations o
where o.id = t.organization_id and t.paused_at is null and t.execution_status = 'pending' and t.execution_type = 'fully_automated'
  and t.recurrence is not null and t.archived_at is null
  and (t.run_when_due or t.repeats_task_id is not null and coalesce(
    ((case t.automation_rules when '{}' then o.automation_rules else t.automation_rules end) ->> 'run_by_itself')::boolean, false))
returning t.id::text, t.title
"""
STOPPED = """
update public.organizations o set permissions_stopped_at = now()
where permissions_stopped_at is null and exists (select from public.policies p where p.organization_id = o.id and p.is_enabled)
"""
Statement = tuple[str, str, str, str]  # schema, table, a column that it has where this is needed, what is done
CODES: tuple[Statement, ...] = (
    ("private", "sign_ins", "state_hash", "delete from private.sign_ins where true"),
    ("private", "slack_codes", "code_hash", "delete from private.slack_codes where true"),
)
TOKENS: tuple[Statement, ...] = (
    ("public", "api_tokens", "revoked_at", "update public.api_tokens set revoked_at = now() where revoked_at is null"),
    ("public", "agents", "token_prefix",
     "update public.agents set token_hash = null, token_prefix = null where token_hash is not null"),
    ("public", "calendar_feeds", "token_hash", "delete from public.calendar_feeds where true"),
    ("public", "invitations", "revoked_at",
     "update public.invitations set revoked_at = now() where accepted_at is null and revoked_at is null"),
)  # fmt: skip


@dataclass(frozen=True)
class Calmed:
    """Id and title of the trees that were paused; how many organizations' permissions were stopped and tokens taken away."""

    paused: list[tuple[str, str]]
    stopped: int
    revoked: int


async def calm(connection: Connection, *, keeps_tokens: bool) -> Calmed:
    """Pause what was under way or waits, stop standing permissions and, unless they are kept, take tokens, feeds and invitations away."""
    await connection.execute(UNSTARTED)
    paused = await (await connection.execute(PAUSED)).fetchall()
    if "run_when_due" in await columns_of(connection, ("public", "tasks")):
        paused += await (await connection.execute(REPEATING)).fetchall()
    stopped = await _where_there(
        connection, ("public", "organizations", "permissions_stopped_at", STOPPED), ("public", "policies", "is_enabled", "")
    )  # fmt: skip
    for statement in CODES:
        await _where_there(connection, statement)
    revoked = 0 if keeps_tokens else sum([await _where_there(connection, statement) for statement in TOKENS])
    return Calmed([(str(task), str(title)) for task, title in paused], stopped, revoked)


async def _where_there(connection: Connection, statement: Statement, *also: Statement) -> int:
    for schema, table, column, _ in (statement, *also):
        if column not in await columns_of(connection, (schema, table)):
            return 0
    return (await connection.execute(statement[3].encode())).rowcount
