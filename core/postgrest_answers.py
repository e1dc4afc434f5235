"""What PostgREST and the gateway before it answer when there is no result."""

from dataclasses import dataclass
from typing import Any, cast

import httpx
import orjson

MOST_SHOWN = 200


@dataclass(frozen=True)
class ToldError:
    """An error as PostgREST words it; `code` is None where it was not PostgREST that answered."""

    code: str | None
    message: str
    details: str | None = None
    hint: str | None = None
    retry_after_seconds: int | None = None


def is_json(answer: httpx.Response) -> bool:
    """Is the body JSON by its own word, and as long as it should be?"""
    kind = answer.headers.get("content-type", "")
    return "json" in kind.partition(";")[0]


def error_of(answer: httpx.Response) -> ToldError:
    """The error that an answer tells; a gateway's page is summed up by its status."""
    after = answer.headers.get("retry-after", "")
    said: dict[str, Any] = {}
    try:
        body = orjson.loads(answer.content)
        if isinstance(body, dict):
            said = cast("dict[str, Any]", body)
    except orjson.JSONDecodeError:
        pass  # a gateway's page, or nothing at all: its status says what there is to say
    code = said.get("code")
    return ToldError(
        code if isinstance(code, str) and code else None,
        _text(said.get("message")) or _status(answer),
        _text(said.get("details")),
        _text(said.get("hint")),
        int(after) if after.isdecimal() and len(after) < 6 else None,
    )


def _status(answer: httpx.Response) -> str:
    return f"HTTP {answer.status_code} {answer.reason_phrase}".strip()[:MOST_SHOWN]


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else orjson.dumps(value).decode()
