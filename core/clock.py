"""The clock of the person: what time it is, and in which zone."""

import warnings
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

from core.errors import Invalid
from core.settings import Settings

if TYPE_CHECKING:
    from core.outside.calendar import WorkingHours

FIRST_YEAR, LAST_YEAR = 1900, 9997
READABLE_WORDS = f"a time in the years {FIRST_YEAR} to {LAST_YEAR}"


@dataclass
class Clock:
    """Ticks on from `starts_at`, or shows the real time when that is None. `now()` is in `timezone`.

    Whoever carries a clock (a request, a run, a job) goes by its zone and its working hours: the installation's, or those
    of a person (`of`).
    """

    timezone: ZoneInfo
    starts_at: datetime | None = None
    working_hours: str = "mon-fri 09:00-17:00"
    _began: float = field(default_factory=monotonic)
    _of_installation: "Clock | None" = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Clock":
        """The clock that the settings describe; the machine's zone where none is set, UTC where it has none."""
        zone = ZoneInfo(settings.timezone or zone_of_machine())
        return cls(zone, settings.now, settings.calendar_working_hours)

    def of(self, timezone: str | None = None, working_hours: str | None = None) -> "Clock":
        """The clock of a person who chose these; what is None is the installation's, whosever clock this is."""
        house = self._of_installation or self
        if timezone is None and working_hours is None:
            return house
        zone = house.timezone if timezone is None else _zone_or(house.timezone, timezone)
        return Clock(zone, working_hours=working_hours or house.working_hours, _of_installation=house)

    @property
    def installation(self) -> "Clock":
        """The clock of the settings."""
        return self._of_installation or self

    @property
    def hours(self) -> "WorkingHours":
        """When the person works, by this clock's zone."""
        from core.outside.calendar import hours_from  # only where it is needed

        return hours_from(self.working_hours, self.timezone.key)

    def now(self) -> datetime:
        """This moment, aware, in the person's zone."""
        if self._of_installation is not None:
            return self._of_installation.now().astimezone(self.timezone)
        if self.starts_at is None:
            return datetime.now(self.timezone)
        return (self.starts_at.astimezone(UTC) + timedelta(seconds=monotonic() - self._began)).astimezone(self.timezone)


def _zone_or(otherwise: ZoneInfo, name: str) -> ZoneInfo:
    """The zone of this name. The database may know some that this machine does not (`localtime`, or one that is new).

    Then it is the other: a look at everybody's series does not end at one person's.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return otherwise


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
