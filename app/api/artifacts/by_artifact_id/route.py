"""GET /api/artifacts/{artifact_id}: a file of a task, to whom it belongs, and so that no browser runs it."""

from uuid import UUID

from starlette.responses import Response

from app.dependencies import CurrentCaller
from app.files import SHOWN, served_file
from app.router import responds


@responds(
    summary="A file: pictures as such, anything else as an attachment of bytes; or where to fetch it (302)",
    also=("application/octet-stream", *sorted(SHOWN)),
    also_status={302: None},
    problems=(404, 503),
)
async def get(caller: CurrentCaller, artifact_id: UUID) -> Response:
    return await served_file(caller, artifact_id)
