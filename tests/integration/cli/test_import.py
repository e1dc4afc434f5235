"""`steward import`: the sample mailbox and calendar become what they should, once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli.conftest import a_steward

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


@pytest.fixture
def steward(tmp_path: Path, database_url: str) -> Callable[..., tuple[int, str, str]]:
    """Runs commands in a house of its own: (exit code, stdout, stderr)."""
    program = a_steward(tmp_path, STEWARD_DATABASE_URL=database_url, COLUMNS="120")

    def run(*words: str) -> tuple[int, str, str]:
        done = program(*words)
        return done.returncode, done.stdout, done.stderr

    return run


def test_the_samples_become_the_tasks_that_they_hold_and_twice_is_once(
    steward: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, err = steward("import", "--json", str(SAMPLES / "calendar.ics"), str(SAMPLES / "inbox.mbox"))
    assert code == 0, err
    report = json.loads(out)
    assert (report["messages_read"], report["messages_added"], report["events"], report["me"]) == (
        12,
        12,
        7,
        "robin@vega.example",
    )
    due = {task["title"]: task["due_at"] and task["due_at"][:16] for task in report["tasks"]}
    by_mail: dict[str, list[str]] = {}
    for task in report["tasks"]:
        by_mail.setdefault(task["source_ref"]["message_id"], []).append(task["title"])
    assert set(by_mail) == {f"<{m}@mail.example>" for m in ("m01", "m03", "m04", "m06", "m08", "m09", "m11")}

    def due_of(mail: str) -> list[str | None]:
        return [due[title] for title in by_mail[f"<{mail}@mail.example>"]]

    assert due_of("m01") == ["2026-03-05T11:00"]  # the promise: Thursday noon, in UTC
    assert due_of("m03") == ["2026-03-06T22:59"]
    assert due_of("m04") == ["2026-03-15T22:59"]
    assert due_of("m08")
    assert all(due_of("m08"))
    assert due_of("m11")[0] is not None
    assert str(due_of("m11")[0]).startswith("2026-03-05T1")
    pay = next(task for task in report["tasks"] if "2026-0312" in task["title"])
    assert (pay["execution_type"], "184.50" in pay["description"]) == ("manual", True)
    assert len(report["suspicious"]) == 1
    assert "assistant" in report["suspicious"][0]["why"]
    code, out, _ = steward("import", "--json", str(SAMPLES / "inbox.mbox"))
    again = json.loads(out)
    assert (again["messages_added"], again["tasks"], again["suspicious"]) == (0, [], [])
    told = steward("import", str(SAMPLES / "calendar.ics"))[1]
    assert "7 calendar entries read, nothing new." in told
    code, out, _ = steward("list", "--json")
    proactive = {nudge["task"]["title"] for nudge in report["nudges"]}
    assert proactive == {
        "Draft meeting agenda: Quarterly review",
        "Prepare brief: Quarterly review",
        "Follow up: Launch sync",
    }
    assert len(json.loads(out)["items"]) == len(report["tasks"]) + len(proactive)


def test_a_dry_run_keeps_nothing(steward: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = steward("import", "--dry-run", str(SAMPLES / "inbox.mbox"))
    assert code == 0
    assert "would be" in out
    assert json.loads(steward("list", "--json")[1])["items"] == []


def test_a_bad_file_is_named_and_nothing_is_kept(steward: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    bad = tmp_path / "bad.mbox"
    bad.write_bytes(b"this is no mailbox\n")
    code, _, err = steward("import", str(SAMPLES / "inbox.mbox"), str(bad))
    assert code == 1
    assert "bad.mbox" in err
    assert json.loads(steward("list", "--json")[1])["items"] == []
    code, _, err = steward("import", str(tmp_path / "none.mbox"))
    assert code == 1
    assert "none.mbox" in err


def test_a_table_becomes_tasks_once(steward: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    table = tmp_path / "tasks.csv"
    table.write_text(
        'Task;Due;Priority;Done\n"=Buy ""milk""";5.3.2026;1;\nOld;;;x\nGrüße an Jürgen;2026-03-06 15:00;low;\n'
    )
    for expected in (['=Buy "milk"', "Grüße an Jürgen"], []):
        code, out, err = steward("import", "--json", str(table))
        assert code == 0, err
        assert [task["title"] for task in json.loads(out)["tasks"]] == expected
    items = json.loads(steward("list", "--json")[1])["items"]
    assert [(t["priority"], t["due_at"][:16]) for t in items] == [
        ("critical", "2026-03-05T22:59"),
        ("low", "2026-03-06T14:00"),
    ]
    table.write_text("Task,Due\nCall,soon\n")
    code, _, err = steward("import", str(table))
    assert code == 1
    assert "line 2" in err
