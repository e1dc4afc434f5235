"""How a file of a task is handed over: to whom it belongs, and so that no browser runs it."""

from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import UUID

from starlette.responses import RedirectResponse, Response, StreamingResponse

from core.database import Caller
from core.objects import ContentLost
from tasks.artifacts import Artifact, describe_artifact, open_artifact

# What a browser may show by itself; anything else is handed over as a file. No SVG: it carries scripts.
SHOWN = {"image/jpeg", "image/png", "image/gif", "image/webp"}
NO_SCRIPTS = "default-src 'none'; sandbox; frame-ancestors 'none'"


async def served_file(caller: Caller, artifact_id: UUID, *, is_shown: bool = True) -> Response:
    """The file, as it comes out of the database or its store; pictures may be shown, unless `is_shown` is false.

    Where the store hands out addresses: a redirection to one that is good for a minute, made only for who may read the row.
    Raises ContentLost before anything is sent where the content is missing; one that differs is cut off.
    """
    contents = caller.database.contents
    if contents.hands_out_urls:
        artifact = await describe_artifact(caller, artifact_id)
        if artifact.object_path:
            return await _elsewhere(caller, artifact, artifact.object_path)
    artifact, pieces = await open_artifact(caller, artifact_id)
    first = await anext(pieces)
    is_shown = is_shown and artifact.media_type in SHOWN
    return StreamingResponse(
        _from(first, pieces),
        media_type=artifact.media_type if is_shown else "application/octet-stream",
        headers={
            "Content-Length": str(artifact.size_bytes),
            "Content-Disposition": f"{'inline' if is_shown else 'attachment'}; filename*=UTF-8''{quote(artifact.name, safe='')}",
            "Content-Security-Policy": NO_SCRIPTS,
            "Cache-Control": "private, max-age=3600",
            "Vary": "Authorization, Cookie",
        },
    )


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def _elsewhere(caller: Caller, artifact: Artifact, path: str) -> Response:
    """From there it comes as plain bytes to be kept, whatever it is: nothing of ours is shown by another's origin."""
    store = caller.database.contents.store(artifact.stored_in)
    if await store.exists(path) != artifact.size_bytes:
        raise ContentLost(
            f"The content of {artifact.name} is missing or not the one that was kept",
            detail=path,
            hint="Put the object back from a back-up of the store.",
        )
    url = await store.signed_url(path, artifact.name)
    return RedirectResponse(url, 302, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
