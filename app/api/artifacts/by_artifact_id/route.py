"""GET /api/artifacts/{artifact_id}: a file of a task, to whom it belongs, and so that no browser runs it."""

from urllib.parse import quote
from uuid import UUID

from starlette.responses import Response

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.artifacts import get_artifact

# What a browser may show by itself; anything else is handed over as a file. No SVG: it carries scripts.
SHOWN = {"image/jpeg", "image/png", "image/gif", "image/webp"}
NO_SCRIPTS = "default-src 'none'; sandbox; frame-ancestors 'none'"


@responds(
    summary="A file: pictures as such, anything else as an attachment of bytes",
    also=("application/octet-stream", *sorted(SHOWN)),
    problems=(404,),
)
async def get(caller: CurrentCaller, artifact_id: UUID) -> Response:
    artifact = await get_artifact(caller, artifact_id)
    is_shown = artifact.media_type in SHOWN
    return Response(
        artifact.content,
        media_type=artifact.media_type if is_shown else "application/octet-stream",
        headers={
            "Content-Disposition": f"{'inline' if is_shown else 'attachment'}; filename*=UTF-8''{quote(artifact.name, safe='')}",
            "Content-Security-Policy": NO_SCRIPTS,
            "Cache-Control": "private, max-age=3600",
            "Vary": "Authorization, Cookie",
        },
    )
