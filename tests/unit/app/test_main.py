"""The application as a whole: its schema is exact, its static files are its own."""

import json
import re
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from app.templating import asset

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
async def document(browser: AsyncClient) -> dict[str, Any]:
    return (await browser.get("/openapi.json")).json()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)) > 20


def test_each_operation_has_a_summary_a_tag_and_its_problems(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert operation["tags"], path
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (path, method, status)
        if path.startswith("/api/"):
            assert {"401", "422", "500"} <= set(operation["responses"]), path
        else:
            assert operation["security"] == [], path


def test_every_reference_leads_somewhere_and_validation_errors_are_ours(document: dict[str, Any]) -> None:
    wanted = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert "Problem" in wanted
    assert wanted <= set(document["components"]["schemas"]) | {"HTTPValidationError"}
    for _, _, operation in operations(document):
        assert "HTTPValidationError" not in json.dumps(operation)


async def test_real_problems_fit_the_schema_of_a_problem(browser: AsyncClient, document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["Problem"]
    problems = [
        await browser.get("/api/tasks"),
        await browser.get("/nothing"),
        await browser.post("/api/probe/word", json={"word": ""}),
        await browser.get("/api/probe/crash"),
    ]
    for problem in (answer.json() for answer in problems):
        assert set(schema["required"]) <= set(problem) <= set(schema["properties"])
        assert all(isinstance(value, str) for error in problem.get("errors", []) for value in error.values())


async def test_a_named_version_is_kept_for_a_year_and_no_other(browser: AsyncClient) -> None:
    assert "immutable" in (await browser.get(asset("htmx.js"))).headers["cache-control"]
    for version in ("", "?v=", "?v=000000000000"):
        assert (await browser.get(f"/static/htmx.js{version}")).headers["cache-control"] == "no-cache"


async def test_htmx_comes_as_javascript(browser: AsyncClient) -> None:
    answer = await browser.get(asset("htmx.js"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")


@pytest.mark.parametrize(
    "name", ["..%2fmain.py", "%2e%2e/main.py", "nothing.css", "", "%2fetc%2fpasswd", "..%5cmain.py"]
)
async def test_nothing_but_static_files_is_served_as_one(browser: AsyncClient, name: str) -> None:
    assert (await browser.get(f"/static/{name}")).status_code == 404


async def test_it_is_alive_without_its_database_but_not_ready(browser: AsyncClient) -> None:
    assert (await browser.get("/healthz")).json() == {"status": "ok"}
    assert (await browser.get("/readyz")).status_code == 503


def test_building_does_no_harm_twice(web: FastAPI) -> None:
    assert web.openapi() is web.openapi()


async def test_the_readable_docs_name_every_operation_without_any_script_of_others(
    browser: AsyncClient, document: dict[str, Any]
) -> None:
    answer = await browser.get("/docs")
    assert answer.status_code == 200
    for path, method, operation in operations(document):
        assert f"{method.upper()} {path}" in answer.text
        assert f'id="{operation["operationId"]}"' in answer.text
    assert re.findall(r'(?:src|href)="(?:https?:)?//', answer.text) == []
    assert "<script>" not in answer.text
    assert " style=" not in answer.text
