"""Arguments for every function, by the names and types of its parameters: the owner's ids, texts and rows.

A function whose arguments do not lead it to its work says so when its owner calls it, and is named: add what it needs to
`IDS`, `TEXTS` or `VALUES`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

from tests.safety.rls_rows import HASH, MARK, PARTS, SOON, Connection, Owned

# a parameter's name -> the table whose row it names; `draft_id` -> drafts is found by itself
IDS: dict[str, str] = {
    "parent_id": "public.tasks",
    "new_parent_id": "public.tasks",
    "root_id": "public.tasks",
    "root_task_id": "public.tasks",
    "depends_on_task_id": "public.tasks",
    "made_id": "public.tasks",
    "earlier_id": "public.tasks",
    "supersedes_id": "public.drafts",
    "mail_id": "public.mail_messages",
    "mute_id": "public.nudge_mutes",
    "nudge_id": "public.nudges",
    "event_id": "private.slack_inbox",
    "link_id": "public.slack_links",
    "task_ids": "public.tasks",
    "subject_ids": "public.tasks",
    "token_id": "public.api_tokens",
    "token_ids": "public.api_tokens",
    "ids": "public.tasks",
    "new_root_id": "public.tasks",
    "before_id": "public.plans",
    "callback_id": "private.plan_callbacks",
    "execution_id": "public.tasks",
    "interrupt_id": "public.tasks",
    "lease_id": "public.agent_leases",
    "lease_ids": "public.agent_leases",
    "reminder_ids": "public.reminders",
    "process_id": "private.web_processes",
}
OF_THE_ORGANIZATION = {"organization_id", "org_id"}
OF_THE_PERSON = {"user_id", "preferred_user_id", "executor_id"}
# a text parameter's name -> the owner's row that has it
TEXTS: dict[str, tuple[str, str]] = {
    "message_id": ("public.mail_messages", "message_id"),
    "thread_key": ("public.mail_messages", "thread_key"),
    "account": ("public.mail_messages", "account"),
    "uid": ("public.calendar_events", "uid"),
    "address": ("public.accounts", "address"),
    "provider": ("public.accounts", "provider"),
    "token_hash": ("public.calendar_feeds", "token_hash"),
    "digest": ("public.drafts", "digest"),
    "key": ("public.idempotency_keys", "key"),
}
OTHER_HASH = "ef" * 32
TASK = {"title": MARK, "execution_type": "manual"}
EVENT = {"uid": MARK, "title": MARK, "starts_at": "2026-03-04T09:30:00Z", "ends_at": "2026-03-04T10:30:00Z"}
PREFERENCE = {"statement": MARK, "scope_type": "everyone", "origin": "edit", "sources": [{"key": MARK}]}
POLICY = {
    "action": "email_send",
    "targets": ["ana@example.org"],
    "max_per_hour": 1,
    "max_per_day": 1,
    "expires_at": SOON.isoformat(),
}
PLAN = {"kind": "objective", "title": MARK}
PROMISE = {"is_mine": True, "quote": MARK, "source_key": "mail:another", "said_at": "2026-03-04T09:30:00Z"}
INTERRUPT: dict[str, Any] = {"action_request": {"action": MARK, "args": {}}, "config": {"allow_ignore": True}}
# function.parameter or parameter -> a value
VALUES: dict[str, Any] = {
    "add_dependency.depends_on_task_id": str(PARTS[1]),
    "add_dependency.task_id": str(PARTS[0]),
    "accept_invitation.token": OTHER_HASH,
    "add_labels": ["a"],
    "after": None,
    "blocked_on": "person",
    "bulk_update_tasks.action": "archive",
    "calendar": "local",
    "call": {"purpose": "strategy", "model": "a model"},
    "check_plan.plan": PLAN,
    "close_answered_tasks.answers": [],
    "close_commitment.state": "kept",
    "code_hash": OTHER_HASH,
    "commitment_ids": [],
    "correct_mail.category": "noise",
    "list_triaged_mail.category": None,
    "move_promised_tasks.changes": [],
    "record_commitments.items": [PROMISE],
    "settle_commitments.changes": [],
    "complete_task_execution.step_id": None,
    "change_plan.decision": "skip",
    "content": {"to_recipients": ["ana@example.org"], "subject": "Hello", "body": "Hello"},
    "create_api_token.prefix": "stw_abcdef",
    "create_api_token.token_hash": OTHER_HASH,
    "change_role.role": "admin",
    "create_invitation.email": "ana@example.org",
    "create_invitation.role": "member",
    "create_invitation.token_hash": OTHER_HASH,
    "create_plan.plan": PLAN,
    "decide_nudge.decision": "acted",
    "decide_preference.state": "off",
    "edits": {"add": [{"title": MARK}]},
    "event": EVENT,
    "events": [EVENT],
    "evidence": [],
    "execution_type": "manual",
    "fallback": 0.8,
    "figures": {"learned": 0.9, "reason": MARK},
    "finish_sending.outcome": "sent",
    "item": TASK,
    "insert_plan.plan": PLAN,
    "answer_interrupt.type": "ignore",
    "config": {"allow_ignore": True},
    "get_insights.timezone": "UTC",
    "get_invitation.token": OTHER_HASH,
    "get_insights.until": "2026-02-01T00:00:00Z",
    "hand_to_agent.capabilities": [],
    "register_agent.agent": {"name": "Larry"},
    "register_agent.token_hash": OTHER_HASH,
    "register_agent.token_prefix": "sta_abcdef",
    "rotate_agent_token.token_hash": OTHER_HASH,
    "rotate_agent_token.token_prefix": "sta_abcdef",
    "interrupt": INTERRUPT,
    "interrupts": [INTERRUPT],
    "items": [TASK],
    "list_executions.agent_id": None,
    "list_executions.before": None,
    "list_executions.before_id": None,
    "list_executions.wanted": None,
    "list_sent_history.action": "email_send",
    "log_entry": {"event": "looked"},
    "merged_taint.known": [],
    "merged_taint.more": [],
    "message_ids": ["a@example.org"],
    "minutes_worked.log": [],
    "messages": [],
    "mute_nudge.until": None,
    "mute_nudge.what": "kind",
    "mute_nudges.until": None,
    "node": TASK,
    "offer_nudges.findings": [{"key": MARK, "kind": "agenda", "title": MARK, "why": MARK, "task": TASK}],
    "offer_nudges.looked_at": ["agenda"],
    "parts": [TASK],
    "people": ["ana@example.org"],
    "policy": POLICY,
    "preference": {"statement": MARK},
    "propose_preference.item": PREFERENCE,
    "propose_preferences.items": [PREFERENCE],
    "prepare_execution.priority": "low",
    "rating": 5,
    "redraw_edges.wanted": [],
    "remove_labels": [],
    "renew_calendar_feed.token_hash": OTHER_HASH,
    "take_attempt.attempt_hash": OTHER_HASH,
    "take_attempt.most": 5,
    "take_attempt.seconds": 60,
    "use_token.seconds": 60,
    "use_token.token_hash": OTHER_HASH,
    "set_repeat.recurrence": "FREQ=DAILY",
    "set_repeat.repeats_from": "due",
    "snooze_task.reply_from": "ana@example.org",
    "save_artifact.content": "aGVsbG8=",
    "announce_artifact.sha256": OTHER_HASH,
    "announce_object.sha256": OTHER_HASH,
    "begin_artifact_move.stored_in": "supabase",
    "head": "aGVsbG8=",
    "list_artifacts_to_move.after_id": None,
    "move_artifact.content": None,
    "object_paths": [],
    "sha256": HASH,
    "size_bytes": 13,
    "stored_in": "s3",
    "scopes": ["tasks:read"],
    "save_own_hours.changes": {"timezone": "Asia/Tokyo"},
    "save_workflow.changes": {"instructions": MARK},
    "save_workflow.version": None,
    "reset_workflow.version": None,
    "seen": [],
    "session_hash": OTHER_HASH,
    "list_draft_edits.since": None,
    "list_draft_edits.until": None,
    "list_preferences.states": ["proposed"],
    "sort": "urgency",
    "state_hash": OTHER_HASH,
    "strategy": "blocked",
    "stream": "draft",
    "subtasks": [TASK],
    "tasks": [TASK],
    "pin_threshold.threshold": 0.9,
    "tree": {**TASK, "children": [TASK]},
    "verification": "claimed",
}
BY_TYPE: dict[str, Any] = {
    "text": MARK,
    "uuid": None,
    "integer": 7,
    "bigint": 7,
    "double precision": 60.0,
    "numeric": 1,
    "boolean": True,
    "jsonb": {},
    "date": "2026-03-04",
    "text[]": [MARK],
    "timestamp with time zone": "2026-01-01T00:00:00Z",
}


@dataclass(frozen=True)
class Parameter:
    """A parameter; `is_row` where its type is the row of a table."""

    name: str
    type: str
    is_row: bool
    has_default: bool


@dataclass(frozen=True)
class Function:
    """A function of ours, who may call it, and whether it is a trigger's."""

    name: str
    parameters: tuple[Parameter, ...]
    is_trigger: bool
    may: dict[str, bool]

    @property
    def takes_rows(self) -> bool:
        """Does the caller hand in whole rows? What is in them, it knew before."""
        return any(parameter.is_row for parameter in self.parameters)


class NoRecipe(Exception):
    """There is nothing to call a function with."""


def arguments(function: Function, owned: Owned) -> list[Any]:
    """The owner's ids, texts and rows for each parameter, as they are bound. Raises NoRecipe."""
    return [_argument(function, parameter, owned) for parameter in function.parameters]


def anything(function: Function) -> list[Any]:
    """Values of the right types: what is not granted is refused before they are looked at."""
    texts = {"uuid": str(uuid4()), "uuid[]": [str(uuid4())], "jsonb": "{}"}
    return ["{}" if one.is_row else texts.get(one.type, BY_TYPE.get(one.type)) for one in function.parameters]


def made_up(values: Sequence[Any], owned: Owned) -> list[Any]:
    """The same arguments with ids that nobody has, and keys that nobody wrote."""
    fresh = {one: str(uuid4()) for one in owned.ids()}

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(one) for one in cast("list[Any]", value)]
        if not isinstance(value, str):
            return value
        for one, other in fresh.items():
            value = value.replace(one, other)
        return value.replace(HASH, "cd" * 32)

    return [change(value) for value in values]


def _argument(function: Function, parameter: Parameter, owned: Owned) -> Any:
    short = function.name.partition(".")[2]
    for name in (f"{short}.{parameter.name}", parameter.name):
        if name in VALUES:
            value = VALUES[name]
            return json.dumps(value) if parameter.type == "jsonb" and value is not None else value
    if parameter.is_row:
        table = parameter.type if "." in parameter.type else f"public.{parameter.type}"
        if table not in owned.rows:
            raise NoRecipe(f"{function.name}({parameter.name}): there is no row of {table}")
        return json.dumps(owned.rows[table])
    if parameter.type in {"uuid", "uuid[]"}:
        one = _id(function, parameter, owned)
        return [one] if parameter.type == "uuid[]" else one
    if parameter.type == "text" and parameter.name in TEXTS:
        table, column = TEXTS[parameter.name]
        return owned.rows[table][column]
    if parameter.type not in BY_TYPE:
        raise NoRecipe(f"{function.name}({parameter.name} {parameter.type}): add its type to BY_TYPE")
    value = BY_TYPE[parameter.type]
    return json.dumps(value) if parameter.type == "jsonb" else value


def _id(function: Function, parameter: Parameter, owned: Owned) -> str:
    if parameter.name in OF_THE_ORGANIZATION:
        return str(owned.organization_id)
    if parameter.name in OF_THE_PERSON:
        return str(owned.user_id)
    if parameter.name == "lease":
        return str(uuid4())
    word = parameter.name.removesuffix("_id")
    plural = re.sub("y$", "ie", word) + "s"
    for table in (IDS.get(parameter.name, ""), f"public.{plural}", f"private.{plural}"):
        if "id" in owned.rows.get(table, {}):
            return owned.rows[table]["id"]
    raise NoRecipe(f"{function.name}({parameter.name} uuid): add the table that it names to IDS")


async def functions(connection: Connection) -> list[Function]:
    """Every function of ours, by name."""
    cursor = await connection.execute(FUNCTIONS)
    found: list[Function] = []
    for name, is_trigger, may, names, types, rows, defaults in await cursor.fetchall():
        parameters = tuple(
            Parameter(one, kind, is_row, place >= len(names) - defaults)
            for place, (one, kind, is_row) in enumerate(zip(names, types, rows, strict=True))
        )
        found.append(Function(name, parameters, is_trigger, may))
    return found


FUNCTIONS = """
select n.nspname || '.' || p.proname, p.prorettype = 'trigger'::regtype,
       jsonb_build_object('service_role', has_function_privilege('service_role', p.oid, 'execute') and has_schema_privilege('service_role', n.oid, 'usage'),
         'anon', has_function_privilege('anon', p.oid, 'execute') and has_schema_privilege('anon', n.oid, 'usage'),
         'authenticated', has_function_privilege('authenticated', p.oid, 'execute') and has_schema_privilege('authenticated', n.oid, 'usage')),
       coalesce(p.proargnames[1:p.pronargs], '{}'),
       coalesce((select array_agg(format_type(t.oid, null) order by a.place) from unnest(p.proargtypes::oid[]) with ordinality a (type, place)
                 join pg_type t on t.oid = a.type), '{}'),
       coalesce((select array_agg(t.typtype = 'c' order by a.place) from unnest(p.proargtypes::oid[]) with ordinality a (type, place)
                 join pg_type t on t.oid = a.type), '{}'),
       p.pronargdefaults
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname in ('public', 'private') and p.prokind in ('f', 'p')
order by 1
"""
