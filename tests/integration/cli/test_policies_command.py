"""Permissions in the terminal: listed, tried on the past, switched, stopped; and the undo of what one let through."""

from app.house import House
from tasks import review
from tests.integration.app.permitting import ANA, UNTRUSTED, permitted, written
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
    undone = steward.json("review", "--undo", str(held.id)[:8])
    assert undone["approval"]["state"] == "open"
    assert steward.json("policies", "on", str(policy.id)[:8])["is_enabled"] is True
    assert steward.json("policies", "stop")["stopped_at"]
    assert "permissions" in steward("doctor").stdout.partition("all are stopped since")[0]
    assert steward.json("policies", "resume")["stopped_at"] is None
    assert steward("policies", "off", "zzzz").returncode == 2
