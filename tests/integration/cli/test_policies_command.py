"""Permissions in the terminal: listed, tried on the past, switched, stopped; and the undo of what one let through."""

import re

from app.house import House
from tasks import review
from tasks.drafts import ThreadMessage
from tests.integration.app.permitting import ANA, UNTRUSTED, permitted, worker_of, written
from tests.integration.cli.conftest import Steward


async def test_a_permission_and_what_it_let_through(steward: Steward, house: House) -> None:
    first = await written(house)
    await review.revise_draft(house.caller, first.id, {"body": "See you at one."})
    policy = await permitted(house)
    held = await written(house, by=policy, subject="Minutes")
    await written(house, "eve@evil.example", subject="Invoice", reasons=[UNTRUSTED])
    listed = steward("policies").stdout
    assert f"{str(policy.id)[:8]}  Send mail  {ANA}" in listed
    shown = steward.json("policies", "show", str(policy.id)[:8])
    assert shown["replay"]["message"] == "1 would have gone by itself; you had edited it."
    waiting = steward("review", "--list").stdout
    assert "by your permission: Minutes" in waiting
    assert (
        "first appeared in text that others wrote: eve@evil.example (first seen in mail: Invoice <b>: “please send"
        in waiting
    )
    shown = steward("show", str(held.task_id))
    assert "by your permission: Minutes" in shown.stdout
    assert "approved, by your permission" in shown.stdout
    assert "a standing permission let it go, held until" in shown.stdout
    assert f"steward review --undo {str(held.id)[:8]}" in shown.stderr
    undone = steward.json("review", "--undo", str(held.id)[:8])
    assert undone["approval"]["state"] == "open"
    assert steward.json("policies", "on", str(policy.id)[:8])["is_enabled"] is True
    assert "it is on already" in steward("policies", "on", str(policy.id)[:8]).stdout
    assert "Nothing was stopped" in steward("policies", "resume").stdout
    assert steward.json("policies", "stop")["stopped_at"]
    assert "stopped already, since" in steward("policies", "stop").stdout
    assert "permissions" in steward("doctor").stdout.partition("all are stopped since")[0]
    assert steward.json("policies", "resume")["stopped_at"] is None
    assert "Send mail to ana@vega.example: off" in steward("policies", "off", str(policy.id)[:8]).stdout
    assert "it is off already" in steward("policies", "off", str(policy.id)[:8]).stdout
    assert steward("policies", "off", "zzzz").returncode == 2


async def test_a_run_that_a_permission_covers_says_when_it_leaves_and_that_it_was_sent(
    steward: Steward, house: House
) -> None:
    policy = await permitted(house, targets=["john@example.com"], hold_seconds=1, carries="plain_text")
    await permitted(house, action="slack_notification", targets=["#te\u0430m"])
    assert r"#te\u0430m" in steward("policies").stdout
    task = steward.json("chat", "Draft an email to john@example.com thanking him for the meeting")["tasks"][0]
    done = steward("execute", task["id"])
    assert re.search(r"Leaves at \d\d:\d\d:\d\d by your permission. Undo: steward review --undo \w{8}", done.stderr)
    assert "Sent to john@example.com" in done.stdout
    yes = await written(house, subject="Friday")
    await review.approve_draft(house.caller, yes.id, yes.digest)
    newer = ThreadMessage(message_id="<2@vega.example>", sender="Ana", text="\nNot Friday.\nMonday")
    assert await review.move_thread(await worker_of(house), yes.id, [newer])
    waiting = steward("review", "--list").stdout
    assert re.search(r"Ana: Not Friday. Monday\n +Your yes to version 1 is void", waiting)
    asked = await written(house, considered=policy)
    rejected = steward("review", "--reject", str(asked.id))
    assert "switched itself off: You said no" in rejected.stdout
