"""GET /api/workflows: the kinds of task that Steward knows, and what the organization wrote for each."""

from fastapi import Request

from app.api.workflows._shapes import WorkflowListing, shown_workflows
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of


@responds(summary="The kinds of task, and your own instructions for each", response_model=WorkflowListing)
async def get(request: Request, caller: CurrentCaller) -> WorkflowListing:
    has_model = house_of(request).equipment.thinking.is_model
    return WorkflowListing(items=await shown_workflows(caller), has_model=has_model)
