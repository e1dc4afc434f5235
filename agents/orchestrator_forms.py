"""What the orchestrator is asked, the parts of its plan, and what it reports."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.base_agent_forms import MOST_MATERIALS, Context, Form, Instructions, Tools, Usage, digest_of

VERSION = 1
MOST_PARTS = 50
PartStatus = Literal["waiting", "completed", "blocked", "failed", "skipped", "for_a_person", "unfinished"]


class AgentPart(BaseModel):
    """One part: an order, and the parts whose results it is given. `for_a_person`: no agent does it, it is only told of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    title: str = Field(default="", max_length=300)
    instructions: Instructions
    context: Context = Field(default=(), max_length=MOST_MATERIALS)
    format: Form = "markdown"
    tools: Tools = ()
    depends_on: tuple[str, ...] = ()
    for_a_person: bool = False

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        """Results of what it depends on are materials of its order, too."""
        count = len(self.context) + len(self.depends_on)
        if count > MOST_MATERIALS:
            raise ValueError(f"context and depends_on are {count} materials; at most {MOST_MATERIALS} are taken")
        return self


class AgentObjective(BaseModel):
    """What the orchestrator is asked. Without `parts` it divides the objective itself. Bounds: parts, calls at once, tries, time, cost.

    `most_cost_usd` is looked at before each call of a base agent; by default it is what a task, else a day may cost here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    objective: str = Field(min_length=1, max_length=10_000)
    context: Context = Field(default=(), max_length=MOST_MATERIALS)
    parts: tuple[AgentPart, ...] = ()
    output: str = Field(default="", max_length=1000)
    most_parts: int = Field(default=12, ge=1, le=MOST_PARTS)
    concurrency: int = Field(default=4, ge=1, le=16)
    tries: int = Field(default=3, ge=1, le=5)
    seconds: float | None = Field(default=None, gt=0, le=86_400)
    most_cost_usd: float | None = Field(default=None, ge=0, le=100_000)

    @model_validator(mode="after")
    def _in_bounds(self) -> Self:
        if len(self.parts) > self.most_parts:
            raise ValueError(f"there are {len(self.parts)} parts; most_parts allows {self.most_parts}")
        return self

    def key(self, thinker: str) -> str:
        """The digest of what decides the plan."""
        asked = self.model_dump(mode="json", include={"objective", "context", "parts", "most_parts"})
        return digest_of({"version": VERSION, "thinker": thinker, **asked})


class PartOutcome(BaseModel):
    """How a part stands. `tries` counts calls that were made now, and `usage_now` what they took, failed ones too.

    `unknown` of them ended so that nobody knows what they cost.
    """

    id: str
    title: str
    status: PartStatus
    depends_on: tuple[str, ...] = ()
    key: str = ""
    address: str = ""
    reason: str = ""
    tries: int = 0
    was_known: bool = False
    tainted: bool = False
    usage: Usage = Usage()
    usage_now: Usage = Usage()
    unknown: int = 0


class Orchestration(BaseModel):
    """The report as JSON. `usage` is of every result, `usage_now` what this run paid for, failed tries too.

    `unknown` calls ended so that nobody knows what they cost; `most_cost_usd` is the bound that held.
    """

    key: str
    objective: str
    status: Literal["completed", "partial", "blocked", "unfinished"]
    parts: list[PartOutcome]
    message: str = ""
    usage: Usage = Usage()
    usage_now: Usage = Usage()
    unknown: int = 0
    most_cost_usd: float | None = None
    report: str = ""


class Division(BaseModel):
    """The plan as it is kept."""

    parts: tuple[AgentPart, ...]
    message: str = ""
    usage: Usage = Usage()
