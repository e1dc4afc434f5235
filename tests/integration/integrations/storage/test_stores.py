"""One contract, three places: a file comes back as it was kept, from the database, Supabase Storage and S3."""

import asyncio
import hashlib
from typing import cast

import httpx
import jwt
import psycopg
import pytest

from core.database import Caller
from core.errors import Unavailable
from core.objects import ContentLost, Contents, ObjectStore
from integrations.storage.s3 import S3Store
from integrations.storage.supabase import SupabaseStore
from tasks import artifacts, functions
from tests.emulators.s3_server import s3_server
from tests.emulators.stores import BUCKET, Kind, contents_in, guard_bucket, keeping, opened_store
from tests.emulators.supabase import supabase_lite

LARGE = b"<script>alert(1)</script>" + bytes(range(256)) * 10_000
PATH = f"00000000-0000-4000-8000-000000000001/{hashlib.sha256(LARGE).hexdigest()}"


@pytest.mark.parametrize("place", ["database", "supabase", "s3"])
async def test_a_file_comes_back_as_it_was_kept(place: str, ana: Caller, mallory: Caller, database_url: str) -> None:
    (task,) = await functions.create_tasks(ana, [{"title": "Keep"}])
    if place == "database":
        await _keeps(ana, mallory, task.id, place)
        return
    async with opened_store(cast("Kind", place), database_url) as store:
        await _keeps(keeping(ana, contents_in(place, store)), mallory, task.id, place)
        await _holds(store)


async def _keeps(ana: Caller, mallory: Caller, task_id: object, place: str) -> None:
    files = {"größe.html": LARGE, "empty": b"", "small.txt": b"x" * 999}
    for name, content in files.items():
        kept = await artifacts.save_artifact(ana, task_id, name, "text/html", content)  # pyright: ignore[reportArgumentType]
        assert kept.stored_in == (place if content is LARGE else "database")
        found = await artifacts.get_artifact(ana, kept.id)
        assert (found.content, found.size_bytes, found.media_type) == (content, len(content), "text/html")
        with pytest.raises(artifacts.NotFound):
            await artifacts.get_artifact(mallory, kept.id)


async def _holds(store: ObjectStore) -> None:
    """What each store does by itself."""
    assert await store.exists(PATH) is None
    await asyncio.gather(*(store.put(PATH, LARGE) for _ in range(3)))  # the same content at once is one object
    await store.put(PATH, LARGE)
    assert await store.exists(PATH) == len(LARGE)
    assert b"".join([piece async for piece in store.get(PATH)]) == LARGE
    with pytest.raises(ContentLost):  # never overwritten with other bytes
        await store.put(PATH, LARGE + b"!")
    assert await store.exists(PATH) == len(LARGE)
    for damaged in (b"!" + LARGE[1:], LARGE[:-1]):  # somebody wrote to the bucket: the right bytes put it right
        await _damage(store, damaged)
        await store.put(PATH, LARGE)
        assert b"".join([piece async for piece in store.get(PATH)]) == LARGE
    await _damage(store, b"!" + LARGE[1:])
    with pytest.raises(ContentLost):
        await store.put(PATH, LARGE + b"!")
    await store.put(PATH, LARGE)
    url = await store.signed_url(PATH, 'Größe "a".html')
    async with httpx.AsyncClient() as anybody:
        answer = await anybody.get(url)
    assert (answer.status_code, answer.content) == (200, LARGE)
    assert answer.headers["content-type"] == "application/octet-stream"
    if isinstance(store, S3Store):
        assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''Gr")
    else:  # Storage makes an attachment of this; Lite leaves it out
        assert url.endswith("&download=Gr%C3%B6%C3%9Fe%20%22a%22.html")
        assert isinstance(store, SupabaseStore)
        store.public_url = "https://files.example/storage/v1/"  # a browser does not know the inner network
        assert (await store.signed_url(PATH, "a")).startswith("https://files.example/storage/v1/object/sign/")
    await store.remove([PATH, f"{PATH[:-1]}0"])
    await store.remove([])
    assert await store.exists(PATH) is None
    with pytest.raises(ContentLost):
        [piece async for piece in store.get(PATH)]


async def _damage(store: ObjectStore, content: bytes) -> None:
    """Other bytes under the same path, as whoever has the keys of the bucket may put them there."""
    if isinstance(store, S3Store):
        store._client.put_object(Bucket=BUCKET, Key=PATH, Body=content)  # pyright: ignore[reportPrivateUsage] # the same keys
    else:
        assert isinstance(store, SupabaseStore)
        async with httpx.AsyncClient(headers={**store.headers, "x-upsert": "true"}) as http:
            (await http.put(f"{store.url}object/{BUCKET}/{PATH}", content=content)).raise_for_status()


async def test_what_is_wrong_with_a_store_is_said(database_url: str) -> None:
    with s3_server() as server:
        for store, said in (
            (S3Store("nowhere", server.url), "There is no bucket 'nowhere'"),
            (S3Store(BUCKET, "http://127.0.0.1:9"), "S3 is out of reach"),
            (SupabaseStore("http://127.0.0.1:9", "sb_secret_x", BUCKET), "Supabase Storage is out of reach"),
        ):
            with pytest.raises(Unavailable, match=said) as caught:
                await store.exists(PATH)
            assert caught.value.hint
        server.make_bucket(BUCKET)
        server.refusals[:] = [403]
        with pytest.raises(Unavailable, match="refuses the bucket"):
            await S3Store(BUCKET, server.url).exists(PATH)
        server.refusals[:] = [500]  # tried again by boto3
        assert await S3Store(BUCKET, server.url).exists(PATH) is None
    async with supabase_lite(database_url, storage=True) as lite:
        await guard_bucket(database_url)
        for store, said in (
            (SupabaseStore(lite.url, lite.secret_key, "nowhere"), "There is no bucket 'nowhere'"),
            (SupabaseStore(lite.url, "sb_secret_wrong", BUCKET), "There is no bucket"),
        ):
            with pytest.raises(Unavailable, match=said):
                await store.put(PATH, LARGE)
    for place in ("supabase", "nowhere"):
        with pytest.raises(Unavailable, match="no store of files"):
            Contents().store(place)


async def test_people_read_files_of_their_own_organizations_in_the_bucket_and_nothing_else(
    ana: Caller, mallory: Caller, database_url: str
) -> None:
    (task,) = await functions.create_tasks(ana, [{"title": "Keep"}])
    async with supabase_lite(database_url, storage=True) as lite:
        await guard_bucket(database_url)
        await guard_bucket(database_url)  # twice is once
        store = SupabaseStore(lite.url, lite.secret_key, BUCKET)
        keeper = keeping(ana, contents_in("supabase", store))
        kept = await artifacts.save_artifact(keeper, task.id, "a.pdf", "application/pdf", LARGE)
        path = (await ana.call("get_artifact", artifact_id=kept.id))["object_path"]
        organization = path.partition("/")[0]
        await store.put(f"{organization}/{'0' * 64}", b"named by no row")

        async def seen(who: Caller | None) -> tuple[int, list[str], int]:
            """Status of a download, names in the listing, status of an upload."""
            headers = {"apikey": lite.publishable_key}
            if who:
                claims = {
                    "sub": str(who.identity.user_id),
                    "role": "authenticated",
                    "aud": "authenticated",
                    "exp": 2_000_000_000,
                }
                headers["Authorization"] = f"Bearer {jwt.encode(claims, lite.jwt_secret, 'HS256')}"
            async with httpx.AsyncClient(base_url=f"{lite.url}/storage/v1/object/", headers=headers) as http:
                got = await http.get(f"{BUCKET}/{path}")
                listed = await http.post(f"list/{BUCKET}", json={"prefix": organization, "limit": 100, "offset": 0})
                put = await http.post(f"{BUCKET}/{organization}/{'1' * 64}", content=b"x")
                gone = await http.request("DELETE", BUCKET, json={"prefixes": [path]})
            assert gone.status_code != 200 or gone.json() == []
            names = [one["name"].rpartition("/")[2] for one in listed.json()] if listed.status_code == 200 else []
            return got.status_code, names, put.status_code

        status, names, put = await seen(ana)
        assert (status, names) == (200, [kept.sha256])
        assert put >= 400
        for other in (mallory, None):
            status, names, put = await seen(other)
            assert names == []
            assert min(status, put) >= 400
        assert await store.exists(path) == len(LARGE)


async def test_where_storage_is_another_owners_nothing_is_opened(database_url: str) -> None:
    """A stub of the schema whose policies we may not make: the migration goes on, the bucket is for the secret key alone."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        for line in (
            "create schema storage",
            "create table storage.buckets (id text primary key, name text, public boolean)",
            "create table storage.objects (id uuid, bucket_id text, name text)",
            "alter table storage.objects enable row level security",
        ):
            await connection.execute(line.encode())
        await connection.execute("select private.guard_bucket()")
        cursor = await connection.execute(
            "select p.polname, p.polcmd, p.polroles::regrole[]::text from pg_policy p where p.polrelid = 'storage.objects'::regclass"
        )
        assert await cursor.fetchall() == [("steward_artifacts_read", "r", "{authenticated}")]
        cursor = await connection.execute("select id, public from storage.buckets")
        assert await cursor.fetchall() == [("artifacts", False)]
