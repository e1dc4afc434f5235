"""Tools that speak HTTP: reading what the person named, and any other request after a person's yes."""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, JsonValue, field_validator, model_validator

from agents import templates
from agents.equipment import Run
from agents.services.web import HttpClient
from agents.tools.tool import AnyTool, Done, Outcome, Shown, StrictInput, Tool
from core.outside.errors import Refused, Temporary, Uncertain
from core.outside.web import READING, HttpAnswer, HttpRequest, Method
from tasks.actions import Action, Effect
from tasks.models import Evidence

OURS = {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "keep-alive"}
SECRETS = re.compile(r"authorization|cookie|token|api-?key|secret|password", re.IGNORECASE)
LATER = {408, 425, 429}
SHOWN_CHARACTERS = 20_000


class Asked(StrictInput):
    """What every request has."""

    url: str = Field(min_length=8, max_length=4000)
    headers: dict[str, str] = Field(default_factory=dict[str, str], max_length=50)
    most_characters: int = Field(default=100_000, ge=100, le=1_000_000)
    fail_on_error: bool = Field(default=True, description="An answer of 400 and above fails the task")

    @field_validator("headers")
    @classmethod
    def _plain(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", name) or name.casefold() in OURS:
                raise ValueError(f"{name[:100]!r} is no header that may be set")
            if re.search(r"[\x00-\x1f\x7f]", text) or len(text) > 8000 or not text.isascii():
                raise ValueError(f"the value of {name} holds a sign that no header may hold, or is too long")
        return value


class ReadInput(Asked):
    """What to ask for."""

    method: Literal["GET", "HEAD"] = "GET"


class RequestInput(Asked):
    """What to send. At most one of `json_body` and `text_body`."""

    method: Method
    json_body: JsonValue = None
    text_body: str | None = Field(default=None, max_length=1_000_000)

    @model_validator(mode="after")
    def _one_body(self) -> "RequestInput":
        bodies = [body for body in (self.json_body, self.text_body) if body is not None]
        if len(bodies) > 1 or (bodies and self.method in READING):
            raise ValueError("allowed is one of json_body and text_body, and none with GET and HEAD")
        return self


class HttpOutput(BaseModel):
    """The answer. `data` is the body where it is JSON, `text` where it is other text."""

    status: int
    url: str
    headers: dict[str, str]
    data: JsonValue = None
    text: str = ""
    is_cut: bool = False


async def get(run: Run, given: ReadInput) -> Outcome:
    """Ask for it."""
    answer = await (await run.reach(HttpClient)).send(HttpRequest(given.method, given.url, given.headers))
    refuse_error(answer, given, is_reading=True)
    return _done(answer, given)


async def request(run: Run, given: RequestInput) -> Outcome:
    """Send exactly what was shown. A key that stays the same lets the server know a request it has seen."""
    headers, body = dict(given.headers), b""
    names = {name.casefold() for name in headers}
    if given.json_body is not None:
        body = json.dumps(given.json_body, ensure_ascii=False).encode()
        headers |= {} if "content-type" in names else {"Content-Type": "application/json"}
    elif given.text_body is not None:
        body = given.text_body.encode()
        headers |= {} if "content-type" in names else {"Content-Type": "text/plain; charset=utf-8"}
    if given.method not in READING and "idempotency-key" not in names:
        headers["Idempotency-Key"] = f"steward-{run.task.id}-{run.task.generation}"
    client = await run.reach(HttpClient)
    answer = await client.send(HttpRequest(given.method, given.url, headers, body or None))
    refuse_error(answer, given, is_reading=given.method in READING)
    return _done(answer, given)


async def get_action(run: Run, given: ReadInput) -> Action:
    """It opens an address, and carries its headers there."""
    return Action("http_get", Effect.FETCH, urls=[given.url], body=_headers(given))


async def request_action(run: Run, given: RequestInput) -> Action:
    """Reading opens an address; anything else writes there what it carries."""
    if given.method in READING:
        return Action("http_request", Effect.FETCH, urls=[given.url], body=_headers(given))
    carried = given.text_body or ""
    if given.json_body is not None:
        carried = json.dumps(given.json_body, ensure_ascii=False)
    return Action("http_request", Effect.WRITE, urls=[given.url], body=f"{carried}\n{_headers(given)}".strip())


def _headers(given: Asked) -> str:
    return "\n".join(f"{name}: {value}" for name, value in given.headers.items())


def place_of(url: str) -> str:
    """Host and port of an address, for people."""
    return urlsplit(url).netloc.rpartition("@")[2] or url[:100]


async def find_request(run: Run, given: RequestInput) -> None:
    """Reading may be done again; whether anything else took effect cannot be looked up."""
    if given.method not in READING:
        raise Uncertain(f"An earlier run sent {given.method} to {place_of(given.url)} and broke off")


async def show_request(run: Run, given: RequestInput) -> Shown:
    """The request as it will be sent; what others wrote of it is named."""
    host = place_of(given.url)
    facts: dict[str, Any] = {"method": given.method, "url": given.url, "headers": _without_secrets(given.headers)}
    facts |= await outside_facts(run)
    body = given.text_body or ""
    if given.json_body is not None:
        body = json.dumps(given.json_body, ensure_ascii=False, indent=2)
    text = body if len(body) <= SHOWN_CHARACTERS else f"{body[:SHOWN_CHARACTERS]}\n… {len(body)} characters in all"
    return Shown(f"Send {given.method} to {host}?", facts, text)


async def outside_facts(run: Run) -> dict[str, str]:
    """For a person who is asked: which parts of the input others wrote, and where they came from."""
    untrusted = (await templates.filled_input(run)).untrusted
    return (
        {"written by others": "; ".join(f"{place} (from {title})" for place, title in untrusted.items())}
        if untrusted
        else {}
    )


def refuse_error(answer: HttpAnswer, given: Asked, *, is_reading: bool) -> None:
    """Raises for an answer of 400 and above, where that is to fail: Refused, Temporary, or Uncertain after an effect."""
    status, host = answer.status, place_of(given.url)
    if status < 400 or not given.fail_on_error:
        return
    said = answer.body[:300].decode("utf-8", "replace")
    wait = answer.headers.get("retry-after", "")
    seconds = int(wait) if wait.isdecimal() and len(wait) < 7 else None
    if status in LATER or (status >= 500 and is_reading) or (status == 503 and seconds is not None):
        raise Temporary(f"{host} answers {status}", detail=said, retry_after_seconds=seconds)
    if status >= 500 and status != 501:
        raise Uncertain(f"{host} answers {status}: whether the request took effect is not known", detail=said)
    raise Refused(f"{host} answers {status}", detail=said)


def _done(answer: HttpAnswer, given: Asked) -> Done:
    text = answer.body.decode("utf-8", "replace").replace("\x00", "")
    data: JsonValue = None
    is_json = answer.media_type == "application/json" or answer.media_type.endswith("+json")
    if is_json and len(text) <= given.most_characters:
        try:
            data, text = json.loads(text, parse_constant=lambda _: None), ""
        except (ValueError, RecursionError):
            data = None
    output = HttpOutput(
        status=answer.status,
        url=answer.url,
        headers={name: value[:2000] for name, value in list(answer.headers.items())[:100] if not SECRETS.search(name)},
        data=data,
        text=text[: given.most_characters],
        is_cut=answer.is_cut or len(text) > given.most_characters,
    )
    what = f"{place_of(answer.url)} answered {answer.status}"
    return Done(output.model_dump(mode="json"), "verified", [Evidence(kind="answer", what=what, where=answer.url)])


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: "(not shown)" if SECRETS.search(name) else value for name, value in headers.items()}


HTTP_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "http_get",
        "Asks an address with GET or HEAD and gives status, headers and body. An address that the person did not name is asked about first",
        "read",
        get,
        ReadInput,
        HttpOutput,
        capability="web",
        needs=(HttpClient,),
        risk="low",
        effect=Effect.FETCH,
        action=get_action,
        brings_untrusted=True,
        timeout_seconds=90,
    ),
    Tool(
        "http_request",
        "Sends any HTTP request after the person has seen it and said yes; also reads addresses that nobody named",
        "act",
        request,
        RequestInput,
        HttpOutput,
        find=find_request,
        show=show_request,
        capability="web",
        needs=(HttpClient,),
        risk="high",
        effect=Effect.WRITE,
        action=request_action,
        brings_untrusted=True,
        timeout_seconds=90,
    ),
)
