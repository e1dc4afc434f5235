"""A person's zone and working hours, as the API shows them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.clock import Clock
from tasks.own_hours import OwnHours


class Hours(BaseModel):
    """A time zone and working hours in it."""

    timezone: str
    working_hours: str


class ShownHours(Hours):
    """Those that hold for the person, which of them they `chose`, and those of the installation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "timezone": "America/New_York",
                    "working_hours": "mon-fri 09:00-17:00",
                    "now": "2026-03-04T06:00:00-05:00",
                    "chosen": ["timezone"],
                    "installation": {"timezone": "Europe/Berlin", "working_hours": "mon-fri 09:00-17:00"},
                }
            ]
        }
    )

    now: datetime
    chosen: list[Literal["timezone", "working_hours"]]
    installation: Hours


def shown(own: OwnHours, clock: Clock) -> ShownHours:
    """What they chose, and what follows from it; `clock` may be anybody's."""
    mine, house = clock.of(own.timezone, own.working_hours), clock.installation
    return ShownHours(
        timezone=mine.timezone.key,
        working_hours=mine.working_hours,
        now=mine.now().replace(microsecond=0),
        chosen=[*(["timezone"] if own.timezone else []), *(["working_hours"] if own.working_hours else [])],
        installation=Hours(timezone=house.timezone.key, working_hours=house.working_hours),
    )
