"""The form of a new plan: what was typed, as the request of a plan, and what is wrong beside each field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from pydantic import ValidationError

from app._plans.forms import DocumentRequest, ObjectiveRequest
from app.problems import explain
from tasks.models import Priority
from tasks.plans import Level

Mode = Literal["objective", "document"]
NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
CONTEXT = ("stakeholders", "constraints", "priority", "domain", "deadline", "resources", "notes", "notes_files")


@dataclass(frozen=True)
class PlanForm:
    """What stands in the fields, as text; `errors` is {field: what is wrong}."""

    mode: Mode = "objective"
    objective: str = ""
    stakeholders: str = ""
    constraints: str = ""
    priority: str = "medium"
    domain: str = ""
    deadline: str = ""
    resources: str = ""
    notes: str = ""
    notes_files: str = ""
    prompt: str = ""
    level: str = "balanced_speed_and_detail"
    llm_model: str = ""
    errors: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "PlanForm":
        """What was typed, with the line ends of this system."""
        names = set(cls.__dataclass_fields__) - {"mode", "errors"}
        given = {name: form[name].replace("\r\n", "\n") for name in names if name in form}
        mode: Mode = "document" if form.get("mode") == "document" else "objective"
        return cls(mode=mode, **given)  # pyright: ignore[reportArgumentType]

    @property
    def has_context(self) -> bool:
        """Is anything beside the objective filled in, or wrong?"""
        typed = [self.stakeholders, self.constraints, self.domain, self.deadline, self.resources, self.notes]
        return any(typed) or self.priority != "medium" or bool(self.errors.keys() & set(CONTEXT))

    def with_errors(self, errors: Mapping[str, str]) -> "PlanForm":
        """The form with what is wrong beside each field."""
        return replace(self, errors=dict(errors))

    def as_objective(self, *, start: bool) -> "ObjectiveRequest | PlanForm":
        """The request; or this form with what is wrong in it."""
        context: dict[str, Any] = {
            "stakeholders": _entries(self.stakeholders, ",;\n"),
            "constraints": _entries(self.constraints, "\n"),
            "priority": self.priority,
        }
        if self.domain.strip():
            context["domain"] = self.domain
        if self.deadline.strip():
            context["deadline"] = self.deadline
        lines = _entries(self.resources, "\n")
        unnamed = [line for line in lines if ":" not in line.strip(":")]
        if unnamed:
            return self.with_errors(
                {"resources": f"each line is a name, a colon and a value; {unnamed[0][:80]!r} is not"}
            )
        if lines:
            context["resources"] = {
                name.strip(): amount_of(value) for name, _, value in (one.partition(":") for one in lines)
            }
        files = _entries(self.notes_files, ",\n")
        if self.notes.strip() or files:
            context["notes"] = {"text": self.notes.strip(), "files": files} if files else self.notes.strip()
        try:
            return ObjectiveRequest.model_validate({"objective": self.objective, "context": context, "start": start})
        except ValidationError as error:
            return self.with_errors(_errors(error))

    def as_document(self, *, start: bool) -> "DocumentRequest | PlanForm":
        """The request; or this form with what is wrong in it."""
        asked: dict[str, Any] = {"prompt": self.prompt, "speed_vs_detail": self.level, "start": start}
        if self.llm_model.strip():
            asked["llm_model"] = self.llm_model
        try:
            return DocumentRequest.model_validate(asked)
        except ValidationError as error:
            return self.with_errors(_errors(error))


def _entries(text: str, separators: str) -> list[str]:
    parts = re.split(f"[{re.escape(separators)}]", text)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def amount_of(text: str) -> str | int | float:
    """A number where it looks like one, else the text."""
    text = text.strip()
    if not NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


FIELDS = {"speed_vs_detail": "level"}
ALLOWED = {"priority": get_args(Priority), "level": get_args(Level)}


def _errors(error: ValidationError) -> dict[str, str]:
    """{field: what is wrong}; an entry of a list is named by its place."""
    found: dict[str, str] = {}
    for one in explain([{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]):
        path = [part for part in one["field"].split(".") if part != "context"]
        name = FIELDS.get(path[0], path[0])
        name = "notes_files" if path[:2] == ["notes", "files"] else name
        if name in ALLOWED:
            message = f"allowed: {', '.join(ALLOWED[name])}"
        elif not one.get("value", "x").strip('"').strip():
            message = "it is empty"
        else:
            message = one["message"]
        entry = next((int(part) for part in path[1:] if part.isdecimal()), None)
        found.setdefault(name, f"entry {entry + 1}: {message}" if entry is not None else message)
    return found
