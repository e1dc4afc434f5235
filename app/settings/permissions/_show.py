"""The page of permissions: which there are, what each has done and would have done, the form, and the kill switch."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response

from agents.permitting import DAYS, Past, actions_of, in_words
from app._view import words
from app.house import House
from app.seen import house_of
from app.settings.permissions._form import KINDS, PermissionForm
from app.templating import render
from core.database import Caller
from tasks import policies, review
from tasks.policies import Policy
from tasks.replay import Replay, permission_of


@dataclass(frozen=True)
class PermissionCard:
    """A permission as the page shows it."""

    policy: Policy
    action: str
    last_used_at: datetime | None
    replay: Replay
    is_stopped: bool

    @property
    def is_over(self) -> bool:
        return self.policy.expires_at <= datetime.now(UTC)

    @property
    def state(self) -> tuple[str, str]:
        """The class of its badge and its words."""
        if self.policy.demoted_at:
            return "failed", "switched itself off"
        if not self.policy.is_enabled:
            return "cancelled", "off"
        if self.is_over:
            return "cancelled", "has ended"
        return ("paused", "stopped with all others") if self.is_stopped else ("sent", "on")


async def show(
    request: Request,
    caller: Caller,
    *,
    form: PermissionForm | None = None,
    is_tried: bool = False,
    problem: str = "",
    status_code: int = 200,
) -> Response:
    """The page. `is_tried`: the form is tried on the past, and what it would have let through is shown before it counts."""
    house: House = house_of(request)
    tools = house.equipment.tools
    found = await policies.list_policies(caller)
    past = Past(caller, tools)
    form = form or PermissionForm()
    actions = actions_of(tools)
    if form.action and form.action not in actions and form.id:
        actions = {**actions, form.action: in_words(form.action)}
    tried = await past.under(form.as_permission()) if is_tried and not form.errors else None
    return render(
        request,
        "settings/permissions/page.html",
        status_code=status_code,
        cards=[await _card(caller, past, one, is_stopped=found.stopped_at is not None) for one in found.items],
        stopped_at=found.stopped_at,
        form=form,
        changed=next((one for one in found.items if str(one.id) == form.id), None),
        tried=tried,
        actions=actions,
        kinds=KINDS,
        days=DAYS,
        words=words,
        problem=problem,
    )


def with_errors(form: PermissionForm, errors: dict[str, str]) -> PermissionForm:
    """The form with what is wrong beside each field."""
    return replace(form, errors=errors)


async def _card(caller: Caller, past: Past, policy: Policy, *, is_stopped: bool) -> PermissionCard:
    used = await review.list_approvals(caller, policy_id=policy.id, decided_how=["permission"], limit=1)
    last = used.items[0].decided_at if used.items else None
    return PermissionCard(policy, in_words(policy.action), last, await past.under(permission_of(policy)), is_stopped)
