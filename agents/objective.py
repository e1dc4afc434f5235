"""What a plan is made from and of: the objective with its context, and the tasks that lead to it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from agents.strategist import PlannedSubtask
from tasks.models import OnFailure, Priority

Risk = Literal["low", "medium", "high"]
GATE = "approval_gate"
REPORT = "plan_report"
MOST_CRITERIA = 60  # a gate has one for each constraint of the plan
_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
NAMED = re.compile(r"([A-Za-z][A-Za-z _-]{0,60}?)\s*[:=]\s*(\S.*)", re.DOTALL)
_PRIORITIES: tuple[Priority, ...] = ("low", "medium", "high", "critical")


class PlannedTask(PlannedSubtask):
    """A task of a plan. `depends_on`: positions in the list, from 0; `key` names it in templates."""

    key: str = Field(default="", max_length=60, description="One word, unique in the plan, like deploy_staging")
    assignee_role: str = Field(default="", max_length=100, description="Who does it, as a role: Controller, on-call")
    acceptance_criteria: list[str] = Field(default_factory=list[str], max_length=MOST_CRITERIA)
    risk: Risk = "low"
    on_failure: OnFailure = "replan"


class PlannedObjective(BaseModel):
    """A whole plan. `impossible`: constraints that cannot be kept, each with why."""

    tasks: list[PlannedTask] = Field(min_length=1, max_length=60)
    confidence: float = Field(ge=0, le=1)
    message: str = Field(default="", max_length=1000, description="One or two sentences on what was planned and why")
    impossible: list[str] = Field(default_factory=list[str], description="Constraints that cannot be kept, and why")
    playbook: str | None = Field(default=None, description="Leave this out")


class PlanContext(BaseModel):
    """What was said besides the objective. Of a request that was checked when it came in; what does not fit is left out."""

    model_config = ConfigDict(frozen=True)

    stakeholders: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    priority: Priority = "medium"
    domain: str = ""
    deadline: datetime | None = None
    resources: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    notes: str = ""
    notes_files: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "PlanContext":
        """The context of a stored request {objective, context {stakeholders, constraints, priority, domain, deadline, resources, notes}}."""
        said: object = request.get("context")
        given = cast("Mapping[str, Any]", said) if isinstance(said, Mapping) else dict[str, Any]()
        priority = given.get("priority")
        notes, files = _notes(given)
        return cls(
            stakeholders=_texts(given.get("stakeholders")),
            constraints=_texts(given.get("constraints")),
            priority=priority if priority in _PRIORITIES else "medium",
            domain=str(given.get("domain") or ""),
            deadline=_moment(given.get("deadline")),
            resources=_resources(given.get("resources")),
            notes=notes,
            notes_files=files,
        )


def _texts(value: object) -> tuple[str, ...]:
    entries = cast("Sequence[object]", value) if isinstance(value, list | tuple) else [value] if value else []
    return tuple(dict.fromkeys(str(one).strip() for one in entries if str(one).strip()))


def _moment(value: object) -> datetime | None:
    try:
        return _MOMENT.validate_python(value) if value else None
    except ValidationError:
        return None


def _resources(value: object) -> Mapping[str, Any]:
    """By name: of an object, or of lines like `jira_project: OPS`. Other lines are kept as words for people and models."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return {_name(str(name)): one for name, one in entries if one not in (None, "", [])}
    found: dict[str, Any] = {}
    others: list[str] = []
    for line in _texts(value):
        named = NAMED.fullmatch(line)
        if named is None:
            others.append(line)
        else:
            found[_name(named[1])] = named[2].strip()
    return {**found, **({"others": others} if others else {})}


def _name(said: str) -> str:
    return "_".join(said.casefold().replace("-", " ").split())


def _notes(given: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Notes as a text, as a list of texts, or as {text, files}; files by name besides."""
    notes: object = given.get("notes")
    files = [*_texts(given.get("notes_file")), *_texts(given.get("notes_files"))]
    if isinstance(notes, Mapping):
        said = cast("Mapping[str, Any]", notes)
        return "\n\n".join(_texts(said.get("text"))), (*files, *_texts(said.get("files")))
    return "\n\n".join(_texts(notes)), tuple(files)


def rows_of(tasks: Sequence[PlannedTask], edges: Mapping[int, frozenset[int]]) -> list[dict[str, Any]]:
    """The tasks as JSON rows for `tasks.plans.save_plan_tasks`, with every edge written out as positions."""
    unwritten = {"group", "integrates", "key", "risk"}
    return [
        {
            **task.model_dump(mode="json", exclude_none=True, exclude=unwritten),
            "key": task.key,
            "source_ref": {"key": task.key, "risk": task.risk},
            "depends_on": sorted(edges[position]),
        }
        for position, task in enumerate(tasks)
    ]
