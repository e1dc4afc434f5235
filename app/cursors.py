"""Opaque cursors of lists: the sort keys of the last item, as base64url JSON."""

import base64
from typing import Any

import orjson

from core.errors import Invalid

VERSION = 1
LONGEST = 4_000


def encode_cursor(values: list[Any]) -> str:
    """The cursor that stands for these sort keys."""
    return base64.urlsafe_b64encode(orjson.dumps([VERSION, *values])).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[Any]:
    """The sort keys of a cursor. Raises `Invalid` for what no list gave out."""
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        version, *values = orjson.loads(raw)
        if type(version) is not int or version != VERSION or not all(_is_key(value) for value in values):
            raise ValueError("wrong form")
    except (ValueError, TypeError) as error:
        raise Invalid(
            "The cursor is not one that a list gave out",
            errors=[{"field": "cursor", "message": "leave it out to begin anew"}],
        ) from error
    return values


def _is_key(value: object) -> bool:
    return value is None or isinstance(value, int | float) or (isinstance(value, str) and "\x00" not in value)
