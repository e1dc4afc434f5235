"""What happens in a plan as lines, newest first; the pieces of a model's answer as one line that grows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app._view.agent_words import offered_to, said_by_agent
from app._view.words import DRAFT, EVENT, GATE, PLAN, STEP_KIND, STEP_STATE
from core.database import Caller
from tasks.events import TaskEvent, get_last_event_id, list_task_events
from tasks.plans import PlanSummary

MOST_LINES = 240
PAGE = 1000
FIRST_LOOK_BACK = 2000  # ids, of which other plans have some
TAIL = 400  # characters of what a model is writing
UNSAID = {"changed"}
UNDER_WAY = re.compile(r"\d+ of \d+ subtasks done|Its parts are under way")
COUNTED = re.compile(r"(\d+) added, (\d+) changed, (\d+) removed")
QUIET = {"created", "queued"}  # states that the picture of what ran when shows


@dataclass(frozen=True)
class Line:
    """One line: `head` stands out. `is_output`: what a model writes, its last words."""

    id: int
    at: datetime
    task_id: UUID | None
    title: str
    head: str
    text: str
    is_output: bool = False


async def newest_events(caller: Caller, plan_id: UUID) -> list[TaskEvent]:
    """The last events of a plan, oldest first: enough for a full log, or all there are."""
    newest = await get_last_event_id(caller)
    back = FIRST_LOOK_BACK
    while True:
        after = max(0, newest - back)
        found = await _all_after(caller, plan_id, after)
        if after == 0 or sum(event.kind != "output" for event in found) >= MOST_LINES:
            return found
        back *= 8


async def _all_after(caller: Caller, plan_id: UUID, after: int) -> list[TaskEvent]:
    """The last two pages of what came after an id."""
    found: list[TaskEvent] = []
    while True:
        page = await list_task_events(caller, plan_id, after, PAGE)
        found = [*found[-PAGE:], *page]
        if len(page) < PAGE:
            return found
        after = page[-1].id


def lines_of(events: Sequence[TaskEvent], titles: Mapping[UUID, str], plan: PlanSummary | None = None) -> list[Line]:
    """The lines, newest first. What ran of the `plan` itself before it was planned made the plan."""
    lines: dict[object, Line] = {}
    for event in events:
        title = titles.get(event.task_id, "") if event.task_id else ""
        if event.kind == "output":
            is_thought = bool(event.data.get("is_thought"))
            key = (event.task_id, event.data.get("purpose"), is_thought)
            earlier = lines.pop(key, None)
            part = str(event.data.get("purpose") or "").partition("/")[2]
            text = f"{earlier.text if earlier else ''}{event.message}"
            verb = "thinks about" if is_thought and part else "thinks" if is_thought else "writes"
            head = f"{verb} {part}" if part else verb
            lines[key] = Line(event.id, event.created_at, event.task_id, title, head, text, is_output=True)
        elif (said := _said(event)) is not None:
            head, text = said
            if plan and event.task_id == plan.id and head == EVENT["started"] and _makes_the_plan(event, plan):
                head = "is made of its document" if plan.document_id else "is being planned"
            text = text.removeprefix(f"{title}: ")
            lines[event.id] = Line(event.id, event.created_at, event.task_id, title, head, text)
    found = sorted(lines.values(), key=lambda line: line.id, reverse=True)[:MOST_LINES]
    return [_cut(line) for line in found]


def _makes_the_plan(event: TaskEvent, plan: PlanSummary) -> bool:
    is_made_so = plan.document_id is not None and event.created_at == plan.planned_at
    return plan.kind == "objective" and (plan.planned_at is None or event.created_at < plan.planned_at or is_made_so)


def _cut(line: Line) -> Line:
    if not line.is_output or len(line.text) <= TAIL:
        return line
    return Line(line.id, line.at, line.task_id, line.title, line.head, f"… {line.text[-TAIL:]}", is_output=True)


def _said(event: TaskEvent) -> tuple[str, str] | None:
    """The word that stands out, and the rest; None for what nobody needs to read."""
    data = event.data
    match event.kind:
        case "state":
            if event.message in QUIET:
                return None
            reason = str(data.get("reason") or "").removeprefix(f"{data.get('title')}: ")
            if event.message == "blocked" and UNDER_WAY.fullmatch(reason):
                return None
            return EVENT.get(event.message, event.message), reason
        case "draft":
            return "draft", f"version {data.get('version')} {DRAFT.get(event.message, event.message)}"
        case "approval":
            if event.message == "used":
                return None  # the yes stands there already
            return ("asks you", "") if event.message == "open" else ("decided", GATE.get(event.message, event.message))
        case "plan":
            return _changed(event.message, str(data.get("reason") or "no reason given"))
        case "check":
            return "check", f"it did not pass: {event.message}"
        case "step":
            return _step(event)
        case "agent":
            said = said_by_agent(event)
            return said.who, said.about("it")
        case "offered":
            return offered_to(event), ""
        case kind if kind in UNSAID:
            return None
        case _:
            return "", event.message


def _changed(how: str, why: str) -> tuple[str, str]:
    """A change of the plan; its counts without those that are none."""
    counts = COUNTED.fullmatch(why)
    if how == "cloned":
        return "", f"is {why[:1].lower()}{why[1:]}"
    if counts is None:
        return "is changed", f"{PLAN[how]}: {why}" if how in PLAN else why
    parts = [
        f"{n} {word}" for n, word in zip(counts.groups(), ("added", "changed", "removed"), strict=True) if n != "0"
    ]
    head = "is brought to its document" if how == "document_applied" else "was edited"
    return head, f"tasks: {', '.join(parts)}" if parts else "nothing is different"


def _plainly(error: str) -> str:
    """The name of a class of errors as words; anything else as it is."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", error).lower() if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", error) else error


def _step(event: TaskEvent) -> tuple[str, str] | None:
    """A call of a model or a tool: how it went, and how long it took."""
    data = event.data
    if "step_id" not in data:
        return "", event.message
    if event.message == "started":
        return None
    name = str(data.get("name") or "")
    took = data.get("latency_ms")
    what = f"{STEP_KIND.get(str(data.get('step_kind')), 'step')}: {name}"
    if event.message == "finished":
        return what, f"{took / 1000:.1f} s" if isinstance(took, int | float) else ""
    if event.message == "replayed":
        return what, "taken from the journal instead of done again"
    error = f": {_plainly(str(data['error']))}" if data.get("error") else ""
    return what, f"{STEP_STATE.get(event.message, event.message)}{error}"
