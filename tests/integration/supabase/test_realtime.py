"""What Supabase Realtime reads from the write-ahead log: changes of the tables that people watch, and of no others."""

import struct
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from core.migrate import MIGRATIONS, migrate
from tests.integration.supabase.cli import Project
from tests.integration.supabase.hosted import HostedServer

PUBLISHED = {"approvals", "commitments", "digests", "drafts", "nudges", "plans", "reminders", "tasks"}
REALTIME = (MIGRATIONS / "20261121004610_realtime.sql").read_text()
TABLES = "select tablename from pg_publication_tables where pubname = 'supabase_realtime'"


@dataclass
class Change:
    """One change as pgoutput tells it: what was done, to which table, the columns of the new row and of the old key."""

    what: str
    table: str
    new: dict[str, str | None] = field(default_factory=dict[str, str | None])
    old: dict[str, str | None] = field(default_factory=dict[str, str | None])


async def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(query.encode())
        return await cursor.fetchall() if cursor.description else []


@pytest.fixture
async def slot(empty: str, hosted: HostedServer) -> AsyncGenerator[str]:
    """The name of a replication slot in the migrated project, from before anything was written."""
    name = f"s_{uuid4().hex}"
    await migrate(empty, embedded=False)
    await fetch(empty, f"select pg_create_logical_replication_slot('{name}', 'pgoutput')")
    yield name
    await fetch(empty, f"select pg_drop_replication_slot('{name}')")


async def test_committed_changes_of_watched_tables_are_told_and_no_others(empty: str, slot: str) -> None:
    seed = (Path(MIGRATIONS).parent / "seed.sql").read_text()
    await fetch(empty, seed)
    await fetch(empty, "update public.tasks set title = 'Renewed' where title = 'Renew the passport'")
    await fetch(empty, "begin; update public.tasks set title = 'Never'; rollback")
    await fetch(empty, "delete from public.tasks where title = 'Buy coffee filters'")
    changes = await told(empty, slot)
    assert {change.table for change in changes} == {"tasks"}, "members, organizations, events and words are not told"
    assert [change.what for change in changes].count("insert") == 5
    assert {"Renewed"} == {change.new["title"] for change in changes if change.what == "update"} - {None}
    assert not any(change.new.get("title") == "Never" for change in changes)
    # To every subscriber: the key alone, which is a random number and says nothing.
    removed = [change for change in changes if change.what == "delete"]
    assert [{name for name, value in one.old.items() if value is not None} for one in removed] == [{"id"}]


async def test_only_tables_whose_key_says_nothing_are_published(empty: str) -> None:
    await migrate(empty, embedded=False)
    assert {row[0] for row in await fetch(empty, TABLES)} == PUBLISHED
    keys = f"""select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname in ({TABLES})
        and (c.relreplident <> 'd' or not c.relrowsecurity or (select string_agg(format_type(a.atttypid, null), ',') from pg_index i
          join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey) where i.indrelid = c.oid and i.indisprimary) <> 'uuid')"""
    assert await fetch(empty, keys) == []


async def test_the_migration_holds_wherever_it_runs(empty: str, steward: Project) -> None:
    said: list[str] = []
    async with await psycopg.AsyncConnection.connect(empty, autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: said.append(f"{notice.message_primary}: {notice.message_hint}"))
        await steward.push(empty)
        await connection.execute(REALTIME.encode())  # a second time
        assert (await (await connection.execute(TABLES.encode())).fetchall()).__len__() == len(PUBLISHED)
        await connection.execute("drop publication supabase_realtime")
        await connection.execute(REALTIME.encode())  # where there is none, it is made
        assert (await (await connection.execute(TABLES.encode())).fetchall()).__len__() == len(PUBLISHED)
        assert said == []
        admin = empty.replace("postgres:postgres@", "supabase_admin@")
        await fetch(admin, "drop publication supabase_realtime; create publication supabase_realtime")
        await connection.execute(REALTIME.encode())  # somebody else's: said, and gone on
        assert "belongs to supabase_admin: no table was added" in said[-1]
        assert "alter publication supabase_realtime add table public.tasks, public.drafts" in said[-1]
        await fetch(admin, "drop publication supabase_realtime; create publication supabase_realtime for all tables")
        await connection.execute(REALTIME.encode())
        assert "has all tables, also those that hold secrets" in said[-1]


async def told(url: str, slot: str) -> list[Change]:
    """What the publication says of all that was committed since the slot was made."""
    rows = await fetch(
        url,
        f"select data from pg_logical_slot_peek_binary_changes('{slot}', null, null, 'proto_version', '1', 'publication_names', 'supabase_realtime')",
    )
    relations: dict[int, tuple[str, list[str]]] = {}
    changes: list[Change] = []
    for (data,) in rows:
        assert isinstance(data, bytes)
        message = _Message(data)
        kind = message.take(1)
        if kind == b"R":
            number, _, table, _ = message.number(4), message.text(), message.text(), message.take(1)
            columns: list[str] = []
            for _ in range(message.number(2)):
                message.take(1)
                columns.append(message.text())
                message.take(8)
            relations[number] = table, columns
        elif kind in (b"I", b"U", b"D"):
            table, columns = relations[message.number(4)]
            change = Change({b"I": "insert", b"U": "update", b"D": "delete"}[kind], table)
            while message.rest:
                part = message.take(1)
                row = dict(zip(columns, message.row(), strict=True))
                if part == b"N":
                    change.new = row
                else:
                    change.old = row
            changes.append(change)
    return changes


class _Message:
    """A message of the protocol of logical replication, read from its beginning (Postgres' manual, 'Message Formats')."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, count: int) -> bytes:
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def number(self, count: int) -> int:
        return int(struct.unpack({2: ">h", 4: ">i"}[count], self.take(count))[0])

    def text(self) -> str:
        taken, _, self.rest = self.rest.partition(b"\0")
        return taken.decode()

    def row(self) -> list[str | None]:
        values: list[str | None] = []
        for _ in range(self.number(2)):
            values.append(self.take(self.number(4)).decode() if self.take(1) == b"t" else None)
        return values
