"""A task as a typed record, as the SQL functions return it, and what is found in text before it is one.

Times are aware datetimes; ids are UUIDs; amounts of time carry their unit in the name. Closed sets are `Literal`s
with the words that `supabase/migrations` checks.
"""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

ExecutionType = Literal["manual", "semi_automated", "fully_automated"]
ExecutionStatus = Literal["pending", "queued", "in_progress", "paused", "blocked", "completed", "failed", "cancelled"]
Priority = Literal["critical", "high", "medium", "low"]
Source = Literal["chat", "manual", "mail", "calendar", "slack", "import", "plan", "agent", "proactive"]
Strategy = Literal["immediate", "decompose", "blocked"]
BlockedOn = Literal[
    "review", "person", "subtasks", "model", "delay", "agent", "reply", "approval", "bounds", "account", "start"
]
OnFailure = Literal["replan", "skip", "escalate", "stop"]
Verification = Literal["verified", "claimed", "unverifiable"]
TaskKind = Literal[
    "email",  # write a mail to somebody
    "reply",  # answer a message that is there
    "message",  # a chat message (Slack and the like)
    "meeting_summary",
    "agenda",  # of a meeting, from what is known
    "brief",  # who comes from outside and what is open with them
    "follow_up",  # of a meeting that is over, from its notes
    "summary",
    "action_items",
    "report",
    "outline",
    "document",  # any other text to write
    "translation",
    "rewriting",
    "spreadsheet",
    "schedule",  # book a slot
    "research",
    "purchase",
    "payment",
    "call",
    "project",  # too big for one task
    "errand",  # anything only a person can do
]


TICKED_OFF = "A person said that it is done"  # as the database writes it


class Record(BaseModel):
    """A row as it comes out of the database: unknown columns are kept out, values are checked."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ExtractedTask(BaseModel):
    """A task found in text, before it is a row. Source: `seeds` document 002, phase 1 (extraction)."""

    title: str = Field(min_length=1, max_length=300, description="What is to be done, in the imperative")
    description: str = Field(default="", description="Material the task needs that stood in the text, verbatim")
    execution_type: ExecutionType
    kind: TaskKind = "errand"
    confidence: float = Field(ge=0, le=1)
    why: str = Field(default="", description="One sentence: why this is a task, and why of this execution type")
    due_at: datetime | None = Field(None, description="Aware; for an all-day due date the end of that day, 23:59:59")
    due_is_all_day: bool = True
    recurrence: str | None = Field(None, description="An RFC 5545 RRULE without the prefix, e.g. FREQ=WEEKLY;BYDAY=FR")
    priority: Priority = "medium"
    labels: list[str] = Field(default_factory=list)
    recipient: str | None = Field(None, description="Address or name the result goes to, if the text names one")
    quote: str = Field(default="", description="The words of the text that this task came from")
    estimated_duration_minutes: int | None = Field(default=None, ge=1)
    reminder_at: SkipJsonSchema[datetime | None] = None
    """When the words ask for a reminder: found by rules, whoever found the task."""

    @property
    def due_date(self) -> date | None:
        return self.due_at.date() if self.due_at else None


class Extraction(BaseModel):
    """What was found in one message: a reply in a sentence or two, and the tasks in order of mention."""

    reply: str
    tasks: list[ExtractedTask] = Field(default_factory=list[ExtractedTask])


class LogEntry(Record):
    """One state change in `execution_log`."""

    event: str
    timestamp: datetime
    actor_type: str | None = None
    actor_id: str | None = None
    executor_type: str | None = None
    executor_id: str | None = None
    reason: str | None = None
    result: Any = None


class Evidence(Record):
    """One piece of what shows that a task is done: a receipt, a file, a check that passed, or somebody's word."""

    kind: str
    what: str
    where: str | None = None
    at: datetime | None = None


class Taint(Record):
    """Something that others wrote which a task read or works on. `why`: what is suspicious about it."""

    kind: str
    ref: str | None = None
    title: str | None = None
    why: str | None = None


class Task(Record):
    """A row of `public.tasks`, every column of it that people or programs may see."""

    id: UUID
    organization_id: UUID
    created_by: UUID | None = None
    parent_task_id: UUID | None = None
    root_task_id: UUID | None = None
    title: str
    description: str = ""
    kind: str = "errand"
    execution_type: ExecutionType
    execution_status: ExecutionStatus
    assigned_to_type: Literal["user", "agent", "workflow"] | None = None
    assigned_to_id: UUID | None = None
    assignee_role: str | None = None
    agent_executable: bool | None = None
    workflow_id: UUID | None = None
    agent_id: UUID | None = None
    tool: str | None = None
    tool_input: dict[str, Any] = Field(default_factory=dict[str, Any])
    acceptance_criteria: list[str] = Field(default_factory=list[str])
    notes_file: str | None = None
    automation_rules: dict[str, Any] = Field(default_factory=dict[str, Any])
    ai_confidence: float | None = None
    ai_context: str | None = None
    decomposition_confidence: float | None = None
    recipient: str | None = None
    priority: Priority = "medium"
    due_at: datetime | None = None
    due_is_all_day: bool = True
    recurrence: str | None = None
    repeats_from: Literal["due", "completion"] = "due"
    repeats_task_id: UUID | None = None
    series_id: UUID | None = None
    series_ended_at: datetime | None = None
    run_when_due: bool = False
    snoozed_until: datetime | None = None
    snoozed_for: dict[str, Any] | None = None
    labels: list[str] = Field(default_factory=list[str])
    position: float = 0
    source: Source = "manual"
    source_ref: dict[str, Any] = Field(default_factory=dict[str, Any])
    flags: list[str] = Field(default_factory=list[str])
    strategy: Strategy | None = None
    result: Any = None
    execution_log: list[LogEntry] = Field(default_factory=list[LogEntry])
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    blocked_at: datetime | None = None
    blocked_reason: str | None = None
    blocked_until: datetime | None = None
    unblocked_by: str | None = None
    failed_at: datetime | None = None
    failure_reason: str | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    paused_at: datetime | None = None
    retry_count: int = 0
    max_retries: int = 3
    estimated_duration_minutes: int | None = None
    actual_duration_minutes: int | None = None
    subtask_count: int = 0
    subtask_done_count: int = 0
    blocked_on: BlockedOn | None = None
    run_after: datetime | None = None
    generation: int = 1
    run_id: UUID | None = None
    timeout_seconds: int | None = None
    on_failure: OnFailure = "replan"
    replan_count: int = 0
    escalated_at: datetime | None = None
    waived_at: datetime | None = None
    waived_reason: str | None = None
    supersedes_task_id: UUID | None = None
    superseded_at: datetime | None = None
    superseded_by_id: UUID | None = None
    remind_at: datetime | None = None
    reminded_at: datetime | None = None
    verification: Verification | None = None
    evidence: list["Evidence"] = Field(default_factory=list["Evidence"])
    bounds: dict[str, float] = Field(default_factory=dict[str, float])
    archived_at: datetime | None = None
    open_approval_id: UUID | None = None
    open_draft_id: UUID | None = None
    tainted_by: list[Taint] = Field(default_factory=list[Taint])

    @property
    def repeats(self) -> bool:
        """Does another one come after it?"""
        return self.recurrence is not None and self.series_ended_at is None

    @property
    def is_snoozed(self) -> bool:
        """Is it out of sight until a time, or an answer?"""
        return self.snoozed_until is not None or self.snoozed_for is not None

    @property
    def is_drafted(self) -> bool:
        """Is the writing done and the draft still open? To people that is not done: nothing has left."""
        return self.execution_status == "completed" and self.open_draft_id is not None

    @property
    def may_be_reopened(self) -> bool:
        """Did a person tick it off, and may they say that it is not done after all? The database knows what it is a part of."""
        is_done = self.execution_status == "completed" and self.superseded_at is None and self.result is None
        has_more = self.subtask_count > 0 or self.open_draft_id is not None
        return is_done and not has_more and any(one.what == TICKED_OFF for one in self.evidence)

    @property
    def ends_by_itself(self) -> bool:
        """Does it end by something that nobody can tick off: a gate by its answer, a stage with its section, a plan with its tasks?"""
        is_plan = self.source == "plan" and self.parent_task_id is None and self.kind == "project"
        return is_plan or self.tool in {"approval_gate", "plan_stage", "agent_interrupt"}
