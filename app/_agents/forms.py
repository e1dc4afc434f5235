"""What people say about agents, and how an agent says that it lives."""

import re
import unicodedata
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from app._agents.examples import AGENT

ID = re.compile(r"\{?[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?")


def _tellable(name: str) -> str:
    """A name that can be told from an id, on one line."""
    if any(unicodedata.category(one) in {"Cc", "Zl", "Zp"} for one in name):
        raise ValueError("no line breaks and no control characters are allowed")
    if ID.fullmatch(name):
        raise ValueError("a name is no id, which could be another agent's")
    return name


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_tellable)]
Description = Annotated[str, Field(max_length=2000)]
Capability = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Capabilities = Annotated[list[Capability], Field(max_length=50, examples=[["prospecting", "email"]])]
Instructions = Annotated[
    str, Field(max_length=20_000, description="What it should always keep in mind; GET /api/agents/me tells it")
]
AtOnce = Annotated[int, Field(ge=1, le=100, description="How many tasks it may hold at a time")]
LeaseSeconds = Annotated[
    int | None,
    Field(ge=10, le=86_400, description="How long it may be silent about its work; else as the house says"),
]
TimeoutSeconds = Annotated[
    int | None, Field(ge=1, le=604_800, description="How long one attempt may take; else as the house says")
]


class AgentTool(BaseModel):
    """Something that the agent may use. One of Steward's own tools that looks something up is thereby given to it."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    description: str = Field(default="", max_length=2000)


ToolName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
ToolOrName = Annotated[
    AgentTool,
    BeforeValidator(
        lambda given: {"name": given} if isinstance(given, str) else given,
        json_schema_input_type=ToolName | AgentTool,
    ),
]
Tools = Annotated[
    list[ToolOrName],
    Field(
        max_length=100,
        examples=[["web_search", {"name": "crm"}]],
        description="What it works with. A tool of Steward's that looks something up (calendar_read, web_search) may be "
        "used in its parts without asking, and what is found goes to it; any other asks its person each time, and acts always do",
    ),
]


class AgentWish(BaseModel):
    """A new agent: what it can, and how much at a time. Work goes to agents that have all the capabilities it asks for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [AGENT]})

    name: Name
    description: Description = ""
    capabilities: Capabilities = Field(default_factory=list[str])
    tools: Tools = Field(default_factory=list[Any])
    instructions: Instructions = ""
    max_concurrent: AtOnce = 1
    lease_seconds: LeaseSeconds = None
    timeout_seconds: TimeoutSeconds = None

    def as_json(self) -> dict[str, Any]:
        """As the database takes it."""
        return _as_row(self.model_dump(mode="json"))


class AgentChanges(BaseModel):
    """What to change about an agent; what is absent stays. `is_paused`: it takes no new work; what it has goes on."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    description: Description | None = None
    capabilities: Capabilities | None = None
    tools: Tools | None = None
    instructions: Instructions | None = None
    max_concurrent: AtOnce | None = None
    lease_seconds: LeaseSeconds = None
    timeout_seconds: TimeoutSeconds = None
    is_paused: bool | None = None

    @model_validator(mode="after")
    def _no_nulls_where_none_may_be(self) -> "AgentChanges":
        may_be_null = {"lease_seconds", "timeout_seconds"}
        nulls = sorted(name for name in self.model_fields_set - may_be_null if getattr(self, name) is None)
        if nulls:
            raise ValueError(f"{', '.join(nulls)} cannot be null")
        return self

    def as_json(self) -> dict[str, Any]:
        """As the database takes it: only what was given."""
        return _as_row(self.model_dump(mode="json", exclude_unset=True))


class Sign(BaseModel):
    """A sign of life: about all that the agent holds, or about these leases alone."""

    model_config = ConfigDict(extra="forbid")

    lease_ids: list[UUID] = Field(default_factory=list[UUID], max_length=200)


def _as_row(fields: dict[str, Any]) -> dict[str, Any]:
    return {("system_instructions" if name == "instructions" else name): value for name, value in fields.items()}
