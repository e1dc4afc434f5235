"""What happens in an execution as sentences, newest first."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app._view.agent_words import Saying, is_offer, offered_to, said_by_agent
from app._view.people import ALONE, People
from app._view.words import actor, answer_words
from app.plans._log import lines_of
from tasks.agent_work import Lease
from tasks.events import TaskEvent
from tasks.functions import TaskNode

MOST_SENTENCES = 150
TOGETHER = timedelta(seconds=2)
PARTS = re.compile(r"0 of (\d+) subtasks done")
UNDER_WAY = re.compile(r"\d+ of \d+ subtasks done.*|Its parts are under way")
OTHERS = {"draft", "approval", "plan", "check"}  # said as on the page of a plan
STATES = {"paused": "is paused", "cancelled": "is cancelled", "completed": "is done", "failed": "failed"}


@dataclass(frozen=True)
class Sentence:
    """One line: `who` stands out, then `did`, the title of the task as a link, and the rest."""

    id: int
    at: datetime
    task_id: UUID | None
    title: str
    who: str
    did: str
    rest: str


def sentences_of(
    events: Sequence[TaskEvent],
    tasks: Mapping[UUID, TaskNode],
    leases: Sequence[Lease],
    root_id: UUID,
    people: People = ALONE,
) -> list[Sentence]:
    """The newest first; what only repeats what an agent said is left out."""
    story = _Story(events, tasks, leases, people)
    found: list[Sentence] = []
    for event in sorted(events, key=lambda one: one.id, reverse=True):
        said = story.tell(event)
        if said is None:
            continue
        task = tasks.get(event.task_id) if event.task_id else None
        is_whole = event.task_id == root_id and len(tasks) > 1
        title = "The whole" if is_whole else task.title if task else ""
        found.append(Sentence(event.id, event.created_at, event.task_id, title, said.who, said.did, said.rest))
        if len(found) == MOST_SENTENCES:
            break
    return found


def begun_by(events: Sequence[TaskEvent], people: People) -> dict[UUID | None, str]:
    """Which person began each task last: "you", "Ana"."""
    begun = [one for one in sorted(events, key=lambda one: one.id) if one.kind == "state" and one.message == "started"]
    return {
        one.task_id: actor("user", str(one.data.get("actor_id")), people)
        for one in begun
        if one.data.get("actor_type") == "user"
    }


class _Story:
    """Which event says something that no other says better."""

    def __init__(
        self,
        events: Sequence[TaskEvent],
        tasks: Mapping[UUID, TaskNode],
        leases: Sequence[Lease],
        people: People,
    ) -> None:
        self._tasks, self._people = tasks, people
        self._of_task: dict[UUID | None, list[TaskEvent]] = defaultdict(list)
        for event in events:
            if event.kind in {"agent", "offered", "state", "approval"}:
                self._of_task[event.task_id].append(event)
        self._claims: dict[UUID, list[Lease]] = defaultdict(list)
        for lease in leases:
            self._claims[lease.task_id].append(lease)

    def tell(self, event: TaskEvent) -> Saying | None:
        """The sentence of an event; None for what nobody needs to read."""
        match event.kind:
            case "agent":
                return said_by_agent(event)
            case "offered":
                blocked = self._near(event, "state", "blocked")
                return (
                    None if blocked and not is_offer(blocked.data.get("reason")) else Saying("", "", offered_to(event))
                )
            case "state":
                return self._state(event)
            case "reminder":
                is_idle = is_offer(event.message)
                return Saying("", "", ": nobody takes it, and you were told" if is_idle else f": {event.message}")
            case "approval" if event.message in {"approved", "rejected"} and (answer := self._answer(event)):
                return answer
            case kind if kind in OTHERS:
                lines = lines_of([event], {})
                return Saying("", "", _joined(lines[0].head, lines[0].text)) if lines else None
            case _:
                return None

    def _answer(self, event: TaskEvent) -> Saying | None:
        """What a person answered an agent: "answered: 1200.50 please"."""
        task = self._tasks.get(event.task_id) if event.task_id else None
        return Saying(self._doer(event), "answered", f": {answer_words(task)}") if task and answer_words(task) else None

    def _doer(self, event: TaskEvent) -> str:
        """Which person did it: "You", "Ana"."""
        told = event if "actor_id" in event.data else self._near(event, "state", "completed")
        who = actor("user", str(told.data.get("actor_id")) if told else None, self._people)
        return "You" if who == "you" else who

    def _state(self, event: TaskEvent) -> Saying | None:
        reason = str(event.data.get("reason") or "")
        is_yours = event.data.get("actor_type") == "user"
        is_told = self._near(event, "agent") is not None
        match event.message:
            case "started" | "resumed":
                return self._begun(event, is_yours=is_yours)
            case "completed" if is_yours:
                return Saying(self._doer(event), "finished")
            case "completed" | "failed" if is_told:
                return None
            case "blocked":
                return self._blocked(event, reason, is_yours=is_yours, is_told=is_told)
            case "retry_queued" if reason and not is_told:
                return Saying("", "", f"is tried again: {reason}")
            case "paused" | "cancelled" if is_yours:
                return Saying(self._doer(event), "paused" if event.message == "paused" else "cancelled")
            case word if word in STATES:
                return Saying("", "", _joined(STATES[word], reason))
            case _:
                return None

    def _begun(self, event: TaskEvent, *, is_yours: bool) -> Saying | None:
        """Somebody is at it: an agent by its claim. What a person ticks off begins and ends at once."""
        claims = self._claims.get(event.task_id, []) if event.task_id else []
        lease = next((one for one in claims if abs(one.claimed_at - event.created_at) < TOGETHER), None)
        task = self._tasks.get(event.task_id) if event.task_id else None
        if lease is not None and event.message == "resumed":  # a claim lets the waiting go on
            return Saying(lease.agent, "took")
        if is_yours or task is None or task.tool is not None or event.message == "resumed":
            return None
        return Saying("Steward", "began")

    def _blocked(self, event: TaskEvent, reason: str, *, is_yours: bool, is_told: bool) -> Saying | None:
        parts = PARTS.fullmatch(reason)
        if parts and is_yours:
            return Saying(self._doer(event), "broke down", f" into {parts[1]} {'part' if parts[1] == '1' else 'parts'}")
        if UNDER_WAY.fullmatch(reason) or is_told:
            return None
        if (is_offer(reason) and self._near(event, "offered")) or self._near(event, "approval", "open"):
            return None
        offered = self._near(event, "offered")
        if offered and offered.id > event.id:
            return Saying("", "", f": {reason}")
        return Saying("", "", _joined("waits", reason.removeprefix("Waits ").removeprefix("Waiting ")))

    def _near(self, event: TaskEvent, kind: str, message: str | None = None) -> TaskEvent | None:
        """What happened to the same task at the same moment; of several the nearest."""
        found = [
            one
            for one in self._of_task.get(event.task_id, [])
            if one.kind == kind
            and (message is None or one.message == message)
            and abs(one.created_at - event.created_at) < TOGETHER
            and (kind != "agent" or str(one.data.get("type")).rpartition("_")[2] not in {"started", "progress"})
        ]
        return min(found, key=lambda one: abs(one.id - event.id), default=None)


def _joined(head: str, text: str) -> str:
    return f"{head}: {text}" if head and text else head or text
