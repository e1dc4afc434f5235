"""A row of the owner in every table, made out of the catalogue: column types, foreign keys, check constraints.

What the catalogue does not tell stands in `MAKERS`. A table for which no row can be made is named: nothing is skipped.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
MARK = "owners-secret"  # stands in every text of the owner, and in no answer to anybody else
HASH = "ab" * 32
PARTS = (uuid4(), uuid4())  # two tasks below the first
SOON = datetime.now(UTC) + timedelta(days=30)

# table -> column -> value, where a value of the column's type alone would break a rule of the table
MAKERS: dict[str, dict[str, Any]] = {
    "public.tasks": {"execution_status": "pending", "execution_type": "manual", "title": f"{MARK} title", "tool": None},
    "public.members": {"role": "owner"},
    "public.drafts": {"digest": HASH, "to_recipients": ["ana@example.org"], "subject": MARK, "body": MARK},
    "public.approvals": {"state": "open", "digest": HASH},
    "public.agents": {"token_hash": HASH, "token_prefix": "sta_abcdef", "is_internal": False},
    "public.agent_leases": {"expires_at": SOON},
    "public.accounts": {"provider": "google", "state": "connected", "address": "owner@example.org"},
    "public.calendar_feeds": {"token_hash": HASH},
    "public.own_hours": {"timezone": "Asia/Kathmandu", "working_hours": "sun 03:33-04:44"},
    "public.preferences": {"scope_type": "person", "scope_value": "ana@example.org", "state": "proposed", "rule": None},
    "public.nudge_mutes": {"kind": MARK},
    "public.nudges": {"kind": "agenda", "state": "held", "held_because": "quiet"},
    "public.calibrations": {"stream": "draft", "threshold": 0.8, "computed_at": "2025-12-01T00:00:00Z", "reason": MARK},
    "public.api_tokens": {"token_hash": HASH, "scopes": ["tasks:read"], "prefix": "stw_abcdef", "expires_at": SOON},
    "public.artifact_objects": {"stored_in": "s3", "sha256": HASH, "size_bytes": 13},
    "public.artifacts": {"content": MARK.encode(), "sha256": HASH, "size_bytes": 13},
    "public.task_dependencies": {"task_id": PARTS[0], "depends_on_task_id": PARTS[1]},
    "private.account_secrets": {"sealed": MARK},
    "private.plan_secrets": {"callback_url": f"https://{MARK}.example/hook"},
    "private.slack_notices": {"nudge_id": None, "digest_id": None},
}
CANDIDATES = (
    MARK,
    HASH,
    "1" * 40,
    "owner@example.org",
    "email_send",
    "T0123456789",
    "U0123456789",
    "1",
    "en",
    "#owners",
)
BY_TYPE: dict[str, Any] = {
    "integer": 1,
    "bigint": 1,
    "smallint": 1,
    "numeric": 1,
    "double precision": 1.0,
    "real": 1.0,
    "boolean": True,
    "jsonb": Jsonb({"words": MARK}),
    "json": Jsonb({"words": MARK}),
    "bytea": MARK.encode(),
    "date": "2099-01-01",
    "timestamp with time zone": "2099-01-01T00:00:00Z",
    "interval": "1 hour",
    "tsvector": "owners:1 secret:2",
}


@dataclass(frozen=True)
class Column:
    """A column, and the column that it refers to where it is a foreign key."""

    name: str
    type: str
    is_needed: bool
    has_default: bool
    refers_to: tuple[str, str] | None
    checks: tuple[str, ...]
    is_bound: bool  # by a check over several columns


@dataclass
class Owned:
    """The person, the organization and the rows of the owner: table -> its first row as JSON."""

    user_id: UUID
    organization_id: UUID
    rows: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    problems: list[str] = field(default_factory=list[str])

    def ids(self) -> set[str]:
        """Every id of the owner: of the person, the organization and all rows."""
        known = {str(self.user_id), str(self.organization_id)}
        known |= {str(part) for part in PARTS}
        return known | {str(value) for row in self.rows.values() for value in row.values() if _is_id(value)}


async def fill(connection: Connection, user_id: UUID, organization_id: UUID) -> Owned:
    """Make what is missing, each table after those it refers to. Triggers and defaults that look elsewhere stay out."""
    owned = Owned(user_id, organization_id)
    columns = await _columns(connection)
    await connection.execute("set local session_replication_role = replica")
    waiting = dict(columns)
    while waiting:
        ready = [t for t, cs in waiting.items() if all(_is_made(c, t, owned, columns) for c in cs if c.refers_to)]
        for table in ready or [next(iter(waiting))]:  # tables that refer to each other: one begins without the other
            await _make(connection, owned, table, waiting.pop(table))
    await connection.execute("set local session_replication_role = origin")
    return owned


def _is_made(column: Column, table: str, owned: Owned, columns: Mapping[str, object]) -> bool:
    assert column.refers_to
    other = column.refers_to[0]
    return other == table or other not in columns or other in owned.rows


async def _make(connection: Connection, owned: Owned, table: str, columns: list[Column]) -> None:
    owners = [str(owned.user_id), str(owned.organization_id)]
    name = sql.Identifier(*table.split("."))
    seen = sql.SQL("select to_jsonb(t) from {} t where t::text like any (%s) order by t::text limit 1").format(name)
    cursor = await connection.execute(seen, ([f"%{owner}%" for owner in owners],))
    row = await cursor.fetchone()
    if row is None:
        row = await _insert(connection, owned, table, columns)
    if row is not None:
        owned.rows[table] = row[0]
        if table == "public.tasks":
            await _add_parts(connection, row[0], columns)


async def _add_parts(connection: Connection, task: dict[str, Any], columns: list[Column]) -> None:
    for part in PARTS:
        below = {**task, "id": str(part), "parent_task_id": task["id"], "root_task_id": task["id"], "source_key": None}
        names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
        statement = sql.SQL(
            "insert into public.tasks ({}) select {} from jsonb_populate_record(null::public.tasks, %s)"
        )
        await connection.execute(statement.format(names, names), (Jsonb(below),))


async def _insert(connection: Connection, owned: Owned, table: str, columns: list[Column]) -> tuple[Any, ...] | None:
    values = {column.name: value for column in columns if (value := _value(column, table, owned)) is not None}
    names, places = (
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join([sql.Placeholder()] * len(values)),
    )
    given = sql.SQL("({}) values ({})").format(names, places) if values else sql.SQL("default values")
    statement = sql.SQL("insert into {} as t {} returning to_jsonb(t)").format(sql.Identifier(*table.split(".")), given)
    try:
        async with connection.transaction():
            cursor = await connection.execute(statement, list(values.values()))
            return await cursor.fetchone()
    except psycopg.errors.UniqueViolation:  # a table of one row, which is everybody's
        only = sql.SQL("select to_jsonb(t) from {} t limit 1").format(sql.Identifier(*table.split(".")))
        return await (await connection.execute(only)).fetchone()
    except psycopg.Error as error:
        owned.problems.append(
            f"table {table}: no row of the owner can be made ({str(error).strip().splitlines()[0]}); "
            "add what it needs to MAKERS in tests/safety/rls_rows.py"
        )
        return None


def _value(column: Column, table: str, owned: Owned) -> Any:
    made = MAKERS.get(table, {})
    if column.name in made:
        value = made[column.name]
        return Jsonb(value) if isinstance(value, dict) else value
    if column.refers_to:
        return _referred(column.refers_to, table, owned)
    if column.type == "uuid":
        if column.name == "organization_id":
            return owned.organization_id
        if column.name in {"user_id", "created_by", "executor_id", "actor_id", "decided_by"}:
            return owned.user_id
        return uuid4() if column.is_needed or column.name.endswith("_id") else None
    if column.type in {"text", "character varying"}:
        return _text(column, table)
    if column.has_default or not column.is_needed:
        return None
    if column.type.endswith("[]"):
        return [uuid4()] if column.type == "uuid[]" else [MARK] if column.type == "text[]" else []
    return BY_TYPE.get(column.type)


def _referred(target: tuple[str, str], table: str, owned: Owned) -> Any:
    other, column = target
    if other == "auth.users":
        return owned.user_id
    if other == "public.organizations":
        return owned.organization_id
    if other == table:
        return None
    return owned.rows.get(other, {}).get(column)


def _text(column: Column, table: str) -> str | None:
    """A text that its checks allow: the first word of a list, the right length or form; else one with the mark."""
    if column.is_bound and not column.is_needed:
        return None  # what else it depends on is not known
    checks = " and ".join(column.checks)
    if forms := re.findall(r"~ '((?:[^']|'')*)'", checks):
        return next((one for one in CANDIDATES if all(re.search(form, one) for form in forms)), None)
    if words := re.findall(r"'((?:[^']|'')*)'::text", checks):
        return None if column.has_default or not column.is_needed else words[0]
    if match := re.search(r"length\(\w+\) = (\d+)", checks):
        return HASH[: int(match[1])]
    return None if column.has_default and not column.is_needed else f"{MARK} {table.partition('.')[2]}.{column.name}"


def _is_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None


async def _columns(connection: Connection) -> dict[str, list[Column]]:
    """Every table of ours and its columns that can be written."""
    cursor = await connection.execute(COLUMNS)
    found: dict[str, list[Column]] = {}
    for (
        table,
        name,
        kind,
        is_needed,
        has_default,
        refers_to,
        refers_column,
        checks,
        is_bound,
    ) in await cursor.fetchall():
        target = (refers_to, refers_column) if refers_to else None
        column = Column(name, kind, is_needed, has_default, target, tuple(json.loads(checks)), is_bound)
        found.setdefault(table, []).append(column)
    return found


COLUMNS = """
select n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, null), a.attnotnull, a.atthasdef or a.attidentity <> '',
       rn.nspname || '.' || rc.relname, ra.attname,
       coalesce((select jsonb_agg(pg_get_constraintdef(k.oid)) from pg_constraint k
                 where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey) and cardinality(k.conkey) = 1), '[]')::text,
       exists (select 1 from pg_constraint k
               where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey) and cardinality(k.conkey) > 1)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity <> 'a'
left join lateral (select k.confrelid, k.confkey[1] as attnum from pg_constraint k
                   where k.conrelid = c.oid and k.contype = 'f' and k.conkey[1] = a.attnum order by k.oid limit 1) f on true
left join pg_class rc on rc.oid = f.confrelid
left join pg_namespace rn on rn.oid = rc.relnamespace
left join pg_attribute ra on ra.attrelid = f.confrelid and ra.attnum = f.attnum
where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition
order by 1, a.attnum
"""
