"""A planned day as the API and the command line give it to programs."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from agents.tools.calendar_shapes import SeenEvent
from app.day._planning import PlannedDay


class PlannedBlock(BaseModel):
    """A stretch of the day for a task, or for several that are looked at together; `part` of `parts`."""

    task_ids: list[UUID]
    title: str
    starts_at: datetime
    ends_at: datetime
    minutes: int
    part: int
    parts: int
    why: str


class NotPlanned(BaseModel):
    """What is not on the day, why, and the first day that has room for it.

    `group`: it does not fit (no_room); it belongs to another day or hour (own_day); Steward prepares it (prepared).
    """

    task_ids: list[UUID]
    title: str
    minutes: int
    why: str
    suggested_day: date | None
    group: Literal["no_room", "own_day", "prepared"]


class TimeSpan(BaseModel):
    """A stretch of time."""

    starts_at: datetime
    ends_at: datetime


class Day(BaseModel):
    """A planned day. `kept_blocks`: how many blocks of a plan the calendar holds; `usually`: how estimates and time differ."""

    date: date
    timezone: str
    working_hours: list[TimeSpan]
    events: list[SeenEvent]
    blocks: list[PlannedBlock]
    left_out: list[NotPlanned]
    lunch: TimeSpan | None
    free_minutes: int
    notes: list[str]
    kept_blocks: int = Field(ge=0)
    usually: str


def shown(planned: PlannedDay) -> Day:
    """A planned day as the API gives it."""
    plan, zone = planned.plan, planned.hours.zone
    return Day(
        date=plan.day,
        timezone=planned.hours.timezone,
        working_hours=[TimeSpan(starts_at=start, ends_at=end) for start, end in planned.hours.on(plan.day)],
        events=[SeenEvent.of(event, zone) for event in planned.events],
        blocks=[
            PlannedBlock(
                task_ids=list(one.task_ids),
                title=one.title,
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                minutes=one.minutes,
                part=one.part[0],
                parts=one.part[1],
                why=one.why,
            )
            for one in plan.blocks
        ],
        left_out=[
            NotPlanned(
                task_ids=list(one.task_ids),
                title=one.title,
                minutes=one.minutes,
                why=one.why,
                suggested_day=one.suggested_day,
                group=one.group,
            )
            for one in plan.left_out
        ],
        lunch=TimeSpan(starts_at=plan.lunch.start, ends_at=plan.lunch.end) if plan.lunch else None,
        free_minutes=plan.free_minutes,
        notes=list(plan.notes),
        kept_blocks=len(planned.kept),
        usually=planned.bias,
    )
