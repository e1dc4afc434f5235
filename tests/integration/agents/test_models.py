"""Models in a line-up: by size, with fallbacks, priced, and going on from their own answers. Real HTTP, authored answers."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai import models

from agents.extractor import ReplyDelta, extract, extract_stream
from agents.reviser import revise
from agents.strategist import Blocked, Decompose, EarlierDraft, Immediate, decide
from agents.thinking import RULES_NAME, ModelCall, ModelRefused, ModelUnavailable, Thinking, Trail
from app.house import House
from core.database import Caller
from core.postgres import pool_of
from core.settings import Settings
from jobs.worker import Worker, working
from tasks import functions, review
from tests.emulators.model_server import ModelServer, thinking_on
from tests.integration.agents.growing import is_state, until
from tests.unit.agents.making import NOW, make_context


@dataclass
class LineUp:
    """A thinker of several models on the model server, and what was recorded."""

    thinking: Thinking
    calls: list[ModelCall] = field(default_factory=list[ModelCall])

    @property
    def told(self) -> list[tuple[str, str | None]]:
        return [(call.model, call.error) for call in self.calls]


@asynccontextmanager
async def line_up(server: ModelServer, **settings: Any) -> AsyncGenerator[LineUp]:
    known = {"OPENAI_API_KEY": "not-a-key", "OPENAI_BASE_URL": server.base_url, **settings}
    found = LineUp(Thinking())

    async def record(call: ModelCall) -> None:
        found.calls.append(call)

    thinking = Thinking.from_settings(Settings.model_validate(known))
    found.thinking = replace(thinking, on_call=record, pauses_seconds=(0.0, 0.0))
    with models.override_allow_model_requests(True):
        async with found.thinking:
            yield found


def requests_of(server: ModelServer, words: str) -> list[dict[str, Any]]:
    """The requests that the server got with these words in them, oldest first: {headers, body}."""
    with urllib.request.urlopen(f"{server.base_url.removesuffix('/v1')}/__aimock/journal") as answer:
        entries: list[dict[str, Any]] = json.load(answer)
    return [entry for entry in entries if words in json.dumps(entry.get("body"))]


@contextmanager
def wiretap(server: ModelServer) -> Generator[tuple[ModelServer, list[dict[str, Any]]]]:
    """A way to the model server that keeps the bodies of what goes there: its own journal leaves out response ids."""
    bodies: list[dict[str, Any]] = []

    class Tap(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(json.loads(sent))
            url = f"{server.base_url.removesuffix('/v1')}{self.path}"
            request = urllib.request.Request(url, sent, {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request) as answer:
                    status, body = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                with error:
                    status, body = error.code, error.read()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the screen."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Tap) as tap:
        thread = threading.Thread(target=tap.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield ModelServer(f"http://127.0.0.1:{tap.server_port}/v1"), bodies
        finally:
            tap.shutdown()
            thread.join()


async def test_each_purpose_has_its_model(model_server: ModelServer) -> None:
    async with line_up(model_server, model_small="gpt-5-nano", model_large="gpt-5") as asked:
        await extract("how are you today?", now=NOW, thinking=asked.thinking)
        await decide(make_context("Write an outline", "outline"), now=NOW, thinking=asked.thinking)
        plan = make_context("Plan Q4 marketing campaign", "project", "semi_automated")
        await decide(plan, now=NOW, thinking=asked.thinking)
    assert [call.model for call in asked.calls] == ["gpt-5-nano", "gpt-5-mini", "gpt-5"]


async def test_what_names_no_size_asks_the_one_model(model_server: ModelServer) -> None:
    async with line_up(model_server) as asked:
        await extract("how are you today?", now=NOW, thinking=asked.thinking)
    assert [call.model for call in asked.calls] == ["gpt-5-mini"]


async def test_a_broken_model_is_tried_three_times_then_the_next_answers(model_server: ModelServer) -> None:
    async with line_up(model_server, model_fallbacks="gpt-5-nano") as asked:
        found = await extract("case: first is broken", now=NOW, thinking=asked.thinking)
    assert found.reply == "The second answered, in one sentence."
    broken = ("gpt-5-mini", "ModelServerError")
    assert asked.told == [broken, broken, broken, ("gpt-5-nano", None)]
    assert asked.calls[-1].cost_usd is not None


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("first is unknown", "ModelNotFoundError"),
        ("first has a wrong key", "ModelAuthenticationError"),
        ("first is limited for long", "ModelRateLimitError"),
    ],
)
async def test_what_waiting_does_not_mend_goes_to_the_next_at_once(
    model_server: ModelServer, case: str, error: str
) -> None:
    async with line_up(model_server, model_fallbacks="gpt-5-nano") as asked:
        await extract(f"case: {case}", now=NOW, thinking=asked.thinking)
    assert asked.told == [("gpt-5-mini", error), ("gpt-5-nano", None)]


async def test_rejected_words_are_not_carried_elsewhere(model_server: ModelServer) -> None:
    async with line_up(model_server, model_fallbacks="gpt-5-nano") as asked:
        with pytest.raises(ModelRefused):
            await extract("case: words are rejected", now=NOW, thinking=asked.thinking)
    assert [model for model, _ in asked.told] == ["gpt-5-mini"]


async def test_when_all_are_out_what_may_pass_is_told(model_server: ModelServer) -> None:
    async with line_up(model_server, model_fallbacks="gpt-5-nano,gpt-4.1-nano") as asked:
        with pytest.raises(ModelUnavailable):
            await extract("case: all are out", now=NOW, thinking=asked.thinking)
    assert [model for model, _ in asked.told] == ["gpt-5-mini", *["gpt-5-nano"] * 3, *["gpt-4.1-nano"] * 3]


async def test_a_stream_that_cannot_begin_begins_elsewhere(model_server: ModelServer) -> None:
    async with line_up(model_server, model_fallbacks="gpt-5-nano") as asked:
        said = ""
        async for item in extract_stream("case: first is broken", now=NOW, thinking=asked.thinking):
            said += item.text if isinstance(item, ReplyDelta) else ""
    assert said == "The second answered, in one sentence."
    assert asked.told == [("gpt-5-mini", "ModelServerError"), ("gpt-5-nano", None)]


async def test_a_fallback_elsewhere_gets_its_own_key_alone(model_server: ModelServer) -> None:
    settings = {"OPENAI_API_KEY": "mine-alone", "model_fallback_api_key": "its-own"}
    async with line_up(model_server, model_fallbacks=f"qwen3@{model_server.base_url}", **settings) as asked:
        await extract("case: first is unknown, elsewhere", now=NOW, thinking=asked.thinking)
    first, second = requests_of(model_server, "case: first is unknown, elsewhere")
    assert (first["path"], second["path"]) == ("/v1/responses", "/v1/chat/completions")
    assert "its-own" not in json.dumps(first["headers"])
    assert "mine-alone" not in json.dumps(second["headers"])


async def test_a_server_that_answers_under_another_name_is_priced_by_the_asked_one(model_server: ModelServer) -> None:
    async with line_up(model_server) as asked:
        await extract("case: another name", now=NOW, thinking=asked.thinking)
    (call,) = asked.calls
    assert (call.model, call.served_model) == ("gpt-5-mini", "house-special")
    assert call.cost_usd == pytest.approx(0.00225)


@pytest.mark.parametrize("name", ["openai/gpt-5-mini", "gpt-5-mini-2025-08-07"])
async def test_names_of_gateways_have_the_price_of_the_model(model_server: ModelServer, name: str) -> None:
    async with line_up(model_server, model=name) as asked:
        await extract("case: another name", now=NOW, thinking=asked.thinking)
    assert asked.calls[0].cost_usd == pytest.approx(0.00225)


async def test_a_model_without_a_price_costs_nobody_knows_what(model_server: ModelServer) -> None:
    async with line_up(model_server, model="house-special") as asked:
        await extract("case: another name", now=NOW, thinking=asked.thinking)
    assert (asked.calls[0].cost_usd, asked.calls[0].output_tokens) == (None, 1000)


async def test_without_usage_the_cost_is_not_known(model_server: ModelServer) -> None:
    async with line_up(model_server) as asked:
        await extract("case: no usage", now=NOW, thinking=asked.thinking)
    assert (asked.calls[0].cost_usd, asked.calls[0].input_tokens) == (None, 0)


async def test_a_repair_goes_on_from_the_answer_that_the_server_kept(model_server: ModelServer) -> None:
    with wiretap(model_server) as (tapped, bodies):
        async with line_up(tapped, model_keeps_answers="on") as asked:
            found = await extract("case: repaired in a chain", now=NOW, thinking=asked.thinking)
    assert found.reply == "Mended in the chain."
    first, repair = bodies
    assert "previous_response_id" not in first
    assert repair["previous_response_id"] == "resp_chain_1"
    assert "call_chain_1" in json.dumps(repair["input"])
    assert "case: repaired in a chain" not in json.dumps(repair["input"])


async def describe_twice(asked: LineUp, title: str, feedback: str) -> tuple[Immediate | Decompose | Blocked, Trail]:
    trail = Trail()
    context = make_context(title, "document")
    await decide(context, now=NOW, thinking=asked.thinking, trail=trail)
    again = replace(context, feedback=feedback)
    return await decide(again, now=NOW, thinking=asked.thinking, trail=trail), trail


async def test_feedback_goes_on_from_the_answer_it_is_about(model_server: ModelServer) -> None:
    with wiretap(model_server) as (tapped, bodies):
        async with line_up(tapped, model_keeps_answers="on") as asked:
            answer, _ = await describe_twice(asked, "Describe the kept chairs", "say it in one word")
    assert isinstance(answer, Immediate)
    assert answer.output == "Chairs."
    assert bodies[1]["previous_response_id"] == "resp_kept_1"
    said = json.dumps(bodies[1]["input"])
    assert "call_kept_1" in said  # the server waits for what came of its call
    assert "Describe the kept chairs" not in said


async def test_an_answer_that_the_server_has_lost_means_saying_everything(model_server: ModelServer) -> None:
    async with line_up(model_server, model_keeps_answers="on") as asked:
        answer, trail = await describe_twice(asked, "Describe the lost chairs", "say it at length")
    assert isinstance(answer, Immediate)
    assert answer.output == "Four chairs of beech."
    assert [error for _, error in asked.told] == [None, "ModelRequestRejectedError", None]
    assert trail.response_id == "resp_lost_1"


async def test_where_answers_are_not_kept_everything_is_said_again(model_server: ModelServer) -> None:
    with wiretap(model_server) as (tapped, bodies):
        async with line_up(tapped) as asked:
            await describe_twice(asked, "Describe the kept chairs", "say it in one go")
    assert [body.get("previous_response_id") for body in bodies] == [None, None]
    assert "say it in one go" in json.dumps(bodies[1]["input"])


async def test_a_revision_goes_on_from_the_recorded_answer(model_server: ModelServer) -> None:
    recorded = {
        "provider_response_id": "resp_draft_1",
        "parts": [{"part_kind": "tool-call", "tool_name": "immediate", "tool_call_id": "call_draft_1", "args": "{}"}],
    }
    earlier = EarlierDraft(["ana@firm.example"], [], "Cold", "Ana.\n")
    context, trail = make_context("Write to Ana about the revision"), Trail.of_recorded(recorded)
    with wiretap(model_server) as (tapped, bodies):
        async with line_up(tapped, model_keeps_answers="on") as asked:
            revised = await revise(context, earlier, feedback="warmer", now=NOW, thinking=asked.thinking, trail=trail)
    assert isinstance(revised, Immediate)
    assert [body["previous_response_id"] for body in bodies] == ["resp_draft_1"]
    assert "about the revision" not in json.dumps(bodies[0]["input"])
    assert "call_draft_1" in json.dumps(bodies[0]["input"])


async def test_a_rejected_draft_goes_on_from_the_answer_that_made_it(house: House, model_server: ModelServer) -> None:
    with wiretap(model_server) as (tapped, bodies):
        async with thinking_on(tapped) as thinking:
            equipment = replace(house.equipment, thinking=replace(thinking, is_chained=True))
            async with working(Worker(house.database, equipment)):
                title = "Draft email to john@example.com thanking him for the meeting"
                item = {"title": title, "kind": "email", "execution_type": "semi_automated"}
                (task,) = await functions.create_tasks(house.caller, [item])
                await functions.queue_task_execution(house.caller, task.id)
                waiting = await until(house, task.id, lambda found: found.open_draft_id is not None)
                assert waiting.open_draft_id
                await review.reject_draft(house.caller, waiting.open_draft_id, "make it warmer")
                await until(house, task.id, lambda found: found.open_draft_id not in {None, waiting.open_draft_id})
    first, second = bodies
    assert "previous_response_id" not in first
    assert second["previous_response_id"].startswith("resp")
    assert any(item.get("type") == "function_call_output" for item in second["input"])
    assert "thanking him" not in json.dumps(second["input"])


async def test_what_the_rules_are_sure_of_is_not_sent(model_server: ModelServer) -> None:
    async with line_up(model_server, model_rules_from=0.8) as asked:
        context = make_context("Draft an email to dana@firm.example thanking her for the meeting")
        mail = await decide(context, now=NOW, thinking=asked.thinking)
        errand = await decide(make_context("Order chairs", "purchase", "manual"), now=NOW, thinking=asked.thinking)
    assert isinstance(mail, Immediate)
    assert isinstance(errand, Blocked)
    assert [call.model for call in asked.calls] == [RULES_NAME, RULES_NAME]


async def test_what_the_rules_cannot_judge_is_sent_all_the_same(model_server: ModelServer) -> None:
    async with line_up(model_server, model_rules_from=0.0) as asked:
        await decide(make_context("Write a proposal", "document"), now=NOW, thinking=asked.thinking)
        guided = make_context("Draft email to john@example.com thanking him for the meeting", guidance="Be brief")
        await decide(guided, now=NOW, thinking=asked.thinking)
    assert [call.model for call in asked.calls] == ["gpt-5-mini", "gpt-5-mini"]


NOTED = {"title": "Say what to bring", "kind": "document", "execution_type": "fully_automated", "max_retries": 0}


@asynccontextmanager
async def noting_house(house: House, server: ModelServer, folder: Path | None) -> AsyncGenerator[None]:
    async with thinking_on(server) as thinking:
        equipment = replace(house.equipment, thinking=replace(thinking, notes_folder=folder))
        async with working(Worker(house.database, equipment)):
            yield


async def test_a_notes_file_is_said_to_the_model(house: House, model_server: ModelServer, tmp_path: Path) -> None:
    (tmp_path / "trip.md").write_text("Bring two pens.")
    async with noting_house(house, model_server, tmp_path):
        (task,) = await functions.create_tasks(house.caller, [{**NOTED, "notes_file": "trip.md"}])
        await functions.queue_task_execution(house.caller, task.id)
        done = await until(house, task.id, is_state("completed"))
    assert done.result["output"] == "Two pens."


async def test_a_missing_notes_file_waits_for_a_person(house: House, model_server: ModelServer, tmp_path: Path) -> None:
    async with noting_house(house, model_server, tmp_path):
        (task,) = await functions.create_tasks(house.caller, [{**NOTED, "notes_file": "../trip.md"}])
        await functions.queue_task_execution(house.caller, task.id)
        stuck = await until(house, task.id, is_state("blocked"))
    assert (stuck.blocked_on, "'../trip.md'" in (stuck.blocked_reason or "")) == ("person", True)
    assert str(tmp_path) in (stuck.unblocked_by or "")


async def test_the_folder_of_notes_is_not_another_tenants(
    house: House, model_server: ModelServer, tmp_path: Path, ana: Caller
) -> None:
    (tmp_path / "trip.md").write_text("Bring two pens.")
    async with noting_house(house, model_server, tmp_path):
        (task,) = await functions.create_tasks(ana, [{**NOTED, "notes_file": "trip.md"}])
        await functions.queue_task_execution(ana, task.id)
        stuck = await until(replace(house, owner=ana.identity), task.id, is_state("blocked"))
    assert stuck.blocked_on == "person"


async def test_a_stored_text_of_the_task_is_said_to_the_model(house: House, model_server: ModelServer) -> None:
    async with noting_house(house, model_server, None):
        (task,) = await functions.create_tasks(house.caller, [{**NOTED, "notes_file": "trip.txt"}])
        async with pool_of(house.database).connection() as connection:
            await connection.execute(
                """insert into public.artifacts (organization_id, task_id, name, media_type, size_bytes, sha256, content)
                values (%s, %s, 'trip.txt', 'text/plain', 15, '', convert_to('Bring two pens.', 'UTF8'))""",
                (task.organization_id, task.id),
            )
        await functions.queue_task_execution(house.caller, task.id)
        done = await until(house, task.id, is_state("completed"))
    assert done.result["output"] == "Two pens."


async def test_the_rules_work_on_notes_as_material(house: House, tmp_path: Path) -> None:
    (tmp_path / "minutes.md").write_text(
        "Launch meeting. Ana: I will send the budget by Friday. Decision: we start in May."
    )
    equipment = replace(house.equipment, thinking=Thinking(notes_folder=tmp_path))
    item = {**NOTED, "title": "Extract the action items", "kind": "action_items", "notes_file": "minutes.md"}
    async with working(Worker(house.database, equipment)):
        (task,) = await functions.create_tasks(house.caller, [item])
        await functions.queue_task_execution(house.caller, task.id)
        done = await until(house, task.id, is_state("completed"))
    assert "budget" in done.result["output"]
