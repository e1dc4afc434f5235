"""The state machines of tasks, drafts and gates hold against everybody, through functions and at an SQL console."""

from collections.abc import Generator

import pytest

from core.embedded import EmbeddedPostgres
from tests.integration.tasks._draft_console import DraftMachine
from tests.integration.tasks._gate_machine import GateMachine
from tests.integration.tasks._models import World, open_world, run
from tests.integration.tasks._task_machine import TaskMachine


@pytest.fixture
def world(server: EmbeddedPostgres, template: str) -> Generator[World]:
    """Two tenants in a database of their own."""
    with open_world(server, template) as opened:
        yield opened


def test_a_task_moves_as_its_machine_says_whoever_asks(world: World) -> None:
    run(lambda: TaskMachine(world), examples=120, steps=30)


def test_a_draft_leaves_the_house_only_with_an_unused_approval_of_exactly_this(world: World) -> None:
    run(lambda: DraftMachine(world), examples=100, steps=25)


def test_a_gate_is_decided_once_by_a_person_about_exactly_what_was_shown(world: World) -> None:
    run(lambda: GateMachine(world), examples=100, steps=25)
