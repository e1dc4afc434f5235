"""The orchestrator: a plan of a model, base agents here and behind Lambda's own protocol, and a report of what came of it."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic_ai import models

from agents.base_agent_folder import FolderOutput
from agents.base_agent_forms import Spending
from agents.orchestrator import orchestrate, read_objective
from agents.orchestrator_forms import Orchestration
from agents.orchestrator_report import in_words
from agents.thinking import ModelCall, Thinking
from app import aws_lambda_agents
from app.aws_lambda_agents import CalledHere
from core.clock import Clock
from core.errors import Invalid, StewardError, Unavailable
from core.settings import Settings
from integrations.aws.lambda_function import CallFailed, LambdaFunction
from tests.emulators.model_server import ModelServer, model_server, model_settings, thinking_on

__all__ = ["model_server"]
CLOCK = Clock(ZoneInfo("Europe/Berlin"))
Handler = Callable[[Mapping[str, Any]], Any]


@pytest.fixture
async def thinking(model_server: ModelServer) -> AsyncGenerator[Thinking]:
    async with thinking_on(model_server) as opened:
        yield opened


async def run(asked: Mapping[str, Any], thinking: Thinking, folder: Path, caller: Any = None) -> Orchestration:
    output = FolderOutput(folder)
    return await orchestrate(
        read_objective(dict(asked)),
        thinking=thinking,
        caller=caller or CalledHere(thinking, output, CLOCK),
        output=output,
        clock=CLOCK,
        first_pause_seconds=0,
    )


def states(told: Orchestration) -> dict[str, str]:
    return {part.id: part.status for part in told.parts}


def read(path: str) -> str:
    return Path(path).read_text()


async def test_an_objective_is_divided_done_and_paid_once(thinking: Thinking, tmp_path: Path) -> None:
    asked = {"objective": "A guide to the harbour", "context": "For visitors."}
    told = await run(asked, thinking, tmp_path)
    assert states(told) == {
        "harbour": "completed",
        "ships": "completed",
        "photos": "for_a_person",
        "guide": "completed",
    }
    assert told.status == "partial"
    assert told.usage_now.calls == told.usage.calls >= 4
    report = read(told.report)
    assert "| Walk there and take photos (photos) | for a person |" in report
    again = await run(asked, thinking, tmp_path)
    assert again.usage_now.calls == 0
    assert again.usage == told.usage
    assert states(again) == states(told)
    assert all(part.was_known for part in again.parts if part.status == "completed")


@pytest.mark.parametrize("objective", ["A guide to the harbour", "Hire a designer", "Plan a trip to Lisbon"])
async def test_the_built_in_rules_divide_and_leave_it_to_people(objective: str, tmp_path: Path) -> None:
    async with Thinking.from_settings(Settings.model_validate({"home": tmp_path})) as by_rules:
        told = await run({"objective": objective, "most_parts": 50}, by_rules, tmp_path / "out")
    assert told.status == "blocked"
    assert {"for_a_person"} <= set(states(told).values()) <= {"for_a_person", "skipped", "blocked"}
    assert "for a person" in read(told.report)


class Scripted:
    """Calls that go as the test says: an error, or what a base agent would answer. Remembers orders and how many ran at once."""

    def __init__(
        self, here: CalledHere, errors: Mapping[str, list[StewardError]], hold: asyncio.Event | None = None
    ) -> None:
        self.here = here
        self.errors = {name: list(one) for name, one in errors.items()}
        self.orders: list[Mapping[str, Any]] = []
        self.most = self.now = 0
        self.hold = hold

    async def call(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        self.orders.append(order)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0)
            if self.hold is not None and "Join" in order["instructions"]:
                await self.hold.wait()
            waiting = self.errors.get(order["instructions"], [])
            if waiting:
                raise waiting.pop(0)
            return await self.here.call(order)
        finally:
            self.now -= 1


async def test_what_fails_is_tried_again_and_fails_what_needs_it_alone(thinking: Thinking, tmp_path: Path) -> None:
    parts = [
        {"id": "a", "instructions": "Write about the harbour", "context": [{"name": "mail", "text": "of others"}]},
        {"id": "b", "instructions": "List the ships as JSON", "format": "json"},
        {"id": "c", "instructions": "Never listed"},
        {"id": "d", "instructions": "Join both", "depends_on": ["a", "b"]},
        {"id": "e", "instructions": "Join both", "title": "a|b <i>", "depends_on": ["c"]},
        {"id": "f", "instructions": "Join both", "depends_on": ["e"]},
    ]
    output = FolderOutput(tmp_path)
    passing, for_good = Unavailable("Not now"), Invalid("Never", detail="wrong")
    here = CalledHere(thinking, output, CLOCK)
    caller = Scripted(here, {"Write about the harbour": [passing, passing], "Never listed": [for_good]})
    told = await run({"objective": "Both", "parts": parts, "concurrency": 2}, thinking, tmp_path, caller)
    assert states(told) == {
        "a": "completed",
        "b": "completed",
        "c": "failed",
        "d": "completed",
        "e": "skipped",
        "f": "skipped",
    }
    assert [part.tries for part in told.parts] == [3, 1, 1, 1, 0, 0]
    assert caller.most <= 2
    joined = next(order for order in caller.orders if order["instructions"] == "Join both")
    assert [(one["name"].split(" (")[0], one["is_own"]) for one in joined["context"]] == [
        ("Result of a", False),  # words of others went into it
        ("Result of b", True),
    ]
    assert [part.tainted for part in told.parts[:4]] == [True, False, False, True]
    report = read(told.report)
    assert "Never: wrong" in report
    assert "a\\|b &lt;i> (e)" in report
    assert "It needs c" in report

    tired = Scripted(here, {"Write about Ships": [passing] * 9})
    one = {"id": "x", "instructions": "Write about Ships"}
    failed = await run({"objective": "Ships", "parts": [one], "tries": 2}, thinking, tmp_path, tired)
    assert (failed.status, failed.parts[0].status, failed.parts[0].tries) == ("blocked", "failed", 2)


async def test_when_time_is_up_the_same_again_goes_on(thinking: Thinking, tmp_path: Path) -> None:
    parts = [
        {"id": "a", "instructions": "Write about the harbour"},
        {"id": "b", "instructions": "Join both", "depends_on": ["a"]},
    ]
    here = CalledHere(thinking, FolderOutput(tmp_path), CLOCK)
    stuck = Scripted(here, {}, hold=asyncio.Event())
    first = await run({"objective": "Both", "parts": parts, "seconds": 1.5}, thinking, tmp_path, stuck)
    assert (first.status, states(first)) == ("unfinished", {"a": "completed", "b": "unfinished"})
    assert "goes on from here" in read(first.report)
    second = await run({"objective": "Both", "parts": parts}, thinking, tmp_path)
    assert (second.status, [part.was_known for part in second.parts]) == ("completed", [True, False])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"objective": ""}, "objective"),
        ({"objective": "x", "most_parts": 51}, "most_parts"),
        ({"objective": "x", "parts": [{"id": "a", "instructions": "x"}] * 2}, "Two parts have the key a"),
        ({"objective": "x", "parts": [{"id": "a", "instructions": "x", "depends_on": ["b"]}]}, "a depends on b"),
        ({"objective": "x", "parts": [{"id": "a", "instructions": "x", "depends_on": ["a"]}]}, "cycle"),
        (
            {
                "objective": "x",
                "most_parts": 1,
                "parts": [{"id": "a", "instructions": "x"}, {"id": "b", "instructions": "x"}],
            },
            "most_parts allows 1",
        ),
        ({"objective": "x", "parts": [{"id": "a", "instructions": "x", "tools": ["browser"]}]}, "no tool 'browser'"),
        ({"objective": "x", "parts": [{"id": "a", "instructions": "  "}]}, "it says nothing"),
        (
            {
                "objective": "x",
                "parts": [{"id": "a", "instructions": "x", "context": [{"text": "t"}] * 100, "depends_on": ["b"]}],
            },
            "at most 100 are taken",
        ),
    ],
    ids=["nothing", "bound", "twice", "stranger", "cycle", "too-many", "tool", "spaces", "materials"],
)
def test_a_wrong_objective_is_refused(asked: Mapping[str, Any], words: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_objective(asked)
    assert words in f"{caught.value.message} {caught.value.detail}"


class FullFolder(FolderOutput):
    """Takes results, and no manifest."""

    async def write(self, name: str, content: bytes, media_type: str, *, once: bool = False) -> bool:
        if name.endswith("manifest.json"):
            raise Unavailable("The folder is full")
        return await super().write(name, content, media_type, once=once)


class Broken:
    """A caller that fails in a way that nobody foresaw, for one part."""

    def __init__(self, here: CalledHere) -> None:
        self.here = here

    async def call(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        if "Ships" in order["instructions"]:
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "what is no UTF-8")
        return await self.here.call(order)


async def test_what_was_paid_is_told_and_nothing_is_paid_twice(
    thinking: Thinking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid: list[ModelCall] = []
    counts = Spending.__call__

    async def counted(self: Spending, call: ModelCall) -> None:
        paid.append(call)
        await counts(self, call)

    monkeypatch.setattr(Spending, "__call__", counted)
    same = [{"id": f"p{n}", "instructions": "Write about the harbour"} for n in range(8)]
    told = await run({"objective": "x", "parts": same, "concurrency": 8}, thinking, tmp_path)
    assert (told.status, told.usage_now.calls, told.usage.calls, len(paid)) == ("completed", 1, 1, 1)
    assert len({part.address for part in told.parts}) == 1

    full = CalledHere(thinking, FullFolder(tmp_path), CLOCK)
    one = [{"id": "a", "instructions": "Write about the harbour now"}]
    failed = await run({"objective": "y", "parts": one, "tries": 3}, thinking, tmp_path, full)
    assert (failed.parts[0].tries, failed.usage_now.calls, len(paid)) == (3, 3, 4)
    assert "failed tries too: 3, cost" in read(failed.report)

    two = [*one, {"id": "b", "instructions": "Write about Ships"}]
    broken = Broken(CalledHere(thinking, FolderOutput(tmp_path), CLOCK))
    odd = await run({"objective": "z", "parts": two}, thinking, tmp_path, broken)
    assert states(odd) == {"a": "completed", "b": "failed"}
    assert "UnicodeDecodeError" in read(odd.report)

    bound = {"objective": "w", "parts": [{"id": "n", "instructions": "Write about the new"}], "most_cost_usd": 0}
    stopped = await run(bound, thinking, tmp_path)
    assert (stopped.status, states(stopped), stopped.usage_now.calls) == ("unfinished", {"n": "unfinished"}, 0)
    assert "most_cost_usd" in read(stopped.report)


def test_a_report_shows_no_pictures_and_no_markup_of_others() -> None:
    evil = "![x](https://evil.example/?d=1) <img src=https://evil.example/m>"
    text = in_words(Orchestration(key="k", objective=evil, status="blocked", parts=[], message=evil))
    assert "![" not in text
    assert "<img" not in text


@contextmanager
def lambda_service(handler: Handler) -> Generator[str]:
    """Lambda's invoke over HTTP, as its API says; moto runs no code without Docker. The handler's errors are a function's."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/2015-03-31/functions/steward-base-agent/invocations", self.path
            status, failed = 200, ""
            answer: Any
            try:
                answer = handler(json.loads(body))
            except ConnectionAbortedError:
                self.close_connection = True
                return  # without an answer
            except TimeoutError:
                status, answer = 429, {"Type": "User", "Message": "Rate exceeded"}
            except Exception as error:
                failed = "Unhandled"
                answer = {"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": []}
            raw = json.dumps(answer).encode() if not isinstance(answer, bytes) else answer
            self.send_response(status)
            if status == 429:
                self.send_header("x-amzn-errortype", "TooManyRequestsException")
            if failed:
                self.send_header("X-Amz-Function-Error", failed)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Context:
    """What Lambda tells of a call."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def test_as_functions_the_one_calls_the_other(
    model_server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def settings() -> Settings:
        return model_settings(model_server)

    monkeypatch.setattr(aws_lambda_agents, "settings_on_aws", settings)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "not-a-key",
        "AWS_SECRET_ACCESS_KEY": "not-a-key",
        "AWS_DEFAULT_REGION": "us-east-1",
        "STEWARD_AWS_OUTPUT": str(tmp_path),
        "STEWARD_AWS_BASE_AGENT": "steward-base-agent",
    }.items():
        monkeypatch.setenv(name, value)
    orders: list[Mapping[str, Any]] = []

    def handler(order: Mapping[str, Any]) -> Any:
        orders.append(order)
        return aws_lambda_agents.base_agent(order, Context())

    with models.override_allow_model_requests(True), lambda_service(handler) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        asked = {"objective": "A guide to the harbour", "output": "/etc"}
        told = aws_lambda_agents.orchestrator(asked, Context())
        assert told["report"].startswith(str(tmp_path))  # who calls a function does not choose where it writes
        assert len(orders) == 3
        again = aws_lambda_agents.orchestrator(asked, Context())
        assert again["usage_now"]["calls"] == 0
    with pytest.raises(Invalid, match="no object"):
        aws_lambda_agents.base_agent(["x"], Context())  # pyright: ignore[reportArgumentType] - what anybody may send
    monkeypatch.setenv("STEWARD_AWS_OUTPUT", "")
    with pytest.raises(Invalid, match="STEWARD_AWS_OUTPUT is not set"):
        aws_lambda_agents.base_agent({"instructions": "x"}, Context())


def test_time_that_is_up_is_not_waited_for_and_a_broken_call_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def settings() -> Settings:
        return Settings.model_validate({"home": tmp_path / "home"})

    monkeypatch.setattr(aws_lambda_agents, "settings_on_aws", settings)
    monkeypatch.setattr(aws_lambda_agents, "SPARE_SECONDS", 55.0)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "not-a-key",
        "AWS_SECRET_ACCESS_KEY": "not-a-key",
        "AWS_REGION": "us-east-1",
        "STEWARD_AWS_OUTPUT": str(tmp_path),
        "STEWARD_AWS_BASE_AGENT": "steward-base-agent",
    }.items():
        monkeypatch.setenv(name, value)
    orders: list[Mapping[str, Any]] = []
    over, is_waited_for = threading.Event(), False

    def handler(order: Mapping[str, Any]) -> Any:
        nonlocal is_waited_for
        orders.append(order)
        if order["instructions"] == "Break":
            raise ConnectionAbortedError
        is_waited_for = not over.wait(30)
        return {}

    def asked(instructions: str) -> dict[str, Any]:
        parts = [{"id": "a", "instructions": instructions}]
        return aws_lambda_agents.orchestrator({"objective": "x", "parts": parts, "tries": 5}, Context())

    with lambda_service(handler) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        told = asked("Hold")
        over.set()
        assert (told["status"], told["parts"][0]["unknown"], len(orders)) == ("unfinished", 1, 1)
        monkeypatch.setattr(aws_lambda_agents, "SPARE_SECONDS", 20.0)
        cut = asked("Break")
    assert not is_waited_for
    assert (cut["parts"][0]["status"], cut["unknown"], len(orders)) == ("failed", 1, 2)
    assert "nobody knows" in read(cut["report"])


async def test_errors_of_a_function_say_whether_again_may_help(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "not-a-key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def handler(order: Mapping[str, Any]) -> Any:
        match order["do"]:
            case "passing":
                raise Unavailable("Not now")
            case "for good":
                raise Invalid("Never")
            case "too many":
                raise TimeoutError
            case "garbage":
                return b"<html>"
            case _:
                return [1]

    async def retryable(what: str) -> bool:
        called = LambdaFunction("steward-base-agent")
        try:
            with pytest.raises(StewardError) as caught:
                await called.call({"do": what})
            return caught.value.is_retryable
        finally:
            await called.close()

    with lambda_service(handler) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        found = {what: await retryable(what) for what in ("passing", "for good", "too many", "garbage", "a list")}
    assert found == {"passing": True, "for good": False, "too many": True, "garbage": True, "a list": False}
    assert not CallFailed("x").is_retryable
    with pytest.raises(Invalid):
        LambdaFunction("https://evil.example/x")
    with pytest.raises(Invalid, match="takes at most"):
        await LambdaFunction("x").call({"text": "y" * 6_000_001})
