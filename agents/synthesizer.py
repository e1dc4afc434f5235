"""The synthesizer: what became of a plan, as facts and as a report, for plans in any state.

Facts come from what is stored alone (`facts_of`, pure). By rules the report says them in plain sentences, with
recommendations that follow from them; with a model a narrative is put before them, which may cite nothing but facts.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel, Field

from agents.estimates import NO_WORK
from agents.objective import GATE, REPORT, PlanContext
from agents.plan_facts import ChangeFact, DecisionFact, ReportFacts, TaskFact
from agents.reporting import report_markdown
from agents.strategist import fenced
from agents.thinking import Question, Thinking, load_prompt
from agents.times import Times, times_of
from agents.tools.control import span_words
from tasks.drafts import Approval
from tasks.functions import TaskNode
from tasks.plans import PlanMetrics, PlanTree
from tasks.trees import PlanChange

PROMPT = load_prompt(Path(__file__).parent / "synthesizer.md")
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
SLOW_SECONDS = 3600
ENDED_WITH = "What it was part of has ended"
CUT_OFF = "cancelled because the plan ended; it did not fail"
OVER = {"completed", "failed", "cancelled"}


class Narrative(BaseModel):
    """What a model says about the facts: a summary, what stands out, and what to do."""

    summary: str = Field(min_length=1, max_length=3000)
    insights: list[str] = Field(default_factory=list[str], max_length=8)
    recommendations: list[str] = Field(default_factory=list[str], max_length=8)


class Report(BaseModel):
    """A report: the facts, and the same as Markdown."""

    markdown: str
    facts: ReportFacts


def report_of(
    plan_tree: PlanTree,
    metrics: PlanMetrics | None = None,
    narrative: Narrative | None = None,
    people: Mapping[UUID, str] | None = None,
) -> Report:
    """The report of a plan as it stands; plain where there is no narrative. `people`: names of those who decided, by id."""
    facts = facts_of(plan_tree, metrics, people=people)
    return Report(markdown=report_markdown(facts, narrative), facts=facts)


def facts_of(
    plan_tree: PlanTree,
    metrics: PlanMetrics | None = None,
    *,
    without: UUID | None = None,
    people: Mapping[UUID, str] | None = None,
) -> ReportFacts:
    """The facts of a plan. `without` is a task that is left out: the one that writes the report."""
    plan, tree = plan_tree.plan, plan_tree.tree
    # A report says nothing of itself; one that waits for the rest is no open task either.
    leaves = [task for task in leaves_of(tree) if task.id != without and task.tool != REPORT]
    gone = _replaced_in(tree)
    current = [task for task in leaves if task.id not in gone]
    old = [task for task in leaves if task.id in gone]
    changed = {one.failed_task_id for one in plan_tree.changes}
    again = [task for task in old if not changed & _with_those_above(task, tree)]
    named = people or {}
    is_told_now = without is not None and all(_is_over(task) for task in current)
    outcome = _outcome(plan.state, current) if is_told_now else plan.state
    # One that is tried again has not ended, though it once had.
    ended = plan.completed_at or plan.failed_at or plan.cancelled_at if plan.state in OVER else None
    if is_told_now:
        ended = ended or max((task.completed_at for task in current if task.completed_at), default=None)
    facts = ReportFacts(
        plan_id=plan.id,
        title=plan.title,
        objective=str(plan.request.get("objective") or plan.request.get("prompt") or plan.title),
        outcome=outcome,
        reason=reason_of(plan_tree),
        playbook=plan.playbook,
        created_at=plan.created_at,
        started_at=plan.started_at,
        ended_at=ended,
        seconds=metrics.seconds if metrics else _seconds(plan.started_at or plan.created_at, ended),
        percent=100.0 if is_told_now else plan.percent,
        counts=_counts(current),
        retries=(metrics.retries if metrics else sum(task.retry_count for task in leaves))
        + sum(task.execution_status == "failed" for task in again),
        replans=metrics.replans if metrics else len(plan_tree.changes),
        model_calls=metrics.model_calls if metrics else 0,
        cost_usd=round(metrics.cost_usd, 4) if metrics else 0,
        done=[_fact(task, named) for task in current if task.execution_status == "completed"],
        failed=[_fact(task, named) for task in current if task.execution_status == "failed" and task.waived_at is None],
        replaced=[_fact(task, named) for task in old if task not in again],
        tried_again=[_fact(task, named) for task in again],
        skipped=[_fact(task, named) for task in current if task.waived_at is not None],
        cancelled=[
            _fact(task, named) for task in current if task.execution_status == "cancelled" and not task.waived_at
        ],
        waiting=[_fact(task, named) for task in current if not _is_over(task)],
        decisions=[_decision(one, named) for one in reversed(plan_tree.approvals)],
        changes=[_change(one, leaves) for one in plan_tree.changes],
        constraints=_constraints(plan.request),
    )
    return facts.model_copy(update={"recommendations": recommendations(facts)})


def leaves_of(tree: TaskNode) -> list[TaskNode]:
    """The tasks of a tree that have no parts of their own, in its order. Drafts' sendings belong to their task."""
    parts = [child for child in tree.children if not _is_sending(child)]
    if not parts:
        return [] if tree.parent_task_id is None else [tree]
    return [leaf for child in parts for leaf in leaves_of(child)]


def _replaced_in(tree: TaskNode) -> set[UUID]:
    """Ids of the tasks that others stand for now: replaced themselves, or part of what was."""
    found: set[UUID] = set()
    for child in tree.children:
        if child.superseded_at is not None:
            found |= {child.id, *(one.id for one in leaves_of(child))}
        else:
            found |= _replaced_in(child)
    return found


def _with_those_above(task: TaskNode, tree: TaskNode) -> set[UUID | None]:
    """The ids of a task and of all that it is part of, the root apart."""
    for child in tree.children:
        if child.id == task.id:
            return {child.id}
        if below := _with_those_above(task, child):
            return {child.id, *below}
    return set()


def reason_of(plan_tree: PlanTree) -> str:
    """Why a plan stands as it does, in plain words; "" where nothing is to be said."""
    said = plan_tree.plan.reason or ""
    for task in plan_tree.tree.children:
        if said == f"{task.title} failed: {task.failure_reason}":
            return end_words(task)
    return said


def end_words(failed: TaskNode) -> str:
    """How a task that failed ended its plan: "“Approve it” got a no: too dear"."""
    why = failed.failure_reason or "no reason is given"
    if failed.tool != GATE:
        return f"“{failed.title}” failed: {why}"
    if why.startswith("Rejected"):
        return f"“{failed.title}” got a no{why.removeprefix('Rejected')}"
    return f"“{failed.title}” has no answer: {why[:1].lower()}{why[1:]}"


def _is_sending(task: TaskNode) -> bool:
    return "draft_id" in task.tool_input or task.tool == "revise_draft"


def _is_over(task: TaskNode) -> bool:
    return task.execution_status in OVER or task.waived_at is not None


def _outcome(state: str, tasks: Sequence[TaskNode]) -> str:
    """What a report says that is written as the last part of its plan, which runs until the report is there."""
    return "completed" if state in {"running", "waiting"} and tasks else state


def _counts(tasks: Sequence[TaskNode]) -> dict[str, int]:
    found: dict[str, int] = {}
    for task in tasks:
        state = "skipped" if task.waived_at is not None else task.execution_status
        found[state] = found.get(state, 0) + 1
    return found


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if end else None


def _fact(task: TaskNode, people: Mapping[UUID, str]) -> TaskFact:
    why = task.waived_reason if task.waived_at is not None else None
    if why is None and task.execution_status == "failed":
        why = task.failure_reason
    if why is None and task.execution_status == "blocked":
        why = task.blocked_reason
    if why is None and task.execution_status == "cancelled" and task.failure_reason == ENDED_WITH:
        why = f"it had begun; {CUT_OFF}" if task.started_at else CUT_OFF
    times = times_of(task)
    page = f"/review/{task.open_draft_id}" if task.open_draft_id else f"/tasks/{task.id}"
    return TaskFact(
        id=task.id,
        title=task.title,
        state="skipped" if task.waived_at is not None else task.execution_status,
        role=task.assignee_role or "",
        tool=task.tool,
        seconds=round(times.working, 1) if times.working is not None and task.tool not in NO_WORK else None,
        seconds_waiting=round(times.waiting, 1) if times.waiting is not None else None,
        ticked_by=_ticked_by(times, people),
        ticked_at=times.ticked_at,
        retries=task.retry_count,
        why=why or "",
        page=page,
        verification=task.verification,
    )


def _ticked_by(times: Times, people: Mapping[UUID, str]) -> str:
    if times.ticked_at is None:
        return ""
    names = {str(user_id): name for user_id, name in people.items()}
    return names.get(times.ticked_by or "", "a person")


def _decision(one: Approval, people: Mapping[UUID, str]) -> DecisionFact:
    by = {"permission": "a standing permission", "own": "the assistant, as an own act"}.get(one.decided_how or "", "")
    if one.decided_by is not None:
        by = people.get(one.decided_by, "a person")
    return DecisionFact(
        question=one.title,
        decision={"used": "approved", "open": "waits for a decision"}.get(one.state, one.state),
        by=by,
        at=one.decided_at,
        notes=one.notes or "",
        page=f"/review/{one.draft_id}" if one.draft_id else f"/tasks/{one.task_id}",
    )


def _change(one: PlanChange, tasks: Sequence[TaskNode]) -> ChangeFact:
    titles = {task.id: task.title for task in tasks}
    named = titles.get(one.failed_task_id) if one.failed_task_id else None
    return ChangeFact(task=named or "a part of the plan", decision=one.decision, reason=one.reason, at=one.created_at)


def _constraints(request: Mapping[str, Any]) -> list[str]:
    return list(PlanContext.of(request).constraints)


def recommendations(facts: ReportFacts) -> list[str]:
    """What follows from the facts by rules alone."""
    found = [_about_failed(one) for one in facts.failed[:5]]
    cut = [one for one in facts.cancelled if one.why.startswith("it had begun")]
    found += [f"“{one.title}” was under way when the plan ended: see what is left half done." for one in cut[:3]]
    found += [f"“{one.question}” waits for a decision." for one in facts.decisions if one.at is None][:5]
    slow = sorted(
        (one for one in facts.done if (one.seconds or 0) >= SLOW_SECONDS), key=lambda one: -(one.seconds or 0)
    )
    found += [f"“{one.title}” took {span_words(one.seconds or 0)}: begin it earlier next time." for one in slow[:2]]
    again = [one for one in facts.done if one.retries]
    found += [f"“{one.title}” needed {one.retries + 1} tries: look at what it depends on." for one in again[:3]]
    worked = [one for one in facts.done if one.tool != GATE and one.ticked_at is None]
    if worked and all(one.verification != "verified" for one in worked):
        found.append("Nothing but decisions was verified by looking: spot-check the results before relying on them.")
    found += [f"The plan went on without “{one.title}”: see that nobody misses it." for one in facts.skipped[:3]]
    if facts.outcome == "completed" and not found:
        found.append("Keep this plan as a pattern for the next time.")
    return [" ".join(one.split()).replace("..", ".") for one in found]


def _about_failed(one: TaskFact) -> str:
    if one.tool == GATE and one.why.startswith("Rejected"):
        return f"“{one.title}” got a no: mend what it was about and try again, or leave it at that."
    return f"Decide what becomes of “{one.title}”: {one.why or 'it failed'}."


async def narrate(facts: ReportFacts, thinking: Thinking) -> Narrative | None:
    """What a model says about the facts, and nothing beside them; None without a model. Raises what `Thinking.answer` raises."""
    if not thinking.is_model:
        return None
    told = report_markdown(facts)

    def by_rules() -> BaseModel:
        return Narrative(summary=facts.outcome)

    question = Question(
        "report",
        [PROMPT],
        f"Report of the plan, made by rules:\n{fenced(told)}",
        [Narrative],
        check=lambda answer: invented_in(cast(Narrative, answer), told),
    )
    return cast(Narrative, await thinking.answer(question, by_rules))


def invented_in(narrative: Narrative, told: str) -> str | None:
    """Which numbers of a narrative stand nowhere in the facts, in words for who wrote it; None when all do."""
    known = set(NUMBER.findall(told))
    said = " ".join([narrative.summary, *narrative.insights, *narrative.recommendations])
    strange = [number for number in dict.fromkeys(NUMBER.findall(said)) if number not in known]
    return (
        f"these numbers stand nowhere in the report: {', '.join(strange)}; say only what stands there"
        if strange
        else None
    )
