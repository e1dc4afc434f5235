"""The client for agents, against a house of few words: what it takes up again, and what it leaves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cli.steward_agent import Agent

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def work(name: str) -> dict[str, Any]:
    lease = {
        "id": name,
        "claimed_at": NOW - timedelta(hours=5),
        "heard_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }
    return {
        "lease": {key: str(value) for key, value in lease.items()},
        "execution": {"id": "e", "title": ""},
        "task": {"id": f"task of {name}", "title": name},
    }


class House:
    """Holds leases of the agent: one to go on with, one paused, one that ends meanwhile; the first poll breaks off."""

    def __init__(self) -> None:
        self.next = {"going": "continue", "paused": "pause", "over": "continue"}
        self.asked: list[str] = []
        self.polls = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        what = request.url.path.removeprefix("/api/agents/").removeprefix("a/")
        self.asked.append(what)
        if what == "me":
            return httpx.Response(200, json={"id": "a"})
        if what == "heartbeat":
            leases = [{"lease_id": name, "next": said} for name, said in self.next.items()]
            return httpx.Response(200, json={"leases": leases})
        if what == "work":
            self.polls += 1
            if self.polls == 1:
                self.next["lost"] = "continue"
                raise httpx.ReadError("cut off")
            return httpx.Response(204) if self.polls > 2 else httpx.Response(200, json=work("new"))
        if what.startswith("work/"):
            name = what.removeprefix("work/")
            return httpx.Response(404) if name == "over" else httpx.Response(200, json=work(name))
        return httpx.Response(200, json={"outcome": "applied", "next": "continue"})


@pytest.mark.parametrize(
    ("resume", "expected"),
    [(True, [("going", True), ("lost", True), ("new", False)]), (False, [("new", False)])],
)
def test_what_is_held_is_taken_up_first_and_once(resume: bool, expected: list[tuple[str, bool]]) -> None:
    house = House()
    with Agent(
        "http://house.test", "sta_", transport=httpx.MockTransport(house.answer), first_pause_seconds=0
    ) as agent:
        taken: list[tuple[str, bool]] = []
        for one in agent.work(until_idle=True, wait_seconds=0, resume=resume):
            assert one.lease_seconds == 3600
            taken.append((one.title, one.is_resumed))
            one.complete()
            house.next.pop(one.lease_id, None)
    assert taken == expected
    assert house.asked.count("heartbeat") >= 2 or not resume
    assert ("work/over" in house.asked) == resume
