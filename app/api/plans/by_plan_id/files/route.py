"""GET /api/plans/{plan_id}/files."""

from urllib.parse import quote
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from app._plans.papers import papers_of
from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of


class FileOfPlan(BaseModel):
    """A file that can be had. What is made when it is asked for has no size yet."""

    name: str
    media_type: str
    url: str
    size_bytes: int | None = None
    artifact_id: UUID | None = None


@responds(
    summary="The files of a plan: report, tables, charts, sections, a ZIP, and what its tasks kept",
    response_model=Listing[FileOfPlan],
    problems=(404,),
)
async def get(request: Request, caller: CurrentCaller, plan_id: UUID) -> Listing[FileOfPlan]:
    papers = await papers_of(house_of(request), caller, plan_id)
    base = f"/api/plans/{plan_id}/files"
    made = [
        FileOfPlan(name=one.name, media_type=one.media_type, url=f"{base}/{quote(one.name)}") for one in papers.made
    ]
    kept = [
        FileOfPlan(
            name=one.name,
            media_type=one.media_type,
            url=f"/api/artifacts/{one.id}",
            size_bytes=one.size_bytes,
            artifact_id=one.id,
        )
        for one in papers.kept
    ]
    return Listing[FileOfPlan](items=[*made, *kept])
