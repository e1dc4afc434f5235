"""/metrics for Prometheus, and /api/metrics for the pages: who may read them, and what stands there."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from app.house import House
from app.main import create_app
from app.observed import Observed
from core.database import Caller, Identity
from core.keys import Keys
from core.postgres import open_database, postgres
from tasks import functions
from tasks.metrics import take_metrics_snapshot

BASE = "http://127.0.0.1"
TOKEN = "correct-horse"


def asker(house: House, keys: Keys, address: str, **headers: str) -> httpx.AsyncClient:
    """A client that asks from an address."""
    application = Observed(create_app(house, keys))
    transport = httpx.ASGITransport(application, raise_app_exceptions=False, client=(address, 40000))
    return httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)


@pytest.fixture
async def prometheus(house: House, keys: Keys) -> AsyncGenerator[httpx.AsyncClient]:
    """A scraper on this machine, of the house with its middleware."""
    async with asker(house, keys, "127.0.0.1") as client:
        yield client


@pytest.fixture
def worker_caller(house: House) -> Caller:
    return house.database.acting_as(Identity.service())


def samples(answer: httpx.Response) -> dict[tuple[str, ...], float]:
    """The numbers by name and label values."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


async def test_a_new_house_tells_of_itself(prometheus: httpx.AsyncClient, adapter: str) -> None:
    numbers = samples(await prometheus.get("/metrics"))
    assert numbers["steward_database_up",] == 1
    assert numbers["steward_tasks", "pending"] == 0
    assert numbers["steward_workers",] == 0
    assert numbers["steward_runs_started_total",] == 0
    pooled = numbers["steward_database_pool_connections",]
    assert pooled >= 1 if adapter == "postgres" else pooled == 0  # over HTTP the connections are not ours
    assert numbers["process_resident_memory_bytes",] > 0


async def test_it_tells_of_tasks_queues_and_runs(
    house: House, prometheus: httpx.AsyncClient, worker_caller: Caller
) -> None:
    items = [{"title": "Summarise: milk, eggs", "execution_type": "fully_automated"}] * 2
    first, second = await functions.create_tasks(house.caller, items)
    await functions.queue_task_execution(house.caller, first.id)
    service = house.database.acting_as(Identity.service(first.organization_id))
    await service.call("start_task_execution", task_id=first.id)
    await service.call("complete_task_execution", task_id=first.id, result_data={"output": "x"})
    await functions.queue_task_execution(house.caller, second.id)
    for _ in range(2):  # before a snapshot and after one
        numbers = samples(await prometheus.get("/metrics"))
        assert (numbers["steward_tasks", "completed"], numbers["steward_tasks", "queued"]) == (1, 1)
        assert numbers["steward_queue_jobs", "thinking", "ready"] >= 1
        assert numbers["steward_queue_oldest_seconds", "thinking"] >= 0
        assert numbers["steward_runs_started_total",] == 1
        assert numbers["steward_runs_ended_total", "completed"] == 1
        assert numbers["steward_run_seconds_count",] == 1
        assert numbers["steward_run_seconds_bucket", "+Inf"] == 1
        await take_metrics_snapshot(worker_caller)


async def test_requests_are_counted_by_the_pattern_of_their_route(
    house: House, keys: Keys, prometheus: httpx.AsyncClient
) -> None:
    assert house.owner.user_id
    signed_in = {"Authorization": f"Bearer {keys.bearer_token(house.owner.user_id)}"}
    for task_id in ("7c9a4a9e-0f0f-4b6b-9d5a-000000000001", "7c9a4a9e-0f0f-4b6b-9d5a-000000000002"):
        assert (await prometheus.get(f"/api/tasks/{task_id}", headers=signed_in)).status_code == 404
    assert (await prometheus.get("/api/tasks")).status_code == 401
    await prometheus.get("/no/such/page")
    await prometheus.request("BREW", "/no/such/method")
    answer = await prometheus.get("/metrics")
    numbers = samples(answer)
    assert numbers["steward_http_requests_total", "GET", "/api/tasks/{task_id}", "404"] == 2
    assert numbers["steward_http_requests_total", "GET", "/api/tasks", "401"] == 1
    assert numbers["steward_http_requests_total", "GET", "(none)", "404"] == 1
    assert numbers["steward_http_request_seconds_count", "GET", "/api/tasks/{task_id}"] == 2
    assert "7c9a4a9e" not in answer.text
    assert "BREW" not in answer.text


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_may_read_them(house: House, keys: Keys, address: str) -> None:
    async with asker(house, keys, address) as client:
        assert (await client.get("/metrics")).status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "testclient", "::ffff:192.0.2.7"])
async def test_others_may_not(house: House, keys: Keys, address: str) -> None:
    async with asker(house, keys, address, Authorization=f"Bearer {TOKEN}") as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 403
    assert "steward_tasks" not in answer.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_a_proxy_on_this_machine_asks_for_others(house: House, keys: Keys, header: str) -> None:
    async with asker(house, keys, "127.0.0.1", **{header: "192.0.2.7"}) as client:
        assert (await client.get("/metrics")).status_code == 403


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        ("Bearer wrong", 403),
        (f"Bearer {TOKEN}x", 403),
        (f"Basic {TOKEN}", 403),
        (TOKEN, 403),
        ("Bearer ", 403),
        ("", 403),
    ],
)
async def test_the_token_opens_them_from_elsewhere(house: House, keys: Keys, given: str, status: int) -> None:
    settings = house.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    async with asker(replace(house, settings=settings), keys, "192.0.2.7", Authorization=given) as client:
        assert (await client.get("/metrics")).status_code == status


async def test_a_person_s_own_token_does_not_open_them(house: House, keys: Keys) -> None:
    assert house.owner.user_id
    signed_in = f"Bearer {keys.bearer_token(house.owner.user_id)}"
    async with asker(house, keys, "192.0.2.7", Authorization=signed_in) as client:
        assert (await client.get("/metrics")).status_code == 403


async def test_without_a_database_the_process_still_tells_of_itself(house: House, keys: Keys) -> None:
    async with open_database(postgres(house.database).url) as closed_soon:
        pass
    house = replace(house, database=closed_soon)
    async with asker(house, keys, "127.0.0.1") as client:
        numbers = samples(await client.get("/metrics"))
    assert numbers["steward_database_up",] == 0
    assert not [name for name in numbers if name[0] == "steward_tasks"]


async def test_they_are_no_part_of_the_api(prometheus: httpx.AsyncClient) -> None:
    paths = (await prometheus.get("/openapi.json")).json()["paths"]
    assert "/metrics" not in paths
    assert "/api/metrics" in paths


# ---------------------------------------------------------------- /api/metrics


async def test_one_s_own_numbers_now_and_before(house: House, client: httpx.AsyncClient, worker_caller: Caller) -> None:
    empty = (await client.get("/api/metrics")).json()
    assert (empty["tasks"], empty["latest"], empty["history"]) == ({}, None, [])
    await functions.create_tasks(house.caller, [{"title": "x", "execution_type": "manual"}] * 3)
    await take_metrics_snapshot(worker_caller)
    await functions.create_tasks(house.caller, [{"title": "x", "execution_type": "manual"}])
    full = (await client.get("/api/metrics", params={"hours": 1})).json()
    assert full["tasks"] == {"pending": 4}
    assert full["latest"]["tasks"] == {"pending": 3}
    assert full["history"] == [full["latest"]]
    assert "organization_id" not in full["latest"]


async def test_they_are_nobody_else_s(
    house: House, client: httpx.AsyncClient, stranger: httpx.AsyncClient, worker_caller: Caller
) -> None:
    await functions.create_tasks(house.caller, [{"title": "x", "execution_type": "manual"}])
    await take_metrics_snapshot(worker_caller)
    other = (await stranger.get("/api/metrics")).json()
    assert (other["tasks"], other["latest"], other["history"]) == ({}, None, [])
    assert (await client.get("/api/metrics", headers={"Authorization": ""})).status_code == 401


@pytest.mark.parametrize("hours", ["0", "-1", "2161", "x", "1.5", ""])
async def test_wrong_hours_are_refused(client: httpx.AsyncClient, hours: str) -> None:
    answer = await client.get("/api/metrics", params={"hours": hours})
    assert answer.status_code == 422
    assert "hours" in answer.text
