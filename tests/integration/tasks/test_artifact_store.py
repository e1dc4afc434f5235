"""Contents of files in a store: what is left over, what is missing, what is another, and whose it is."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Generator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import psycopg
import pytest

from core.database import Caller, Database, Identity
from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError, Unavailable
from core.objects import ContentLost, Contents, ObjectStore
from core.postgres import pool_of
from integrations.storage.s3 import S3Store
from jobs.stored_files import move_contents, sweep_objects, to_be_moved
from tasks import artifacts, functions, model_calls, stored
from tests.emulators.s3_server import s3_server
from tests.emulators.stores import BUCKET, contents_in, keeping

LARGE = "größe ".encode() * 20_000
OLD = "update public.artifact_objects set announced_at = announced_at - interval '2 days', removing_since = removing_since - interval '1 hour'"


@dataclass
class Halting:
    """A store that dies or waits where it is told to; else the real one."""

    real: ObjectStore
    dies_after_put: bool = False
    asked: list[str] = field(default_factory=list[str])
    before_remove: asyncio.Event | None = None
    may_remove: asyncio.Event | None = None

    async def put(self, path: str, content: bytes) -> None:
        self.asked.append("put")
        await self.real.put(path, content)
        if self.dies_after_put:
            raise Unavailable("The process died here")

    def get(self, path: str) -> AsyncIterator[bytes]:
        return self.real.get(path)

    async def exists(self, path: str) -> int | None:
        return await self.real.exists(path)

    async def remove(self, paths: Sequence[str]) -> None:
        self.asked.append("remove")
        if self.before_remove and self.may_remove:
            self.before_remove.set()
            await self.may_remove.wait()
        await self.real.remove(paths)

    async def signed_url(self, path: str, name: str) -> str:
        return await self.real.signed_url(path, name)


@pytest.fixture
def store() -> Generator[Halting]:
    """An empty bucket."""
    with s3_server() as server:
        server.make_bucket(BUCKET)
        yield Halting(S3Store(BUCKET, server.url))


@pytest.fixture
def database(database: Database, store: Halting) -> Database:
    """Files from a thousand bytes on go to the store."""
    return replace(database, contents=contents_in("s3", store))


@pytest.fixture
async def task_id(ana: Caller) -> UUID:
    (made,) = await functions.create_tasks(ana, [{"title": "Keep"}])
    return made.id


async def sql(database: Database, statement: str) -> list[tuple[object, ...]]:
    """As the owner of the database."""
    async with pool_of(database).connection() as connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


async def path_of(caller: Caller, artifact_id: UUID) -> str:
    return str((await artifacts.describe_artifact(caller, artifact_id)).object_path)


async def test_the_sweep_removes_what_no_row_names_and_nothing_else(ana: Caller, store: Halting, task_id: UUID) -> None:
    database = ana.database
    store.dies_after_put = True
    with pytest.raises(Unavailable, match="died"):  # the object is there, the row is not
        await artifacts.save_artifact(ana, task_id, "lost.txt", "text/plain", LARGE + b"lost")
    store.dies_after_put = False
    first = await artifacts.save_artifact(ana, task_id, "a.txt", "text/plain", LARGE)
    second = await artifacts.save_artifact(ana, task_id, "b.txt", "text/plain", LARGE)  # the same bytes: one object
    gone = await artifacts.save_artifact(ana, task_id, "c.txt", "text/plain", LARGE + b"gone")
    named, unnamed = await path_of(ana, first.id), await path_of(ana, gone.id)
    assert named == await path_of(ana, second.id)
    await sql(database, f"delete from public.artifacts where id in ('{first.id}', '{gone.id}')")

    assert await sweep_objects(database) == {"supabase": 0, "s3": 0}  # a day has to pass
    await sql(database, OLD)
    assert await sweep_objects(database) == {"supabase": 0, "s3": 2}
    assert await store.exists(named) == len(LARGE)
    assert await store.exists(unnamed) is None
    assert (await artifacts.get_artifact(ana, second.id)).content == LARGE
    assert len(await sql(database, "select 1 from public.artifact_objects")) == 1

    # The organization goes: what is left of it in the store goes as well.
    organization = named.partition("/")[0]
    await sql(database, f"delete from public.organizations where id = '{organization}'")
    await sql(database, OLD)
    assert (await sweep_objects(database))["s3"] == 1
    assert await store.exists(named) is None


async def test_what_is_being_removed_is_not_taken_up_until_it_is_gone(
    ana: Caller, store: Halting, task_id: UUID
) -> None:
    database = ana.database
    kept = await artifacts.save_artifact(ana, task_id, "a.txt", "text/plain", LARGE)
    await sql(database, f"delete from public.artifacts where id = '{kept.id}'")
    await sql(database, OLD)
    store.before_remove, store.may_remove = asyncio.Event(), asyncio.Event()
    sweeping = asyncio.create_task(sweep_objects(database))
    await store.before_remove.wait()
    again = asyncio.create_task(artifacts.save_artifact(ana, task_id, "a.txt", "text/plain", LARGE))
    await asyncio.sleep(0)
    store.asked.clear()
    store.may_remove.set()
    assert (await sweeping)["s3"] == 1
    kept = await again
    assert store.asked == ["put"]
    assert (await artifacts.get_artifact(ana, kept.id)).content == LARGE

    # A sweep that died after its claim: nobody takes the object up at once, but in a while everybody may.
    await sql(database, f"delete from public.artifacts where id = '{kept.id}'")
    await sql(database, "update public.artifact_objects set removing_since = now()")
    about = {"sha256": kept.sha256, "size_bytes": kept.size_bytes, "stored_in": "s3"}
    with pytest.raises(Conflict, match="being removed"):
        await ana.call("announce_artifact", task_id=task_id, **about)
    with pytest.raises(Conflict, match="no such object"):
        await ana.call("save_stored_artifact", task_id=task_id, name="a.txt", media_type="", **about)
    await sql(database, OLD)
    kept = await artifacts.save_artifact(ana, task_id, "a.txt", "text/plain", LARGE)
    assert (await sweep_objects(database))["s3"] == 0


async def test_a_sweep_that_froze_and_goes_on_later_removes_nothing_that_was_kept_since(
    ana: Caller, store: Halting, task_id: UUID
) -> None:
    database = ana.database
    store.dies_after_put = True
    with pytest.raises(Unavailable, match="died"):
        await artifacts.save_artifact(ana, task_id, "lost.txt", "text/plain", LARGE)
    store.dies_after_put = False
    await sql(database, OLD)
    frozen: list[tuple[asyncio.Task[dict[str, int]], asyncio.Event]] = []
    for _ in range(2):  # the second takes over what the first seems to have left
        store.before_remove, store.may_remove = asyncio.Event(), asyncio.Event()
        frozen.append((asyncio.create_task(sweep_objects(database)), store.may_remove))
        await store.before_remove.wait()
        await sql(database, OLD)
    frozen[1][1].set()
    await frozen[1][0]
    store.before_remove = None
    kept = [await artifacts.save_artifact(ana, task_id, name, "text/plain", LARGE) for name in ("a.txt", "b.txt")]
    frozen[0][1].set()
    await frozen[0][0]
    assert len({await path_of(ana, one.id) for one in kept}) == 1
    for one in kept:
        assert (await artifacts.get_artifact(ana, one.id)).content == LARGE

    # It is swept as any other once no row names it, and its names are never used again.
    path = await path_of(ana, kept[0].id)
    await sql(database, "delete from public.artifacts")
    await sql(database, OLD)
    assert (await sweep_objects(database))["s3"] == 1
    assert await store.exists(path) is None
    assert await sweep_objects(database) == {"supabase": 0, "s3": 0}
    again = await artifacts.save_artifact(ana, task_id, "a.txt", "text/plain", LARGE)
    assert await path_of(ana, again.id) != path
    # Whoever puts the row back from a back-up names the same object.
    await sql(database, "create table public.saved as select * from public.artifacts; delete from public.artifacts")
    await sql(database, "insert into public.artifacts select * from public.saved; drop table public.saved")
    assert (await artifacts.get_artifact(ana, again.id)).content == LARGE


async def test_what_a_person_writes_directly_is_what_it_says(ana: Caller, task_id: UUID) -> None:
    async with pool_of(ana.database).connection() as connection:

        async def write(size_bytes: int, sha256: str, content: str = "'abc'") -> None:
            async with connection.transaction():
                await connection.execute(
                    "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
                    (ana.identity.claims_setting(),),
                )
                await connection.execute(
                    "insert into public.artifacts (organization_id, name, size_bytes, sha256, content) "
                    f"select organization_id, 'x', {size_bytes}, '{sha256}', {content} from public.tasks limit 1".encode()
                )

        right = hashlib.sha256(b"abc").hexdigest()
        await write(3, right)
        for wrong, said in (
            ((4, right), "size_bytes is not"),
            ((3, right.upper()), "sha256 is not"),
            ((3, "0" * 64), "sha256 is not"),
            ((20_000_001, right, "convert_to(repeat('x', 20000001), 'utf8')"), "at most 20,000,000"),
        ):
            with pytest.raises(psycopg.Error, match=said):
                await write(*wrong)  # pyright: ignore[reportArgumentType] # the third is a content


async def test_many_at_once_are_one_object(ana: Caller, service: Caller, store: Halting, task_id: UUID) -> None:
    made = await asyncio.gather(
        *(artifacts.save_artifact(ana, task_id, f"{number % 2}.txt", "text/plain", LARGE) for number in range(6))
    )
    assert len({one.id for one in made}) == 2
    assert len({await path_of(ana, one.id) for one in made}) == 1
    assert (await artifacts.find_artifact(ana, task_id, "1.txt")).content == LARGE
    shown = await model_calls.get_model_context(
        service, task_id
    )  # what is looked through is the beginning, from the row
    assert {one["size_bytes"] for one in shown["artifacts"]} == {len(LARGE)}
    assert all(LARGE.startswith(artifacts.b64decode(one["content"])) for one in shown["artifacts"])


async def test_missing_and_changed_contents_are_said(ana: Caller, store: Halting, task_id: UUID) -> None:
    kept = await artifacts.save_artifact(ana, task_id, "a.bin", "application/octet-stream", LARGE)
    path = await path_of(ana, kept.id)
    client = store.real._client  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]  # somebody else writes to the bucket
    for other in (LARGE[:-1] + b"!", LARGE[:-1], LARGE + b"!", b""):
        client.put_object(Bucket=BUCKET, Key=path, Body=other)  # pyright: ignore[reportUnknownMemberType]
        with pytest.raises(ContentLost, match="not the one that was kept"):
            await artifacts.get_artifact(ana, kept.id)
    await store.remove([path])
    with pytest.raises(ContentLost, match="not in the bucket"):
        await artifacts.get_artifact(ana, kept.id)
    await artifacts.save_artifact(
        ana, task_id, "a.bin", "application/octet-stream", LARGE
    )  # kept again, it is there again
    assert (await artifacts.get_artifact(ana, kept.id)).content == LARGE
    with pytest.raises(Unavailable, match="no store of files 's3'"):  # the settings say nothing of it any more
        await artifacts.get_artifact(keeping(ana, Contents()), kept.id)
    await sql(ana.database, f"update public.artifacts set stored_in = 'database', content = 'x' where id = '{kept.id}'")
    with pytest.raises(ContentLost):
        await artifacts.get_artifact(ana, kept.id)


async def test_nobody_names_an_object_that_is_not_theirs(
    ana: Caller, mallory: Caller, nobody: Caller, store: Halting, task_id: UUID
) -> None:
    kept = await artifacts.save_artifact(ana, task_id, "a.txt", "text/plain", LARGE)
    about = {"sha256": kept.sha256, "size_bytes": kept.size_bytes, "stored_in": "s3"}
    save = {"name": "a.txt", "media_type": "text/plain", **about}
    (mine,) = await functions.create_tasks(mallory, [{"title": "Mine"}])
    refused: list[tuple[type[StewardError], Caller, str, dict[str, object]]] = [
        (NotFound, mallory, "announce_artifact", {"task_id": task_id, **about}),
        (NotFound, mallory, "save_stored_artifact", {"task_id": task_id, **save}),
        (Conflict, mallory, "save_stored_artifact", {"task_id": mine.id, **save}),  # of that name nothing is theirs
        (Conflict, ana, "save_stored_artifact", {"task_id": task_id, **save, "name": "b", "size_bytes": 1}),
        (Invalid, ana, "announce_artifact", {"task_id": task_id, **about, "size_bytes": 100_000_001}),
        (Invalid, ana, "announce_artifact", {"task_id": task_id, **about, "size_bytes": -1}),
        (Invalid, ana, "announce_artifact", {"task_id": task_id, **about, "sha256": "../" + "0" * 61}),
        (Invalid, ana, "announce_artifact", {"task_id": task_id, **about, "stored_in": "database"}),
        (Forbidden, ana, "claim_unused_objects", {"stored_in": "s3"}),
        (Forbidden, ana, "move_artifact", {"artifact_id": kept.id, "stored_in": "database", "content": ""}),
        (Forbidden, nobody, "announce_artifact", {"task_id": task_id, **about}),
    ]  # fmt: skip
    for error, caller, function, params in refused:
        with pytest.raises(error):
            await caller.call(function, **params)
    organization = (await path_of(ana, kept.id)).partition("/")[0]
    theirs = (await mallory.call("get_profile"))["organization"]["id"]
    async with pool_of(ana.database).connection() as connection:
        for columns in (
            f"'{theirs}', 's3', '{organization}/{kept.sha256}'",
            f"'{organization}', 's3', '{organization}/{kept.sha256}'",
        ):
            refusal = ""
            try:
                async with connection.transaction():
                    await connection.execute(
                        "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
                        (mallory.identity.claims_setting(),),
                    )
                    await connection.execute(
                        "insert into public.artifacts (organization_id, stored_in, object_path, name, size_bytes, sha256) "
                        f"values ({columns}, 'x', {len(LARGE)}, '{kept.sha256}')".encode()
                    )
            except psycopg.Error as error:
                refusal = str(error)
            assert "There is no such object" in refusal
    limit = ana.database.contents.most_bytes
    with pytest.raises(Invalid, match="100,000,000"):
        await artifacts.save_artifact(ana, task_id, "big", "", b"x" * (limit + 1))


async def test_contents_move_there_and_back_and_a_broken_move_goes_on(
    ana: Caller, service: Caller, store: Halting, task_id: UUID
) -> None:
    database = ana.database
    storeless = keeping(ana, Contents())
    kept = [
        await artifacts.save_artifact(storeless, task_id, f"{number}.txt", "text/plain", LARGE + bytes([number]))
        for number in range(3)
    ]
    small = await artifacts.save_artifact(ana, task_id, "small", "text/plain", b"x")
    assert await to_be_moved(database, "s3") == {"files": 3, "bytes": 3 * len(LARGE) + 3}
    store.dies_after_put = True
    with pytest.raises(Unavailable, match="died"):
        [one async for one in move_contents(database, "s3")]
    store.dies_after_put = False
    moved = [one async for one in move_contents(database, "s3")]
    assert [one.why for one in moved] == ["", "", ""]
    assert [one async for one in move_contents(database, "s3")] == []
    places = {one.id: one.stored_in for one in await artifacts.list_artifacts(ana, task_id)}
    assert places == {**{one.id: "s3" for one in kept}, small.id: "database"}
    assert (await artifacts.get_artifact(ana, kept[1].id)).content == LARGE + b"\x01"

    await store.remove([await path_of(ana, kept[0].id)])  # what cannot be read stays, and is said
    with pytest.raises(Invalid, match="not that of the file"):
        await stored.move_artifact(service, kept[1].id, "database", b"something else")
    other = database.acting_as(Identity.service(uuid4()))
    with pytest.raises(NotFound):
        await stored.move_artifact(other, kept[1].id, "database", LARGE + b"\x01")
    back = {one.name: one.why async for one in move_contents(database, "database")}
    assert "not in the bucket" in back.pop("0.txt")
    assert back == {"1.txt": "", "2.txt": ""}
    assert (await artifacts.get_artifact(storeless, kept[1].id)).content == LARGE + b"\x01"
