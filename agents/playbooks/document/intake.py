"""What a plan document starts from: when it was asked for, and the words it was asked for with. Rules alone, no model."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import Field

from agents.playbooks.document.stage import Earlier, Section, Stage
from core.errors import Invalid


class StartTime(Section):
    """When the plan was asked for: day zero of its schedule."""

    server_iso_utc: str = Field(description="The time in UTC, ISO 8601")
    server_iso_local: str = Field(description="The same time where the plan's owner is, ISO 8601 with offset")
    server_timezone_name: str = Field(description="The owner's timezone, as in the IANA database")

    def shallow(self) -> str | None:
        try:
            utc, local = _instant(self.server_iso_utc), _instant(self.server_iso_local)
            zone = _zone(self.server_timezone_name)
        except Invalid as error:
            return error.message
        if utc != local:
            return f"server_iso_utc and server_iso_local are two times: {utc.isoformat()} and {local.isoformat()}"
        if utc.astimezone(zone).utcoffset() != local.utcoffset():
            return f"server_iso_local is not a time in {zone.key}"
        return None

    def markdown(self) -> str:
        return f"{self.server_iso_local} ({self.server_timezone_name}), which is {self.server_iso_utc}."


class Setup(Section):
    """The description as its author wrote it."""

    prompt_text: str

    def shallow(self) -> str | None:
        return None if self.prompt_text.strip() else "the plan's description is empty: say what is to be planned"

    def markdown(self) -> str:
        return "\n".join(f"> {line}".rstrip() for line in self.prompt_text.strip().splitlines())


def fill_start_time(earlier: Earlier) -> StartTime:
    """The stored moment, here and in UTC. Raises Invalid for a time or a timezone that does not exist."""
    started = _instant(earlier.started_at)
    zone = _zone(earlier.timezone)
    return StartTime(
        server_iso_utc=started.isoformat(),
        server_iso_local=started.astimezone(zone).isoformat(),
        server_timezone_name=zone.key,
    )


def fill_setup(earlier: Earlier) -> Setup:
    """The stored description, unchanged."""
    return Setup(prompt_text=earlier.prompt)


def _instant(text: str) -> datetime:
    """The moment that an ISO 8601 text names; without an offset it is in UTC. Raises Invalid."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no time, it should look like 2026-11-20T09:30:00+00:00") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _zone(name: str) -> ZoneInfo:
    """Raises Invalid for a name that is not in the IANA database."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not known, not a name, a folder of zones
        raise Invalid(f"{name!r} is no timezone, it should look like Europe/Brussels") from None


STAGES = (
    Stage(
        "start_time",
        "Start time",
        "intake",
        "Holds the moment the plan was asked for, in UTC and where its owner is: day zero of the schedule.",
        StartTime,
        fill=fill_start_time,
        minutes=0.05,
    ),
    Stage(
        "setup",
        "User prompt",
        "intake",
        "Holds the description of the plan as its author wrote it, which every later stage starts from.",
        Setup,
        fill=fill_setup,
        minutes=0.05,
    ),
)
