"""Outside agents in one process: each polls for work every second, and reports what it is at, over HTTP.

python -m benchmarks.sides.agents PORT

Questions: {"agents": [[id, token], ...], "seconds": s, "events_a_second": n, "batch": k, "task_seconds": t} lets these agents
work for so long and answers {"claims": [seconds of each poll that got work], "polls": [of each that got none],
"reports": [of each report], "sent": {event id: times sent}, "completed": [task ids], "wrong": [answers of another kind]}.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

from benchmarks.harness.http import Connection, connected
from benchmarks.peers.lines import own_output, serve

POLL_SECONDS = 1.0
SENT_AGAIN = 0.01  # of the reports, as by a client whose line broke


@dataclass
class Seen:
    """What the agents of this process saw."""

    claims: list[float] = field(default_factory=list[float])
    polls: list[float] = field(default_factory=list[float])
    reports: list[float] = field(default_factory=list[float])
    sent: dict[str, int] = field(default_factory=dict[str, int])
    completed: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])


@dataclass
class Held:
    """A lease, and when its task is done."""

    execution_id: str
    task_id: str
    lease_id: str
    done_at: float


@dataclass
class OneAgent:
    """An agent that works: a poll a second, and its share of events in batches."""

    agent_id: str
    polling: Connection
    reporting: Connection
    seen: Seen
    batch: int
    pause_seconds: float
    task_seconds: float
    random: Random
    held: list[Held] = field(default_factory=list[Held])

    async def poll(self, until: float) -> None:
        """Ask for work each second."""
        await asyncio.sleep(self.random.random() * POLL_SECONDS)
        while (began := time.perf_counter()) < until:
            self.polling.send("GET", f"/api/agents/{self.agent_id}/work")
            status, body = await answer_of(self.polling)
            took = time.perf_counter() - began
            if status == 200:
                self.seen.claims.append(took)
                work = json.loads(body)
                seconds = self.task_seconds * (0.75 + self.random.random() / 2)
                self.held.append(
                    Held(
                        work["execution"]["id"], work["task"]["id"], work["lease"]["id"], time.perf_counter() + seconds
                    )
                )
            elif status == 204:
                self.seen.polls.append(took)
            else:
                self.seen.wrong.append(f"work {status} {body[:200]!r}")
            await asyncio.sleep(max(0.0, POLL_SECONDS - took))

    async def report(self, until: float) -> None:
        """Say how far the work is, a batch at a time; what is done is said, and left."""
        due = time.perf_counter() + self.random.random() * self.pause_seconds
        while due < until or self.held:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            due += self.pause_seconds
            if not self.held:
                continue
            held = self.held.pop(0)
            is_done = time.perf_counter() >= held.done_at or due >= until
            events = [self._event(held, "task_progress", {"percent": 50, "message": "half"}) for _ in range(self.batch)]
            if is_done:
                events[-1] = self._event(held, "task_complete", {"output": {"done": True}})
            else:
                self.held.append(held)
            await self._send(held, events)
            if is_done:
                self.seen.completed.append(held.task_id)

    def _event(self, held: Held, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        return {"event_id": uuid4().hex, "type": kind, "task_id": held.task_id, "lease_id": held.lease_id, "data": data}

    async def _send(self, held: Held, events: list[dict[str, Any]]) -> None:
        for _ in range(2 if self.random.random() < SENT_AGAIN else 1):
            began = time.perf_counter()
            self.reporting.send("POST", f"/api/executions/{held.execution_id}/events", {"events": events})
            status, body = await answer_of(self.reporting)
            self.seen.reports.append(time.perf_counter() - began)
            if status != 200:
                self.seen.wrong.append(f"events {status} {body[:200]!r}")
                continue
            for event, said in zip(events, json.loads(body)["items"], strict=True):
                self.seen.sent[event["event_id"]] = self.seen.sent.get(event["event_id"], 0) + 1
                if said["outcome"] not in {"applied", "recorded", "duplicate"}:
                    self.seen.wrong.append(f"event {said}")


async def answer_of(connection: Connection) -> tuple[int, bytes]:
    """Status and body; a 204 has none."""
    status, headers = await connection.head()
    return status, await connection.reader.readexactly(int(headers.get("content-length", 0)))


async def work(port: int, question: dict[str, Any]) -> dict[str, Any]:
    """Let the agents of a question work for as long as it says."""
    seen, agents = Seen(), question["agents"]
    pause = question["batch"] * len(agents) / question["events_a_second"]
    until = time.perf_counter() + question["seconds"]

    async def one(number: int, agent_id: str, token: str) -> None:
        async with connected(port, token) as polling, connected(port, token) as reporting:
            agent = OneAgent(
                agent_id, polling, reporting, seen, question["batch"], pause, question["task_seconds"], Random(number)
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(agent.poll(until))
                group.create_task(agent.report(until))

    async with asyncio.TaskGroup() as group:
        for number, (agent_id, token) in enumerate(agents):
            group.create_task(one(number, agent_id, token))
    return vars(seen)


async def main() -> None:
    answers = own_output()
    port = int(sys.argv[1])
    await serve(lambda question: work(port, question), answers)


if __name__ == "__main__":
    asyncio.run(main())
