"""The clock of the person: what time it is, and in which zone."""

import warnings
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

from core.errors import Invalid
from core.settings import Settings

FIRST_YEAR, LAST_YEAR = 1900, 9997
READABLE_WORDS = f"a time in the years {FIRST_YEAR} to {LAST_YEAR}"


@dataclass
class Clock:
    """Ticks on from `starts_at`, or shows the real time when that is None. `now()` is in `timezone`."""

    timezone: ZoneInfo
    starts_at: datetime | None = None
    _began: float = field(default_factory=monotonic)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Clock":
        """The clock that the settings describe; the machine's zone where none is set, UTC where it has none."""
        return cls(ZoneInfo(settings.timezone or zone_of_machine()), settings.now)

    def now(self) -> datetime:
        """This moment, aware, in the person's zone."""
        if self.starts_at is None:
            return datetime.now(self.timezone)
        return (self.starts_at.astimezone(UTC) + timedelta(seconds=monotonic() - self._began)).astimezone(self.timezone)


def is_readable(moment: date) -> bool:
    """Does it lie in the years 1900 to 9997 everywhere on earth? Others are kept by some programs and not read by others."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return False
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return True
    return FIRST_YEAR <= moment.astimezone(UTC).year <= LAST_YEAR


def zone_of_machine() -> str:
    """The name of the machine's time zone, UTC where it has none. Raises `Invalid` for one that cannot be understood."""
    try:
        with warnings.catch_warnings():  # it warns where the machine is set to no zone: that is UTC
            warnings.simplefilter("ignore")
            return ZoneInfo(tzlocal.get_localzone_name() or "UTC").key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(
            "The time zone of this machine cannot be understood",
            detail=str(error).replace("\n", " ").strip(),
            hint="STEWARD_TIMEZONE names one, like Europe/Berlin.",
        ) from error
