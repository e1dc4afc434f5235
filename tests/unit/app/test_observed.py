"""The outermost middleware counts, times and traces requests, and lets everything through as it comes."""

from collections.abc import AsyncGenerator

import httpx
import pytest
import structlog
from fastapi import FastAPI, WebSocket
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.testclient import TestClient

from app.observed import METERS, Observed
from core.meters import Meters
from core.tracing import use_provider


def an_app() -> tuple[Observed, dict[str, object]]:
    """An application with a plain route, one that crashes, one that streams and one that talks."""
    inner = FastAPI()
    seen: dict[str, object] = {}

    async def plain(request: Request, task_id: str) -> Response:
        seen["meters"] = request.scope[METERS]
        return PlainTextResponse(task_id)

    async def crash() -> Response:
        raise RuntimeError("hunter2")

    async def stream(request: Request) -> Response:
        meters: Meters = request.scope[METERS]

        async def parts() -> AsyncGenerator[bytes]:
            seen["while"] = meters.registry.get_sample_value("steward_http_streams", {"kind": "sse"})
            yield b"data: 1\n\n"

        return StreamingResponse(parts(), media_type="text/event-stream")

    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        seen["talking"] = websocket.scope[METERS].registry.get_sample_value(
            "steward_http_streams", {"kind": "websocket"}
        )
        await websocket.close()

    inner.add_api_route("/tasks/{task_id}", plain)
    inner.add_api_route("/crash", crash)
    inner.add_api_route("/stream", stream, response_model=None)
    inner.add_api_websocket_route("/talk", talk)
    return Observed(inner), seen


@pytest.fixture
def observed() -> tuple[Observed, dict[str, object]]:
    return an_app()


def asking(app: Observed) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


def count(meters: object, route: str, status: str) -> float | None:
    assert isinstance(meters, Meters)
    labels = {"method": "GET", "route": route, "status": status}
    return meters.registry.get_sample_value("steward_http_requests_total", labels)


async def test_answers_pass_and_are_counted_once(observed: tuple[Observed, dict[str, object]]) -> None:
    app, seen = observed
    async with asking(app) as client:
        assert (await client.get("/tasks/1")).text == "1"
        assert (await client.get("/tasks/2")).text == "2"
        assert (await client.get("/crash")).status_code == 500
        assert (await client.get("/nowhere")).status_code == 404
    meters = seen["meters"]
    assert count(meters, "/tasks/{task_id}", "200") == 2
    assert count(meters, "/crash", "500") == 1
    assert count(meters, "(none)", "404") == 1


async def test_open_streams_are_counted_while_they_are_open(observed: tuple[Observed, dict[str, object]]) -> None:
    app, seen = observed
    async with asking(app) as client:
        await client.get("/tasks/1")
        assert (await client.get("/stream")).text == "data: 1\n\n"
    meters = seen["meters"]
    assert isinstance(meters, Meters)
    assert seen["while"] == 1
    assert meters.registry.get_sample_value("steward_http_streams", {"kind": "sse"}) == 0


def test_web_sockets_are_counted_too(observed: tuple[Observed, dict[str, object]]) -> None:
    app, seen = observed
    with TestClient(app).websocket_connect("/talk"):
        pass
    assert seen["talking"] == 1


async def test_a_request_is_a_span_that_continues_its_caller_s(observed: tuple[Observed, dict[str, object]]) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    use_provider(provider)
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    try:
        async with asking(observed[0]) as client:
            await client.get("/tasks/1?token=hunter2", headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})
            await client.get("/crash")
    finally:
        use_provider(None)
    fine, crashed = kept.get_finished_spans()
    assert dict(fine.attributes or {}) == {"method": "GET", "route": "/tasks/{task_id}", "status": 200}
    assert fine.context
    assert f"{fine.context.trace_id:032x}" == trace_id
    assert (crashed.attributes or {})["status"] == 500
    assert "hunter2" not in fine.to_json() + crashed.to_json()


async def test_a_request_is_one_event_without_what_was_asked(observed: tuple[Observed, dict[str, object]]) -> None:
    with structlog.testing.capture_logs() as logs:
        async with asking(observed[0]) as client:
            await client.get("/tasks/1?token=hunter2")
    (line,) = logs
    assert (line["event"], line["method"], line["route"], line["status"]) == (
        "request_answered",
        "GET",
        "/tasks/{task_id}",
        200,
    )
    assert "hunter2" not in str(line)
