"""GET /api/plans/{plan_id}/stages/{stage}."""

from uuid import UUID

from app.dependencies import CurrentCaller
from app.router import responds
from core.errors import NotFound
from tasks.plans import StoredSection, list_plan_sections


@responds(summary="One stage with its section", response_model=StoredSection, problems=(404,))
async def get(caller: CurrentCaller, plan_id: UUID, stage: str) -> StoredSection:
    sections = await list_plan_sections(caller, plan_id)
    found = next((one for one in sections if one.stage == stage), None)
    if found is None:
        known = ", ".join(one.stage for one in sections) or "none"
        raise NotFound(f"This plan has no stage {stage[:100]!r}", detail=f"there are: {known}")
    return found
