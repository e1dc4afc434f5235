"""The lease machine holds whatever two agents, a person and the clock do in whatever order."""

from tests.integration.tasks._lease_machine import LeaseMachine
from tests.integration.tasks._models import World, run
from tests.integration.tasks.test_state_machines import world

__all__ = ["world"]


def test_a_task_is_one_agents_at_a_time_and_every_report_counts_once(world: World) -> None:
    run(lambda: LeaseMachine(world), examples=40, steps=25)
