"""What stands behind the question mark: a list takes the parameters it knows and no others."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant

from app.dependencies import CurrentCaller
from core.errors import Invalid

MOST_NAMED = 20


async def only_known_parameters(request: Request, caller: CurrentCaller) -> None:
    """Refuse parameters that the route does not have: a misspelled filter would show everything.

    It asks for the caller, so that strangers are told that they are strangers, and nothing else.
    """
    given = list(dict.fromkeys(request.query_params))
    if not given:
        return
    allowed = list(_names(request.scope["route"].dependant))
    unknown = [name for name in given if name not in allowed]
    if unknown:
        message = f"there is no such parameter; allowed: {', '.join(allowed) or 'none'}"
        raise Invalid(
            f"{_shown(unknown[0])}: {message}",
            errors=[{"field": _shown(name), "message": message} for name in unknown[:MOST_NAMED]],
        )


def _names(dependant: Dependant) -> Iterator[str]:
    """The query parameters of a handler, and of what it depends on."""
    yield from (field.alias for field in dependant.query_params)
    for below in dependant.dependencies:
        yield from _names(below)


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()[:100]
