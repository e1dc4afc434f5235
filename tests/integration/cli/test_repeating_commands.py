"""snooze, wake, remind and repeat, through the commands of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward


def test_a_task_repeats_is_left_out_and_ends(steward: Steward) -> None:
    task = steward.json("add", "Send the report every Friday at 9am")["task"]
    assert "every Friday" in steward("show", task["id"]).stdout
    done = steward.json("done", task["id"])
    assert done["next"]["due_at"] == "2026-03-13T08:00:00Z"
    skipped = steward.json("repeat", done["next"]["id"], "skip")
    assert skipped["next"]["due_at"] == "2026-03-20T08:00:00Z"
    here = skipped["next"]["id"]
    changed = steward.json("repeat", here, "every 3 days after it is done", "--by-itself")
    assert (changed["task"]["repeats_from"], changed["task"]["run_when_due"]) == ("completion", True)
    assert changed["next_due_at"].startswith("2026-03-07T09:00")
    assert "Does not repeat" in steward("repeat", here, "stop").stdout
    assert "next" not in steward.json("done", here)
    for words, told in (
        ("every second", "is no rule"),
        ("FREQ=SECONDLY", "FREQ of DAILY"),
        ("skip", "does not repeat"),
    ):
        wrong = steward("repeat", here, words)
        assert wrong.returncode != 0
        assert told in wrong.stderr


def test_a_task_is_snoozed_and_reminded_of(steward: Steward) -> None:
    task = steward.json("add", "Zebra")["task"]
    assert "until tomorrow 09:00" in steward("snooze", task["id"], "tomorrow", "9").stdout
    assert steward.json("list")["items"] == []
    assert "1 is snoozed" in steward("list").stderr + steward("list").stdout
    assert [one["title"] for one in steward.json("list", "--snoozed")["items"]] == ["Zebra"]
    assert "In sight again" in steward("wake", task["id"]).stdout
    assert "Was in sight already" in steward("wake", task["id"]).stdout
    assert len(steward.json("list")["items"]) == 1
    nobody = steward("snooze", task["id"], "until Ana replies")
    assert nobody.returncode != 0
    assert "no mail from anybody of that name" in nobody.stderr
    told = steward.json("remind", task["id"], "friday", "9:00", "--note", "figures")
    assert [(one["at"], one["note"]) for one in told["items"]] == [("2026-03-06T08:00:00Z", "figures")]
    assert "over" in steward("remind", task["id"], "2026-03-01").stderr
    late = steward.json("add", "Call Omar today at 12:00")["task"]
    assert "It is due today 12:00, before that." in steward("snooze", late["id"], "tomorrow").stdout
    assert " Done: " in steward("done", late["id"]).stdout
    assert "Was done already" in steward("done", late["id"]).stdout
    assert steward.json("remind", task["id"], "friday 9:00", "--remove")["items"] == []
