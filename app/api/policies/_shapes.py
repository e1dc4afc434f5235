"""Standing permissions as programs write and read them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool

from agents.permitting import Past, actions_of
from agents.tools.tool import AnyTool
from core.errors import Invalid
from tasks.actions import Carries, Effect, Permission
from tasks.policies import Policy
from tasks.replay import Outcome, Replay, permission_of

Target = Annotated[str, Field(min_length=1, max_length=300)]
Kind = Annotated[str, Field(pattern=r"^[a-z_]{1,60}$")]
DAYS = 30


class PolicyTerms(BaseModel):
    """What a permission is for, and how far it goes. Narrow: each target by name."""

    model_config = ConfigDict(extra="forbid")

    action: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,99}$",
        description="The name of a tool: email_send, slack_notification, calendar_event, ...",
    )
    targets: list[Target] = Field(
        min_length=1,
        max_length=100,
        description="Addresses, #channels and hosts one by one; @example.com for a domain; `named` for whoever your own words name",
    )
    task_kinds: list[Kind] = Field(default_factory=list[str], max_length=50, description="Kinds of task; none: any")
    carries: Carries = Field(default=Carries.OWN_WORDS, description="What may go after text of others was read")
    max_per_hour: int = Field(default=5, ge=1, le=1000, strict=True)
    max_per_day: int = Field(default=20, ge=1, le=1000, strict=True)
    hold_seconds: int = Field(default=120, ge=0, le=86_400, strict=True, description="How long it can be undone")
    expires_at: AwareDatetime = Field(
        default_factory=lambda: datetime.now(UTC) + timedelta(days=DAYS),
        description="At most a year ahead; 30 days by default",
    )

    def as_permission(self) -> Permission:
        """As the policy takes it."""
        return Permission(
            id="new",
            action=self.action,
            targets=self.targets,
            task_kinds=self.task_kinds,
            carries=self.carries,
            max_per_hour=self.max_per_hour,
            max_per_day=self.max_per_day,
        )


class SavedPolicy(PolicyTerms):
    """A permission to keep: a new one without an id, else these terms in place of those of that one. Off unless `is_enabled`."""

    id: UUID | None = None
    is_enabled: StrictBool = False


class CandidatePolicy(BaseModel):
    """A permission to try on the past; nothing is kept."""

    model_config = ConfigDict(extra="forbid")

    policy: PolicyTerms


class ReplayedAct(BaseModel):
    """Something of the past: would it have gone by itself, and what had the person made of it?"""

    approval_id: UUID
    draft_id: UUID | None
    task_id: UUID
    title: str
    destinations: list[str]
    created_at: AwareDatetime
    would_have_gone: bool
    outcome: Outcome
    reasons: list[str]


class ReplayNumbers(BaseModel):
    """What a permission would have let through in the last 90 days; the other numbers but `asked` are among those.

    `by_permission`: what had left by a permission, without a person's yes.
    """

    would_have_gone: int
    edited: int
    rejected: int
    by_permission: int
    asked: int
    message: str


class ReplayAnswer(ReplayNumbers):
    """The numbers, and what they are about, newest first."""

    items: list[ReplayedAct]


class ShownPolicy(Policy):
    """A permission, how often it was used, and what it would have let through in the past."""

    replay: ReplayNumbers


class PolicyListing(BaseModel):
    """All permissions; `stopped_at` says since when none of them counts, null where they do."""

    items: list[ShownPolicy]
    stopped_at: AwareDatetime | None


def check_action(action: str, tools: Mapping[str, AnyTool], kept: str | None = None) -> None:
    """Raises Invalid for what no permission can be for, and lists what it can; `kept` is what the permission is for already."""
    asking = [name for name, tool in tools.items() if tool.effect in {Effect.FETCH, Effect.QUERY}]
    known = [*actions_of(tools), *sorted(asking)]
    if action in known or action == kept:
        return
    tool = tools.get(action)
    if tool is None:
        problem = "is no tool that acts"
    elif tool.effect is Effect.OWN_WRITE:
        problem = "needs no permission"
    else:
        problem = "always asks" if tool.kind == "act" else "does nothing that leaves"
    message = f"action: {action} {problem}; a permission can be for {', '.join(known)}"
    raise Invalid(message, errors=[{"field": "action", "message": f"allowed: {', '.join(known)}", "value": action}])


def numbers_of(found: Replay) -> dict[str, Any]:
    """The numbers of a replay."""
    names = ("would_have_gone", "edited", "rejected", "by_permission", "asked")
    return {name: getattr(found, name) for name in names} | {"message": found.in_words}


def replayed(found: Replay) -> ReplayAnswer:
    """A replay with what it is about."""
    items = [
        ReplayedAct(
            approval_id=one.past.approval_id,
            draft_id=one.past.draft_id,
            task_id=one.past.task_id,
            title=one.past.title,
            destinations=one.past.destinations,
            created_at=one.past.created_at,
            would_have_gone=one.would_have_gone,
            outcome=one.outcome,
            reasons=[reason.message for reason in one.decision.reasons],
        )
        for one in found.items
    ]
    return ReplayAnswer(**numbers_of(found), items=items)


async def shown(policy: Policy, past: Past) -> ShownPolicy:
    """A permission with its replay."""
    numbers = ReplayNumbers(**numbers_of(await past.under(permission_of(policy))))
    return ShownPolicy(**policy.model_dump(), replay=numbers)
