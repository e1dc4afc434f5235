"""Trees of tasks with edges do what the model says, whatever a worker and a person do to them in whatever order."""

from collections.abc import Generator

import pytest

from core.embedded import EmbeddedPostgres
from tests.integration.tasks._models import World, open_world, run
from tests.integration.tasks._tree_machine import TreeMachine


@pytest.fixture
def world(server: EmbeddedPostgres, template: str) -> Generator[World]:
    """Two tenants in a database of their own."""
    with open_world(server, template) as opened:
        yield opened


def test_a_tree_runs_as_its_edges_say(world: World) -> None:
    run(lambda: TreeMachine(world), examples=150, steps=30)
