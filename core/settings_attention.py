"""Settings of what Steward brings up unasked: how much, when, and what it may prepare. What a person chose goes first."""

import re
from datetime import time
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = re.compile(r"(\d{2}:\d{2})-(\d{2}:\d{2})")


class AttentionSettings(BaseSettings):
    """How quiet it is."""

    proactive: Literal["prepare", "suggest", "off"] = Field(
        default="prepare",
        description="What happens unasked: prepare (drafts are made, nothing is sent), suggest (tasks alone) or off",
    )
    daily_nudges: int = Field(default=5, ge=0, le=100, description="How often a day something is brought up unasked")
    quiet_hours: str = Field(default="20:00-07:30", description="When nothing is brought up, like 20:00-07:30; or off")
    quiet_days: str = Field(default="", description="Days that are quiet as a whole, like sat sun")
    digest_at: str = Field(default="08:00", description="When the daily digest is made, like 08:00")
    mute_below: float = Field(
        default=0.3, ge=0, le=1, description="A kind of nudge of which a smaller share was of use mutes itself; 0 never"
    )
    watch_seconds: int = Field(
        default=300, ge=10, le=86400, description="How often the rules look where nothing has changed"
    )
    travel_minutes: int = Field(
        default=30,
        ge=0,
        le=1440,
        description="How long the way to a meeting at a place takes, where nothing else is known",
    )
    travel_places: str = Field(
        default="", description="Places with the minutes to get there, like Northwind HQ: 45; Bahnhof: 20"
    )

    alert_recipients: str = Field(
        default="",
        description="Who is told by mail of what waits for your yes and of what failed, like ana@example.org,oncall@example.org; else nobody",
    )

    @field_validator("alert_recipients")
    @classmethod
    def _check_recipients(cls, given: str) -> str:
        read_addresses(given)
        return given

    @property
    def alert_addresses(self) -> list[str]:
        """Who is told by mail; empty where nobody is named."""
        return read_addresses(self.alert_recipients)

    @field_validator("quiet_hours")
    @classmethod
    def _check_hours(cls, given: str) -> str:
        read_hours(given)
        return given

    @field_validator("quiet_days")
    @classmethod
    def _check_days(cls, given: str) -> str:
        read_days(given)
        return given

    @field_validator("travel_places")
    @classmethod
    def _check_places(cls, given: str) -> str:
        read_places(given)
        return given

    @field_validator("digest_at")
    @classmethod
    def _check_time(cls, given: str) -> str:
        read_time(given)
        return given


def read_addresses(text: str) -> list[str]:
    """Mail addresses with commas between, each once. Raises ValueError."""
    found = list(dict.fromkeys(part for one in text.split(",") if (part := one.strip())))
    wrong = next((one for one in found if not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", one)), None)
    if wrong is not None:
        raise ValueError(f"{wrong[:80]!r} is no mail address; allowed are addresses with commas between")
    return found


def read_hours(text: str) -> tuple[time, time]:
    """Quiet hours like "20:00-07:30"; "off" is two equal times. Raises ValueError."""
    if text.strip().casefold() == "off":
        return time(0), time(0)
    match = HOURS.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'quiet hours {text[:40]!r} cannot be read; allowed is "20:00-07:30" or "off"')
    return read_time(match[1]), read_time(match[2])


def read_days(text: str) -> list[int]:
    """Weekdays like "sat sun" as numbers (0 is Monday), in order. Raises ValueError."""
    words = [word for word in re.split(r"[\s,]+", text.casefold()) if word]
    unknown = [word for word in words if word[:3] not in DAYS]
    if unknown:
        raise ValueError(f"there is no weekday {unknown[0][:40]!r}; allowed are {', '.join(DAYS)}")
    return sorted({DAYS.index(word[:3]) for word in words})


def read_time(text: str) -> time:
    """A time like "08:00". Raises ValueError."""
    if not re.fullmatch(r"\d{2}:\d{2}", text.strip()):
        raise ValueError(f'the time {text[:40]!r} cannot be read; allowed is "08:00"')
    return time.fromisoformat(text.strip())


def read_places(text: str) -> dict[str, int]:
    """Minutes by place, in lower case, out of words like "Northwind HQ: 45; Bahnhof: 20". Raises ValueError."""
    found: dict[str, int] = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        name, _, minutes = part.rpartition(":")
        if not name.strip() or not re.fullmatch(r"\s*\d{1,4}\s*", minutes) or int(minutes) > 1440:
            raise ValueError(
                f'the place {part[:60]!r} cannot be read; allowed is "Northwind HQ: 45", up to 1440 minutes'
            )
        found[" ".join(name.split()).casefold()] = int(minutes)
    return found
