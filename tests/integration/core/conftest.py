"""Embedded servers of a test's own."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from core.embedded import EmbeddedPostgres


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def start(home: Path) -> Generator[Callable[[], EmbeddedPostgres]]:
    """Start a server of this home, as often as one likes; gone after the test."""
    started: list[EmbeddedPostgres] = []

    def start_one() -> EmbeddedPostgres:
        started.append(EmbeddedPostgres.start(home, durable=False))
        return started[-1]

    yield start_one
    for server in started[1:]:
        server.stop()
    if started:
        started[0].remove()
