"""From the work breakdown of a document to tasks that can be carried out. Pure: nothing is read or written.

Phases hold tasks, tasks hold steps; steps of a task come one after the other, tasks keep the edges of the document. What is not
known is not made up: it is said in `unclear`, and lowers the confidence. What looks like a commitment is a person's.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.playbooks.document.commitments import NOTE, is_binding
from agents.playbooks.document.dates import Node, edges_between, working_days
from agents.playbooks.document.schedule import CreateSchedule, ScheduleEntry
from agents.playbooks.document.stage import Section, one_line
from agents.playbooks.document.team_forms import Team
from agents.playbooks.document.work_breakdown import Phase, Subtask, WbsLevel2
from agents.playbooks.document.work_details import TaskDependencies, TaskDurations, WbsLevel3, WbsStep
from agents.rules.meaning import meaning_of
from agents.rules.sentences import verb_of
from core.errors import Conflict
from tasks.models import ExecutionType, TaskKind
from tasks.plans import StoredSection

S = TypeVar("S", bound=Section)
SURE = 0.8  # from here on an execution may start by itself, until a tenant's own outcomes say otherwise
UNKNOWN_CONFIDENCE = 0.5
DAY_MINUTES = 8 * 60
LONGEST_TITLE = 300
NEEDED = ("wbs_level1", "wbs_level2")
WBS = (
    "wbs_level2",
    "wbs_level3",
    "identify_task_dependencies",
    "estimate_task_durations",
    "create_schedule",
    "find_team_members",
)


class WorkTask(BaseModel):
    """A task to carry out. `id` is that of the work breakdown; `depends_on` are such ids; `stages` those that it was taken from."""

    model_config = ConfigDict(extra="forbid")

    id: str
    title: str
    description: str = ""
    kind: TaskKind = "project"
    execution_type: ExecutionType = "semi_automated"
    assignee_role: str | None = None
    acceptance_criteria: list[str] = Field(default_factory=list[str])
    estimated_duration_minutes: int | None = None
    due_at: datetime | None = None
    confidence: float | None = None
    depends_on: list[str] = Field(default_factory=list[str])
    stages: list[str] = Field(default_factory=list[str])
    children: list["WorkTask"] = Field(default_factory=list["WorkTask"])


class Decomposition(BaseModel):
    """The tasks of a document, how sure it is that they are right and enough, and what is unclear."""

    model_config = ConfigDict(extra="forbid")

    title: str
    goal: str
    tasks: list[WorkTask]
    confidence: float
    unclear: list[str] = Field(default_factory=list[str])
    stale: list[str] = Field(default_factory=list[str], description="Sections that are being written anew")
    days: int = Field(default=0, description="From the first day to the last, 0 where there is no schedule")

    def may_start(self, sure: float = SURE) -> bool:
        """Is it sure enough to begin without a person having looked at it?"""
        return self.confidence >= sure


def tasks_from(sections: Sequence[StoredSection], timezone: tzinfo = UTC) -> Decomposition:
    """The tasks of the document that has these sections. Raises Conflict that names the stages that are missing."""
    found = _Found(sections)
    maker = _Maker(found, timezone)
    tasks = [maker.phase(phase) for phase in found.level2.major_phase_details]
    return Decomposition(
        title=found.title,
        goal=found.goal,
        tasks=tasks,
        confidence=maker.confidence(),
        unclear=[*maker.unclear(), *found.unclear],
        stale=found.stale,
        days=found.length,
    )


class _Found:
    """The sections that tell of the work, in their forms; what cannot be read is as good as missing."""

    def __init__(self, sections: Sequence[StoredSection]) -> None:
        self._outputs = {one.stage: one.output for one in sections if one.output is not None}
        self.stale = [one.title or one.stage for one in sections if one.is_stale and one.stage in (*NEEDED, *WBS)]
        self.unclear: list[str] = []
        self.missing_of_needed()
        named = self._outputs["wbs_level1"]
        self.title = one_line(str(named.get("project_title") or "A plan"))[:LONGEST_TITLE]
        self.goal = str(named.get("final_deliverable") or "")
        level2 = self._read("wbs_level2", WbsLevel2)
        if level2 is None or not level2.tasks:
            raise Conflict(
                "The work breakdown of this document cannot be read", detail="wbs_level2", hint="Rerun that stage."
            )
        self.level2 = level2
        level3 = self._read("wbs_level3", WbsLevel3)
        self.steps = _grouped(level3.entries if level3 else [])
        edges = self._read("identify_task_dependencies", TaskDependencies)
        self.needs = (
            {e.dependent_task_id: e.depends_on_task_id_list for e in edges.task_dependency_details} if edges else {}
        )
        durations = self._read("estimate_task_durations", TaskDurations)
        self.days = {e.task_id: e.days_realistic for e in durations.estimates} if durations else {}
        schedule = self._read("create_schedule", CreateSchedule)
        self.entries: dict[str, ScheduleEntry] = {e.id: e for e in schedule.entries} if schedule else {}
        self.length = schedule.days if schedule else 0
        team = self._read("find_team_members", Team)
        self.roles = (
            {one_line(role.category).casefold(): one_line(role.category) for role in team.members} if team else {}
        )
        if self.stale:
            self.unclear.append(f"Out of date, as something before has changed: {', '.join(self.stale)}")

    def missing_of_needed(self) -> None:
        """Raises Conflict for a document without a work breakdown."""
        missing = [stage for stage in NEEDED if stage not in self._outputs]
        if missing:
            raise Conflict(
                "This document has no work breakdown to carry out",
                detail=f"missing: {', '.join(missing)}",
                hint="Wait until these sections are written, or rerun them.",
            )

    def _read(self, stage: str, form: type[S]) -> S | None:
        output = self._outputs.get(stage)
        if output is None:
            self.unclear.append(f"There is no section {stage}")
            return None
        try:
            return form.model_validate(output)
        except ValidationError:
            self.unclear.append(f"The section {stage} is stored in a form that cannot be read any more")
            return None


def _grouped(entries: Sequence[WbsStep]) -> Mapping[str, list[WbsStep]]:
    found: dict[str, list[WbsStep]] = {}
    for entry in entries:
        found.setdefault(entry.parent_id, []).append(entry)
    return found


class _Maker:
    """Makes tasks of what was found."""

    def __init__(self, found: _Found, timezone: tzinfo) -> None:
        self.found = found
        self.timezone = timezone
        phases = found.level2.major_phase_details
        nodes = [
            Node(p.id, p.major_phase_title, tuple(Node(t.id, t.subtask_title) for t in p.subtasks)) for p in phases
        ]
        self.edges, self.dropped = edges_between(nodes, found.needs)
        self.order = {unit: place for place, unit in enumerate(self.edges)}
        self.strangers: list[str] = []

    def phase(self, phase: Phase) -> WorkTask:
        """A phase with its tasks."""
        children = [self.task(task) for task in phase.subtasks]
        return WorkTask(
            id=phase.id,
            title=_title(phase.major_phase_title),
            execution_type=_of_parts(children),
            due_at=self._due(phase.id),
            stages=["wbs_level2", "create_schedule"],
            children=children,
            depends_on=[] if children else self._needs(phase.id),
        )

    def task(self, task: Subtask) -> WorkTask:
        """A task of a phase with its steps; one without steps is carried out as it is."""
        steps = self.found.steps.get(task.id, [])
        days = self.found.days.get(task.id)
        minutes = max(1, round(working_days(days) * DAY_MINUTES)) if days is not None else None
        children = [self.step(step, place, steps, minutes) for place, step in enumerate(steps)]
        made = WorkTask(
            id=task.id,
            title=_title(task.subtask_title),
            description=task.description,
            execution_type=_of_parts(children),
            estimated_duration_minutes=minutes,
            due_at=self._due(task.id),
            depends_on=self._needs(task.id),
            stages=["wbs_level2", "identify_task_dependencies", "estimate_task_durations", "create_schedule"],
            children=children,
        )
        return made if children else self._classified(made)

    def step(self, step: WbsStep, place: int, steps: Sequence[WbsStep], minutes: int | None) -> WorkTask:
        """A step, after the one before it."""
        needs = f"\n\nNeeds: {', '.join(step.resources_needed)}" if step.resources_needed else ""
        kind = _kind(step.name)[0]
        made = WorkTask(
            id=step.id,
            title=_title(step.name),
            description=f"{step.description}{needs}",
            kind=kind if kind != "errand" or step.execution_type == "manual" else "document",
            execution_type=step.execution_type,
            assignee_role=self._role(step.role),
            acceptance_criteria=[step.done_when] if step.done_when.strip() else [],
            estimated_duration_minutes=max(1, round(minutes / len(steps))) if minutes else None,
            due_at=self._due(step.id),
            confidence=step.confidence,
            depends_on=[steps[place - 1].id] if place else [],
            stages=["wbs_level3", "estimate_task_durations", "create_schedule", "find_team_members"],
        )
        return _of_a_person(made)

    def confidence(self) -> float:
        """Between the mean and the least of the steps' own; less for tasks without steps or time, and for edges left out."""
        tasks = self.found.level2.tasks
        own = [step.confidence for steps in self.found.steps.values() for step in steps]
        sure = 0.75 * sum(own) / len(own) + 0.25 * min(own) if own else UNKNOWN_CONFIDENCE
        sure *= 1 - 0.5 * sum(task.id not in self.found.steps for task in tasks) / len(tasks)
        sure *= 1 - 0.3 * sum(task.id not in self.found.days for task in tasks) / len(tasks)
        sure -= min(0.3, 0.1 * len(self.dropped)) + (0.1 if self.found.stale else 0)
        return round(max(0.0, min(1.0, sure)), 2)

    def unclear(self) -> list[str]:
        """What a person should know before it starts."""
        tasks = self.found.level2.tasks
        whole = [task.id for task in tasks if task.id not in self.found.steps]
        timeless = [task.id for task in tasks if task.id not in self.found.days]
        unsure = [
            step.id for steps in self.found.steps.values() for step in steps if step.confidence < UNKNOWN_CONFIDENCE
        ]
        roles = list(dict.fromkeys(self.strangers))
        lines = [
            f"Not broken down into steps: {_some(whole)}" if whole else "",
            f"No duration is estimated for {_some(timeless)}" if timeless else "",
            f"The document itself is unsure about {_some(unsure)}" if unsure else "",
            f"Roles that the team does not have: {_some(roles)}" if roles else "",
            *(f"{one.task_id} does not wait for {one.depends_on}: {one.why}" for one in self.dropped),
        ]
        return [line for line in lines if line]

    def _needs(self, unit: str) -> list[str]:
        return sorted(self.edges[unit], key=self.order.__getitem__)

    def _due(self, task_id: str) -> datetime | None:
        entry = self.found.entries.get(task_id)
        return end_of(entry.ends_on, self.timezone) if entry else None

    def _role(self, name: str) -> str | None:
        role = one_line(name)[:200]
        if not role:
            return None
        if self.found.roles and role.casefold() not in self.found.roles:
            self.strangers.append(role)
        return self.found.roles.get(role.casefold(), role)

    def _classified(self, task: WorkTask) -> WorkTask:
        """A task without steps: what the rules say about its words."""
        kind, execution_type = _kind(task.title)
        return _of_a_person(
            task.model_copy(
                update={
                    "kind": kind,
                    "execution_type": execution_type,
                    "acceptance_criteria": [task.description] if task.description else [],
                }
            )
        )


def _of_a_person(task: WorkTask) -> WorkTask:
    """The task; one that looks like a commitment is never done without a person."""
    if not is_binding(task.title):
        return task
    return task.model_copy(update={"execution_type": "manual", "description": f"{task.description}\n\n{NOTE}".strip()})


def _kind(title: str) -> tuple[TaskKind, ExecutionType]:
    """What the rules make of a title; what they do not know is a person's."""
    verb = verb_of(title)
    if verb is None or not verb.is_known:
        return "errand", "manual"
    meaning = meaning_of(verb)
    return ("errand" if meaning.kind == "project" else meaning.kind), meaning.execution_type


def _of_parts(children: Sequence[WorkTask]) -> ExecutionType:
    """What holds parts is opened by the engine; it is fully automated where all of them are."""
    return (
        "fully_automated"
        if children and all(c.execution_type == "fully_automated" for c in children)
        else "semi_automated"
    )


def end_of(day: date, timezone: tzinfo) -> datetime:
    """The end of a day, as due dates without a time have it."""
    return datetime.combine(day, time(23, 59, 59), timezone)


def _title(words: str) -> str:
    title = one_line(words)
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 2].rstrip()} …"


def _some(ids: Sequence[str], most: int = 12) -> str:
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")
