"""A real Postgres is asked and changed: it reads only, one statement, in time, bounded; rows change where they stand."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from urllib.parse import quote

import psycopg
import pytest

from core.embedded import EmbeddedPostgres
from core.outside.errors import NotConnected, Refused, SignInExpired, Temporary
from integrations.database.postgres import Postgres
from integrations.web.guard import AddressRefused, Guard
from integrations.web.service import Changed, NotThere

SCHEMA = """
create schema shop;
create table shop.orders (id integer primary key, state text not null check (state <> 'no'), total numeric(10, 2), tags text[], more jsonb,
  at timestamptz default '2026-03-04T09:00:00Z', "odd name" text);
insert into shop.orders (id, state, total, tags, more) values (1, 'open', 9.50, '{a,b}', '{"x": [1]}'), (2, 'größe; 😀', null, null, null);
create table shop.hidden (secret text);
insert into shop.hidden values ('s3cret');
create table shop.pairs (k text, v integer);
insert into shop.pairs values ('a', 1), ('a', 2);
create function shop.write_it() returns integer language plpgsql security definer as $$ begin insert into shop.hidden values ('x'); return 1; end $$;
create role shop_reader;
grant usage on schema shop to shop_reader;
grant select on shop.orders to shop_reader;
"""


@pytest.fixture
async def url(database_url: str) -> AsyncGenerator[str]:
    """A shop in a database of its own."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("drop role if exists shop_reader")
        await connection.execute(SCHEMA)  # pyright: ignore[reportArgumentType, reportCallIssue]
        yield database_url
        await connection.execute("drop schema shop cascade; drop role shop_reader")


def reader(url: str, **more: object) -> Postgres:
    return Postgres(url, None, role="shop_reader", **more)  # pyright: ignore[reportArgumentType]


async def test_rows_come_as_json(url: str) -> None:
    found = await reader(url).query(
        "select id, state, total, tags, more, at from shop.orders where state like %(like)s or id = %(id)s order by id;",
        {"like": "%größe%", "id": 1},
        10,
    )
    assert list(found.rows) == [
        {
            "id": 1,
            "state": "open",
            "total": 9.5,
            "tags": ["a", "b"],
            "more": {"x": [1]},
            "at": "2026-03-04T09:00:00+00:00",
        },
        {"id": 2, "state": "größe; 😀", "total": None, "tags": None, "more": None, "at": "2026-03-04T09:00:00+00:00"},
    ]
    plain = await reader(url).query("select count(*) n from shop.orders where state like '%open%' -- all", {}, 10)
    assert list(plain.rows) == [{"n": 1}]
    assert list((await reader(url).query("with a (n) as (values (1), (2)) select n from a", {}, 10)).rows) == [
        {"n": 1},
        {"n": 2},
    ]
    assert [row["odd name"] for row in (await reader(url).query("table shop.orders", {}, 10)).rows] == [None, None]
    assert list((await reader(url).query("select 1 where false", {}, 10)).rows) == []


async def test_rows_and_bytes_are_bounded(url: str) -> None:
    found = await reader(url).query("select generate_series(1, 100000000) n", {}, 120)
    assert (len(found.rows), found.is_cut) == (120, True)
    found = await reader(url, most_bytes=10_000).query("select repeat('x', 3000) t from generate_series(1, 9)", {}, 100)
    assert (len(found.rows), found.is_cut) == (3, True)
    found = await reader(url, most_bytes=10_000).query("select repeat('x', 100000000) t", {}, 100)
    assert (len(found.rows), found.is_cut) == (0, True)


NOT_READING = [
    "select * from shop.hidden",
    "with x as (insert into shop.orders (id, state) values (9, 'x') returning id) select * from x",
    "with x as (delete from shop.orders returning id) select * from x",
    "select shop.write_it()",
    "select * from shop.orders for update",
    "select 1) q; drop table shop.orders; --",
    "select 1) q, (select * from shop.hidden",
    "select * from nosuch",
    "select %(missing)s",
    "select 1 %",
    "select 1/0",
    "selec 1",
    "select 'x'::integer",
    "select pg_sleep('infinity'::double precision) where pg_sleep_until('x') is null",
]


async def test_what_does_not_only_read_is_refused(url: str) -> None:
    for statement in NOT_READING:
        with pytest.raises(Refused):
            await reader(url).query(statement, {"a": 1} if "%(" in statement else {}, 10)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        counted = await (await connection.execute("select count(*) from shop.orders")).fetchone()
        hidden = await (await connection.execute("select count(*) from shop.hidden")).fetchone()
    assert (counted, hidden) == ((2,), (1,))


async def test_a_definer_function_that_may_be_called_writes_nothing(url: str) -> None:
    with pytest.raises(Refused, match="refused") as caught:
        await Postgres(url, None).query("select shop.write_it()", {}, 10)
    assert "read-only" in (caught.value.detail or "")


async def test_what_takes_too_long_is_ended(url: str) -> None:
    with pytest.raises(Refused, match=r"longer than 0\.2 seconds"):
        await reader(url, timeout_seconds=0.2).query("select pg_sleep(60)", {}, 10)


async def test_a_row_changes_where_what_was_seen_still_stands(url: str) -> None:
    shop = Postgres(url, None)
    kind = "shop.orders/id"
    seen = await shop.get(kind, "1", ["state", "total", "tags", "more", "odd name"])
    before = {name: seen.values[name] for name in ("state", "total", "tags", "more", "odd name")}
    changes = {"state": "bezahlt", "total": 10, "tags": ["c"], "more": {"y": None}, "odd name": "it's"}
    changed = await shop.update(kind, "1", changes, before, None)
    assert {name: changed.values[name] for name in changes} == changes
    with pytest.raises(Changed):
        await shop.update(kind, "1", {"state": "x"}, before, None)
    nulled = await shop.update(kind, "1", {"total": None}, {"total": 10}, None)
    assert nulled.values["total"] is None
    assert (await shop.get(kind, "2", ["state"])).values["state"] == "größe; 😀"


IMPOSSIBLE: list[tuple[str, str, dict[str, object]]] = [
    ("shop.orders/id", "3", {"state": "x"}),
    ("shop.orders/id", "1", {"nosuch": "x"}),
    ("shop.orders/id", "1", {"state": "no"}),
    ("shop.orders/id", "1", {"state": None}),
    ("shop.orders/id", "1", {"total": "much"}),
    ("shop.orders/id", "1", {"id": 2}),
    ("shop.orders/nosuch", "1", {"state": "x"}),
    ("shop.nosuch/id", "1", {"state": "x"}),
    ("shop.orders; drop table x/id", "1", {"state": "x"}),
    ("shop.orders", "1", {"state": "x"}),
    ("a.b.c/id", "1", {"state": "x"}),
    ("shop.pairs/k", "a", {"v": 3}),
    ('shop.orders/id"=1 or "1', "1", {"state": "x"}),
]


async def test_a_change_that_cannot_be_leaves_everything(url: str) -> None:
    for kind, record_id, changes in IMPOSSIBLE:
        with pytest.raises(Refused):
            await Postgres(url, None).update(kind, record_id, changes, {}, None)
    rows = await reader(url).query("select id, state, total from shop.orders order by id", {}, 10)
    assert {"id": 1, "state": "open", "total": 9.5} in rows.rows


async def test_of_two_changes_at_once_one_is_told_that_it_came_too_late(url: str) -> None:
    shop = Postgres(url, None)
    tries = [shop.update("shop.orders/id", "1", {"state": f"s{n}"}, {"state": "open"}, None) for n in range(4)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Changed", "Changed", "Changed", "StoredRecord"]


async def test_there_is_no_such_row_or_column(url: str) -> None:
    with pytest.raises(NotThere, match="no row"):
        await Postgres(url, None).get("shop.orders/id", "99", [])
    with pytest.raises(NotThere, match="nosuch"):
        await Postgres(url, None).get("shop.orders/id", "1", ["nosuch"])


async def test_a_database_that_is_not_there_or_not_open(url: str, server: EmbeddedPostgres) -> None:
    with pytest.raises(Temporary):
        await Postgres("postgresql://x@127.0.0.1:9/x", None).query("select 1", {}, 1)
    with pytest.raises(Temporary) as caught:
        await Postgres("postgresql://x:s3cret@nowhere.invalid/x", None).query("select 1", {}, 1)
    assert "s3cret" not in f"{caught.value.message} {caught.value.detail} {caught.value.__cause__}"
    with pytest.raises((SignInExpired, Temporary, Refused)):
        await Postgres(f"{url} user=nobody", None).query("select 1", {}, 1)
    with pytest.raises(NotConnected):
        await Postgres("no address", None).query("select 1", {}, 1)
    with pytest.raises(Refused):
        await Postgres(url, None, role="no such role").query("select 1", {}, 1)


async def test_an_address_of_somebody_elses_making_is_guarded() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        port = listener.getsockname()[1]
        for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "169.254.169.254"):
            with pytest.raises((AddressRefused, Temporary)):
                await Postgres(f"postgresql://x:y@{host}:{port}/x", Guard()).query("select 1", {}, 1)
        for odd in (
            f"postgresql:///x?host=127.0.0.1&port={port}",
            f"postgresql://example.com/x?host={quote('/tmp', safe='')}",
            f"postgresql://example.com/x?hostaddr=127.0.0.1&port={port}",
            f"postgresql://127.0.0.1,example.com:{port}/x",
            "postgresql:///x?service=mine",
            f"host=127.0.0.1 port={port}",
            f"host=example.com hostaddr=127.0.0.1 port={port}",
            f"postgresql://example.com:{port}/x?sslkey=/etc/passwd",
            "no address",
        ):
            with pytest.raises((AddressRefused, NotConnected, Temporary, Refused)):
                await Postgres(odd, Guard()).query("select 1", {}, 1)
        with pytest.raises(BlockingIOError):
            listener.accept()
