# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportAttributeAccessIssue=false
"""Schemathesis throws generated requests at every operation: no server error, no answer that OpenAPI does not name."""

import asyncio
import threading
from collections.abc import Generator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.house import ensure_owner, furnish
from app.main import create_app
from core.clock import Clock
from core.database import open_database
from core.embedded import EmbeddedPostgres
from core.keys import Keys
from core.settings import Settings
from tests.conftest import free_port

SCHEMA: dict[str, Any] = {}


@pytest.fixture(scope="module")
def address(
    server: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[str, str]]:
    """A served house without a worker, in a thread of its own: (base URL, Bearer token)."""
    home = tmp_path_factory.mktemp("contract")
    port = free_port()
    ready, stop = threading.Event(), asyncio.Event()
    made: dict[str, Any] = {}
    name = f"t_{uuid4().hex}"  # what is generated here is nobody else's
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as admin:
        admin.execute(f'create database "{name}" template "{template}" strategy file_copy'.encode())
    url = server.url_of(name)

    async def run() -> None:
        made["loop"] = asyncio.get_running_loop()
        here = Settings.model_validate({"home": home, "timezone": "Europe/Berlin", "port": port})
        owner = await ensure_owner(url, here)
        async with open_database(url) as database:
            house = furnish(here, Clock.from_settings(here), database, owner)
            keys = Keys.load(home)
            assert owner.user_id
            made["token"] = keys.bearer_token(owner.user_id, 3600)
            config = uvicorn.Config(
                create_app(house, keys), port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
            )
            running = uvicorn.Server(config)
            serving = asyncio.create_task(running.serve())
            while not running.started:
                await asyncio.sleep(0.01)
            ready.set()
            await stop.wait()
            running.should_exit = True
            await serving

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(30)
    yield f"http://127.0.0.1:{port}", made["token"]
    made["loop"].call_soon_threadsafe(stop.set)
    thread.join(15)
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as admin:
        admin.execute(f'drop database "{name}" with (force)'.encode())


def test_generated_requests_get_documented_answers(address: tuple[str, str]) -> None:
    base, token = address
    schema = schemathesis.openapi.from_url(f"{base}/openapi.json", config=SchemathesisConfig())
    headers = {"Authorization": f"Bearer {token}"}
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    for result in schema.get_all_operations():
        operation = result.ok()
        if "text/event-stream" in str(operation.definition.raw) or operation.path == "/api/tasks/execute":
            continue  # streams do not end, and executing waits for a worker: both have tests of their own

        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        )
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=checks)

        check()
