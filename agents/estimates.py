"""What a plan will take, before it starts: minutes along its longest chain, waits apart, and US dollars. Pure.

What is not known is said (`unknown`), not guessed: a person's answer takes as long as it takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from uuid import UUID

from agents.estimating import expected
from agents.sequencer import Part, sequence
from agents.thinking import Thinking
from agents.tools.tool import AnyTool
from tasks.day_plans import WorkedTask
from tasks.functions import TaskNode
from tasks.models import ExecutionType

DEFAULT_MINUTES = 15  # where nobody said how long a task takes
WORKING_DAY_MINUTES = 8 * 60
NO_WORK = frozenset({"approval_gate", "delay"})  # a decision and a wait are none, whatever was said
# Tools that ask no model, and those that wait for somebody or something.
WAITS_FOR: Mapping[str, str] = {
    "approval_gate": "a person's decision",
    "wait_for_reply": "an answer",
    "outside_agent": "an agent's report",
    "cicd_webhook": "a yes, and the pipeline's report",
    "delay": "time",
    "email_send": "a person's yes to the draft",
    "slack_notification": "a person's yes to the draft",
}
ANSWERS_OF_THINKING = 2  # one that decides and does, one that checks it
ORDINARY_TOKENS = (3000, 800)  # in and out
IS_OVER = {"completed", "cancelled"}


@dataclass(frozen=True)
class EstimatedPart:
    """One task to be estimated. `needs`: keys of tasks that are over before it."""

    key: str
    title: str
    execution_type: ExecutionType
    needs: frozenset[str] = frozenset()
    tool: str | None = None
    minutes: int | None = None
    learned_minutes: int | None = None  # what such tasks took before, where nobody said
    delay_seconds: float | None = None
    has_criteria: bool = False
    is_done: bool = False
    ends_at: datetime | None = None  # as the schedule of a document has it


@dataclass(frozen=True)
class TaskEstimate:
    """What one task takes. `starts_after_minutes` counts work alone; `waits_for` what no one can know the time of."""

    key: str
    title: str
    minutes: float
    starts_after_minutes: float
    is_critical: bool
    waits_for: str = ""
    waiting_minutes: float = 0
    model_calls: int = 0
    cost_usd: float = 0


@dataclass(frozen=True)
class Estimate:
    """What a plan takes. `minutes`: work along the longest chain, `people_minutes_in_chain` that of people in it; `minutes_in_all`
    and `people_minutes`: everything, also what runs side by side; `waiting_minutes`: delays that are set. `ends_at`: where a schedule
    says so. `cost_usd` holds tools and models as far as their price is known. `in_words`: the same as it is read, by what it is.
    """

    minutes: float
    people_minutes_in_chain: float
    minutes_in_all: float
    people_minutes: float
    waiting_minutes: float
    waits: int
    model_calls: int
    cost_usd: float
    tasks: list[TaskEstimate] = field(default_factory=list[TaskEstimate])
    critical_path: list[str] = field(default_factory=list[str])
    unknown: list[str] = field(default_factory=list[str])
    ends_at: datetime | None = None
    in_words: dict[str, str] = field(default_factory=dict[str, str])


def estimate(
    parts: Sequence[EstimatedPart],
    tools: Mapping[str, AnyTool],
    *,
    has_model: bool = False,
    usd_per_call: float | None = None,
    timezone: tzinfo = UTC,
) -> Estimate:
    """What these tasks take. `usd_per_call` is what a request to the model costs about; None where nobody knows."""
    todo = [part for part in parts if not part.is_done]
    keys = {part.key for part in todo}
    order = sequence([Part(one.key, one.needs & keys, minutes=_minutes(one)) for one in todo])
    calls = {one.key: _model_calls(one, tools, has_model) for one in todo}
    critical = set(order.critical_path)
    found = [
        TaskEstimate(
            key=one.key,
            title=one.title,
            minutes=_minutes(one),
            starts_after_minutes=order.starts[one.key],
            is_critical=one.key in critical,
            waits_for=_waits_for(one, tools),
            waiting_minutes=round((one.delay_seconds or 0) / 60, 1),
            model_calls=calls[one.key],
            cost_usd=_cost(one, tools, calls[one.key], usd_per_call),
        )
        for one in todo
    ]
    by_people = [one for one, part in zip(found, todo, strict=True) if part.execution_type == "manual"]
    made = Estimate(
        minutes=order.minutes,
        people_minutes_in_chain=sum(one.minutes for one in by_people if one.is_critical),
        minutes_in_all=sum(one.minutes for one in found),
        people_minutes=sum(one.minutes for one in by_people),
        waiting_minutes=sum(one.waiting_minutes for one in found if one.is_critical),
        waits=sum(bool(one.waits_for) for one in found),
        model_calls=sum(calls.values()),
        cost_usd=round(sum(one.cost_usd for one in found), 4),
        tasks=found,
        critical_path=order.critical_path,
        unknown=_unknown(todo, found, usd_per_call),
        ends_at=max((one.ends_at for one in todo if one.ends_at is not None), default=None),
    )
    return replace(made, in_words=_in_words(made, timezone))


def estimate_tree(
    tree: TaskNode,
    tools: Mapping[str, AnyTool],
    *,
    has_model: bool = False,
    usd_per_call: float | None = None,
    timezone: tzinfo = UTC,
    cases: Sequence[WorkedTask] = (),
) -> Estimate:
    """What the tasks below a root take that are not over; keys are their ids. Only tasks without parts count.

    `timezone`: in which a schedule's last day is told; `cases`: finished tasks, newest first, that count where nobody said.
    """
    return estimate(parts_of(tree, cases), tools, has_model=has_model, usd_per_call=usd_per_call, timezone=timezone)


def parts_of(tree: TaskNode, cases: Sequence[WorkedTask] = ()) -> list[EstimatedPart]:
    """The tasks of a tree that have no parts and were not replaced, each with the tasks that are over before it."""
    children: dict[UUID, list[TaskNode]] = {}
    parent: dict[UUID, TaskNode] = {}
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        children[node.id] = [child for child in node.children if child.superseded_at is None]
        for child in children[node.id]:
            parent[child.id] = node
            waiting.append(child)

    def leaves(task_id: UUID, node: TaskNode) -> list[TaskNode]:
        below = children.get(task_id, [])
        return [leaf for child in below for leaf in leaves(child.id, child)] if below else [node]

    nodes = {**{one.id: one for one in parent.values()}, **{c.id: c for kids in children.values() for c in kids}}
    found: list[EstimatedPart] = []
    for leaf in leaves(tree.id, tree):
        if leaf.id == tree.id:
            continue
        needs: set[str] = set()
        above: TaskNode | None = leaf
        while above is not None:
            for need in above.depends_on:
                if need in nodes:
                    needs |= {str(one.id) for one in leaves(need, nodes[need])}
            above = parent.get(above.id)
        found.append(_as_part(leaf, frozenset(needs), cases))
    return found


def usd_per_call_of(thinking: Thinking) -> float | None:
    """What a request of ordinary length to the configured model costs about; None without a model, or a known price."""
    if thinking.model is None:
        return None
    from genai_prices import Usage, calc_price  # large tables, which few need

    usage = Usage(input_tokens=ORDINARY_TOKENS[0], output_tokens=ORDINARY_TOKENS[1])
    for name in dict.fromkeys((thinking.model.model_name, thinking.model.model_name.rpartition("/")[2])):
        try:
            return float(calc_price(usage, model_ref=name).total_price)
        except (LookupError, ValueError):
            continue
    return None


def work_words(minutes: float) -> str:
    """An amount of work, never in days of 24 hours: "45 min", "2 h 5 min", "30 h (3.8 working days of 8 h)"."""
    if minutes <= 0:
        return "none"
    days = minutes / WORKING_DAY_MINUTES
    told = f"{_hours(minutes)} ({days:.1f} working days of 8 h)".replace(".0 working", " working")
    return _hours(minutes) if days <= 2 else told


def _hours(minutes: float) -> str:
    hours, rest = divmod(max(1, round(minutes)), 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{rest} min"] if rest else [])])


def _in_words(made: Estimate, timezone: tzinfo) -> dict[str, str]:
    """The times of an estimate; a part never stands beside a whole that it is no part of."""

    def amount(minutes: float, of_people: float) -> str:
        if not minutes:
            return "none"
        return f"{work_words(minutes)}, {f'{_hours(of_people)} of it' if of_people else 'none of it'} by people"

    said = {
        "Work along the longest chain": amount(made.minutes, made.people_minutes_in_chain),
        "Work in all": amount(made.minutes_in_all, made.people_minutes),
    }
    if made.ends_at is not None:
        here = made.ends_at.astimezone(timezone)
        said["Ends, by the document's schedule"] = f"{here.day} {here:%b %Y}"
    return said


def _as_part(task: TaskNode, needs: frozenset[str], cases: Sequence[WorkedTask]) -> EstimatedPart:
    seconds = task.tool_input.get("seconds") if task.tool == "delay" else None
    return EstimatedPart(
        key=str(task.id),
        title=task.title,
        execution_type=task.execution_type,
        needs=needs,
        tool=task.tool,
        minutes=task.estimated_duration_minutes,
        learned_minutes=expected(task, cases)[0] if task.estimated_duration_minutes is None else None,
        delay_seconds=float(seconds) if isinstance(seconds, int | float) else None,
        has_criteria=bool(task.acceptance_criteria),
        is_done=task.execution_status in IS_OVER or task.waived_at is not None,
        ends_at=task.due_at if "create_schedule" in task.source_ref.get("stages", ()) else None,
    )


def _minutes(part: EstimatedPart) -> float:
    """Work alone: a gate or a delay is none."""
    if part.tool in NO_WORK:
        return 0
    if part.minutes is not None:
        return part.minutes
    return part.learned_minutes if part.learned_minutes is not None else DEFAULT_MINUTES


def _waits_for(part: EstimatedPart, tools: Mapping[str, AnyTool]) -> str:
    tool = tools.get(part.tool or "")
    if (known := WAITS_FOR.get(part.tool or "")) is not None:
        return known
    if tool is not None and tool.asks_first:
        return "a person's yes"
    if tool is None and part.execution_type == "semi_automated":
        return "a person's review"
    return ""


def _model_calls(part: EstimatedPart, tools: Mapping[str, AnyTool], has_model: bool) -> int:
    if not has_model or part.execution_type == "manual":
        return 0
    if part.tool == "plan_report":
        return 1
    return 0 if part.tool is not None else ANSWERS_OF_THINKING if part.has_criteria else 1


def _cost(part: EstimatedPart, tools: Mapping[str, AnyTool], calls: int, usd_per_call: float | None) -> float:
    tool = tools.get(part.tool or "")
    return round((tool.cost_usd if tool else 0) + calls * (usd_per_call or 0), 4)


def _unknown(parts: Sequence[EstimatedPart], found: Sequence[TaskEstimate], usd_per_call: float | None) -> list[str]:
    """What the estimate does not hold, in sentences."""
    said: list[str] = []
    waits = [one for one in found if one.waits_for and one.waits_for != WAITS_FOR["delay"]]
    if waits:
        told = "one of the tasks waits" if len(waits) == 1 else f"{len(waits)} of the tasks wait"
        said.append(f"How long {told} for people or other systems is not known and not counted.")
    if any(part.ends_at is not None for part in parts):
        said.append(
            "The work comes from the document: its calendar days, waiting for others included, as working days of 8 hours, five in a week."
        )
    open_parts = [one for one in parts if one.minutes is None and _minutes(one) > 0]
    if learned := sum(one.learned_minutes is not None for one in open_parts):
        said.append(
            f"For {'one task' if learned == 1 else f'{learned} tasks'} without an estimate, what such tasks took before is counted."
        )
    if unsaid := sum(one.learned_minutes is None for one in open_parts):
        told = (
            "one task nobody said how long it takes; it"
            if unsaid == 1
            else f"{unsaid} tasks nobody said how long they take; each"
        )
        said.append(f"For {told} is counted as {DEFAULT_MINUTES} minutes.")
    if any(one.model_calls for one in found) and usd_per_call is None:
        said.append("What the model costs is not known here; only tools are counted.")
    if any(part.tool is None and part.execution_type != "manual" for part in parts):
        said.append("A task that turns out too big is broken into parts when it runs; those are not counted.")
    return said
