"""What every request passes: headers, hosts, sizes, and text that can be stored."""

import json
from collections.abc import AsyncIterator, MutableMapping
from contextlib import suppress
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.security import CONTENT_SECURITY_POLICY, KnownHosts, StorableText, replaying
from core.errors import BadRequest, Invalid

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/healthz"),
        ("GET", "/probe/page"),
        ("GET", "/api/tasks"),
        ("GET", "/nothing"),
        ("PUT", "/api/tasks"),
        ("GET", "/api/probe/crash"),
        ("GET", "/static/htmx.js"),
        ("GET", "/openapi.json"),
        ("GET", "/?token=wrong"),
        ("POST", "/api/probe/word"),
    ],
)
async def test_every_answer_carries_the_security_headers(browser: AsyncClient, method: str, path: str) -> None:
    headers = (await browser.request(method, path)).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-dns-prefetch-control"] == "off"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert len(headers["x-request-id"]) == 32


def test_the_policy_lets_nothing_inline_or_foreign_run() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY
    assert "*" not in CONTENT_SECURITY_POLICY


async def test_no_cache_keeps_what_is_not_a_static_file(browser: AsyncClient) -> None:
    assert (await browser.get("/api/tasks")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST", "127.0.0.1", "[::1]:8765"])
async def test_the_hosts_of_this_installation_are_served(browser: AsyncClient, host: str) -> None:
    assert (await browser.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1:8765:80",
        "[::1].evil.example",
        "127.0.0.1:port",
        "192.168.0.7",
        "",
    ],
)
async def test_a_foreign_host_is_refused(browser: AsyncClient, host: str) -> None:
    answer = await browser.get("/healthz", headers={"Host": host})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:steward:problem:bad-request")


@pytest.mark.parametrize(
    ("host", "is_served"), [("192.168.0.7:8765", True), ("[fe80::1]", True), ("evil.example", False)]
)
async def test_listening_everywhere_numbers_are_served_and_names_are_not(host: str, is_served: bool) -> None:
    scope = {"type": "http", "headers": [(b"host", host.encode())]}
    reached = False

    async def app(*_: object) -> None:
        nonlocal reached
        reached = True

    with suppress(BadRequest):
        await KnownHosts(app, {"0.0.0.0"})(scope, _silent, _silent)
    assert reached is is_served


async def test_a_websocket_of_a_foreign_host_is_closed(web: FastAPI) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await web({"type": "websocket", "path": "/", "headers": [(b"host", b"evil.example")]}, _silent, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_a_body_over_the_limit_is_413_with_or_without_a_length(browser: AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 1000

    for content in (b" " * 5001, parts()):
        answer = await browser.post("/api/probe/word", content=content, headers=JSON)
        assert answer.status_code == 413
        assert "5000 bytes" in answer.json()["detail"]


async def test_a_body_at_the_limit_is_taken(browser: AsyncClient) -> None:
    body = b'{"word": "a"}'.ljust(5000)
    assert (await browser.post("/api/probe/word", content=body, headers=JSON)).status_code == 200


async def test_a_length_that_lies_is_refused_before_anything_is_read(browser: AsyncClient) -> None:
    answer = await browser.post("/api/probe/word", content=b"{}", headers={**JSON, "Content-Length": "999999"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
async def test_json_that_is_not_said_to_be_json_is_415(browser: AsyncClient, content_type: str) -> None:
    answer = await browser.post("/api/probe/word", content=b'{"word": "a"}', headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:steward:problem:not-json")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_json_is_taken_however_it_is_said(browser: AsyncClient, content_type: str) -> None:
    answer = await browser.post("/api/probe/word", content=b'{"word": "a"}', headers={"Content-Type": content_type})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"word": "a\\u0000"}', "word"),
        (b'{"word": "a", "more": {"deep": ["x", "\\u0000"]}}', "more.deep.1"),
        (b'{"word": "a", "more": {"\\u0000": 1}}', "more.\ufffd"),
        (b'{"word": "a", "more": {"half": "\\ud83d"}}', "more.half"),
        (b'{"word": "a", "more": {"half": "\\uDE00"}}', "more.half"),
        (b'"\\u0000"', "body"),
    ],
)
async def test_text_that_cannot_be_stored_is_422_naming_the_field(
    browser: AsyncClient, body: bytes, field: str
) -> None:
    answer = await browser.post("/api/probe/word", content=body, headers=JSON)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "body", [b'{"word": "\\\\u0000"}', b'{"word": "\\ud83d\\ude00"}', '{"word": "\U0001f600"}'.encode()]
)
async def test_text_that_only_looks_like_it_is_taken(browser: AsyncClient, body: bytes) -> None:
    assert (await browser.post("/api/probe/word", content=body, headers=JSON)).status_code == 200


@pytest.mark.parametrize(
    ("path", "field"), [("/api/tasks?q=a%00b", "q"), ("/api/tasks?a%00=b", "a\ufffd"), ("/a%00b", "path")]
)
async def test_a_nul_in_the_url_is_422(browser: AsyncClient, path: str, field: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_a_nul_in_a_form_is_422(browser: AsyncClient) -> None:
    answer = await browser.post("/probe/form", data={"word": "a\x00b"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "word")


TEXT = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x00\ud800\udfff\\u")), max_size=6)
VALUES = st.recursive(
    st.none() | TEXT, lambda v: st.lists(v, max_size=3) | st.dictionaries(TEXT, v, max_size=3), max_leaves=6
)


@given(value=VALUES)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_passes_can_be_stored_and_what_can_be_stored_passes(value: Any) -> None:
    body = json.dumps(value).encode()
    is_storable = _is_storable(json.loads(body))  # dumps and loads join halves that stand side by side
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    passed: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append((await receive())["body"])

    try:
        await StorableText(app)(scope, replaying(body, _silent), _silent)
    except Invalid:
        assert not is_storable
    else:
        assert is_storable
        assert passed == [body]


def _is_storable(value: Any) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return "\\u0000" not in text.replace("\\\\", "") and text.encode("utf-8", "ignore").decode() == text


async def test_a_body_is_given_once_and_then_what_the_client_sends() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    receive = replaying(b"body", gone)
    assert [(await receive())["type"] for _ in range(3)] == ["http.request", "http.disconnect", "http.disconnect"]


async def _silent(*_: object) -> Any:
    raise AssertionError("nothing is asked or said here")
