# pyright: reportUnknownVariableType=false
"""Periodic jobs go by the person's clock, on the days it changes too. Nothing here waits: times are asked for."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import procrastinate
import pytest
from procrastinate.periodic import PeriodicDeferrer
from procrastinate.testing import InMemoryConnector

from core.database import Database
from core.settings import Settings
from jobs.periodic import MISSED_SECONDS, register_periodic

BERLIN = ZoneInfo("Europe/Berlin")


def app_with(tmp_path: Path, **settings: object) -> procrastinate.App:
    app = procrastinate.App(connector=InMemoryConnector())
    values = {"home": tmp_path, "timezone": "Europe/Berlin", **settings}
    register_periodic(app, cast(Database, None), Settings.model_validate(values))
    return app


def times_of(app: procrastinate.App, name: str, since: datetime, until: datetime) -> list[datetime]:
    """When the job would be deferred after `since`, up to `until`, as Procrastinate itself works it out."""
    deferrer = PeriodicDeferrer(app.periodic_registry)
    task = app.periodic_registry.periodic_tasks[(name, "")]
    found = deferrer.get_timestamps(periodic_task=task, since=int(since.timestamp()), until=until.timestamp())
    return [datetime.fromtimestamp(timestamp, UTC) for timestamp in found]


def day(month: int, number: int, hour: int = 12) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (day(1, 14), day(1, 16), ["2026-01-15T01:00:00+00:00", "2026-01-16T01:00:00+00:00"]),
        (day(7, 14), day(7, 15), ["2026-07-15T00:00:00+00:00"]),
        (day(3, 28), day(3, 30), ["2026-03-29T01:00:00+00:00", "2026-03-30T00:00:00+00:00"]),  # no 02:00: at 03:00
        (day(10, 24), day(10, 25), ["2026-10-25T00:00:00+00:00", "2026-10-25T01:00:00+00:00"]),  # 02:00 twice
    ],
)
def test_two_at_night_is_two_at_night_where_the_person_is(
    tmp_path: Path, since: datetime, until: datetime, expected: list[str]
) -> None:
    assert [time.isoformat() for time in times_of(app_with(tmp_path), "cleanup", since, until)] == expected


async def test_the_second_two_o_clock_of_a_day_cleans_nothing_up(tmp_path: Path) -> None:
    job = app_with(tmp_path).tasks["cleanup"]
    # There is no database here: touching it would raise.
    await job(timestamp=int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()))
    with pytest.raises(AttributeError):
        await job(timestamp=int(datetime(2026, 10, 25, 0, tzinfo=UTC).timestamp()))


def test_a_zone_of_odd_quarters_of_an_hour_is_met(tmp_path: Path) -> None:
    app = app_with(tmp_path, timezone="Asia/Kathmandu")
    assert times_of(app, "cleanup", day(1, 14), day(1, 15))[0].isoformat() == "2026-01-14T20:15:00+00:00"


def test_snapshots_go_on_through_a_day_of_25_hours(tmp_path: Path) -> None:
    times = times_of(app_with(tmp_path), "metrics_snapshot", day(10, 25, 0), day(10, 26, 0))
    assert len(times) == 25 * 12
    assert {(later - earlier).seconds for earlier, later in pairwise(times)} == {300}


def test_what_was_missed_today_is_made_up_for_at_the_start(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    assert app.periodic_defaults["max_delay"] == MISSED_SECONDS
    deferrer = PeriodicDeferrer(app.periodic_registry, max_delay=MISSED_SECONDS)
    missed = {
        task.task.name: timestamp for task, timestamp in deferrer.get_previous_tasks(at=day(1, 15, 18).timestamp())
    }
    assert missed["cleanup"] == day(1, 15, 2).timestamp()


@pytest.mark.parametrize(
    ("settings", "jobs"),
    [
        ({}, {"metrics_snapshot", "cleanup", "calibration", "learning"}),
        ({"cleanup_schedule": "off"}, {"metrics_snapshot", "calibration", "learning"}),
        ({"metrics_schedule": "OFF"}, {"cleanup", "calibration", "learning"}),
        (
            {
                "metrics_schedule": "off",
                "cleanup_schedule": "off",
                "calibration_schedule": "off",
                "learning_schedule": "off",
            },
            set[str](),
        ),
    ],
)
def test_a_schedule_that_is_off_has_no_job(tmp_path: Path, settings: dict[str, object], jobs: set[str]) -> None:
    app = app_with(tmp_path, **settings)
    assert {name for name, _ in app.periodic_registry.periodic_tasks} == jobs


def test_jobs_wait_in_their_own_queue_and_never_pile_up(tmp_path: Path) -> None:
    for name in ("metrics_snapshot", "cleanup", "calibration", "learning"):
        task = app_with(tmp_path).tasks[name]
        assert (task.queue, task.lock, task.queueing_lock) == ("housekeeping", name, name)
