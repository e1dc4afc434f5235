"""Forms of pages: reading them, and where they lead."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from fastapi import Request
from starlette.responses import RedirectResponse

from core.errors import Invalid


async def form_of(request: Request) -> Mapping[str, str]:
    """The text fields of a posted form, the last of each name, NUL-free."""
    return {name: str(value).replace("\x00", "") for name, value in (await request.form()).items()}


async def ids_of(request: Request, name: str = "id") -> list[UUID]:
    """The ids of ticked rows. Raises Invalid for what is none."""
    try:
        return [UUID(str(value)) for value in (await request.form()).getlist(name)]
    except ValueError as error:
        raise Invalid("A ticked row has no valid id", errors=[{"field": name, "message": "not an id"}]) from error


def back_to(path: str, **query: Any) -> RedirectResponse:
    """On to a page of ours after a form (303), so that a reload does not send it again."""
    target = urlsplit(path)
    if target.scheme or target.netloc or not path.startswith("/") or path.startswith("//"):
        path = "/"
    words = "&".join(f"{name}={quote(str(value))}" for name, value in query.items() if value not in (None, ""))
    joint = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{joint}{words}" if words else path, status_code=303)
