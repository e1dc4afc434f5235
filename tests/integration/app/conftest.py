"""The API in process, over ASGI, with a worker beside it where a test wants one."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from app.house import House
from app.live import listening
from app.main import create_app
from core.keys import Keys
from jobs.worker import working
from tests.both_adapters import adapter, runs_on_both

__all__ = ["adapter"]
BASE = "http://127.0.0.1"
# What has no second run on PostgREST, and why.
ONLY_POSTGRES = {
    "test_live_streams.py::test_a_lost_connection_is_made_again_and_nothing_is_missed": "there is no LISTEN to lose; and Lite answers "
    "one request for each connection that it lost with an error",
    "test_live_streams.py::test_two_hundred_clients_get_the_same_at_once": "Lite answers about a hundred calls a second",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of the web tier runs by a connection and by PostgREST."""
    runs_on_both(metafunc, ONLY_POSTGRES)


@pytest.fixture
def keys(house: House) -> Keys:
    return Keys.load(house.settings.home)


@pytest.fixture
async def client(house: House, keys: Keys) -> AsyncGenerator[httpx.AsyncClient]:
    """A client signed in as the owner by Bearer token."""
    assert house.owner.user_id
    transport = httpx.ASGITransport(create_app(house, keys), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {keys.bearer_token(house.owner.user_id)}"}
    async with (
        listening(house.hub),
        httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers, timeout=60) as made,
    ):
        yield made


@pytest.fixture
async def stranger(client: httpx.AsyncClient, house: House, keys: Keys) -> AsyncGenerator[httpx.AsyncClient]:
    """A client signed in as somebody of another organization."""
    from tests.conftest import sign_up

    identity = await sign_up(house.database, "stranger@example.net")
    assert identity.user_id
    headers = {"Authorization": f"Bearer {keys.bearer_token(identity.user_id)}"}
    transport = httpx.ASGITransport(create_app(house, keys), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as made:
        yield made


@pytest.fixture
async def at_work(house: House) -> AsyncGenerator[None]:
    """A worker works."""
    async with working(await house.worker()):
        yield
