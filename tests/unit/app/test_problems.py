"""Every error has one shape, says what is allowed, and tells nothing of the inside."""

from typing import Any

import pytest
from httpx import AsyncClient, Response
from jinja2 import TemplateNotFound

HTML = {"Accept": "text/html,application/xhtml+xml"}


def assert_problem(answer: Response, status: int, kind: str) -> dict[str, Any]:
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:steward:problem:{kind}"
    assert problem["title"]
    assert problem["detail"]
    return problem


async def test_an_unknown_url_is_404(browser: AsyncClient) -> None:
    problem = assert_problem(await browser.get("/api/nothing"), 404, "http-404")
    assert problem["detail"] == "Nothing is served at /api/nothing"


async def test_a_wrong_method_is_405_and_all_methods_are_named(browser: AsyncClient) -> None:
    answer = await browser.put("/api/tasks")
    assert_problem(answer, 405, "http-405")
    assert answer.headers["allow"] == "GET, POST"


async def test_a_wrong_value_is_422_with_field_value_and_what_is_allowed(browser: AsyncClient) -> None:
    answer = await browser.post("/api/probe/word", json={"word": "far too long a word"})
    problem = assert_problem(answer, 422, "invalid")
    [error] = problem["errors"]
    assert error["field"] == "word"
    assert error["value"] == '"far too long a word"'
    assert "at most 10 characters" in error["message"]
    assert "word" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "word"),
        ({"word": ""}, "word"),
        ({"words": []}, "words"),
        ({"words": [{"word": "a"}, {"word": ""}]}, "words.1.word"),
        ({"word": 5}, "word"),
    ],
)
async def test_of_a_union_the_likely_branch_is_told(browser: AsyncClient, body: object, field: str) -> None:
    problem = assert_problem(await browser.post("/api/probe/union", json=body), 422, "invalid")
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"word": nope}', "at character 9"),
        (b'{"word": "a"', "at character 12"),
        (b'{"word": "\xff"}', "not UTF-8"),
        (b"[" * 4900, ""),
        (b'{"word": "a\nb"}', "control character"),
    ],
)
async def test_a_body_that_is_no_json_is_422(browser: AsyncClient, content: bytes, words: str) -> None:
    answer = await browser.post("/api/probe/word", content=content, headers={"Content-Type": "application/json"})
    problem = assert_problem(answer, 422, "invalid")
    assert words in problem["detail"]
    assert "JSON" in problem["detail"]


async def test_no_body_at_all_is_422(browser: AsyncClient) -> None:
    problem = assert_problem(await browser.post("/api/probe/word"), 422, "invalid")
    assert problem["errors"] == [{"field": "body", "message": "Field required"}]


async def test_odd_values_and_names_are_told_without_failing_over_them(browser: AsyncClient) -> None:
    wrong = b'{"word": [NaN, -Infinity, 1e999, "\\ud83d\\ude00"], "more": "\xf0\x9f\x98\x80"}'
    answer = await browser.post("/api/probe/word", content=wrong, headers={"Content-Type": "application/json"})
    problem = assert_problem(answer, 422, "invalid")
    assert {error["field"] for error in problem["errors"]} == {"word", "more"}
    assert "😀" in answer.text


async def test_an_unexpected_error_is_500_without_what_is_inside(browser: AsyncClient) -> None:
    answer = await browser.get("/api/probe/crash")
    problem = assert_problem(answer, 500, "internal")
    assert "swordfish" not in answer.text
    assert answer.headers["x-request-id"] in problem["hint"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_an_unreachable_database_is_503_without_what_is_inside(browser: AsyncClient) -> None:
    problem = assert_problem(await browser.get("/readyz"), 503, "unavailable")
    assert "nowhere" not in str(problem)


async def test_a_stream_that_breaks_is_cut_not_ended(browser: AsyncClient) -> None:
    with pytest.raises(RuntimeError, match="cut in the middle"):
        await browser.get("/api/probe/stream")


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/probe/crash", 500), ("/tasks", 401)])
@pytest.mark.parametrize("headers", [HTML, {"HX-Request": "true"}])
async def test_people_get_a_page_instead_of_json(
    browser: AsyncClient, path: str, status: int, headers: dict[str, str]
) -> None:
    answer = await browser.get(path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<main" in answer.text
    assert "urn:steward" not in answer.text
    assert "swordfish" not in answer.text


async def test_without_its_template_the_page_is_plain_words(
    browser: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise TemplateNotFound("error.html")

    monkeypatch.setattr("app.problems.render_error", missing)
    answer = await browser.get("/nothing", headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert answer.text == "There is no such page\nNothing is served at /nothing"


async def test_programs_get_json_whatever_a_browser_would_accept(browser: AsyncClient) -> None:
    assert_problem(await browser.get("/api/nothing", headers=HTML), 404, "http-404")


async def test_a_stray_script_in_the_url_is_not_run(browser: AsyncClient) -> None:
    answer = await browser.get("/<script>alert(1)</script>", headers=HTML)
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text
