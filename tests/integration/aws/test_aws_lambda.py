"""Pages, API and gauge as functions of AWS: events of API Gateway, a Supabase project (Lite), secrets out of moto."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import boto3
import httpx
import pytest
import structlog
from mangum import Mangum
from moto import mock_aws

from app import aws_lambda, aws_lambda_metrics
from app.aws_lambda_events import viewer_of
from core.errors import Unavailable
from core.settings import Settings
from tests.emulators.supabase import SupabaseLite, supabase_lite

HOST = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
SECRETS = ("SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY", "SUPABASE_JWT_SECRET", "STEWARD_SECRET_KEY")
PASSWORD = "correct horse 9"


@dataclass(frozen=True)
class Ask:
    """Calls the handler as Lambda does: one event after the other, in one thread."""

    thread: ThreadPoolExecutor
    secret: str

    async def __call__(self, path: str, method: str = "GET", **more: Any) -> Any:
        sent = event(path, method, **more)
        return await asyncio.get_running_loop().run_in_executor(self.thread, aws_lambda.handler, sent, None)

    async def cool(self) -> None:
        """The function is as if it had never been asked."""
        await asyncio.get_running_loop().run_in_executor(self.thread, aws_lambda.forget)


def event(
    path: str, method: str = "GET", *, query: str = "", body: str | bytes | None = None, **more: Any
) -> dict[str, Any]:
    """An event as API Gateway sends it (payload format 2.0); bytes go as base64."""
    headers = {"host": HOST, "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9", "x-forwarded-port": "443"}
    raw = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {**headers, **more.get("headers", {})},
        **({"cookies": more["cookies"]} if "cookies" in more else {}),
        "requestContext": {
            "accountId": "111122223333",
            "apiId": "a1b2c3d4e5",
            "domainName": HOST,
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9",
                "userAgent": "test",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "ANY /{proxy+}",
            "stage": "$default",
            "time": "10/Mar/2026:08:00:00 +0000",
            "timeEpoch": 1773129600000,
        },
        **({"body": raw} if raw is not None else {}),
        "isBase64Encoded": isinstance(body, bytes),
    }


@pytest.fixture
async def project(database_url: str) -> AsyncGenerator[SupabaseLite]:
    async with supabase_lite(database_url) as opened:
        yield opened


@pytest.fixture
async def ask(project: SupabaseLite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Ask]:
    """A function that was never asked; its keys lie in Secrets Manager."""
    values = dict(
        zip(
            SECRETS,
            [project.publishable_key, project.secret_key, project.jwt_secret, base64.b64encode(b"k" * 32).decode()],
            strict=True,
        )
    )
    for name in SECRETS:
        monkeypatch.setenv(name, "")  # what the secret adds is gone with the test
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "not-a-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-key")
    monkeypatch.setenv("SUPABASE_URL", project.url)
    monkeypatch.setenv("STEWARD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("core.logging.set_up_logging", no_logging)  # of the whole process, which is the tests' here
    with mock_aws(), ThreadPoolExecutor(1) as lambda_thread:
        secrets = cast("Any", boto3).client("secretsmanager")
        made = secrets.create_secret(Name="steward/web", SecretString=json.dumps(values))
        secrets.close()
        monkeypatch.setenv("STEWARD_AWS_SECRET", made["ARN"])
        try:
            yield Ask(lambda_thread, made["ARN"])
        finally:
            await asyncio.get_running_loop().run_in_executor(lambda_thread, aws_lambda.forget)


def no_logging(settings: Settings) -> None:
    """The function's own logging stays off."""


async def person(project: SupabaseLite, email: str) -> dict[str, str]:
    """The header of somebody who signed up with Supabase Auth."""
    async with httpx.AsyncClient(headers={"apikey": project.publishable_key}) as client:
        answer = await client.post(f"{project.url}/auth/v1/signup", json={"email": email, "password": PASSWORD})
    return {"authorization": f"Bearer {project.issued(answer.json()['access_token'])}"}


def cookies_of(answer: dict[str, Any]) -> dict[str, str]:
    return dict(one.partition(";")[0].split("=", 1) for one in answer.get("cookies", []))


async def test_the_api_answers_as_a_server_does(ask: Ask, project: SupabaseLite) -> None:
    assert (await ask("/healthz"))["statusCode"] == 200
    ana = await person(project, "ana@example.com")
    body = json.dumps({"title": "Grüße an Zoë 🎈"})
    json_type = {"content-type": "application/json"}
    made = await ask("/api/tasks", "POST", headers=ana | json_type, body=body.encode())
    assert made["statusCode"] == 201, made
    listed = await ask("/api/tasks", query="limit=10", headers=ana)
    assert [one["title"] for one in json.loads(listed["body"])["items"]] == ["Grüße an Zoë 🎈"]
    foreign = await ask("/api/tasks", headers=await person(project, "mallory@example.net"))
    assert json.loads(foreign["body"])["items"] == []

    # Streams tell what has happened, and end: whoever asks again with the last id misses nothing and hears nothing twice.
    stream = {"accept": "text/event-stream", **ana}
    told = await ask("/api/events", headers=stream)
    assert told["headers"]["content-type"].startswith("text/event-stream")
    ids = [line[4:] for line in told["body"].splitlines() if line.startswith("id: ")]
    assert len(ids) > 1
    assert "event: task" in told["body"]
    assert told["body"].endswith("retry: 4000\nevent: polled\ndata: {}\n\n")
    again = await ask("/api/events", headers=stream | {"last-event-id": ids[-1]})
    assert "event: task" not in again["body"]
    assert "event: polled" in again["body"]
    since = await ask("/api/events", headers=ana, query=f"after={ids[-2]}")
    assert [str(one["id"]) for one in json.loads(since["body"])["items"]] == ids[-1:]

    nothing = await ask("/nothing/here", headers={"accept": "application/json"})
    assert (nothing["statusCode"], json.loads(nothing["body"])["status"]) == (404, 404)
    wrong = await ask("/api/tasks", "POST", headers=ana | json_type, body='{"title": ""}')
    assert (wrong["statusCode"], json.loads(wrong["body"])["errors"][0]["field"]) == (422, "title")
    large = await ask("/api/tasks", "POST", headers=ana | json_type, body=b"[" * 1_000_001)
    assert large["statusCode"] == 413
    assert (await ask("/api/tasks"))["statusCode"] == 401
    garbage = await ask("/api/tasks", headers={"authorization": "Bearer e30.e30.e30"})
    assert garbage["statusCode"] == 401


async def test_somebody_signs_in_and_stays_so_when_the_function_was_cold(ask: Ask, project: SupabaseLite) -> None:
    await person(project, "ana@example.com")
    page = await ask("/sign-in", headers={"accept": "text/html"})
    assert (page["statusCode"], page["isBase64Encoded"]) == (200, False)
    form = re.search(r'name="form_token" value="([^"]+)"', page["body"])
    assert form
    sent = urlencode({"form_token": form[1], "email": "ana@example.com", "password": PASSWORD, "action": "password"})
    jar = cookies_of(page)
    shown = {"accept": "text/html"}
    form_type = {"content-type": "application/x-www-form-urlencoded", **shown}

    def sent_with(origin: str) -> Any:
        kept = [f"{name}={value}" for name, value in jar.items()]
        return ask("/sign-in", "POST", headers={"origin": origin, **form_type}, body=sent.encode(), cookies=kept)

    assert (await sent_with("https://evil.example"))["statusCode"] == 403
    entered = await sent_with(f"https://{HOST}")
    assert (entered["statusCode"], entered["headers"]["location"]) == (303, "/"), entered
    assert len(entered["cookies"]) > 1  # several, each in a header of its own
    assert all("Secure" in one and "HttpOnly" in one for one in entered["cookies"])
    jar |= cookies_of(entered)
    kept = [f"{name}={value}" for name, value in jar.items() if value.strip('"')]
    for _ in range(2):
        today = await ask("/", headers=shown, cookies=["theme=dark", *kept])
        assert today["statusCode"] == 200, today
        assert "ana@example.com" in today["body"] or "Today" in today["body"]
        await ask.cool()  # the next event finds a function that was never asked

    icon = await ask("/static/icon.svg")
    assert (icon["isBase64Encoded"], icon["headers"]["content-type"]) == (False, "image/svg+xml")


async def test_behind_cloudfront_the_public_name_counts(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_PUBLIC_URL", "https://steward.example.org")
    page = await ask("/sign-in", headers={"accept": "text/html"})
    assert page["statusCode"] == 200
    sent = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
    api = await ask("/sign-in", "POST", headers={**sent, "origin": f"https://{HOST}"}, body="form_token=x")
    public = await ask(
        "/sign-in", "POST", headers={**sent, "origin": "https://steward.example.org"}, body="form_token=x"
    )
    assert "another site" in api["body"]
    assert "another site" not in public["body"]


async def test_an_odd_event_is_refused_and_the_next_is_answered(ask: Ask) -> None:
    def changed(change: Any) -> Any:
        sent = event("/api/tasks", "POST", body=b"{}")
        change(sent)
        return asyncio.get_running_loop().run_in_executor(ask.thread, aws_lambda.handler, sent, None)

    context = "requestContext"
    changes: tuple[Callable[[dict[str, Any]], object], ...] = (
        lambda sent: sent.pop(context),
        lambda sent: sent.clear(),
        lambda sent: sent[context]["http"].pop("sourceIp"),
        lambda sent: sent.update(body="%%%not base64"),
        lambda sent: sent[context]["http"].update(path="/\u4e2d\ud800"),
        lambda sent: sent["headers"].update({"x-odd": "\udc80"}),
        lambda sent: sent.update(cookies=[1]),
    )
    for change in changes:
        answer = await changed(change)
        assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (400, 400)
    assert (await ask("/healthz"))["statusCode"] == 200


KEY = "k" * 48
SHOWN = {"x-steward-edge": KEY}


@pytest.mark.parametrize(
    ("headers", "viewer"),
    [
        (SHOWN | {"x-forwarded-for": "198.51.100.6, 203.0.113.9"}, "198.51.100.6"),
        (SHOWN | {"x-forwarded-for": "10.0.0.1, 2001:db8::7, 203.0.113.9"}, "2001:db8::7"),
        (SHOWN | {"x-forwarded-for": "10.0.0.1, 198.51.100.6"}, "198.51.100.6"),
        (SHOWN | {"x-forwarded-for": "203.0.113.9"}, "203.0.113.9"),
        (SHOWN | {"x-forwarded-for": "nonsense, 203.0.113.9"}, "203.0.113.9"),
        ({"x-steward-edge": "guessed", "x-forwarded-for": "198.51.100.6, 203.0.113.9"}, "203.0.113.9"),
        ({"x-forwarded-for": "198.51.100.6, 203.0.113.9"}, "203.0.113.9"),
    ],
    ids=["edge", "ipv6-and-forged", "as-it-came", "one", "nonsense", "wrong-key", "past-the-edge"],
)
def test_only_our_cloudfront_says_whose_request_it_is(headers: dict[str, str], viewer: str) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert viewer_of(sent, "203.0.113.9", KEY) == viewer
    assert viewer_of(sent, "203.0.113.9", "") == "203.0.113.9"


async def test_the_application_sees_the_viewer_and_never_the_key() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    headers = [[b"x-steward-edge", KEY.encode()], [b"x-forwarded-for", b"198.51.100.6, 203.0.113.9"]]
    scope: Any = {"type": "http", "headers": headers, "client": ("203.0.113.9", 0)}
    nothing = cast("Any", None)
    await aws_lambda.OneHost(cast("Any", app), "steward.example.org", KEY)(scope, nothing, nothing)
    assert seen[0]["client"] == ("198.51.100.6", 0)
    assert KEY.encode() not in dict(seen[0]["headers"]).values()


async def test_what_keeps_it_from_opening_is_in_the_log_alone(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_AWS_SECRET", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:none-AbCdEf")
    with structlog.testing.capture_logs() as logs:
        answer = await ask("/")
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "60")
    assert "none-AbCdEf" not in answer["body"]
    assert "none-AbCdEf" in logs[0]["error"]
    monkeypatch.setenv("STEWARD_AWS_SECRET", ask.secret)
    assert (await ask("/healthz"))["statusCode"] == 200  # the next event opens it
    await ask.cool()
    monkeypatch.setenv("STEWARD_SECRET_KEY", "")
    monkeypatch.setenv("STEWARD_AWS_SECRET", "")
    with structlog.testing.capture_logs() as logs:
        assert (await ask("/"))["statusCode"] == 503


async def test_a_binary_answer_goes_as_base64() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"image/png")]}
        await send(start)
        await send({"type": "http.response.body", "body": b"\x89PNG\r\n\x00\xff"})

    def ask() -> Any:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        one_host = cast("Any", aws_lambda.OneHost(app, "steward.example.org"))
        door = Mangum(one_host, lifespan="off", text_mime_types=aws_lambda.TEXTS)
        try:
            return door(cast("Any", event("/x")), cast("Any", None))
        finally:
            loop.close()

    answer = await asyncio.to_thread(ask)
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == b"\x89PNG\r\n\x00\xff"


async def test_an_answer_that_lambda_would_not_hand_over_is_a_problem() -> None:
    answer = {"statusCode": 200, "headers": {"content-type": "application/json"}, "isBase64Encoded": False}
    fits = {**answer, "body": "ü" * 2_990_000}
    assert aws_lambda.within_limit(fits) is fits
    for body in ("ü" * 3_000_000, '"' * 3_000_000):  # what JSON makes of it counts
        refused = aws_lambda.within_limit({**answer, "body": body})
        assert (refused["statusCode"], refused["headers"]["content-type"]) == (413, "application/problem+json")
        problem = json.loads(refused["body"])
        assert problem["status"] == 413
        assert "6000000 at most" in problem["detail"]
        assert "Ask for less" in problem["hint"]


async def test_what_is_too_large_for_one_answer_is_refused_or_comes_in_parts(
    ask: Ask, project: SupabaseLite, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await person(project, "ana@example.com")
    for number in range(3):
        made = {"title": f"Task {number}", "description": "x" * 3000}
        await ask("/api/tasks", "POST", headers=ana | {"content-type": "application/json"}, body=json.dumps(made))
    monkeypatch.setattr(aws_lambda, "MOST_ANSWER_BYTES", 3000)
    listed = await ask("/api/tasks", headers=ana)
    assert (listed["statusCode"], json.loads(listed["body"])["type"].rpartition(":")[2]) == (413, "too-large")
    assert (await ask("/healthz"))["statusCode"] == 200
    monkeypatch.setattr(aws_lambda, "MOST_ANSWER_BYTES", 6_000_000)
    whole = await ask("/api/events", headers=ana | {"accept": "text/event-stream"})
    every = re.findall(r"id: (\d+)\nevent: task", whole["body"])
    assert len(every) == 3
    monkeypatch.setattr(aws_lambda, "MOST_PAST_BYTES", 300)
    parts: list[str] = []
    while len(parts) < len(every):
        last = {"last-event-id": parts[-1]} if parts else {}
        part = await ask("/api/events", headers=ana | {"accept": "text/event-stream"} | last)
        assert part["body"].endswith("event: polled\ndata: {}\n\n")
        found = re.findall(r"id: (\d+)\nevent: task", part["body"])
        assert 0 < len(found) < len(every)
        parts += found
    assert parts == every


async def test_the_gauge_writes_what_the_alarms_listen_to(
    ask: Ask, project: SupabaseLite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEWARD_AWS_INSTALLATION", "steward")
    ana = await person(project, "ana@example.com")
    json_type = {"content-type": "application/json"}
    for title in ("Write to Zoë", "Write to Ben"):
        body = json.dumps({"title": title, "execution_type": "fully_automated"})
        made = await ask("/api/tasks", "POST", headers=ana | json_type, body=body)
        which = json.dumps({"taskId": json.loads(made["body"])["id"]})
        queued = await ask("/api/tasks/execute", "POST", headers=ana | json_type, body=which)
        assert queued["statusCode"] in {200, 202}, queued
    capsys.readouterr()
    values = await asyncio.to_thread(aws_lambda_metrics.handler, {}, None)
    (line,) = [json.loads(one) for one in capsys.readouterr().out.splitlines() if one.startswith("{")]
    assert values["JobsReady"] == 2
    assert values["WorkersAlive"] == 0
    assert line["OldestQueuedSeconds"] == values["OldestQueuedSeconds"] >= 0
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Steward"
    assert all(name in line for (names,) in [directive["Dimensions"]] for name in names)
    assert {one["Name"] for one in directive["Metrics"]} <= line.keys()
    monkeypatch.setenv("SUPABASE_URL", "http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        await asyncio.to_thread(aws_lambda_metrics.handler, {}, None)
