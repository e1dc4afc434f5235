"""Making plans, for every door: the API, the pages and the command line ask here."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from agents.playbooks.document.making import document_plan, title_of
from app._plans.forms import DocumentRequest, ObjectiveRequest, due_at
from app.house import House
from core.database import Caller
from core.errors import Invalid, NotFound
from core.vault import Vault
from jobs.outside.lending import guard_for
from tasks import plans
from tasks.capture import get_profile
from tasks.plans import PlanSummary


@dataclass(frozen=True)
class Made:
    """A plan that was just made; the secret of its callbacks is shown this once."""

    plan: PlanSummary
    callback_secret: str | None = None
    is_late: bool = False  # its deadline has passed already


async def make_objective_plan(house: House, caller: Caller, asked: ObjectiveRequest) -> Made:
    """A plan whose first run plans it. NotFound for an organization that is not the caller's."""
    acting, organization_id = await in_organization(caller, asked.tenantId)
    context = asked.context.model_dump(mode="json", exclude_none=True)
    is_late = False
    plan: dict[str, Any] = {
        "kind": "objective",
        "title": title_of(asked.objective),
        "description": asked.objective,
        "request": {"objective": asked.objective, "context": context},
        "priority": asked.context.priority,
        "starts_by_itself": asked.start,
    }
    if asked.context.deadline is not None:
        due, is_all_day = due_at(asked.context.deadline, house.clock.timezone)
        context["deadline"] = due.isoformat()
        is_late = due < house.clock.now()
        plan |= {"due_at": due.isoformat(), "due_is_all_day": is_all_day}
    secret = None
    if asked.callbackUrl is not None:
        from integrations.webhooks.signed import new_secret

        await _check_callback(house, acting, asked.callbackUrl)
        secret = new_secret()
        sealed = Vault.from_settings(house.settings).seal({"secret": secret}, organization_id, organization_id)
        plan |= {"callback_url": asked.callbackUrl, "callback_secret": sealed}
    return Made(await plans.create_plan(acting, plan), secret, is_late)


async def _check_callback(house: House, caller: Caller, url: str) -> None:
    """Raises Invalid for an address that the guard would refuse, as far as it shows in the address itself."""
    from integrations.web.guard import AddressRefused

    try:
        (await guard_for(house.given, caller)).check_written(url)
    except AddressRefused as error:
        wrong = {"field": "callbackUrl", "message": error.message, "value": url[:200]}
        raise Invalid(f"callbackUrl: {error.message}", hint=error.hint, errors=[wrong]) from None


async def make_document_plan(house: House, caller: Caller, asked: DocumentRequest) -> Made:
    """A plan document with a task for each of its stages."""
    plan = document_plan(
        asked.prompt,
        asked.speed_vs_detail,
        asked.llm_model,
        starts_by_itself=asked.start,
        timezone=house.clock.timezone.key,
    )
    acting, _ = await in_organization(caller, None)
    return Made(await plans.create_plan(acting, plan))


async def in_organization(caller: Caller, wanted: str | None) -> tuple[Caller, UUID]:
    """The caller acting in that organization (its id, or the name of the one they act in anyway), and its id.

    NotFound where it is not theirs; a program's token acts in its own alone.
    """
    own = (await get_profile(caller))["organization"]
    if own is None:
        raise NotFound("You belong to no organization")
    named = wanted is None or wanted.casefold() in {own["id"], str(own["name"]).casefold()}
    if named:
        return in_organization_of(caller, UUID(own["id"])), UUID(own["id"])
    missing = NotFound("There is no such organization", errors=[{"field": "tenantId", "message": "not one of yours"}])
    try:
        organization_id = UUID(wanted)
    except ValueError:
        raise missing from None
    if caller.identity.token_id is not None:
        raise missing
    acting = in_organization_of(caller, organization_id)
    if (await get_profile(acting))["organization"] is None:
        raise missing
    return acting, organization_id


def in_organization_of(caller: Caller, organization_id: UUID) -> Caller:
    """The caller acting in that one of their organizations; where it is not theirs, they see nothing."""
    return Caller(caller.database, replace(caller.identity, organization_id=organization_id))
