"""The OpenAPI document: what the routes say, who may call them, and how answers lead to further requests (links)."""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from app.dependencies import current_caller
from app.person_session import COOKIE
from app.router import Problem

METHODS = {"get", "post", "put", "patch", "delete"}
ID = re.compile(r"(?P<collection>/.+)/\{(?P<name>\w+_id)\}(?P<rest>/.*)?")
OWN_NAMES = {"/api/plans": "planId"}  # collections whose POST answers with another name for the id
PARAMETER = re.compile(r"\{(\w+)\}")
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "The same key and request gives the first answer again (Idempotency-Replayed: true); another request gives 409; "
    "503 of type outcome-unknown says that the first was cut off or streamed, and may have been done",
}

OVER_HTTPS = "The session of a browser. Over HTTPS the name begins with __Host-"


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The document of the app; made once."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        components = schema.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(unused, None)
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": OVER_HTTPS},
        }
        schema["security"] = [{"bearer": []}, {"session": []}]
        _say_who_may_call(app, schema)
        _link(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def asks_who_calls(route: BaseRoute) -> bool:
    """Is the caller's identity among what the route depends on?"""
    return isinstance(route, APIRoute) and _asks(route.dependant)


def route_of(routes: list[BaseRoute], scope: Scope) -> BaseRoute | None:
    """The route that serves this request, method and all; None where it gets 404 or 405."""
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)


def _asks(dependant: Dependant) -> bool:
    return dependant.call is current_caller or any(_asks(below) for below in dependant.dependencies)


def _say_who_may_call(app: FastAPI, schema: dict[str, Any]) -> None:
    """A route that does not ask who calls is open (it may have a secret of its own), and knows no Idempotency-Key."""
    known = {(route.path_format, method): route for route in _routes(app) for method in route.methods or ()}
    for path, method, operation in _operations(schema):
        if asks_who_calls(known[path, method.upper()]):
            if method != "get":
                operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        else:
            operation["security"] = []


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    return (route for route in app.state.routes if isinstance(route, APIRoute) and route.include_in_schema)


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def _link(schema: dict[str, Any]) -> None:
    """Link each answer that shows a thing with what can be done to it (OpenAPI 3.1, "Link Object").

    What stands in a collection `/api/tasks` is found by its `id`: in what POST makes there, and first in its list. From
    the thing itself, `/api/tasks/{task_id}`, the same is linked with the id of the request.
    """
    for path, _, target in _operations(schema):
        found = ID.fullmatch(path)
        if not found:
            continue
        collection, name = found["collection"], found["name"]
        thing = f"{collection}/{{{name}}}"
        outer = {other: f"$request.path.{other}" for other in PARAMETER.findall(collection)}
        if set(PARAMETER.findall(path)) != {name, *outer}:
            continue  # an inner thing: its own collection leads to it
        for source, method, value in (
            (collection, "post", f"$response.body#/{OWN_NAMES.get(collection, 'id')}"),
            (collection, "get", "$response.body#/items/0/id"),
            (thing, "get", f"$request.path.{name}"),
            (thing, "patch", f"$request.path.{name}"),
        ):
            operation = schema["paths"].get(source, {}).get(method)
            if operation and operation is not target:
                link = {"operationId": target["operationId"], "parameters": {**outer, name: value}}
                _success(operation).setdefault("links", {})[target["operationId"]] = link


def _success(operation: dict[str, Any]) -> dict[str, Any]:
    return next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
