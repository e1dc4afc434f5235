"""/api/nudges, /api/attention and /api/digests: what is brought up, how much of it, and what was told of it when."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from app._attention.rules import rules_of
from app.house import House
from tasks.digests import make_digest
from tasks.nudges import Finding, Nudge, offer_nudges
from tests.conftest import NOW
from tests.integration.app.test_api import is_problem
from tests.integration.app.test_identity import bearer, make

AGENDA = {"title": "Draft meeting agenda", "execution_type": "manual", "kind": "agenda"}


async def brought_up(house: House, *keys: str, **more: Any) -> list[Nudge]:
    findings = [
        Finding.model_validate({"key": key, "kind": "agenda", "title": f"Draft {key}", "why": "It has none."} | more)
        for key in keys
    ]
    return (await offer_nudges(house.caller, findings, NOW, rules_of(house))).made


async def test_nudges_are_listed_decided_and_muted(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    first, second, third = await brought_up(
        house, "a", "b", "c", person="priya@vega.example", is_urgent=True, task=AGENDA
    )
    page = (await client.get("/api/nudges", params={"state": "told", "kind": "agenda", "limit": 2})).json()
    rest = (await client.get("/api/nudges", params={"cursor": page["next_cursor"]})).json()
    assert {one["key"] for one in [*page["items"], *rest["items"]]} == {"a", "b", "c"}
    assert page["items"][0]["why"] == "It has none."
    one = (await client.get(f"/api/nudges/{first.id}")).json()
    assert (one["state"], one["task"]["title"]) == ("told", "Draft meeting agenda")
    done = await client.patch(f"/api/nudges/{first.id}", json={"decision": "acted"})
    assert (done.json()["state"], done.json()["decided_because"]) == ("acted", None)
    is_problem(await client.patch(f"/api/nudges/{first.id}", json={"decision": "dismissed"}), 409)
    no = (await client.patch(f"/api/nudges/{second.id}", json={"decision": "dismissed", "because": "no"})).json()
    assert (no["state"], no["task"]["execution_status"]) == ("dismissed", "cancelled")
    for wrong in ({}, {"decision": "told"}, {"decision": "acted", "because": "x" * 501}, {"decision": "acted", "a": 1}):
        is_problem(await client.patch(f"/api/nudges/{third.id}", json=wrong), 422)
    is_problem(await client.post(f"/api/nudges/{third.id}/mute", json={"what": "thread"}), 422)
    is_problem(await client.post(f"/api/nudges/{third.id}/mute", json={"what": "all"}), 422)
    mute = await client.post(f"/api/nudges/{third.id}/mute", json={"what": "person"})
    assert (mute.status_code, mute.json()["person"], mute.json()["because"]) == (201, "priya@vega.example", "Draft c")
    assert (await client.get(f"/api/nudges/{third.id}")).json()["state"] == "dismissed"
    for query in ({"state": "loud"}, {"kind": "x"}, {"limit": "0"}, {"cursor": "x"}, {"colour": "red"}):
        is_problem(await client.get("/api/nudges", params=query), 422)
    is_problem(await client.get(f"/api/nudges/{uuid4()}"), 404)
    is_problem(await stranger.get(f"/api/nudges/{first.id}"), 404)
    is_problem(await stranger.patch(f"/api/nudges/{first.id}", json={"decision": "acted"}), 404)
    is_problem(await stranger.post(f"/api/nudges/{first.id}/mute", json={"what": "kind"}), 404)


async def test_attention_is_chosen_and_mutes_are_a_persons_own(client: httpx.AsyncClient, house: House) -> None:
    known = (await client.get("/api/attention")).json()
    assert (known["daily_nudges"], known["quiet_hours"], known["chosen"]) == (5, "20:00-07:30", [])
    chosen = {
        "daily_nudges": 2,
        "quiet_hours": "off",
        "quiet_days": ["sun", "Saturday"],
        "digest_at": "07:00",
        "proactive": "suggest",
        "mute_below": 0.5,
    }
    after = (await client.patch("/api/attention", json=chosen)).json()
    assert {name: after[name] for name in chosen} == chosen | {"quiet_days": ["sat", "sun"]}
    assert after["chosen"] == sorted(chosen)
    back = (await client.patch("/api/attention", json={"quiet_hours": None, "mute_below": None})).json()
    assert (back["quiet_hours"], back["mute_below"], back["daily_nudges"]) == ("20:00-07:30", 0.3, 2)
    for wrong in (
        {"quiet_hours": "late"},
        {"quiet_hours": "25:00-07:00"},
        {"quiet_days": ["x"]},
        {"digest_at": "8"},
        {"daily_nudges": True},
        {"daily_nudges": 101},
        {"proactive": "loud"},
        {"mute_below": "NaN"},
        {"colour": 1},
    ):
        is_problem(await client.patch("/api/attention", json=wrong), 422)
    mute = (await client.post("/api/attention/mutes", json={"kind": "brief", "person": " Priya@vega.example "})).json()
    assert mute["person"] == "priya@vega.example"
    for wrong in (
        {},
        {"kind": "x"},
        {"kind": "reminder"},
        {"person": " "},
        {"kind": "brief", "until": NOW.isoformat()},
    ):
        is_problem(await client.post("/api/attention/mutes", json=wrong), 422)
    assert [one["id"] for one in (await client.get("/api/attention/mutes")).json()["items"]] == [mute["id"]]
    token = bearer((await make(client, scopes=["tasks:read", "tasks:write"]))["token"])
    assert (await client.get("/api/attention", headers=token)).status_code == 200
    (nudge,) = await brought_up(house, "a")
    assert (await client.get(f"/api/nudges/{nudge.id}", headers=token)).status_code == 200
    is_problem(await client.patch(f"/api/nudges/{nudge.id}", json={"decision": "acted"}, headers=token), 403)
    is_problem(await client.patch("/api/attention", json={"daily_nudges": 9}, headers=token), 403)
    is_problem(await client.post(f"/api/nudges/{nudge.id}/mute", json={"what": "kind"}, headers=token), 403)
    is_problem(await client.delete(f"/api/attention/mutes/{mute['id']}", headers=token), 403)
    assert (await client.delete(f"/api/attention/mutes/{mute['id']}")).status_code == 204
    is_problem(await client.delete(f"/api/attention/mutes/{uuid4()}"), 404)
    assert (await client.get("/api/attention/mutes")).json()["items"] == []


async def test_digests_are_read_by_their_day(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    is_problem(await client.get("/api/digests/2026-03-04"), 404)
    is_problem(await client.get("/api/digests/today"), 422)
    await client.patch("/api/attention", json={"daily_nudges": 0})
    await brought_up(house, "a")
    for days in (0, 1):
        assert await make_digest(house.caller, NOW + timedelta(days=days), rules_of(house))
    first = (await client.get("/api/digests/2026-03-04")).json()
    assert ([one["key"] for one in first["nudges"]], first["content"]["nudges"]) == (["a"], 1)
    assert (first["previous"], first["next"], first["read_at"]) == (None, "2026-03-05", None)
    assert [one["day"] for one in (await client.get("/api/digests")).json()["items"]] == ["2026-03-05", "2026-03-04"]
    assert (await stranger.get("/api/digests")).json()["items"] == []
    is_problem(await stranger.get("/api/digests/2026-03-04"), 404)
