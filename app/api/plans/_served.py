"""How papers of plans are handed over, so that no browser runs what is in them."""

from urllib.parse import quote

from starlette.responses import Response

from agents.playbooks.document.html import REPORT_POLICY
from app._plans.papers import Paper

NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
MEDIA_TYPES = (
    "text/html",
    "text/markdown",
    "application/json",
    "application/pdf",
    "text/csv",
    "image/svg+xml",
    "application/zip",
    "application/octet-stream",
)


def served(paper: Paper, *, inline: bool = False) -> Response:
    """The paper, to be looked at (`inline`) or kept."""
    how = "inline" if inline else "attachment"
    return Response(
        paper.content,
        media_type=paper.media_type,
        headers={
            "Content-Disposition": f"{how}; filename*=UTF-8''{quote(paper.name, safe='')}",
            "Content-Security-Policy": f"{REPORT_POLICY}; frame-ancestors 'none'" if inline else NO_SCRIPTS,
            "Cache-Control": "private, no-cache",
            "Vary": "Accept, Authorization, Cookie",
        },
    )
