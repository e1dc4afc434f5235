"""The kinds of task that Steward knows, with what the organization wrote for each, as pages, the API and the terminal show them."""

import unicodedata
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agents.workflows.catalog import WORKFLOWS, WithoutModel, Workflow
from core.database import Caller
from core.errors import Invalid, NotFound
from tasks.workflows import LONGEST, OwnWorkflow, list_workflows


class ShownWorkflow(BaseModel):
    """One kind of task: what is done for it, and the organization's own instructions, which only a model reads."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "email",
                    "name": "Mail",
                    "description": "Drafts a mail from what the task says",
                    "without_model": "made",
                    "is_by_person": False,
                    "instructions": "Three sentences at most, and always a date.",
                    "is_active": True,
                    "version": "9f2c4e7a1b30",
                    "updated_at": "2026-03-04T09:30:00Z",
                }
            ]
        }
    )

    kind: str
    name: str
    description: str
    without_model: WithoutModel = Field(
        description="Without a language model: the rules make it, it waits for a model, or it is left to a person"
    )
    is_by_person: bool = Field(description="Always a person's: a model says why, and what would help")
    instructions: str = Field(default="", description="The organization's own words; empty: what is built in, alone")
    is_active: bool = Field(default=False, description="Is a model told these words?")
    version: str = Field(default="", description="Follows from the words; empty for none")
    updated_at: datetime | None = None


class WorkflowListing(BaseModel):
    """Every kind of task, as it is listed on the page."""

    items: list[ShownWorkflow]
    has_model: bool = Field(description="Without a language model nobody reads the instructions: the rules do not")


class ChangedWorkflow(BaseModel):
    """Other words, or whether they count. What is not given stays."""

    model_config = ConfigDict(extra="forbid")

    instructions: str | None = Field(default=None, description=f"1 to {LONGEST} characters")
    is_active: bool | None = None
    version: str | None = Field(
        default=None, max_length=64, description="The version that was looked at: 409 where another stands there now"
    )


def checked_changes(instructions: str | None, is_active: bool | None) -> dict[str, Any]:
    """The fields that `save_workflow` takes. Raises Invalid that says what is wrong with the words."""
    if instructions is None and is_active is None:
        raise _wrong("give instructions, or is_active")
    changes: dict[str, Any] = {} if is_active is None else {"is_active": is_active}
    if instructions is not None:
        words = instructions.replace("\r\n", "\n").replace("\r", "\n").strip()
        if not words:
            raise _wrong("there are no words; to go back to what is built in, reset it")
        if len(words) > LONGEST:
            raise _wrong(f"at most {LONGEST} characters, this has {len(words)}")
        if any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\t" for sign in words):
            raise _wrong("control characters are not allowed, only lines and tabs")
        changes["instructions"] = words
    return changes


def known_kind(kind: str) -> Workflow:
    """The built-in workflow of a kind. Raises NotFound that names all kinds."""
    if kind not in WORKFLOWS:
        raise NotFound(f"There is no kind of task {kind[:40]!r}", hint=f"The kinds are {', '.join(WORKFLOWS)}.")
    return WORKFLOWS[kind]


def shown(kind: str, own: OwnWorkflow | None) -> ShownWorkflow:
    """A kind with the organization's words for it. Raises NotFound."""
    known = known_kind(kind)
    words = own.model_dump(exclude={"kind"}) if own else {}
    return ShownWorkflow(
        kind=kind,
        name=known.name,
        description=known.description,
        without_model=known.without_model,
        is_by_person=known.is_by_person,
        **words,
    )


async def shown_workflows(caller: Caller) -> list[ShownWorkflow]:
    """Every kind, as the catalogue orders them."""
    own = {one.kind: one for one in await list_workflows(caller)}
    return [shown(kind, own.get(kind)) for kind in WORKFLOWS]


async def shown_workflow(caller: Caller, kind: str) -> ShownWorkflow:
    """One kind. Raises NotFound."""
    known_kind(kind)
    return next(one for one in await shown_workflows(caller) if one.kind == kind)


def _wrong(message: str) -> Invalid:
    return Invalid(f"instructions: {message}", errors=[{"field": "instructions", "message": message}])
