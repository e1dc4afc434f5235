"""Errors on their way out: problem+json for programs, a page for people."""

import json
import re
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from jinja2 import TemplateError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from app.scopes import BY_TOOL
from app.sign_in.places import sign_in_page_for
from app.templating import render_error
from core.errors import Conflict, Invalid, OutcomeUnknown, StewardError, TooMany, Unavailable
from core.written import Written

log = structlog.get_logger()
WRITTEN = "written"  # in the state of a request that is answered once: what is known of its writes
PARTLY_DONE = "Part of it was done before that: look before you ask for it again."
TITLES = {404: "There is no such page", 405: "This method is not served here"}
MOST_ERRORS = 20
REFUSED = -32600  # JSON-RPC 2.0: the request is not valid
UNION_BRANCH = re.compile(r"[A-Z]\w*|[\w-]+\[.*\]", re.DOTALL)  # a model's name, or what wraps one: never a field
SHAPE_ERRORS = {"missing", "extra_forbidden"}  # more of them: this branch of a union was less likely meant


class Boundary:
    """Gives each request an id (`X-Request-Id`, and in the log), and turns what escapes the app into a problem.

    It stands inside the security headers, so an unexpected error leaves with them too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        has_started = False

        async def with_id(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        with bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, with_id)
            except Exception as error:
                if has_started:  # nothing can be said any more: the server cuts the connection, so that it shows
                    raise
                answer = await answer_to(Request(scope, receive), error)
                await answer(scope, receive, with_id)


def add_problem_handlers(app: FastAPI) -> None:
    """Every error leaves as one shape. What has no handler here passes the middleware and ends at the `Boundary`."""
    app.add_exception_handler(StewardError, _steward_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)


def problem_response(request: Request, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """The problem as JSON, or as a page (for htmx: a fragment) where a person looks at one.

    Clients of the Model Context Protocol pass words on only where they come as an error of JSON-RPC.
    """
    if request.url.path == BY_TOOL:
        words = ". ".join(filter(None, (body.get("detail") or body["title"], body.get("hint"))))
        error = {"jsonrpc": "2.0", "id": None, "error": {"code": REFUSED, "message": words, "data": body}}
        return JSONResponse(error, status_code=body["status"], headers=headers)
    if not _is_for_a_person(request):
        return JSONResponse(body, status_code=body["status"], headers=headers, media_type="application/problem+json")
    if body["status"] == 401 and (there := sign_in_page_for(request)):
        return there
    try:
        return render_error(request, body, headers)
    except TemplateError as error:
        log.error("error_page_failed", path=request.url.path, exc_info=error)
        words = [body["title"], body.get("detail"), body.get("hint")]
        return PlainTextResponse("\n".join(filter(None, words)), status_code=body["status"], headers=headers)


def _is_for_a_person(request: Request) -> bool:
    if request.url.path.startswith("/api/"):
        return False
    return "text/html" in request.headers.get("accept", "") or request.headers.get("hx-request") == "true"


def may_pass(status: int, *, says_when: bool) -> bool:
    """Is this a failure after which the same request may go well? `says_when`: with Retry-After, as a lost race has it."""
    return status >= 500 or status == TooMany.status or (status == Conflict.status and says_when)


async def answer_to(request: Request, error: Exception) -> Response:
    """What is answered where this escaped."""
    return await (_steward_error if isinstance(error, StewardError) else _unexpected)(request, error)


async def _steward_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, StewardError)  # nosec B101 # narrows the type
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    passes = may_pass(error.status, says_when=error.retry_after_seconds is not None)
    is_partly_done = passes and not isinstance(error, OutcomeUnknown) and _has_written(request)
    if error.retry_after_seconds is not None and not is_partly_done:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status >= 500:
        await log.aerror("request_failed", path=request.url.path, error=error.message, detail=error.detail)
    body = told(error) | ({"hint": PARTLY_DONE} if is_partly_done else {})
    return problem_response(request, body, headers)


def told(error: StewardError) -> dict[str, Any]:
    """The problem as it is told to whoever asked."""
    body = error.problem()
    if error.status == 500 or isinstance(error, Unavailable):
        body["detail"] = error.message  # what is inside stays inside
    return body


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # nosec B101 # narrows the type
    return problem_response(request, invalid_from([dict(e) for e in error.errors()]).problem())


def invalid_from(found: list[dict[str, Any]]) -> Invalid:
    """What Pydantic found wrong, each with its field; the first in a sentence."""
    errors = explain(found)
    first = errors[0]
    got = f" (it is {first['value']})" if "value" in first else ""
    return Invalid(f"{first['field']}: {first['message']}{got}", errors=errors)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # nosec B101 # narrows the type
    status, headers = error.status_code, dict(error.headers or {})
    if status == 400 and isinstance(error.__cause__, ValueError | RecursionError):  # FastAPI could not read the JSON
        unread = {"type": "json_invalid", "loc": ("body",), "ctx": {"error": "it is not UTF-8, or nested too deep"}}
        return await _validation_error(request, RequestValidationError([unread]))
    path, detail = request.url.path[:200], str(error.detail)
    if status == 404 and detail == "Not Found":
        detail = f"Nothing is served at {path}"
    if status == 405:
        headers["Allow"] = ", ".join(_methods_at(request))
        detail = f"{request.method[:20]} is not served at {path}; allowed is {headers['Allow']}"
    title = TITLES.get(status, str(error.detail))
    body = {"type": f"urn:steward:problem:http-{status}", "title": title, "status": status, "detail": detail}
    if status == 404 and path in {"/sign-in", "/sign-up"}:  # no project is set up to sign in with
        body["hint"] = "People sign in here by a link: `steward link` prints one."
    return problem_response(request, body, headers)


def _methods_at(request: Request) -> list[str]:
    """The methods that are served at the URL of the request, whichever route has them."""
    methods: set[str] = set()
    for route in request.app.state.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    return sorted(methods)


async def _unexpected(request: Request, error: Exception) -> Response:
    await log.aerror("request_crashed", path=request.url.path, exc_info=error)
    hint = f"It stands there as request {request.scope['state']['request_id']}."
    if _has_written(request):
        hint += f" {PARTLY_DONE}"
    return problem_response(request, StewardError("An unexpected error; the log has it", hint=hint).problem())


def _has_written(request: Request) -> bool:
    written: Written | None = request.scope.get("state", {}).get(WRITTEN)
    return written is not None and written.perhaps


def explain(errors: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Pydantic's errors as `{field, message, value?}`; of a union of models the branch that was most likely meant."""
    branches: dict[str, list[dict[str, Any]]] = {}
    for error in errors:
        branches.setdefault(_branch(error), []).append(error)
    plain = branches.pop("", [])
    if branches:
        meant = min(branches, key=lambda b: (sum(e["type"] in SHAPE_ERRORS for e in branches[b]), len(branches[b])))
        plain += [{**error, "loc": (error["loc"][0], *error["loc"][2:])} for error in branches[meant]]
    return [_explained(error) for error in plain[:MOST_ERRORS]]


def _branch(error: dict[str, Any]) -> str:
    """The model of a union that found this error; empty where no union was."""
    loc = error["loc"]
    return loc[1] if len(loc) > 1 and isinstance(loc[1], str) and UNION_BRANCH.fullmatch(loc[1]) else ""


def _explained(error: dict[str, Any]) -> dict[str, str]:
    loc: list[int | str] = list(error["loc"])
    if error["type"] == "json_invalid":
        where = f" at character {loc[1]}" if len(loc) > 1 else ""
        return {"field": str(loc[0]), "message": f"This is not JSON{where}: {error['ctx']['error']}"}
    field = ".".join(str(part) for part in loc[1:]) or str(loc[0])
    message = str(error.get("msg", "")).removeprefix("Value error, ")
    explained = {"field": _printable(field), "message": _printable(message, most=500)}
    if error["type"] != "missing" and "input" in error:
        explained["value"] = _short(error["input"])
    return explained


def _short(value: object) -> str:
    """The value as JSON, cut off; what JSON has no form for, as Python writes it."""
    if isinstance(value, str):
        value = value[:200]
    try:
        return _printable(json.dumps(value, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return _printable(str(value))


def _printable(text: str, most: int = 100) -> str:
    """The text as UTF-8 can carry it: a lone surrogate is written out; cut off where it is long."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= most else f"{text[:most]}…"
