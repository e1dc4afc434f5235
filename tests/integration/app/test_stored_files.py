"""Downloads of files whose content lies in a store: through us, or from the store by a signed address, to whom they belong."""

from collections.abc import Generator
from dataclasses import replace

import httpx
import pytest

from app.house import House
from app.main import create_app
from core.keys import Keys
from core.objects import ObjectStore
from integrations.storage.s3 import S3Store
from tasks import artifacts, functions
from tests.emulators.s3_server import s3_server
from tests.emulators.stores import BUCKET, contents_in

PAGE = b"<script>alert(1)</script>" * 100_000  # 2.5 MB: three pieces


@pytest.fixture
def store() -> Generator[ObjectStore]:
    with s3_server() as server:
        server.make_bucket(BUCKET)
        yield S3Store(BUCKET, server.url)


@pytest.fixture
def house(house: House, store: ObjectStore) -> House:
    """Files from a thousand bytes on go to the store, and come from there through us."""
    return replace(house, database=replace(house.database, contents=contents_in("s3", store)))


@pytest.fixture
def handed_out(client: httpx.AsyncClient, house: House, keys: Keys, store: ObjectStore) -> httpx.AsyncClient:
    """The same client, of a house that hands out addresses of the store."""
    contents = contents_in("s3", store, hands_out_urls=True)
    app = create_app(replace(house, database=replace(house.database, contents=contents)), keys)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=client.base_url, headers=client.headers)


async def test_a_stored_file_comes_through_us_or_from_the_store_and_never_runs(
    client: httpx.AsyncClient,
    handed_out: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    house: House,
    store: ObjectStore,
) -> None:
    (task,) = await functions.create_tasks(house.caller, [{"title": "Keep"}])
    kept = await artifacts.save_artifact(house.caller, task.id, 'Größe "a".html', "text/html", PAGE)
    small = await artifacts.save_artifact(house.caller, task.id, "small.jpg", "image/jpeg", b"x")
    path = str((await artifacts.describe_artifact(house.caller, kept.id)).object_path)
    there = f"/api/artifacts/{kept.id}"

    answer = await client.get(there)
    assert (answer.status_code, answer.content) == (200, PAGE)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%22a%22.html"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"

    answer = await handed_out.get(there)
    assert (answer.status_code, answer.content) == (302, b"")
    assert answer.headers["cache-control"] == "no-store"
    async with httpx.AsyncClient() as anybody:
        fetched = await anybody.get(answer.headers["location"])
    assert fetched.content == PAGE
    assert fetched.headers["content-type"] == "application/octet-stream"
    assert fetched.headers["content-disposition"].startswith("attachment")
    assert "X-Amz-Expires=60" in answer.headers["location"]
    assert (await handed_out.get(f"/api/artifacts/{small.id}")).content == b"x"  # in the database: through us
    refused = await stranger.get(there)
    assert refused.status_code == 404
    assert "location" not in refused.headers

    await store.remove([path])
    for asker in (handed_out, client):  # missing: said before anything is sent
        answer = await asker.get(there)
        assert answer.status_code == 500
        assert answer.json()["type"] == "urn:steward:problem:content-lost"
    store._client.put_object(Bucket=BUCKET, Key=path, Body=PAGE[:-1] + b"!")  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownMemberType]  # somebody else writes to the bucket
    answer = await client.get(there)  # another content: never the whole of it
    assert len(answer.content) < len(PAGE)
    assert PAGE.startswith(answer.content)
