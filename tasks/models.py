"""The nouns of the house as typed records: what the SQL functions return and what the agents exchange.

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
DraftState = Literal["draft", "approved", "rejected", "superseded", "sending", "sent", "failed", "uncertain"]
ApprovalState = Literal["open", "approved", "rejected", "expired", "voided", "used"]
DecidedHow = Literal["person", "permission", "own"]
Strategy = Literal["immediate", "decompose", "blocked"]
BlockedOn = Literal[
    "review", "person", "subtasks", "model", "delay", "agent", "reply", "approval", "bounds", "account", "start"
]
OnFailure = Literal["replan", "skip", "escalate", "stop"]
Verification = Literal["verified", "claimed", "unverifiable"]
StepKind = Literal["model", "read", "act"]
StepState = Literal["started", "finished", "failed", "uncertain"]
PlanDecision = Literal["another_approach", "other_subtasks", "skip", "escalate"]
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


class Attachment(Record):
    """A file that goes with a draft; `sha256` is hex over the raw bytes."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str
    artifact_id: UUID | None = None


class Bounced(Record):
    """Whom a sent draft did not reach, as a mail server reported it later."""

    address: str
    status: str = ""
    said: str = ""
    at: datetime


class ThreadMessage(Record):
    """A message that came into the thread of a draft after it was written. Others wrote it: untrusted."""

    message_id: str
    sender: str = ""
    sent_at: datetime | None = None
    text: str = ""


class ThreadMoved(Record):
    """What came into a thread after an answer was written; `previous_draft_id` is the version that did not know of it."""

    messages: list[ThreadMessage]
    previous_draft_id: UUID | None = None


class Reason(Record):
    """Why a person is asked: a stable code, a sentence, and the value it is about, with the line that it came from."""

    code: str
    message: str
    value: str = ""
    origin: str | None = None
    source: str | None = None
    quote: str | None = None


class PolicyDecision(Record):
    """What the policy said of an action, as it is kept with its approval; without a verdict it was not asked."""

    verdict: Literal["allow", "ask", "deny"] | None = None
    permission_id: UUID | None = None
    considered_permission_id: UUID | None = None
    reasons: list[Reason] = Field(default_factory=list[Reason])


class AskedBy(Record):
    """An outside agent that asks or wants something: what it says of it was written by somebody else."""

    agent_id: UUID | None = None
    name: str


class Origin(Record):
    """What something came from: the task at the top of its tree, in the database's word; `agent`: the outside agent that wants it."""

    source: str | None = None
    source_ref: dict[str, Any] = Field(default_factory=dict[str, Any])
    title: str = ""
    task_id: UUID | None = None
    agent: AskedBy | None = None


class ApprovalOfDraft(Record):
    """The newest approval of a draft, without its payload: the draft is what it is about.

    `hold_until`: nothing leaves before, and it can be undone until then. `good_until`: a yes that is not used by then is void.
    """

    id: UUID
    state: ApprovalState
    requested_by: str = "agent"
    why: str = ""
    notes: str | None = None
    decision: PolicyDecision = Field(default_factory=PolicyDecision)
    decided_how: DecidedHow | None = None
    policy_id: UUID | None = None
    hold_until: datetime | None = None
    expires_at: datetime | None = None
    good_until: datetime | None = None
    origin: Origin = Field(default_factory=Origin)


class Draft(Record):
    """Something that would leave the house. A row's content never changes: an edit is a new row that supersedes it.

    `digest` is computed by the database over channel, recipients, subject, body, attachments, target and thread tail.
    """

    id: UUID
    organization_id: UUID
    task_id: UUID
    channel: Literal["mail", "slack"]
    to_recipients: list[str] = Field(default_factory=list[str])
    cc_recipients: list[str] = Field(default_factory=list[str])
    bcc_recipients: list[str] = Field(default_factory=list[str])
    subject: str = ""
    body: str = ""
    attachments: list[Attachment] = Field(default_factory=list[Attachment])
    target: dict[str, Any] = Field(default_factory=dict[str, Any])
    thread_tail: str | None = None
    thread_moved: ThreadMoved | None = None
    why: str = ""
    state: DraftState
    version: int = 1
    supersedes_id: UUID | None = None
    superseded_by_id: UUID | None = None
    digest: str
    author_type: Literal["user", "agent"]
    author_id: UUID | None = None
    person_id: UUID | None = Field(default=None, description="Whose the task is: it leaves as their mail")
    feedback: str | None = None
    message_id: str | None = None
    provider_ref: str | None = None
    receipt: dict[str, Any] | None = None
    bounces: list[Bounced] = Field(default_factory=list[Bounced])
    failure_reason: str | None = None
    created_at: datetime
    decided_at: datetime | None = None
    sent_at: datetime | None = None
    task_title: str | None = None
    approval_id: UUID | None = None
    approval: ApprovalOfDraft | None = None
    provenance: dict[str, Any] = Field(default_factory=dict[str, Any])


class Approval(ApprovalOfDraft):
    """A yes or no, sealed to `digest`: a person's, that of a standing permission, or of an own act. Used once."""

    organization_id: UUID
    task_id: UUID
    draft_id: UUID | None = None
    title: str
    digest: str
    decided_by: UUID | None = None
    created_at: datetime
    decided_at: datetime | None = None
    used_at: datetime | None = None
    payload: dict[str, Any] = Field(default_factory=dict[str, Any])
    tool: str | None = None
    task_title: str | None = None
    asked_by: AskedBy | None = None


class TaskEvent(Record):
    """A fine event of a task; `id` grows and is the position in the live stream."""

    id: int
    organization_id: UUID | None = None
    task_id: UUID | None = None
    root_task_id: UUID | None = None
    kind: str
    message: str = ""
    data: dict[str, Any] = Field(default_factory=dict[str, Any])
    created_at: datetime


class Step(Record):
    """One model or tool call of a task, as the journal keeps it."""

    id: UUID
    task_id: UUID
    key: str
    kind: StepKind
    name: str
    state: StepState
    attempts: int = 1
    replays: int = 0
    error: str | None = None
    cost_usd: float | None = None
    started_at: datetime
    finished_at: datetime | None = None


class PlanChange(Record):
    """How a plan was changed after a failure. `diff`: removed, added, rewired, skipped; each a list of tasks by title."""

    id: UUID
    task_id: UUID
    root_task_id: UUID
    failed_task_id: UUID | None = None
    decision: PlanDecision
    reason: str
    diff: dict[str, Any] = Field(default_factory=dict[str, Any])
    actor_type: str = "agent"
    created_at: datetime
