"""chat, execute, review, through the commands of the program and the built-in rules."""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import forked

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward

MAIL = "Draft an email to john@example.com thanking him for the meeting"


def task_from_chat(steward: Steward, text: str = MAIL) -> dict[str, Any]:
    return steward.json("chat", text)["tasks"][0]


def draft_of(steward: Steward) -> tuple[dict[str, Any], dict[str, Any]]:
    task = task_from_chat(steward)
    answer = steward.json("execute", task["id"])
    return answer["task"], steward.json("review", "--list")["items"][0]["draft"]


def outbox(steward: Steward) -> list[Path]:
    return sorted((steward.folder / "house" / "outbox").glob("*.eml"))


def test_chat_replies_and_shows_the_tasks_found(steward: Steward) -> None:
    done = steward("chat", MAIL + ".", "Buy milk tomorrow.")
    assert done.returncode == 0, done.stderr
    for words in ("john@example.com", "fully_automated", "manual", "tomorrow", "why"):
        assert words in done.stdout
    assert "steward execute " in done.stderr


def test_chat_reads_stdin(steward: Steward) -> None:
    done = steward.afresh("chat", "--json", stdin="Käse kaufen\nBitte bis Freitag den Bericht schicken")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["reply"]
    assert answer["tasks"]


def test_small_talk_makes_no_task(steward: Steward) -> None:
    assert steward.json("chat", "Thanks, have a nice day!")["tasks"] == []
    assert steward.json("list")["items"] == []


@pytest.mark.parametrize("words", ["", " \n\t "])
def test_nothing_said_is_wrong_use(steward: Steward, words: str) -> None:
    assert steward.json("chat", stdin=words, code=2)["detail"] == "There is nothing to read"


def test_a_conversation_goes_on(steward: Steward) -> None:
    first = steward.json("chat", "hello")
    second = steward.json("chat", "buy milk", "--conversation", first["conversation_id"])
    assert second["conversation_id"] == first["conversation_id"]


def test_a_conversation_that_is_not_there_is_an_error(steward: Steward) -> None:
    done = steward("chat", "hello", "--conversation", "00000000-0000-4000-8000-00000000dead")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no such conversation" in done.stderr


def test_a_message_that_is_too_long_is_refused(steward: Steward) -> None:
    assert "100001" in steward.json("chat", stdin="a" * 100_001, code=2)["detail"]


def test_executing_shows_the_draft_and_sends_nothing(steward: Steward) -> None:
    task = task_from_chat(steward)
    done = steward("execute", task["id"][:8])
    assert done.returncode == 0, done.stderr
    assert "john@example.com" in done.stdout
    assert "Nothing is sent before you approve it" in done.stderr
    assert ("! Drafted: " in done.stdout, "Done: " in done.stdout) == (True, False)
    assert "drafted, waits for your review" in steward("show", task["id"]).stdout
    assert outbox(steward) == []


def test_executing_answers_as_the_api_does(steward: Steward) -> None:
    answer = steward.json("execute", task_from_chat(steward)["id"])
    assert (answer["success"], answer["strategy"]) == (True, "immediate")
    assert answer["draft_id"]
    assert answer["result"]


def test_a_blocked_task_says_so_and_ends_well(steward: Steward) -> None:
    task = steward.json("add", "buy milk")["task"]
    done = steward("execute", task["id"])
    assert done.returncode == 0, done.stderr
    assert "Blocked: " in done.stdout
    answer = steward.json("show", task["id"])["task"]
    assert (answer["execution_status"], answer["strategy"]) == ("blocked", "blocked")


def test_without_waiting_the_task_is_only_queued(steward: Steward) -> None:
    task = task_from_chat(steward)
    assert steward.json("execute", task["id"], "--no-wait")["task"]["execution_status"] == "queued"


def test_nothing_waits_at_first(steward: Steward) -> None:
    assert steward.json("review") == {"items": [], "held": []}
    assert "Nothing waits" in steward("review", "--list").stdout


def test_without_a_terminal_review_only_lists(steward: Steward) -> None:
    _, draft = draft_of(steward)
    done = steward("review", stdin="a\n")
    assert draft["id"][:8] in done.stdout
    assert draft["subject"] in done.stdout
    assert steward.json("review")["items"][0]["draft"]["state"] == "draft"
    assert outbox(steward) == []


def test_an_approved_draft_is_sent_once(steward: Steward) -> None:
    _, draft = draft_of(steward)
    answer = steward.json("review", "--approve", draft["id"][:8], "--digest", draft["digest"])
    assert answer["draft"]["state"] == "sent"
    assert len(outbox(steward)) == 1
    again = steward("review", "--approve", draft["id"])
    assert again.returncode == 1
    assert "Nothing that waits" in again.stderr
    assert len(outbox(steward)) == 1


def test_a_draft_other_than_the_one_shown_is_not_approved(steward: Steward) -> None:
    _, draft = draft_of(steward)
    assert steward.json("review", "--approve", draft["id"], "--digest", "0" * 64, code=1)["status"] == 409
    assert outbox(steward) == []


def test_a_rejected_draft_with_feedback_comes_back_changed(steward: Steward) -> None:
    _, draft = draft_of(steward)
    answer = steward.json("review", "--reject", draft["id"], "--feedback", "Make it shorter")
    assert answer["new"]["draft"]["version"] == 2
    assert answer["new"]["draft"]["id"] != draft["id"]


def test_a_rejected_draft_without_feedback_is_gone(steward: Steward) -> None:
    task, draft = draft_of(steward)
    assert steward.json("review", "--reject", draft["id"])["new"] is None
    assert steward.json("review")["items"] == []
    assert "rejected" in steward("show", task["id"]).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--list", "--approve", "abcd"),
        ("--approve", "abcd", "--reject", "abcd"),
        ("--feedback", "no"),
        ("--digest", "00"),
        ("--approve", "abc"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_use(steward: Steward, arguments: tuple[str, ...]) -> None:
    done = steward("review", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("option", ["--approve", "--reject"])
def test_an_id_that_waits_nowhere_is_an_error(steward: Steward, option: str) -> None:
    assert steward.json("review", option, "feedbeef", code=1)["status"] == 404


def test_on_a_terminal_each_draft_is_shown_then_asked_about(steward: Steward) -> None:
    _, draft = draft_of(steward)
    editor = steward.folder / "editor.py"
    editor.write_text(
        "import pathlib, sys\np = pathlib.Path(sys.argv[1])\n"
        "p.write_text(p.read_text('utf-8').replace('Hello', 'Good day'), 'utf-8')\n"
    )
    answer = on_terminal(steward, "review", keys=["x", "e", "a"], EDITOR=shlex.join([sys.executable, str(editor)]))
    assert draft["subject"] in answer
    assert "One of the letters" in answer
    assert "version 2" in answer
    assert "Sent to john@example.com" in answer
    assert "Good day" in outbox(steward)[0].read_text("utf-8")


def test_skipping_and_quitting_decide_nothing(steward: Steward) -> None:
    draft_of(steward)
    assert "That was all." in on_terminal(steward, "review", keys=["s"])
    on_terminal(steward, "review", keys=["q"])
    assert len(steward.json("review")["items"]) == 1


def test_ctrl_c_at_a_question_ends_at_once(steward: Steward) -> None:
    draft_of(steward)
    answer = on_terminal(steward, "review", keys=["\x03"], code=130)
    assert "Traceback" not in answer
    assert len(steward.json("review")["items"]) == 1


def test_deleting_asks_on_a_terminal(steward: Steward) -> None:
    task = task_from_chat(steward)
    assert "Nothing was deleted" in on_terminal(steward, "delete", task["id"], keys=["n"])
    assert "Deleted" in on_terminal(steward, "delete", task["id"], keys=["y"])


def on_terminal(steward: Steward, *arguments: str, keys: list[str], code: int = 0, **more: str) -> str:
    """What a command shows on an 80-column terminal where these lines are typed, one at each question."""
    ours, theirs = pty.openpty()
    environment = {**steward.environment, "TERM": "xterm", "COLUMNS": "80", **more}
    process = forked.start(
        arguments, environment, steward.folder, stdin=theirs, stdout=theirs, stderr=theirs, terminal=True
    )
    os.close(theirs)
    shown, asked, waiting = "", 0, list(keys)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break  # the other end is closed
            if not piece:
                break
            shown += piece.decode("utf-8", "replace")
        questions = shown.count(" > ") + shown.count("[y/N] ")
        if waiting and questions > asked:
            asked = questions
            key = waiting.pop(0)
            os.write(ours, (key if key == "\x03" else key + "\n").encode())
    os.close(ours)
    assert process.wait(timeout=30) == code, shown
    return shown


def test_the_list_tells_of_drafts_where_no_task_is_open(steward: Steward) -> None:
    assert steward("list").stdout.startswith("Nothing to do.")
    _, draft = draft_of(steward)
    assert steward("list").stdout == "No open task. 1 draft waits for you: steward review\n"
    task_from_chat(steward, "Draft email to kim@example.com thanking her for the book")
    assert "No open task" not in steward("list").stdout
    steward("review", "--reject", draft["id"], "--feedback", "No")
    assert "waits for you" not in steward("list").stdout
