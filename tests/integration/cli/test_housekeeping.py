"""metrics and cleanup, through the real program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward


def cancelled_long_ago(steward: Steward, database_url: str) -> None:
    steward.json("add", "buy milk")
    task = steward.json("add", "old thing")["task"]
    steward("cancel", task["id"])
    with psycopg.connect(database_url) as connection:
        connection.execute("set local session_replication_role = replica")
        connection.execute("update public.tasks set cancelled_at = cancelled_at - interval '31 days'")


def test_metrics_of_a_new_house(steward: Steward) -> None:
    done = steward("metrics")
    assert (done.returncode, done.stdout) == (0, "There are no tasks yet.\n")
    assert steward.json("metrics")["latest"] is None


def test_metrics_take_a_snapshot_and_show_it(steward: Steward) -> None:
    steward("add", "buy milk")
    done = steward("metrics")
    assert done.returncode == 0
    assert done.stdout.splitlines()[:2] == ["State    Tasks  Plans", "pending      1"]
    assert "created    1 in the last hour, 1 in the last day" in done.stdout
    numbers = steward.json("metrics", "--hours", "1")
    assert numbers["tasks"] == {"pending": 1}
    assert numbers["latest"]["created_last_day"] == 1
    assert steward("metrics", "--hours", "0").returncode == 2


def test_cleanup_says_what_it_would_do_then_does_it_then_finds_nothing(steward: Steward, database_url: str) -> None:
    cancelled_long_ago(steward, database_url)
    dry = steward("cleanup", "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, "failed and cancelled trees would be removed: 1\n")
    assert steward.json("cleanup", "--dry-run")["failed_tasks"] == 1
    assert steward("cleanup").stdout == "failed and cancelled trees removed: 1\n"
    assert steward("cleanup").stdout == "There is nothing to clean up.\n"
    assert steward.json("cleanup") == {
        "dry_run": False,
        "completed_tasks": 0,
        "failed_tasks": 0,
        "task_events": 0,
        "idempotency_keys": 0,
        "queue_jobs": 0,
        "metrics_snapshots": 0,
        "agent_reports": 0,
        "agent_leases": 0,
    }
    assert "Buy milk" in steward("list", "--all").stdout
    assert "Old thing" not in steward("list", "--all").stdout


def test_a_wrong_schedule_is_told_in_a_line(steward: Steward) -> None:
    done = steward("cleanup", STEWARD_CLEANUP_SCHEDULE="at two")
    assert done.returncode == 1
    assert "STEWARD_CLEANUP_SCHEDULE" in done.stderr
    assert "Traceback" not in done.stderr


def test_metrics_say_what_is_counted_and_who_answered(steward: Steward) -> None:
    task = steward.json("chat", "Draft an email to john@example.com thanking him for the meeting")["tasks"][0]
    steward("execute", task["id"])
    words = steward("metrics").stdout
    assert "Tasks are counted with every part of a plan, plans once." in words
    assert "the built-in rules answered" in words
    assert "tokens" not in words
    database = next(check for check in steward.json("doctor")["checks"] if check["name"] == "database")
    assert "(parts of plans not counted)" in database["said"]
