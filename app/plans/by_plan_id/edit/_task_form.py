"""A task of a plan as a form: what stands in its fields, what is wrong with them, and the edit that they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args
from uuid import UUID

from pydantic import ValidationError

from agents.tools.tool import AnyTool
from agents.tools.wording import one_in_words
from app._view.schema_fields import FormField, fields_of, read_fields, with_errors
from app._view.sequence import parts_of
from tasks.functions import TaskNode
from tasks.models import ExecutionType, OnFailure, Priority

RISKS = ("low", "medium", "high")
LONGEST_TITLE, MOST_MINUTES = 300, 525_600
NEW = "new"
CLOSED: Mapping[str, Any] = {"type": "object", "properties": {}}  # of a tool that is not known here


@dataclass(frozen=True)
class TaskForm:
    """The fields of one task as text. `key` is its id, or "new"; `is_group`: it has parts, whose minutes count; `errors` is {field: what is wrong}, "" for the whole."""

    key: str = NEW
    title: str = ""
    description: str = ""
    execution_type: str = "manual"
    assignee_role: str = ""
    tool: str = ""
    inputs: Sequence[FormField] = ()
    depends_on: Sequence[str] = ()
    minutes: str = ""
    risk: str = "low"
    priority: str = "medium"
    on_failure: str = "replan"
    criteria: str = ""
    is_group: bool = False
    errors: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_new(self) -> bool:
        return self.key == NEW

    def with_errors(self, errors: Mapping[str, str]) -> "TaskForm":
        """The form with what is wrong beside each field; `in.<name>` is an input of its tool."""
        inputs = {name.removeprefix("in."): text for name, text in errors.items() if name.startswith("in.")}
        rest = {name: text for name, text in errors.items() if not name.startswith("in.")}
        if errors and "" not in rest:
            rest[""] = "Nothing was changed. What is wrong stands beside its field."
        return replace(self, errors=rest, inputs=with_errors(list(self.inputs), inputs))

    def read(self, tools: Mapping[str, AnyTool]) -> "tuple[dict[str, Any], dict[str, str]]":
        """The edit that the fields mean, and what is wrong with them."""
        errors = self._wrong(tools)
        given, wrong = read_fields(list(self.inputs))
        errors |= {f"in.{name}": message for name, message in wrong.items()}
        if self.tool in tools and not wrong:
            errors |= _wrong_inputs(tools[self.tool], given)
        edit: dict[str, Any] = {
            "title": self.title.strip(),
            "description": self.description.strip(),
            "execution_type": self.execution_type,
            "assignee_role": self.assignee_role.strip() or None,
            "tool": self.tool or None,
            "tool_input": given if self.tool else {},
            "depends_on": list(self.depends_on),
            "risk": self.risk,
            "priority": self.priority,
            "on_failure": self.on_failure,
            "acceptance_criteria": [line.strip() for line in self.criteria.splitlines() if line.strip()],
        }
        if not self.is_group:
            is_said = self.minutes.strip() and not errors.get("minutes")
            edit["estimated_duration_minutes"] = int(self.minutes) if is_said else None
        return edit, errors

    def _wrong(self, tools: Mapping[str, AnyTool]) -> dict[str, str]:
        found: dict[str, str] = {}
        if not self.title.strip():
            found["title"] = "it is empty"
        elif len(self.title) > LONGEST_TITLE:
            found["title"] = f"it is longer than {LONGEST_TITLE} characters"
        if self.tool and self.tool not in tools:
            found["tool"] = f"there is no tool {self.tool[:60]!r}"
        if self.tool and self.execution_type == "manual":
            found["execution_type"] = "what a tool does is not done by you: choose Steward, or no tool"
        for name, allowed in ALLOWED.items():
            if getattr(self, name) not in allowed:
                found[name] = f"allowed: {', '.join(allowed)}"
        minutes = self.minutes.strip()
        if minutes and not (minutes.isascii() and minutes.isdecimal() and 1 <= int(minutes[:9]) <= MOST_MINUTES):
            found["minutes"] = f"a whole number from 1 to {MOST_MINUTES:,}"
        return found


ALLOWED: Mapping[str, Sequence[str]] = {
    "execution_type": get_args(ExecutionType),
    "risk": RISKS,
    "priority": get_args(Priority),
    "on_failure": get_args(OnFailure),
}


def form_of_task(task: TaskNode, tools: Mapping[str, AnyTool]) -> TaskForm:
    """A task that is there."""
    return TaskForm(
        key=str(task.id),
        title=task.title,
        description=task.description,
        execution_type=task.execution_type,
        assignee_role=task.assignee_role or "",
        tool=task.tool or "",
        inputs=inputs_of(task.tool or "", task.tool_input, tools),
        depends_on=[str(need) for need in task.depends_on],
        minutes="" if parts_of(task) else str(task.estimated_duration_minutes or ""),
        risk=str(task.source_ref.get("risk") or "low"),
        priority=task.priority,
        on_failure=task.on_failure,
        criteria="\n".join(task.acceptance_criteria),
        is_group=bool(parts_of(task)),
    )


def form_of_typed(
    typed: Mapping[str, str], depends_on: Sequence[str], before: TaskForm, tools: Mapping[str, AnyTool]
) -> TaskForm:
    """What was typed over a task's form. Where another tool was chosen, its fields take the place of those before."""
    names = set(TaskForm.__dataclass_fields__) - {"key", "inputs", "depends_on", "is_group", "errors"}
    given = {name: typed[name].replace("\r\n", "\n") for name in names if name in typed}
    inputs = {name.removeprefix("in."): value for name, value in typed.items() if name.startswith("in.")}
    form = replace(before, depends_on=list(dict.fromkeys(depends_on)), **given)  # pyright: ignore[reportArgumentType]
    if form.tool == before.tool:
        values, _ = read_fields(list(before.inputs))
        return replace(form, inputs=inputs_of(form.tool, values, tools, inputs))
    known = inputs_of(form.tool, {}, tools)
    return replace(form, inputs=inputs_of(form.tool, {}, tools, {one.name: inputs.get(one.name, "") for one in known}))


def inputs_of(
    name: str, values: Mapping[str, Any], tools: Mapping[str, AnyTool], typed: Mapping[str, str] | None = None
) -> list[FormField]:
    """The fields of a tool's input; none without a tool."""
    if not name:
        return []
    schema = tools[name].input.model_json_schema() if name in tools else CLOSED
    return fields_of(schema, values, typed)


def _wrong_inputs(tool: AnyTool, given: Mapping[str, Any]) -> dict[str, str]:
    """{in.<field>: what is wrong}; values that an earlier task's result fills in are not looked at."""
    try:
        tool.input.model_validate(dict(given))
    except ValidationError as error:
        found: dict[str, str] = {}
        for one in error.errors(include_url=False):
            is_later = "{{" in str(one["input"]) and one["type"] not in {"missing", "extra_forbidden"}
            if is_later:
                continue
            name = str(one["loc"][0]) if one["loc"] else ""
            known = name in cast("dict[str, Any]", tool.input.model_fields)
            rest = ".".join(str(part) for part in one["loc"][1:])
            message = one_in_words(one, (rest or "it") if known else name, list(tool.input.model_fields))
            found.setdefault(f"in.{name}" if known else "tool", message)
        return found
    return {}


def as_id(text: str) -> UUID | None:
    """An id, or None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
