"""add, list, show, done, pause, resume, cancel, retry, delete, through the commands of the program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward


def add(steward: Steward, text: str) -> dict[str, Any]:
    return steward.json("add", text)["task"]


def test_an_empty_house_says_how_to_begin(steward: Steward) -> None:
    done = steward("list")
    assert (done.returncode, done.stderr) == (0, "")
    assert "steward add" in done.stdout
    assert steward.json("list") == {"items": [], "has_more": False}


def test_adding_shows_what_was_understood(steward: Steward) -> None:
    done = steward.afresh("add", "call", "Ana", "tomorrow", "3pm", "p1", "#home")
    assert done.returncode == 0, done.stderr
    assert "all Ana" in done.stdout
    assert "tomorrow 15:00" in done.stdout
    assert "critical" in done.stdout
    assert "#home" in done.stdout


def test_what_was_added_is_listed_and_shown(steward: Steward) -> None:
    task = add(steward, "Käse für Zoë kaufen 🧀 日本語 #haus")
    assert task["source"] == "manual"
    listed = steward("list").stdout
    assert task["id"][:8] in listed
    assert "日本語" in listed
    shown = steward("show", task["id"][:8])
    assert shown.returncode == 0, shown.stderr
    assert task["id"] in shown.stdout
    assert "created by user" in shown.stdout
    answer = steward.json("show", task["id"])
    assert answer["task"]["id"] == task["id"]
    assert (answer["children"], answer["drafts"]) == ([], [])


def test_a_title_with_control_characters_does_not_reach_the_terminal(steward: Steward) -> None:
    add(steward, "read \x1b]0;owned\x07 this [bold]now[/bold]")
    done = steward("list")
    assert "\x1b" not in done.stdout
    assert "[bold]now[/bold]" in done.stdout


@pytest.mark.parametrize("words", ["", "   "])
def test_nothing_cannot_be_added(steward: Steward, words: str) -> None:
    done = steward("add", words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: There is nothing to add\nhint: ")


def test_a_task_that_is_too_long_is_refused(steward: Steward) -> None:
    problem = steward.json("add", "x" * 2001, code=2)
    assert problem["status"] == 422
    assert "2001" in problem["detail"]


def test_filters_narrow_the_list(steward: Steward) -> None:
    home = add(steward, "water plants #home p2 today")
    work = add(steward, "write report #work p1 next year")
    ticked = add(steward, "old thing")
    steward.json("done", ticked["id"])

    def ids(*arguments: str) -> set[str]:
        return {item["id"] for item in steward.json("list", *arguments)["items"]}

    assert ids() == {home["id"], work["id"]}
    assert ids("--all") == {home["id"], work["id"], ticked["id"]}
    assert ids("--status", "completed") == {ticked["id"]}
    assert ids("--status", "completed", "--status", "pending") == {home["id"], work["id"], ticked["id"]}
    assert ids("--label", "home") == ids("--label", "#home") == {home["id"]}
    assert ids("--priority", work["priority"]) == {work["id"]}
    assert ids("--search", "report") == {work["id"]}
    assert ids("--due-before", "tomorrow") == {home["id"]}
    assert ids("--due-before", "2026-03-04") == set()
    assert ids("--source", "mail") == set()
    assert ids("--type", "manual") >= {home["id"]}


def test_limit_cuts_and_says_so(steward: Steward) -> None:
    for number in range(3):
        add(steward, f"thing {number}")
    answer = steward.json("list", "--limit", "2")
    assert (len(answer["items"]), answer["has_more"]) == (2, True)
    answer = steward.json("list", "--limit", "3")
    assert (len(answer["items"]), answer["has_more"]) == (3, False)
    assert "--limit shows more" in steward("list", "--limit", "1").stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--status", "open"), "--status has no value 'open'"),
        (("--type", "robot"), "--type has no value 'robot'"),
        (("--source", "pigeon"), "--source has no value 'pigeon'"),
        (("--priority", "p1"), "--priority has no value 'p1'"),
        (("--due-before", "someday"), "--due-before does not understand 'someday'"),
    ],
)
def test_a_wrong_filter_names_what_is_allowed(steward: Steward, arguments: tuple[str, ...], words: str) -> None:
    done = steward("list", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("--limit", "0"), ("--bogus",), ("--limit", "many")])
def test_wrong_options_are_usage_errors(steward: Steward, arguments: tuple[str, ...]) -> None:
    done = steward("list", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["show", "done", "pause", "resume", "reopen", "cancel", "retry", "execute"])
@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ("abc", 2, "'abc' is not the id of a task"),
        ("not-an-id", 2, "is not the id of a task"),
        ("feedbeef", 1, "No task has an id that begins with feedbeef"),
        ("00000000-0000-4000-8000-00000000dead", 1, "There is no such task"),
    ],
)
def test_an_id_that_fits_nothing_is_an_error(steward: Steward, command: str, given: str, code: int, words: str) -> None:
    done = steward(command, given)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


def test_an_ambiguous_beginning_lists_the_candidates(steward: Steward, twins: tuple[str, str]) -> None:
    done = steward("show", twins[0][:6])
    assert (done.returncode, done.stdout) == (2, "")
    assert all(twin in done.stderr for twin in twins)
    assert "Give more of it" in done.stderr
    problem = steward.json("done", twins[0][:6], code=2)
    assert {wrong["id"] for wrong in problem["errors"]} == set(twins)
    assert steward.json("show", twins[0][:13])["task"]["id"] == twins[0]


def test_ticking_off_twice_is_harmless_or_a_clear_refusal(steward: Steward) -> None:
    task = add(steward, "water plants")
    assert steward.json("done", task["id"])["task"]["execution_status"] == "completed"
    again = steward("done", task["id"])
    assert again.returncode in {0, 1}
    assert "Traceback" not in again.stderr
    opened = steward.json("reopen", task["id"])["task"]
    assert (opened["execution_status"], opened["supersedes_task_id"]) == ("pending", task["id"])
    refused = steward("reopen", task["id"]).stderr
    assert f"Another task took this one's place: The newer one is {opened['id']}" in " ".join(refused.split())
    assert f"replaced by  {opened['id']}" in steward("show", task["id"]).stdout
    edited = steward("done", task["id"], "--took", "5")
    assert (edited.returncode, "Another task took this one's place" in " ".join(edited.stderr.split())) == (1, True)
    steward("done", opened["id"])
    again = steward("reopen", opened["id"]).stdout
    assert re.search(r"Open again: Water plants\n  New: [0-9a-f]{8}\n", again)


def test_pause_resume_and_cancel(steward: Steward) -> None:
    task = add(steward, "water plants")
    assert steward.json("pause", task["id"])["task"]["paused_at"]
    assert steward.json("resume", task["id"])["task"]["paused_at"] is None
    refused = steward("resume", task["id"])
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: This task is not paused")
    done = steward("cancel", task["id"])
    assert "Cancelled: " in done.stdout
    assert steward.json("cancel", task["id"], code=1)["status"] == 409


def test_only_a_failed_task_is_retried(steward: Steward) -> None:
    task = add(steward, "water plants")
    assert steward.json("retry", task["id"], code=1)["status"] == 409


def test_deleting_wants_a_yes(steward: Steward) -> None:
    task = add(steward, "water plants")
    done = steward("delete", task["id"], stdin="y\n")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert steward.json("show", task["id"])["task"]["id"] == task["id"]
    assert steward.json("delete", task["id"], "--yes") == {"deleted": task["id"]}
    assert steward("show", task["id"]).returncode == 1


def test_a_closed_pipe_is_quiet(steward: Steward) -> None:
    for number in range(3):
        add(steward, f"thing {number} " + "x" * 500)
    listing = steward.start("list", "--json", "--all")
    assert listing.stdout
    assert listing.stderr
    listing.stdout.close()
    errors = listing.stderr.read()
    listing.stderr.close()
    listing.wait(timeout=60)
    assert errors == ""


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {}])
def test_no_colours_where_nobody_looks(steward: Steward, variable: dict[str, str]) -> None:
    add(steward, "water plants p1 today")
    done = steward.afresh("list", **variable)
    assert "\x1b" not in done.stdout + done.stderr


def test_a_setting_that_is_wrong_is_named(steward: Steward) -> None:
    done = steward.afresh("list", STEWARD_TIMEZONE="Mars/Olympus")
    assert (done.returncode, done.stdout) == (1, "")
    assert "STEWARD_TIMEZONE" in done.stderr
    assert "Mars/Olympus" in done.stderr


def test_a_database_that_is_away_is_told_calmly(steward: Steward) -> None:
    done = steward("list", STEWARD_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_help_opens_nothing(steward: Steward) -> None:
    done = steward.afresh("--help", STEWARD_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 0
    for command in ("run", "chat", "add", "list", "show", "execute", "review", "doctor", "token", "link"):
        assert f" {command} " in done.stdout


def test_version(steward: Steward) -> None:
    done = steward.afresh("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("steward ")


def test_a_search_says_where_else_something_fits(steward: Steward) -> None:
    task = steward.json("add", "Water the cactus")["task"]
    steward("done", task["id"])
    found = steward("list", "--search", "cactus")
    assert found.stdout == "No open task is like that.\n"
    assert found.stderr == "One that fits is done or cancelled: --all shows it.\n"
    assert "Water the cactus" in steward("list", "--search", "cactus", "--all").stdout
    nothing = steward("list", "--search", "unicorn")
    assert (nothing.stdout, nothing.stderr) == ("No open task is like that.\n", "")
    assert steward("list", "--search", "unicorn", "--all").stdout == "No task is like that.\n"
    assert steward.json("list", "--search", "cactus") == {"items": [], "has_more": False}
