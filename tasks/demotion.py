"""A permission that switches itself off after a no: which one it was."""

from uuid import UUID

from core.database import Caller
from tasks.policies import Policy, list_policies
from tasks.review import get_approval


async def switched_off_by(caller: Caller, approval_id: UUID) -> Policy | None:
    """The permission that this no switched off; None where it was off before, or none would have let it through."""
    said = await get_approval(caller, approval_id)
    named = said.decision.permission_id or said.decision.considered_permission_id
    if named is None or said.state != "rejected":
        return None
    for policy in (await list_policies(caller)).items:
        if policy.id == named and policy.demoted_at is not None and policy.demoted_at == said.decided_at:
            return policy
    return None
