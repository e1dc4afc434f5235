"""What an agent posts, handed to the database as it takes it; and its answers on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from agents.tools.tool import AnyTool
from app._agents.events import AnyEvent, CreatedEvent
from app._agents.parts import rows_of
from app.house import House
from core.database import Caller
from core.errors import Conflict, Forbidden, Invalid, NotFound, StewardError
from tasks.agent_work import ReportAnswer, report_events

REFUSALS: dict[int, type[StewardError]] = {403: Forbidden, 404: NotFound, 409: Conflict}
WHAT_NEXT = {
    "continue": "Go on with the work.",
    "pause": "Rest until a heartbeat is answered with continue.",
    "stop": "Leave this task.",
    "poll": "Ask for work again.",
}


async def report(
    house: House, caller: Caller, agent_id: UUID, execution_id: UUID, events: Sequence[AnyEvent], *, is_batch: bool
) -> list[ReportAnswer]:
    """An answer to each event. Raises Invalid, and applies none, where one of them is wrong; NotFound without execution."""
    tools = await _tools_of(house, events)

    def as_row(event: AnyEvent, at: int) -> dict[str, Any]:
        row = event.model_dump(mode="json", exclude_none=True, exclude={"data"})
        if not isinstance(event, CreatedEvent):
            return {**row, "data": event.data.model_dump(mode="json", exclude_unset=True)}
        where = f"events.{at}.data.subtasks" if is_batch else "data.subtasks"
        said = event.data.model_dump(mode="json", exclude_none=True, exclude={"subtasks"})
        hours = house.agent_rules.obstacle_hours
        return {
            **row,
            "data": {**said, "parts": rows_of(event.data.subtasks, agent_id, tools, where, delay_hours=hours)},
        }

    rows = [as_row(event, at) for at, event in enumerate(events)]
    return await report_events(caller, execution_id, rows, house.agent_rules)


async def _tools_of(house: House, events: Sequence[AnyEvent]) -> Mapping[str, AnyTool]:
    """The tools that the events may name: those of MCP servers are asked for only where it could be one of them."""
    named = {part.tool for event in events if isinstance(event, CreatedEvent) for part in event.data.subtasks}
    return house.equipment.tools if named - {None} <= house.equipment.tools.keys() else await house.tools()


def problem_of(answer: ReportAnswer) -> dict[str, Any]:
    """A refused event as a problem, with what the agent does next."""
    kind = REFUSALS.get(answer.status or 422, Invalid)
    problem = kind(answer.reason or "This event was refused", hint=WHAT_NEXT[answer.next]).problem()
    return {**problem, **answer.model_dump(mode="json", exclude_none=True, exclude={"status"})}
