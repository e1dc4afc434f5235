"""The same key and request give the first answer again. On a real database, since the promise is the database's."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient
from starlette.responses import Response, StreamingResponse

from app.dependencies import CurrentCaller
from app.house import House
from app.main import create_app
from app.problems import PARTLY_DONE
from core.database import Caller, Identity, refusal
from core.errors import Conflict, OutcomeUnknown, TooMany, Unavailable
from core.keys import Keys
from core.postgres import PostgresDatabase, pool_of
from tasks.functions import create_tasks

KEY = "Idempotency-Key"


class Counter:
    """Counts how often the route ran, and does what the test wants of it."""

    def __init__(self) -> None:
        self.runs = 0
        self.has_begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.answer: Response | None = None
        self.error: Exception | None = None
        self.writes = False

    async def __call__(self, request: Request, caller: CurrentCaller) -> Response:
        self.runs += 1
        await caller.call("get_profile")
        if self.writes:
            await create_tasks(caller, [{"title": "Rent"}])
        self.has_begun.set()
        await self.gate.wait()
        if self.error:
            raise self.error
        return self.answer or Response(f'{{"run":{self.runs}}}', status_code=201, media_type="application/json")


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def web(house: House, counter: Counter, tmp_path: Path) -> FastAPI:
    app = create_app(house, Keys.load(tmp_path / "home"))
    app.add_api_route("/api/probe", counter.__call__, methods=["POST", "PUT", "GET"])
    app.add_api_route("/api/probe/other", counter.__call__, methods=["POST"])
    return app


@pytest.fixture
async def http(web: FastAPI, house: House) -> AsyncGenerator[AsyncClient]:
    assert house.owner.user_id
    headers = {"Authorization": f"Bearer {web.state.keys.bearer_token(house.owner.user_id)}"}
    async with AsyncClient(transport=ASGITransport(web), base_url="http://127.0.0.1", headers=headers) as client:
        yield client


async def test_the_same_request_again_gets_the_first_answer(http: AsyncClient, counter: Counter) -> None:
    first = await http.post("/api/probe", json={"a": 1}, headers={KEY: "k"})
    again = await http.post("/api/probe", json={"a": 1}, headers={KEY: "k"})
    assert counter.runs == 1
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, b'{"run":1}')
    assert again.headers["content-type"] == first.headers["content-type"]


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", "/api/probe", {"a": 2}),
        ("POST", "/api/probe", None),
        ("PUT", "/api/probe", {"a": 1}),
        ("POST", "/api/probe/other", {"a": 1}),
        ("POST", "/api/probe?b=1", {"a": 1}),
    ],
)
async def test_another_request_with_the_key_is_409(
    http: AsyncClient, counter: Counter, method: str, url: str, body: object
) -> None:
    await http.post("/api/probe", json={"a": 1}, headers={KEY: "k"})
    answer = await http.request(method, url, json=body, headers={KEY: "k"})
    assert (answer.status_code, counter.runs) == (409, 1)
    assert answer.json()["type"] == "urn:steward:problem:conflict"


async def test_while_the_first_runs_the_second_is_told_to_wait(http: AsyncClient, counter: Counter) -> None:
    counter.gate.clear()
    first = asyncio.create_task(http.post("/api/probe", headers={KEY: "k"}))
    await counter.has_begun.wait()
    second = await http.post("/api/probe", headers={KEY: "k"})
    counter.gate.set()
    assert (second.status_code, second.headers["retry-after"]) == (409, "1")
    assert (await first).status_code == 201
    assert (await http.post("/api/probe", headers={KEY: "k"})).headers["idempotency-replayed"] == "true"


async def test_of_many_at_the_same_time_one_runs(http: AsyncClient, counter: Counter) -> None:
    answers = await asyncio.gather(*(http.post("/api/probe", headers={KEY: "k"}) for _ in range(10)))
    assert counter.runs == 1
    assert {answer.status_code for answer in answers} <= {201, 409}


async def test_without_a_key_and_for_reads_every_request_runs(http: AsyncClient, counter: Counter) -> None:
    for _ in range(2):
        await http.post("/api/probe")
        await http.get("/api/probe", headers={KEY: "k"})
    assert counter.runs == 4


async def test_keys_of_two_people_never_meet(
    http: AsyncClient, web: FastAPI, counter: Counter, mallory: Caller
) -> None:
    await http.post("/api/probe", headers={KEY: "k"})
    assert mallory.identity.user_id
    other = {"Authorization": f"Bearer {web.state.keys.bearer_token(mallory.identity.user_id)}"}
    answer = await http.post("/api/probe", headers={KEY: "k", **other})
    assert (answer.status_code, counter.runs) == (201, 2)
    assert "idempotency-replayed" not in answer.headers


async def test_a_refusal_is_an_answer_and_given_again(http: AsyncClient, counter: Counter) -> None:
    counter.error = Conflict("not now")
    await http.post("/api/probe", headers={KEY: "k"})
    counter.error = None
    again = await http.post("/api/probe", headers={KEY: "k"})
    assert (again.status_code, again.headers["content-type"], counter.runs) == (409, "application/problem+json", 1)


async def test_a_crash_is_no_answer(http: AsyncClient, counter: Counter) -> None:
    counter.error = RuntimeError("oh")
    assert (await http.post("/api/probe", headers={KEY: "k"})).status_code == 500
    counter.error = None
    assert (await http.post("/api/probe", headers={KEY: "k"})).status_code == 201
    assert counter.runs == 2


async def test_an_empty_answer_is_given_again_empty(http: AsyncClient, counter: Counter) -> None:
    counter.answer = Response(status_code=204)
    answers = [await http.post("/api/probe", headers={KEY: "k"}) for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert (counter.runs, answers[1].headers["idempotency-replayed"]) == (1, "true")


async def test_a_stream_passes_and_is_not_stored(http: AsyncClient, counter: Counter) -> None:
    async def parts() -> AsyncGenerator[bytes]:
        yield b"one"
        yield b"two"

    for run in (1, 2):
        counter.answer = StreamingResponse(parts())
        answer = await http.post("/api/probe", headers={KEY: "k"})
        assert (answer.content, counter.runs) == (b"onetwo", run)


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_stream_that_wrote_is_not_written_again(http: AsyncClient, counter: Counter, *, breaks: bool) -> None:
    async def parts() -> AsyncGenerator[bytes]:
        yield b"one"
        if breaks:
            raise RuntimeError("oh")

    counter.writes, counter.answer = True, StreamingResponse(parts(), media_type="text/event-stream")
    headers = {KEY: "k", "Accept": "text/event-stream"}
    if breaks:
        with pytest.raises(RuntimeError, match="oh"):
            await http.post("/api/probe", headers=headers)
    else:
        assert (await http.post("/api/probe", headers=headers)).content == b"one"
    again = await http.post("/api/probe", headers=headers)
    assert (again.status_code, again.json()["type"]) == (503, "urn:steward:problem:outcome-unknown")
    assert "look before" in again.json()["hint"]
    assert counter.runs == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256])
async def test_a_key_of_another_form_is_422_and_nothing_runs(http: AsyncClient, counter: Counter, key: str) -> None:
    answer = await http.post("/api/probe", headers=[(b"Idempotency-Key", key.encode())])
    assert (answer.status_code, counter.runs) == (422, 0)
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_nobody_gets_401_with_a_key_too(web: FastAPI, counter: Counter) -> None:
    async with AsyncClient(transport=ASGITransport(web), base_url="http://127.0.0.1") as client:
        answer = await client.post("/api/probe", headers={KEY: "k"})
    assert (answer.status_code, counter.runs) == (401, 0)


async def test_a_real_route_makes_one_task(http: AsyncClient) -> None:
    headers = {KEY: str(uuid4())}
    first, again = [await http.post("/api/tasks", json={"title": "Call Ana"}, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len((await http.get("/api/tasks")).json()["items"]) == 1


async def test_out_of_reach_before_anything_was_sent_is_no_answer(http: AsyncClient, counter: Counter) -> None:
    counter.error = Unavailable("away")
    assert (await http.post("/api/probe", headers={KEY: "k"})).status_code == 503
    counter.error = None
    assert (await http.post("/api/probe", headers={KEY: "k"})).status_code == 201


@pytest.mark.parametrize("broken", ["create_tasks", "finish_idempotent_request"])
@pytest.mark.parametrize("kind", [OutcomeUnknown, Unavailable])
async def test_an_answer_that_broke_off_is_never_done_again(
    http: AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch, broken: str, kind: type[Unavailable]
) -> None:
    real, breaks = PostgresDatabase.call_json, [True]

    async def call_json(self: PostgresDatabase, function: str, identity: Identity, params: dict[str, object]) -> bytes:
        answer = await real(self, function, identity, params)
        if function == broken and breaks and (kind is OutcomeUnknown or function.startswith("finish")):
            breaks.clear()
            raise kind("The database did not answer to the end")
        return answer

    monkeypatch.setattr(PostgresDatabase, "call_json", call_json)
    answers = [await http.post("/api/tasks", json={"title": "Rent"}, headers={KEY: "k"}) for _ in range(3)]
    assert len((await http.get("/api/tasks")).json()["items"]) == 1
    if kind is OutcomeUnknown and broken == "create_tasks":
        assert {(one.status_code, one.json()["type"]) for one in answers} == {
            (503, "urn:steward:problem:outcome-unknown")
        }
        assert "look before" in answers[0].json()["hint"]
    else:  # the answer was there, and was kept at the second try
        assert {one.status_code for one in answers} == {201}
    assert [one.headers.get("idempotency-replayed") for one in answers] == [None, "true", "true"]


@pytest.mark.parametrize(
    ("error", "status", "hint"),
    [
        (Unavailable("away", hint="Try again in a moment."), 503, PARTLY_DONE),
        (TooMany("not so fast", retry_after_seconds=1), 429, PARTLY_DONE),
        (RuntimeError("oh"), 500, PARTLY_DONE),
        (refusal("40001", "could not serialize", None, None), 409, PARTLY_DONE),
        (OutcomeUnknown("broke off"), 503, "look before"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_failed_after_something_was_written_is_not_done_again(
    http: AsyncClient, counter: Counter, error: Exception, status: int, hint: str
) -> None:
    counter.writes, counter.error = True, error
    first = await http.post("/api/probe", headers={KEY: "k"})
    counter.error = None
    again = await http.post("/api/probe", headers={KEY: "k"})
    assert (first.status_code, again.status_code, counter.runs) == (status, status, 1)
    assert first.json() == again.json()
    assert hint in first.json()["hint"]
    assert "in a moment" not in first.json()["hint"]
    assert "retry-after" not in first.headers


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("away"),
        TooMany("not so fast"),
        RuntimeError("oh"),
        refusal("40001", "could not serialize access due to concurrent update", None, None),
        refusal("40P01", "deadlock detected", None, None),
    ],
)
async def test_what_failed_before_anything_was_written_is_done_with_the_same_key(
    http: AsyncClient, counter: Counter, error: Exception
) -> None:
    counter.error = error
    first = await http.post("/api/probe", headers={KEY: "k"})
    counter.error = None
    assert (first.status_code >= 409, (await http.post("/api/probe", headers={KEY: "k"})).status_code) == (True, 201)
    assert PARTLY_DONE not in first.json().get("hint", "")


async def test_a_request_that_was_cancelled_after_it_wrote_is_not_done_again(
    http: AsyncClient, counter: Counter
) -> None:
    counter.writes = True
    counter.gate.clear()
    first = asyncio.create_task(http.post("/api/probe", headers={KEY: "k"}))
    await counter.has_begun.wait()
    first.cancel()
    await asyncio.wait([first])
    counter.gate.set()
    again = await http.post("/api/probe", headers={KEY: "k"})
    assert (again.status_code, again.json()["type"]) == (503, "urn:steward:problem:outcome-unknown")
    assert counter.runs == 1


async def test_an_answer_that_cannot_be_kept_says_that_it_may_be_done(
    http: AsyncClient, counter: Counter, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = PostgresDatabase.call_json

    async def call_json(self: PostgresDatabase, function: str, identity: Identity, params: dict[str, object]) -> bytes:
        if function == "finish_idempotent_request":
            raise Unavailable("away")
        return await real(self, function, identity, params)

    monkeypatch.setattr(PostgresDatabase, "call_json", call_json)
    first = await http.post("/api/probe", headers={KEY: "k"})
    again = await http.post("/api/probe", headers={KEY: "k"})
    assert (first.status_code, first.json()["type"]) == (503, "urn:steward:problem:outcome-unknown")
    assert again.status_code == 409
    async with pool_of(house.database).connection() as connection:
        await connection.execute("update public.idempotency_keys set created_at = now() - interval '11 minutes'")
    later = await http.post("/api/probe", headers={KEY: "k"})
    assert (later.status_code, later.json()["type"]) == (503, "urn:steward:problem:outcome-unknown")
    assert counter.runs == 1
