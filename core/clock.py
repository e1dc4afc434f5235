"""The clock of the person: what time it is, and in which zone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

import tzlocal

from core.settings import Settings


@dataclass
class Clock:
    """Ticks on from `starts_at`, or shows the real time when that is None. `now()` is in `timezone`."""

    timezone: ZoneInfo
    starts_at: datetime | None = None
    _began: float = field(default_factory=monotonic)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Clock":
        """The clock that the settings describe; the machine's zone where none is set, UTC where it has none."""
        zone = settings.timezone or tzlocal.get_localzone_name() or "UTC"
        return cls(ZoneInfo(zone), settings.now)

    def now(self) -> datetime:
        """This moment, aware, in the person's zone."""
        if self.starts_at is None:
            return datetime.now(self.timezone)
        return (self.starts_at.astimezone(UTC) + timedelta(seconds=monotonic() - self._began)).astimezone(
            self.timezone
        )
