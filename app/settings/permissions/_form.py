"""The form of a permission: what was typed, as the terms that are tried and kept, and what is wrong beside each field."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from core.database import Caller
from tasks import functions, review
from tasks.actions import Carries, Permission
from tasks.drafts import Approval
from tasks.models import TaskKind
from tasks.policies import Policy

NOT_OFFERED = {"purchase", "payment", "call", "project", "errand"}
KINDS = [kind for kind in get_args(TaskKind) if kind not in NOT_OFFERED]
NUMBERS = {"max_per_hour": (1, 1000), "max_per_day": (1, 1000), "hold_minutes": (0, 1440), "days": (1, 365)}
LONGEST = 30_000


@dataclass(frozen=True)
class PermissionForm:
    """What stands in the fields, as text; `errors` is {field: what is wrong}."""

    id: str = ""
    action: str = "email_send"
    targets: str = ""
    task_kinds: Sequence[str] = ()
    carries: str = Carries.OWN_WORDS.value
    max_per_hour: str = "5"
    max_per_day: str = "20"
    hold_minutes: str = "2"
    days: str = "30"
    errors: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, form: Mapping[str, str], task_kinds: Sequence[str]) -> "PermissionForm":
        """Without spaces around what was typed."""
        names = ("id", "action", "targets", "carries", *NUMBERS)
        given = {name: form[name].strip()[:LONGEST] for name in names if name in form}
        return cls(task_kinds=[one[:100] for one in task_kinds][:50], **given)  # pyright: ignore[reportArgumentType]

    @property
    def target_list(self) -> list[str]:
        """One target a line, or with commas."""
        parts = (part.strip() for line in self.targets.splitlines() for part in line.split(","))
        return list(dict.fromkeys(part for part in parts if part))

    def wrong(self, actions: Mapping[str, str]) -> dict[str, str]:
        """{field: what is wrong}, as far as it can be told without the database."""
        found: dict[str, str] = {}
        if self.id and not _is_id(self.id):
            found["id"] = "it is no permission"
        if self.action not in actions:
            found["action"] = "it is none of the list"
        if not self.target_list:
            found["targets"] = "it is empty: name at least one"
        if self.carries not in set(Carries):
            found["carries"] = "it is neither of the two"
        for name, (least, most) in NUMBERS.items():
            text = str(getattr(self, name))
            if not text.isascii() or not text.isdecimal() or not least <= int(text[:9]) <= most:
                found[name] = f"it is a whole number from {least} to {most}"
        return found

    def as_permission(self) -> Permission:
        """As the policy takes it, to try it."""
        return Permission(
            id=self.id or "new",
            action=self.action,
            targets=self.target_list,
            task_kinds=self.task_kinds,
            carries=Carries(self.carries),
            max_per_hour=int(self.max_per_hour),
            max_per_day=int(self.max_per_day),
        )

    def as_terms(self) -> dict[str, Any]:
        """As it is kept, switched on."""
        return {
            "id": self.id or None,
            "action": self.action,
            "targets": self.target_list,
            "task_kinds": list(self.task_kinds),
            "carries": self.carries,
            "max_per_hour": int(self.max_per_hour),
            "max_per_day": int(self.max_per_day),
            "hold_seconds": 60 * int(self.hold_minutes),
            "expires_at": (datetime.now(UTC) + timedelta(days=int(self.days))).isoformat(),
            "is_enabled": True,
        }


def form_of_policy(policy: Policy) -> PermissionForm:
    """A permission that is there, to change it."""
    days = math.ceil((policy.expires_at - datetime.now(UTC)).total_seconds() / 86_400)
    return PermissionForm(
        id=str(policy.id),
        action=policy.action,
        targets="\n".join(policy.targets),
        task_kinds=policy.task_kinds,
        carries=policy.carries,
        max_per_hour=str(policy.max_per_hour),
        max_per_day=str(policy.max_per_day),
        hold_minutes=str(math.ceil(policy.hold_seconds / 60)),
        days=str(min(max(days, 1), 365)),
    )


async def form_for(caller: Caller, approval: Approval) -> PermissionForm:
    """As narrow as it can be for what was asked: this action, these targets, this kind of task. Raises NotFound."""
    task = await functions.get_task(caller, approval.task_id)
    action, targets = approval.tool or "", _listed(approval.payload.get("destinations"))
    if approval.draft_id:
        draft = await review.get_draft(caller, approval.draft_id)
        action = "email_send" if draft.channel == "mail" else "slack_notification"
        targets = [*draft.to_recipients, *draft.cc_recipients, *draft.bcc_recipients]
        if draft.channel == "slack":
            name = str(draft.target.get("name") or "")
            targets = [name if name.startswith(("#", "@")) else str(draft.target.get("channel") or name)]
    return PermissionForm(
        action=action,
        targets="\n".join(dict.fromkeys(one for one in targets if one)),
        task_kinds=[task.kind] if task.kind in KINDS else [],
    )


def _listed(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
