"""A draft and the yes or no that it waits for, as the database gives them: what they hold and in which states they are.

What is done with them: `tasks.review`.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from tasks.models import Record

DraftState = Literal["draft", "approved", "rejected", "superseded", "sending", "sent", "failed", "uncertain"]
ApprovalState = Literal["open", "approved", "rejected", "expired", "voided", "used"]
DecidedHow = Literal["person", "permission", "own"]


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
    """A message that came into the thread of a draft after it was written. Others wrote it: untrusted.

    `text` is null where it is a colleague's: only they read their mail.
    """

    message_id: str
    sender: str = ""
    sent_at: datetime | None = None
    text: str | None = None


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


class Approver(Record):
    """The other member who alone says yes to something, as it would leave through their account."""

    user_id: UUID
    email: str | None = None
    name: str | None = None

    @property
    def called(self) -> str:
        """Their name; else their address."""
        return self.name or self.email or "a colleague"


class ApprovalOfDraft(Record):
    """The newest approval of a draft, without its payload: the draft is what it is about.

    `hold_until`: nothing leaves before, and it can be undone until then. `good_until`: a yes that is not used by then is void.
    """

    id: UUID
    state: ApprovalState
    approver: Approver | None = Field(
        default=None,
        description="Who alone may say yes, as it leaves through their account; null: whoever reads this may",
    )
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
    person_id: UUID | None = Field(default=None, description="Whose the task is")
    asked_by: AskedBy | None = None
