"""The clock shows the person's time, or starts where it is told to and ticks on."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import tzlocal

from core.clock import Clock, zone_of_machine
from core.errors import Invalid
from core.settings import Settings

DEMONSTRATION = datetime.fromisoformat("2026-03-04T09:30:00+01:00")


def test_it_shows_the_real_time_in_the_persons_zone() -> None:
    clock = Clock.from_settings(Settings(timezone="Asia/Kathmandu"))
    before = datetime.now(UTC)
    now = clock.now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(hours=5, minutes=45)


def test_it_starts_where_it_is_told_to_and_never_goes_back() -> None:
    clock = Clock.from_settings(Settings(timezone="Europe/Berlin", now=DEMONSTRATION))
    first, second = clock.now(), clock.now()
    assert DEMONSTRATION <= first <= second
    assert first.date() == DEMONSTRATION.date()
    assert first.tzinfo == ZoneInfo("Europe/Berlin")


def test_it_keeps_real_seconds_when_summer_time_begins() -> None:
    clock = Clock(ZoneInfo("Europe/Berlin"), datetime.fromisoformat("2026-03-29T01:59:59+01:00"))
    clock._began -= 2  # two seconds have passed  # pyright: ignore[reportPrivateUsage]
    assert clock.now().strftime("%H:%M:%S %z") == "03:00:01 +0200"


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../etc/passwd", "Europe"])
def test_a_persons_zone_that_this_machine_does_not_know_is_the_installations(name: str) -> None:
    house = Clock(ZoneInfo("Europe/Berlin"))
    assert house.of(name, "mon 09:00-10:00").timezone.key == "Europe/Berlin"
    assert house.of("Asia/Kathmandu").timezone.key == "Asia/Kathmandu"


def test_without_a_setting_the_zone_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tzlocal, "get_localzone_name", lambda: "America/Bogota")
    assert Clock.from_settings(Settings(timezone=None)).timezone.key == "America/Bogota"


@pytest.mark.parametrize("name", ["", None])
def test_a_machine_without_a_zone_is_on_utc(monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    monkeypatch.setattr(tzlocal, "get_localzone_name", lambda: name)
    assert zone_of_machine() == "UTC"


def test_a_zone_that_nobody_knows_is_an_error_that_says_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tzlocal, "get_localzone_name", lambda: "Mars/Olympus")
    with pytest.raises(Invalid, match="time zone of this machine") as caught:
        zone_of_machine()
    assert "STEWARD_TIMEZONE" in str(caught.value.hint)
