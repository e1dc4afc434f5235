"""Where a plan document starts: the time as it is here and in UTC, and the description as it was written."""

import pytest

from agents.playbooks.document.intake import STAGES, Setup, StartTime, fill_setup, fill_start_time
from core.errors import Invalid
from tests.unit.agents.playbooks.document.scripted import earlier_of

KNOWN = {stage.id: stage for stage in STAGES}


def test_the_time_is_told_here_and_in_utc() -> None:
    found = fill_start_time(earlier_of(KNOWN, {}, started_at="2026-07-01T22:30:00+00:00", timezone="Europe/Brussels"))
    assert found.model_dump() == {
        "server_iso_utc": "2026-07-01T22:30:00+00:00",
        "server_iso_local": "2026-07-02T00:30:00+02:00",
        "server_timezone_name": "Europe/Brussels",
    }
    assert found.shallow() is None
    assert "Europe/Brussels" in found.markdown()
    assert fill_start_time(earlier_of(KNOWN, {}, started_at="2026-07-01T22:30:00")).server_iso_utc.endswith("+00:00")
    twice = fill_start_time(earlier_of(KNOWN, {}, started_at="2026-10-25T01:30:00+00:00"))  # the hour that comes twice
    assert twice.server_iso_local == "2026-10-25T02:30:00+01:00"
    assert twice.shallow() is None


@pytest.mark.parametrize("zone", ["Mars/Phobos", "", "../../etc/passwd", "Europe", "a\0b"])
def test_a_timezone_that_is_none_is_named(zone: str) -> None:
    with pytest.raises(Invalid, match="is no timezone"):
        fill_start_time(earlier_of(KNOWN, {}, timezone=zone))


def test_a_time_that_is_none_is_named() -> None:
    with pytest.raises(Invalid, match="'yesterday' is no time"):
        fill_start_time(earlier_of(KNOWN, {}, started_at="yesterday"))


@pytest.mark.parametrize(
    ("utc", "local", "zone", "says"),
    [
        ("2026-07-01T22:30:00+00:00", "2026-07-01T22:30:00+02:00", "Europe/Brussels", "two times"),
        ("2026-07-01T22:30:00+00:00", "2026-07-01T23:30:00+01:00", "Europe/Brussels", "not a time in Europe/Brussels"),
        ("soon", "2026-07-01T23:30:00+01:00", "Europe/Brussels", "'soon' is no time"),
        ("2026-07-01T22:30:00+00:00", "2026-07-01T22:30:00+00:00", "Here", "'Here' is no timezone"),
    ],
)
def test_a_start_that_does_not_fit_together_is_rejected(utc: str, local: str, zone: str, says: str) -> None:
    assert says in (StartTime(server_iso_utc=utc, server_iso_local=local, server_timezone_name=zone).shallow() or "")


def test_the_description_is_kept_as_it_was_written() -> None:
    text = "  # Très grand\n\nJe veux 2 vélos 🚲\n"
    found = fill_setup(earlier_of(KNOWN, {}, prompt=text))
    assert found.prompt_text == text
    assert found.markdown() == "> # Très grand\n>\n> Je veux 2 vélos 🚲"
    assert found.shallow() is None
    assert "empty" in (Setup(prompt_text=" \n").shallow() or "")
