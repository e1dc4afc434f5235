"""/api/policies and the undo of what a permission let through."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from app.house import House
from tasks import review
from tests.integration.app.permitting import ANA, UNTRUSTED, permitted, written
from tests.integration.app.test_api import is_problem

TERMS: dict[str, Any] = {"action": "email_send", "targets": [ANA]}


async def test_a_permission_is_tried_on_the_past_and_then_kept(client: httpx.AsyncClient, house: House) -> None:
    first = await written(house)
    await review.approve_draft(house.caller, first.id, first.digest)
    second = await written(house, subject="Dinner")
    await review.revise_draft(house.caller, second.id, {"body": "See you at one."})
    third = await written(house, subject="Invoice", reasons=[UNTRUSTED | {"value": ANA}])
    await review.reject_draft(house.caller, third.id)
    answer = await client.post("/api/policies/replay", json={"policy": TERMS})
    assert answer.status_code == 200, answer.text
    tried = answer.json()
    names = ("would_have_gone", "edited", "rejected", "by_permission", "asked")
    assert [tried[name] for name in names] == [1, 1, 0, 0, 1]
    assert tried["message"] == "1 would have gone by itself; you had edited it; 1 would have asked you as before."
    assert [one["would_have_gone"] for one in tried["items"]] == [False, True]
    assert tried["items"][1] | {"created_at": ""} == {
        "approval_id": str(second.approval_id),
        "draft_id": str(second.id),
        "task_id": str(second.task_id),
        "title": "Dinner",
        "destinations": [ANA],
        "created_at": "",
        "would_have_gone": True,
        "outcome": "edited",
        "reasons": [],
    }
    assert (await client.get("/api/policies")).json() == {"items": [], "stopped_at": None}  # nothing was kept
    kept = (await client.put("/api/policies", json=TERMS)).json()
    assert (kept["is_enabled"], kept["max_per_hour"], kept["max_per_day"], kept["hold_seconds"]) == (False, 5, 20, 120)
    assert 29 <= (datetime.fromisoformat(kept["expires_at"]) - datetime.now(UTC)).days <= 30
    assert kept["replay"]["would_have_gone"] == 1
    on = await client.put(
        "/api/policies", json=TERMS | {"id": kept["id"], "is_enabled": True}, headers={"Idempotency-Key": "on"}
    )
    again = await client.put(
        "/api/policies", json=TERMS | {"id": kept["id"], "is_enabled": True}, headers={"Idempotency-Key": "on"}
    )
    assert on.json() == again.json()
    (listed,) = (await client.get("/api/policies")).json()["items"]
    assert (listed["id"], listed["is_enabled"], listed["replay"]["edited"]) == (kept["id"], True, 1)


async def test_what_a_permission_let_through_is_undone_and_it_is_off(client: httpx.AsyncClient, house: House) -> None:
    policy = await permitted(house)
    held = await written(house, by=policy)
    assert held.state == "approved"
    undone = await client.post(f"/api/approvals/{held.approval_id}/undo")
    assert undone.status_code == 200, undone.text
    assert undone.json()["state"] == "open"
    assert undone.json()["draft_id"] != str(held.id)
    (off,) = (await client.get("/api/policies")).json()["items"]
    assert (off["is_enabled"], off["demoted_because"]) == (False, "You undid what it let through")
    is_problem(await client.post(f"/api/approvals/{held.approval_id}/undo"), 409)
    is_problem(await client.post(f"/api/approvals/{uuid4()}/undo"), 404)


async def test_the_kill_switch_takes_back_what_is_held(client: httpx.AsyncClient, house: House) -> None:
    await written(house, by=await permitted(house))
    stopped = (await client.post("/api/policies/stop", json={"stopped": True})).json()
    assert stopped["taken_back"] == 1
    assert (await client.get("/api/policies")).json()["stopped_at"] == stopped["stopped_at"]
    later = await written(house, by=await permitted(house))
    assert later.state == "draft"
    assert later.approval
    assert "stopped" in later.approval.decision.reasons[-1].message
    assert (await client.post("/api/policies/stop", json={"stopped": False})).json()["stopped_at"] is None


async def test_wrong_terms_are_named_and_strangers_see_nothing(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    policy = await permitted(house)
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"targets": []}, "targets"),
        ({"targets": ["@gmail.com"]}, "anybody gets an address there"),
        ({"targets": ["*"]}, "cannot be a target"),
        ({"max_per_hour": 0}, "max_per_hour"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"carries": "anything"}, "carries"),
        ({"action": "Send it"}, "action"),
        ({"who": "me"}, "who"),
        ({"action": "pay"}, "pay is no tool that acts; a permission can be for email_send, slack_notification"),
        ({"action": "shell"}, "a permission can be for email_send"),
        ({"targets": ["mailto:ana@vega.example"]}, "without mailto:"),
        ({"targets": [ANA, ANA.upper()]}, "stands twice"),
        ({"task_kinds": ["Any kind"]}, "task_kinds"),
        ({"max_per_hour": "5"}, "max_per_hour"),
        ({"max_per_day": True}, "max_per_day"),
        ({"hold_seconds": "120"}, "hold_seconds"),
        ({"is_enabled": "yes"}, "is_enabled"),
        ({"id": str(policy.id), "action": "file"}, "needs no permission"),
    )
    for wrong, word in cases:
        answer = await client.put("/api/policies", json=TERMS | wrong)
        assert word in str(is_problem(answer, 422)), answer.text
    for wrong in ("yes", 1, None):
        is_problem(await client.post("/api/policies/stop", json={"stopped": wrong}), 422)
    assert (await client.get("/api/policies")).json()["stopped_at"] is None
    is_problem(await client.post("/api/policies/replay", json={"policy": TERMS | {"action": "pay"}}), 422)
    fetching = {"policy": TERMS | {"action": "web_fetch", "targets": ["vega.example"]}}
    assert (await client.post("/api/policies/replay", json=fetching)).status_code == 200
    is_problem(await client.put("/api/policies", json=TERMS | {"id": str(uuid4())}), 404)
    is_problem(await client.post("/api/policies/replay", json={"policy": TERMS | {"is_enabled": True}}), 422)
    is_problem(await stranger.put("/api/policies", json=TERMS | {"id": str(policy.id)}), 404)
    is_problem(await stranger.delete(f"/api/policies/{policy.id}"), 404)
    assert (await stranger.get("/api/policies")).json()["items"] == []
    assert (await client.delete(f"/api/policies/{policy.id}")).status_code == 204
    is_problem(await client.delete(f"/api/policies/{policy.id}"), 404)
