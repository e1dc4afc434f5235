"""What somebody asks a plan for: an objective with its context, or the prompt of a plan document."""

from datetime import date, datetime, time
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from core.clock import READABLE_WORDS, is_readable
from core.outside.errors import Refused
from tasks.models import Priority
from tasks.plans import Level

LONGEST_OBJECTIVE, LONGEST_PROMPT, LONGEST_NOTES = 10_000, 100_000, 100_000
DEADLINE_WORDS = "a day like 2026-12-24, or a time with its offset like 2026-12-24T17:00:00+01:00"
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Somebody = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=320)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Amount = Annotated[str, StringConstraints(max_length=2_000)] | int | Annotated[float, Field(allow_inf_nan=False)] | bool
EXECUTE_EXAMPLE: dict[str, Any] = {
    "objective": "Launch feature X across three teams",
    "context": {"stakeholders": ["pm@company.com", "eng@company.com"], "priority": "high"},
}
DOCUMENT_EXAMPLE: dict[str, Any] = {
    "prompt": "Open a community bicycle repair workshop in Ghent: 40,000 euros, nine months.",
    "speed_vs_detail": "balanced_speed_and_detail",
}


class Notes(BaseModel):
    """Notes for the planner: a text, and files in the folder of notes (STEWARD_NOTES_FOLDER) by name."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(default="", max_length=LONGEST_NOTES)
    files: list[Name] = Field(default_factory=list[str], max_length=20)


class PlanContext(BaseModel):
    """What the planner is told beside the objective."""

    model_config = ConfigDict(extra="forbid")

    stakeholders: list[Somebody] = Field(
        default_factory=list[str], max_length=50, description="Whom it concerns: addresses, or names"
    )
    constraints: list[Line] = Field(default_factory=list[str], max_length=50, description="What must hold")
    priority: Priority = "medium"
    domain: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] | None = Field(
        default=None, examples=["finance"]
    )
    deadline: date | datetime | None = Field(default=None, union_mode="left_to_right", description=DEADLINE_WORDS)
    resources: list[Line] | dict[Name, Amount] = Field(
        default_factory=list[str],
        max_length=50,
        description="What there is to work with: lines, or amounts by name",
        examples=[{"budget_eur": 20000}],
    )
    notes: Annotated[str, StringConstraints(max_length=LONGEST_NOTES)] | Notes | None = Field(
        default=None, description="Anything else to be known: a text, or a text and names of notes files"
    )

    @field_validator("resources", mode="before")
    @classmethod
    def _lines_or_amounts(cls, value: object) -> object:
        entries: object = list(cast("dict[str, object]", value).values()) if isinstance(value, dict) else value
        kinds = (str, int, float) if isinstance(value, dict) else (str,)
        if not isinstance(entries, list) or not all(isinstance(one, kinds) for one in cast("list[object]", entries)):
            raise ValueError('allowed is a list of texts, or amounts by name like {"budget_eur": 20000}')
        return value  # pyright: ignore[reportUnknownVariableType]

    @field_validator("deadline", mode="before")
    @classmethod
    def _a_day_or_a_moment(cls, value: object) -> object:
        if value is None or isinstance(value, date):
            return value
        if not isinstance(value, str):
            raise ValueError(f"allowed is {DEADLINE_WORDS}")
        text = value.strip()
        try:
            moment = date.fromisoformat(text) if len(text) <= len("2026-12-24") else datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(f"allowed is {DEADLINE_WORDS}") from error
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise ValueError(f"it needs an offset; allowed is {DEADLINE_WORDS}")
        if not is_readable(moment):
            raise ValueError(f"allowed is {READABLE_WORDS}")
        return moment


class ObjectiveRequest(BaseModel):
    """An objective that is to be planned, and then carried out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXECUTE_EXAMPLE]})

    objective: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_OBJECTIVE)]
    context: PlanContext = Field(default_factory=PlanContext)
    tenantId: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = Field(  # noqa: N815 - the documents' name
        default=None, description="The organization it belongs to, by id or name; else that of who asks"
    )
    callbackUrl: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)] | None = (  # noqa: N815 - the documents' name
        Field(
            default=None, description="Is told, signed, what becomes of the plan", examples=["https://example.com/hook"]
        )
    )
    start: bool = Field(default=True, description="false: once planned it waits, to be looked at and started")

    @field_validator("callbackUrl")
    @classmethod
    def _an_address_of_the_web(cls, value: str | None) -> str | None:
        if value is not None:
            from integrations.web.guard import parsed_url

            try:
                parsed_url(value)
            except Refused as error:
                raise ValueError(f"{error.message}: {error.detail}" if error.detail else error.message) from error
        return value


class DocumentRequest(BaseModel):
    """The prompt of a plan document, and how far it goes into detail."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [DOCUMENT_EXAMPLE]})

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_PROMPT)]
    speed_vs_detail: Level = "balanced_speed_and_detail"
    llm_model: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = Field(
        default=None, description="A model by name, else the configured one; the server answers whether it knows it"
    )
    start: bool = Field(default=True, description="false: it waits to be started")

    @field_validator("llm_model")
    @classmethod
    def _a_name(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            raise ValueError("allowed are 1 to 200 printable characters")
        return value


def due_at(deadline: date, zone: ZoneInfo) -> tuple[datetime, bool]:
    """When a plan is due, and whether that is a whole day (its end, by the person's clock)."""
    if isinstance(deadline, datetime):
        return deadline, False
    return datetime.combine(deadline, time(23, 59, 59), zone), True
