"""Folders are URLs: `app/api/tasks/execute/route.py` serves `/api/tasks/execute`, `app/tasks/page.py` serves `/tasks`.

A folder `by_task_id` is the segment `{task_id}` (a UUID where the name ends in `_id`), underscores become hyphens, a
folder that begins with an underscore is private. Static segments go before UUIDs, and these before names. A module
exports handlers named after HTTP methods and nothing else; duplicates and stray functions stop the app from being built.
"""

import importlib
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.responses import HTMLResponse

from app.api._answers import is_list
from app.dependencies import CurrentCaller
from app.parameters import only_known_parameters
from app.standing import note_stop

METHODS = ("get", "post", "put", "patch", "delete", "websocket")
Handler = TypeVar("Handler", bound=Callable[..., Any])


class Problem(BaseModel):
    """An error (RFC 9457): what went wrong, and what would help."""

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = None
    errors: list[dict[str, str]] | None = None


@dataclass(frozen=True)
class Contract:
    """What a handler answers with; see `responds`."""

    summary: str = ""
    status_code: int = 200
    response_model: Any = None
    problems: tuple[int, ...] = ()
    also: tuple[str, ...] = ()
    also_status: dict[int, type[BaseModel] | None] = field(default_factory=dict[int, type[BaseModel] | None])


def responds(
    *,
    summary: str,
    status_code: int = 200,
    response_model: Any = None,
    problems: Iterable[int] = (),
    also: Iterable[str] = (),
    also_status: dict[int, type[BaseModel] | None] | None = None,
) -> Callable[[Handler], Handler]:
    """State what a handler answers with: its status and model, problem statuses, other media types, other statuses.

    Another status without a model has no body: there is nothing now.
    """

    def mark(handler: Handler) -> Handler:
        contract = Contract(summary, status_code, response_model, tuple(problems), tuple(also), also_status or {})
        handler.__contract__ = contract  # pyright: ignore[reportFunctionMemberAccess]
        return handler

    return mark


def build_router(folder: Path, package: str) -> APIRouter:
    """The routes of all route.py and page.py files below `folder`, a package. Raises ValueError naming file and name."""
    router = APIRouter()
    taken: dict[tuple[str, str], Path] = {}
    files = [*folder.rglob("route.py"), *folder.rglob("page.py")]
    for file in sorted(files, key=lambda f: [_order(part) for part in f.relative_to(folder).parts]):
        parts = file.relative_to(folder).parts[:-1]
        if any(part.startswith("_") for part in parts):
            continue
        path = "/" + "/".join(_segment(part, file) for part in parts)
        module = importlib.import_module(".".join([package, *parts, file.stem]))
        for name, handler in _handlers(module, file):
            key = (name, NAMES.sub("", path))  # two names for one segment are one URL
            if key in taken:
                raise ValueError(f"{file} serves {name.upper()} {path}, and so does {taken[key]}")
            taken[key] = file
            _add(router, path, name, handler, is_page=file.stem == "page")
    return router


def _order(part: str) -> tuple[int, str]:
    return (0 if not part.startswith("by_") else 1 if part.endswith("_id") else 2), part


def _segment(folder: str, file: Path) -> str:
    if not folder.isidentifier():
        raise ValueError(f"{file}: the folder {folder} cannot be imported; a hyphen in the URL is an underscore there")
    if folder.startswith("by_"):
        name = folder.removeprefix("by_")
        return f"{{{name}:uuid}}" if name.endswith("_id") else f"{{{name}}}"
    return folder.replace("_", "-")


def _handlers(module: ModuleType, file: Path) -> Iterable[tuple[str, Callable[..., Any]]]:
    handlers: dict[str, Callable[..., Any]] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or not inspect.isfunction(value) or value.__module__ != module.__name__:
            continue
        if name not in METHODS:
            raise ValueError(f"{file} exports {name}; only {', '.join(METHODS)} may be public functions there")
        if not inspect.iscoroutinefunction(value):
            raise ValueError(f"{file}: {name} is not async")
        handlers[name] = value
    if not handlers:
        raise ValueError(f"{file} serves nothing; it needs one of {', '.join(METHODS)}")
    return handlers.items()


def _add(router: APIRouter, path: str, method: str, handler: Callable[..., Any], *, is_page: bool) -> None:
    if method == "websocket":
        router.add_api_websocket_route(path, handler)
        return
    if is_page:
        methods = ["GET", "HEAD"] if method == "get" else [method.upper()]
        router.add_api_route(
            path,
            handler,
            methods=methods,
            include_in_schema=False,
            response_class=HTMLResponse,
            response_model=None,
            dependencies=[Depends(note_stop)] if _is_signed_in(handler) else [],
        )
        return
    contract: Contract = getattr(handler, "__contract__", Contract())
    words = [part for part in path.split("/") if part and part != "api"]
    name = "_".join([method, *(w.strip("{}").removesuffix(":uuid").replace("-", "_") for w in words)])
    router.add_api_route(
        path,
        handler,
        methods=[method.upper()],
        dependencies=[Depends(only_known_parameters)] if method == "get" and is_list(contract.response_model) else [],
        summary=contract.summary,
        status_code=contract.status_code,
        response_model=contract.response_model,
        operation_id=name,
        tags=[words[0] if words else "home"],
        responses=_responses(contract, path, method),
    )


def _is_signed_in(handler: Callable[..., Any]) -> bool:
    """Does the handler ask for its caller?"""
    return any(parameter.annotation == CurrentCaller for parameter in inspect.signature(handler).parameters.values())


def _responses(contract: Contract, path: str, method: str) -> dict[int | str, dict[str, Any]]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    common: tuple[int, ...] = (400, 500)
    if path.startswith("/api/"):
        common += (401, 403, 422, 429, 503) if method == "get" else (401, 403, 409, 413, 415, 422, 429, 503)
    answers: dict[int | str, dict[str, Any]] = {
        status: {"description": PROBLEM_WORDS.get(status, "Problem"), "content": problem}
        for status in sorted({*common, *contract.problems})
    }
    if contract.also:
        answers[contract.status_code] = {
            "description": "Successful Response",
            "content": {media: {"schema": {} if media == JSON else {"type": "string"}} for media in contract.also},
        }
    for status, model in contract.also_status.items():
        answers[status] = {"model": model, "description": "Accepted"} if model else {"description": NOTHING_NOW}
    return answers


JSON = "application/json"  # of a file: whatever it holds
NOTHING_NOW = "There is nothing now; Retry-After says when to come again"
NAMES = re.compile(r"(?<={)\w+")
PROBLEM_WORDS = {
    400: "The request cannot be understood",
    401: "Nobody is signed in",
    403: "Not allowed",
    404: "There is no such thing",
    409: "The state of things does not allow this",
    413: "Too large",
    415: "The body is not JSON",
    422: "A value is wrong",
    429: "Too many requests; Retry-After says when to come again",
    500: "Something went wrong here",
    503: "Something this needs is out of reach",
}
