"""Spans say what took time and never what people wrote; without a collector there are none."""

import asyncio
import subprocess
import sys
from collections.abc import Generator
from uuid import UUID

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from core.settings import Settings
from core.tracing import is_tracing, parent_from, set_up_tracing, span, use_provider

TRACED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> Generator[InMemorySpanExporter]:
    """Spans of this test, in memory."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(span_limits=SpanLimits(max_events=0), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    use_provider(provider)
    yield kept
    use_provider(None)
    provider.shutdown()


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {one.name: one for one in exporter.get_finished_spans()}


def test_spans_nest_and_carry_ids_and_numbers(exporter: InMemorySpanExporter) -> None:
    with span("run", task_id=UUID(int=7), attempt=2, recipient=None) as run:
        with span("step", name="extract", parent="none of ours"):
            pass
        run.note(outcome="completed", cost_usd=0.25)
    spans = by_name(exporter)
    assert dict(spans["run"].attributes or {}) == {
        "task_id": str(UUID(int=7)),
        "attempt": 2,
        "outcome": "completed",
        "cost_usd": 0.25,
    }
    assert dict(spans["step"].attributes or {}) == {"name": "extract", "parent": "none of ours"}
    run_context = spans["run"].context
    step_parent = spans["step"].parent
    assert run_context
    assert step_parent
    assert step_parent.span_id == run_context.span_id


async def test_tasks_at_the_same_time_keep_their_spans_apart(exporter: InMemorySpanExporter) -> None:
    async def run(number: int) -> None:
        with span(f"run {number}"):
            await asyncio.sleep(0)
            with span(f"step {number}"):
                await asyncio.sleep(0)

    await asyncio.gather(*(run(number) for number in range(5)))
    spans = by_name(exporter)
    for number in range(5):
        outer, inner = spans[f"run {number}"].context, spans[f"step {number}"].parent
        assert outer
        assert inner
        assert inner.span_id == outer.span_id


def test_an_error_is_told_by_its_kind_alone(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="hunter2"), span("run"):
        raise ValueError("hunter2")
    (run,) = exporter.get_finished_spans()
    assert (run.status.is_ok, run.status.description) == (False, "ValueError")
    assert "hunter2" not in run.to_json()


def test_private_names_are_masked(exporter: InMemorySpanExporter) -> None:
    with span("run", body="hunter2", access_token="hunter2"):
        pass
    assert "hunter2" not in exporter.get_finished_spans()[0].to_json()


def test_a_traced_caller_is_the_parent(exporter: InMemorySpanExporter) -> None:
    with span("request", parent_from({"traceparent": TRACED})):
        pass
    with span("request", parent_from({"traceparent": "nonsense"})):
        pass
    first, second = exporter.get_finished_spans()
    assert first.context
    assert second.context
    assert f"{first.context.trace_id:032x}" == TRACED.split("-")[1]
    assert second.parent is None


async def test_model_calls_are_spans_without_a_word_of_the_prompt(exporter: InMemorySpanExporter) -> None:
    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        return ModelResponse(parts=[TextPart("hunter2 answers")])

    with span("step"):
        await Agent(FunctionModel(answer), instructions="hunter2 instructs").run("hunter2 asks")
    names = [one.name for one in exporter.get_finished_spans()]
    assert any(name.startswith("chat") for name in names), names
    assert "hunter2" not in "".join(one.to_json() for one in exporter.get_finished_spans())


async def test_a_failing_model_call_does_not_quote_itself(exporter: InMemorySpanExporter) -> None:
    def crash(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        raise RuntimeError("hunter2")

    with pytest.raises(RuntimeError):
        await Agent(FunctionModel(crash)).run("hunter2 asks")
    spans = exporter.get_finished_spans()
    assert spans
    assert "hunter2" not in "".join(str(one.events) + str(dict(one.attributes or {})) for one in spans)


def test_without_a_collector_nothing_is_imported_and_nothing_kept() -> None:
    program = (
        "import sys; from core.settings import Settings; from core.tracing import *\n"
        "assert not set_up_tracing(Settings()); assert not is_tracing(); assert parent_from({'traceparent': 'x'}) is None\n"
        "with span('run', task_id=None) as run: run.note(outcome='x')\n"
        "assert span('a') is span('b')\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "missing", ["opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk.trace"]
)
def test_a_missing_package_is_named_in_one_line(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    settings = Settings.model_validate({"STEWARD_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    with structlog.testing.capture_logs() as logs:
        assert set_up_tracing(settings) is False
    (line,) = logs
    assert line["event"] == "traces_are_off"
    assert line["install"] == "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
    assert not is_tracing()
