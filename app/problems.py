"""Errors on their way out: problem+json for programs, a page for people."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from app.templating import render_error
from core.errors import StewardError, Unavailable

log = structlog.get_logger()
TITLES = {
    400: "The request cannot be understood",
    404: "There is no such page",
    405: "This method is not served here",
    415: "The body is not JSON",
}


def add_problem_handlers(app: FastAPI) -> None:
    """Every error leaves as one shape."""
    app.add_exception_handler(StewardError, _steward_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected)


def problem_response(request: Request, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """The problem as JSON, or as a page where a person looks at one."""
    if not request.url.path.startswith("/api") and "text/html" in request.headers.get("accept", ""):
        return render_error(request, body, headers)
    return JSONResponse(body, status_code=body["status"], headers=headers, media_type="application/problem+json")


async def _steward_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, StewardError)
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status >= 500:
        await log.aerror("request_failed", path=request.url.path, error=error.message, detail=error.detail)
    body = error.problem()
    if error.status == 500 or isinstance(error, Unavailable):
        body["detail"] = error.message  # what is inside stays inside
    return problem_response(request, body, headers)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {
            "field": ".".join(str(part) for part in e["loc"][1:]) or str(e["loc"][0]),
            "message": str(e["msg"]),
            "value": _short(e.get("input")),
        }
        for e in error.errors()[:20]
    ]
    first = errors[0]
    body = {
        "type": "urn:steward:problem:invalid",
        "title": "A value is wrong",
        "status": 422,
        "detail": f"{first['field']}: {first['message']}",
        "errors": errors,
    }
    return problem_response(request, body)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = TITLES.get(error.status_code, str(error.detail))
    body = {
        "type": f"urn:steward:problem:http-{error.status_code}",
        "title": title,
        "status": error.status_code,
        "detail": str(error.detail),
    }
    return problem_response(request, body, dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> Response:
    await log.aerror("request_crashed", path=request.url.path, exc_info=error)
    body = {
        "type": "urn:steward:problem:internal",
        "title": "Something went wrong",
        "status": 500,
        "detail": "An unexpected error; the log has it",
    }
    return problem_response(request, body)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"
