"""Back-ups of a Postgres that is not the embedded one: of one moment, put back whole or not at all."""

import asyncio
import hashlib
import json
import os
import resource
import zipfile
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from app.owner import ensure_owner
from app.web_process import shown
from core.backup.format import Manifest
from core.backup.restoring import Restored, restore
from core.backup.saving import save
from core.backup.tables import own_tables
from core.database import Caller, Identity
from core.embedded import EmbeddedPostgres
from core.errors import Conflict, Invalid, StewardError, Unavailable
from core.migrate import MIGRATIONS, migrate
from core.postgres import PostgresDatabase, open_database
from core.settings import Settings
from tasks.web_processes import list_web_processes
from tests.both_adapters import over_http

TITLES = ["Grüße an Ana 🌍", 'tab\there, "quote", \\ and\nline', "x" * 400]


def quiet(what: str, done: int, total: int) -> None:
    """Nobody looks."""


async def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(query.encode())
        return await cursor.fetchall() if cursor.description else []


async def backed_up(url: str, path: Path) -> Manifest:
    return await save(url, path, source="postgres", home=path.parent / "home", told=quiet)


@pytest.fixture
async def second(server: EmbeddedPostgres, template: str) -> AsyncGenerator[str]:
    """Another database, with the schema and nobody in it."""
    name = f"s_{uuid4().hex}"
    await fetch(server.url_of("postgres"), f'create database "{name}" template "{template}" strategy file_copy')
    yield server.url_of(name)
    await fetch(server.url_of("postgres"), f'drop database "{name}" with (force)')


@pytest.fixture
async def plain(server: EmbeddedPostgres) -> AsyncGenerator[str]:
    """What an empty Supabase project is: its roles and `auth`, no table of ours."""
    name = f"p_{uuid4().hex}"
    await fetch(server.url_of("postgres"), f'create database "{name}"')
    await fetch(server.url_of(name), (files("core") / "embedded_bootstrap.sql").read_text())
    yield server.url_of(name)
    await fetch(server.url_of("postgres"), f'drop database "{name}" with (force)')


@pytest.fixture
async def lived_in(database: PostgresDatabase, ana: Caller, mallory: Caller) -> str:
    """A database in use: two people, tasks, a draft that is approved, a job that somebody works at."""
    made = await ana.call("create_tasks", items=[{"title": title, "tool": "email_send"} for title in TITLES])
    await mallory.call("create_tasks", items=[{"title": "Somebody else's"}])
    content = {"to_recipients": ["b@example.com"], "subject": "Hi", "body": "Hello", "channel": "mail"}
    draft = await ana.call("create_draft", task_id=made[0]["id"], content=content)
    await ana.call("queue_task_execution", task_id=made[1]["id"])
    await fetch(database.url, f"""
        set session_replication_role = replica;
        update public.drafts set state = 'approved' where id = '{draft["id"]}';
        insert into public.approvals (organization_id, task_id, title, state, digest, decided_how)
          select organization_id, id, 'May I?', 'approved', 'x', 'own' from public.tasks where id = '{made[2]["id"]}';
        insert into public.policies (organization_id, action, is_enabled, expires_at, targets, max_per_hour, max_per_day)
          select organization_id, 'email_send', true, now() + interval '1 day', '{{a@example.com}}', 1, 1 from public.tasks where id = '{made[2]["id"]}';
        insert into public.api_tokens (organization_id, user_id, name, prefix, token_hash, scopes, expires_at)
          select organization_id, created_by, 'ci', 'stw_x', repeat('a', 64), array['tasks:read'], now() + interval '1 day'
          from public.tasks where id = '{made[2]["id"]}';
        insert into public.calendar_feeds (user_id, organization_id, token_hash)
          select created_by, organization_id, repeat('b', 64) from public.tasks where id = '{made[2]["id"]}';
        insert into public.invitations (organization_id, email, token_hash)
          select organization_id, 'new@example.com', repeat('c', 64) from public.tasks where id = '{made[2]["id"]}';
        update jobs.procrastinate_jobs set status = 'doing'""")  # fmt: skip
    return database.url


async def restored(path: Path, url: str, **more: object) -> Restored:
    return await restore(path, url=url, home=path.parent / "home2", told=quiet, **more)  # pyright: ignore[reportArgumentType]


async def test_every_table_that_there_is_is_backed_up(database_url: str) -> None:
    rows = await fetch(
        database_url,
        "select schemaname || '.' || tablename from pg_tables where schemaname in ('public', 'private')",
    )
    assert {str(row[0]) for row in rows} - {f"{schema}.{name}" for schema, name in own_tables()} == {
        "private.workers",
        "private.web_processes",
    }


async def test_a_back_up_holds_one_moment_and_comes_back_as_it_was(lived_in: str, second: str, tmp_path: Path) -> None:
    changed: list[str] = []

    def while_it_runs(what: str, done: int, total: int) -> None:
        if what == "public.organizations":
            with psycopg.connect(lived_in, autocommit=True) as other:
                other.execute("delete from public.tasks where title = 'Somebody else''s'")
                changed.append(what)

    path = tmp_path / "a.zip"
    first = await save(lived_in, path, source="postgres", home=tmp_path / "home", told=while_it_runs)
    assert changed
    assert (path.stat().st_mode & 0o777, first.keys) == (0o600, None)
    assert os.listdir(tmp_path) == ["a.zip"]
    done = await restored(path, second)
    # What was queued, what has a yes, with a draft or without: nothing is done twice; no permission, no token counts.
    assert {title for _, title in done.calmed.paused} == set(TITLES)
    assert (done.calmed.stopped, done.calmed.revoked, done.migrated, done.has_keys) == (1, 3, [], False)
    paused = await fetch(second, "select title from public.tasks where paused_at is not null")
    assert {str(row[0]) for row in paused} == set(TITLES)
    assert await fetch(second, "select status::text, worker_id from jobs.procrastinate_jobs") == [("todo", None)]
    again = await backed_up(second, tmp_path / "b.zip")
    differ = {
        f"{a.table_schema}.{a.name}" for a, b in zip(first.tables, again.tables, strict=True) if a.sha256 != b.sha256
    }
    calmed = {"tasks", "organizations", "api_tokens", "calendar_feeds", "invitations"}
    assert differ == {*(f"public.{name}" for name in calmed), "jobs.procrastinate_jobs"}
    assert again.counters == first.counters
    assert not await fetch(second, "select 1 from pg_tables where tablename = 'restored'")
    # Life goes on: numbers are given on from where they were, triggers act again.
    numbers = "select max(id) < nextval(pg_get_serial_sequence('public.task_events', 'id')) from public.task_events"
    assert await fetch(second, numbers) == [(True,)]
    with pytest.raises(psycopg.Error):
        await fetch(second, "update public.tasks set execution_status = 'completed' where title like 'Somebody%'")


async def test_what_only_waits_is_held_and_a_to_do_that_is_out_of_sight_comes_back(
    database: PostgresDatabase, ana: Caller, second: str, tmp_path: Path
) -> None:
    waits = ["until a time", "for an answer", "for an agent", "with a deadline", "part of a tree"]
    others = ["until it is due", "out of sight", "for its person"]
    made = await ana.call("create_tasks", items=[{"title": title} for title in waits + others])
    ids = {one["title"]: one["id"] for one in made}
    await ana.call("create_tasks", items=[{"title": "below", "parent_task_id": ids["part of a tree"]}])
    blocked = "execution_status = 'blocked', blocked_reason = 'x', blocked_on ="
    later = "blocked_until = now() + interval '1 hour'"
    await fetch(database.url, f"""
        set session_replication_role = replica;
        update public.tasks set {blocked} 'delay', {later} where title in ('until a time', 'below');
        update public.tasks set {blocked} 'reply' where title = 'for an answer';
        update public.tasks set {blocked} 'agent' where title = 'for an agent';
        update public.tasks set {blocked} 'approval', {later} where title = 'with a deadline';
        update public.tasks set {blocked} 'subtasks' where title = 'part of a tree';
        update public.tasks set {blocked} 'person' where title = 'for its person';
        update public.tasks set run_when_due = true, recurrence = 'FREQ=DAILY', execution_type = 'fully_automated', due_at = now()
          where title = 'until it is due';
        update public.tasks set snoozed_until = now() + interval '1 hour' where title = 'out of sight'""")  # fmt: skip
    path = tmp_path / "a.zip"
    await backed_up(database.url, path)
    done = await restored(path, second)
    assert {title for _, title in done.calmed.paused} == {*waits, "until it is due"}
    await fetch(
        second,
        """set session_replication_role = replica;
           update public.tasks set blocked_until = now() - interval '1 second' where blocked_until is not null""",
    )
    async with open_database(second) as later_on:
        service = later_on.acting_as(Identity.service())
        assert await service.call("wake_waiting_tasks") == 0
        soon = datetime.now(UTC) + timedelta(hours=2)
        assert await service.call("start_due_occurrences", at=soon, all_day_until=soon) == 0
        assert await service.call("wake_snoozed_tasks", at=soon) == 1
    states = await fetch(second, "select distinct execution_status from public.tasks order by 1")
    assert states == [("blocked",), ("pending",)]
    await fetch(second, "update public.tasks set paused_at = null")
    async with open_database(second) as resumed:  # and it is the pause that held them
        service = resumed.acting_as(Identity.service())
        assert await service.call("wake_waiting_tasks") == 3
        assert await service.call("start_due_occurrences", at=soon, all_day_until=soon) == 1


async def test_a_web_process_that_serves_over_http_is_seen(lived_in: str, second: str, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    await backed_up(lived_in, path)
    async with over_http(second, tmp_path / "http") as reached:
        async with shown(reached):
            service = reached.acting_as(Identity.service())
            while not (serving := await list_web_processes(service)):
                await asyncio.sleep(0.01)
            assert [one.pid for one in serving] == [os.getpid()]
            with pytest.raises(Conflict, match="Steward runs") as caught:
                await restored(path, second, replace=True)
            assert f"the web process {os.getpid()}" in str(caught.value.detail)
        assert await list_web_processes(service) == []  # it ended in order
    beat = "insert into private.web_processes (id, host, pid, heartbeat_at) values (gen_random_uuid(), 'x', 1, now() - interval '%s s')"
    await fetch(second, beat % 50)
    with pytest.raises(Conflict, match="Steward runs"):
        await restored(path, second, replace=True)
    await fetch(second, "update private.web_processes set heartbeat_at = now() - interval '70 s'")
    await restored(path, second, replace=True)  # one that was killed is forgotten
    assert await fetch(second, "select count(*) from private.web_processes") == [(0,)]


async def test_a_house_that_is_lived_in_or_at_work_is_not_touched(lived_in: str, second: str, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    await backed_up(lived_in, path)
    with pytest.raises(Conflict, match="lived in") as caught:
        await restored(path, lived_in)
    assert "--replace" in str(caught.value.hint)
    async with await psycopg.AsyncConnection.connect(second, autocommit=True) as at_work:
        await at_work.execute("listen steward_events")
        with pytest.raises(Conflict, match="Steward runs"):
            await restored(path, second, replace=True)
    await fetch(
        second,
        "delete from supabase_migrations.schema_migrations where version = (select max(version) from supabase_migrations.schema_migrations)",
    )
    with pytest.raises(Conflict, match="another version") as other:
        await restored(path, second)
    assert "the back-up alone has the migration" in str(other.value.detail)
    assert await fetch(second, "select count(*) from public.tasks") == [(0,)]
    await fetch(
        lived_in,
        "insert into public.tasks (organization_id, title, created_by) select organization_id, 'later', user_id from public.members limit 1",
    )
    assert (await restored(path, lived_in, replace=True)).calmed.revoked == 3
    again = await restored(path, lived_in, replace=True, keeps_tokens=True)
    assert (len(again.calmed.paused), again.calmed.revoked) == (3, 0)  # twice is once
    assert await fetch(lived_in, "select revoked_at from public.api_tokens") == [(None,)]
    assert await fetch(lived_in, "select count(*), count(*) filter (where title = 'later') from public.tasks") == [
        (4, 0)
    ]


async def test_the_owner_of_the_back_up_takes_the_place_of_the_one_that_a_first_start_has_made(
    lived_in: str, second: str, tmp_path: Path
) -> None:
    mark = """raw_app_meta_data = '{"steward_owner": "true"}'"""
    await fetch(lived_in, f"update auth.users set email = 'owner@localhost', {mark} where email = 'ana@example.com'")
    path = tmp_path / "a.zip"
    await backed_up(lived_in, path)
    settings = Settings.model_validate({"home": tmp_path, "owner_email": "you@example.com"})
    first = await ensure_owner(second, settings)
    await restored(path, second, replace=True)
    (ana,) = await fetch(lived_in, "select id from auth.users where email = 'owner@localhost'")
    owner = await ensure_owner(second, settings)
    assert (owner.user_id,) == ana  # who has the tasks, and takes the address of the setting
    assert first.user_id != owner.user_id
    assert await fetch(second, f"select email from auth.users where {mark}") == [("you@example.com",)]
    await fetch(second, f"update auth.users set raw_app_meta_data = '{{}}', email = 'before@example.com' where {mark}")
    assert (await restored(path, second, replace=True)).owner == "owner@localhost"  # as the back-up knows them


async def test_what_breaks_off_half_way_leaves_everything_as_it_was(lived_in: str, second: str, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    await backed_up(lived_in, path)
    before = await fetch(lived_in, "select id, title, updated_at from public.tasks order by id")

    def breaks(what: str, done: int, total: int) -> None:
        if done == total:
            raise asyncio.CancelledError

    for url in (lived_in, second):
        with pytest.raises(asyncio.CancelledError):
            await restore(path, url=url, home=tmp_path / "home2", told=breaks, replace=True)
    assert await fetch(lived_in, "select id, title, updated_at from public.tasks order by id") == before
    assert await fetch(second, "select count(*) from auth.users") == [(0,)]
    # Somebody whom the other database knows by another id.
    await fetch(second, "insert into auth.users (email) values ('ana@example.com')")
    with pytest.raises(Conflict, match=r"knows ana@example\.com as somebody else"):
        await restored(path, second, replace=True)
    assert await fetch(second, "select count(*) from auth.users") == [(1,)]


async def test_an_older_house_is_brought_up_to_date_and_a_newer_one_refused(
    plain: str, second: str, tmp_path: Path
) -> None:
    old = [file for file in sorted(MIGRATIONS.glob("*.sql")) if file.name < "20261121002"]
    folder = tmp_path / "migrations"
    folder.mkdir()
    for file in old:
        (folder / file.name).symlink_to(file)
    await migrate(plain, embedded=False, folder=folder)
    await fetch(plain, """
        insert into auth.users (email) values ('ana@example.com');
        insert into public.tasks (organization_id, title, created_by) select organization_id, 'Of old', user_id from public.members""")  # fmt: skip
    made = await backed_up(plain, tmp_path / "old.zip")
    assert len(made.migrations) == len(old)
    with pytest.raises(Conflict, match="another version"):
        await restored(tmp_path / "old.zip", second)
    await fetch(
        plain,
        "drop schema public, private, jobs, supabase_migrations cascade; create schema public; truncate auth.users cascade",
    )
    done = await restored(tmp_path / "old.zip", plain)
    assert len(done.migrated) == len(list(MIGRATIONS.glob("*.sql"))) - len(old)
    assert await fetch(
        plain, "select t.title, u.email from public.tasks t join auth.users u on u.id = t.created_by"
    ) == [("Of old", "ana@example.com")]
    await fetch(
        plain, "insert into supabase_migrations.schema_migrations (version, name) values ('20991231000000', 'later')"
    )
    await backed_up(plain, tmp_path / "new.zip")
    with pytest.raises(Invalid, match="newer Steward"):
        await restored(tmp_path / "new.zip", second)


async def test_a_back_up_that_cannot_be_written_leaves_nothing(lived_in: str, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))  # what a full disk does
    try:
        with pytest.raises(Unavailable, match="cannot be written"):
            await backed_up(lived_in, tmp_path / "a.zip")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(Conflict, match="There is a file"):
        await backed_up(lived_in, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "mine"
    for url, error in ((lived_in.replace("dbname=", "dbname=no_"), Unavailable),):
        with pytest.raises(error) as caught:
            await backed_up(url, tmp_path / "b.zip")
        assert isinstance(caught.value, StewardError)
    assert os.listdir(tmp_path) == ["a.zip"]


def rewritten(source: Path, target: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> None:
    """The archive again with something else in it, and a manifest that fits."""
    with zipfile.ZipFile(source) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(content.pop("manifest.json"))
    change(manifest, content)
    for table in manifest["tables"]:
        raw = content[f"tables/{table['table_schema']}.{table['name']}"]
        table |= {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest(), "rows": raw.count(b"\n")}
    with zipfile.ZipFile(target, "w") as archive:
        for name, raw in content.items():
            archive.writestr(name, raw)
        archive.writestr("manifest.json", json.dumps(manifest))


async def test_a_back_up_takes_no_strangers_along_and_gives_nobody_a_right(
    lived_in: str, second: str, tmp_path: Path
) -> None:
    admin, left = uuid4(), uuid4()
    for url in (lived_in, second):
        await fetch(url, """
            create table auth.identities (provider_id text, user_id uuid, provider text, unique (provider_id, provider));
            alter table auth.users add encrypted_password text, add recovery_token text, add is_super_admin boolean""")  # fmt: skip
    await fetch(second, f"insert into auth.users (id, email) values ('{admin}', 'admin@shop.example')")
    await fetch(lived_in, f"""
        set session_replication_role = replica;
        update auth.users set encrypted_password = 'a-hash', recovery_token = 'a-link';
        insert into auth.users (id, email, encrypted_password) values
          (gen_random_uuid(), 'customer@shop.example', 'x'), ('{left}', 'left@example.com', 'x');
        update public.tasks set created_by = '{left}' where title like 'Somebody%';
        insert into auth.identities select email, id, 'google' from auth.users""")  # fmt: skip
    path, foreign = tmp_path / "a.zip", tmp_path / "b.zip"
    made = await backed_up(lived_in, path)
    assert {table.name: table.rows for table in made.tables[:2]} == {"users": 3, "identities": 2}

    def worse(manifest: dict[str, Any], content: dict[str, bytes]) -> None:
        users = next(table for table in manifest["tables"] if table["name"] == "users")
        users["columns"] += ["recovery_token", "is_super_admin"]
        rows = content["tables/auth.users"].replace(b"authenticated", b"service_role").splitlines()
        rows = [row.replace(b'"steward_owner"', b'"shop_admin": true, "steward_owner"') for row in rows]
        rows.append(rows[0].replace(b"@", b"-2@").replace(rows[0][:36], str(uuid4()).encode()))  # nobody of ours
        content["tables/auth.users"] = b"".join(row + b"\ta-link\tt\n" for row in rows)
        content["tables/auth.identities"] += f"mallory\t{admin}\tgoogle\n".encode()

    rewritten(path, foreign, worse)
    await restored(foreign, second, replace=True)
    people = "select split_part(email, '@', 1), role, aud, encrypted_password, recovery_token, is_super_admin from auth.users order by 1"
    assert await fetch(second, people) == [
        ("admin", "authenticated", "authenticated", None, None, None),
        ("ana", "authenticated", "authenticated", "a-hash", "", None),
        ("left", "authenticated", "authenticated", None, "", None),
        ("mallory", "authenticated", "authenticated", "a-hash", "", None),
    ]
    assert not await fetch(second, f"select from auth.identities where user_id = '{admin}'")
    assert not await fetch(second, "select from auth.users where raw_app_meta_data ? 'shop_admin'")


def changed_manifest(
    change: Callable[[dict[str, Any]], object], manifest: dict[str, Any], content: dict[str, bytes]
) -> None:
    change(manifest)


async def test_a_back_up_that_reaches_elsewhere_is_refused(lived_in: str, second: str, tmp_path: Path) -> None:
    await fetch(second, "create schema shop; create table shop.orders (id serial primary key)")
    path = tmp_path / "a.zip"
    await backed_up(lived_in, path)
    cases: list[tuple[Callable[[dict[str, Any]], object], str]] = [
        (lambda m: m["counters"].append({"table_schema": "shop", "name": "orders_id_seq", "last": 1}), "no place here"),
        (lambda m: m["counters"].append({"table_schema": "public", "name": "x", "last": 10**30}), "no back-up of Steward"),
        (lambda m: m["migrations"].clear(), "no back-up of Steward"),
        (lambda m: m["migrations"].pop(0), "no back-up of Steward"),
        (lambda m: m["migrations"].reverse(), "no back-up of Steward"),
        (lambda m: m["tables"].append(m["tables"][0]), "no back-up of Steward"),
        (lambda m: m["tables"][0]["columns"].clear(), "no back-up of Steward"),
        (lambda m: m["tables"][0].update(columns=m["tables"][0]["columns"][:1] * 2), "no back-up of Steward"),
    ]  # fmt: skip
    for number, (change, said) in enumerate(cases):
        rewritten(path, tmp_path / f"{number}.zip", partial(changed_manifest, change))
        with pytest.raises(Invalid, match=said):
            await restored(tmp_path / f"{number}.zip", second, replace=True)
    assert await fetch(second, "select count(*) from public.tasks") == [(0,)]
