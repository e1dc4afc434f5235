"""Opaque cursors of lists: the sort keys of the last item, as base64url JSON."""

import base64
import binascii
import json
from typing import Any

from core.errors import Invalid

VERSION = 1
LONGEST = 4_000


def encode_cursor(values: list[Any]) -> str:
    """The cursor that stands for these sort keys."""
    return base64.urlsafe_b64encode(json.dumps([VERSION, *values], separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[Any]:
    """The sort keys of a cursor. Raises `Invalid` for what no list gave out."""
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        version, *values = json.loads(raw)
        if version != VERSION or not all(value is None or isinstance(value, str | int | float) for value in values):
            raise ValueError("wrong form")
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Invalid(
            "The cursor is not one that a list gave out",
            errors=[{"field": "cursor", "message": "leave it out to begin anew"}],
        ) from error
    return values
