"""Opaque cursors of lists: the sort keys of the last item, as base64url JSON."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

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


class Dated(Protocol):
    """An item of a list that shows the newest first."""

    @property
    def id(self) -> UUID: ...
    @property
    def created_at(self) -> datetime: ...


def keys_after(items: Sequence[Dated], limit: int) -> list[Any] | None:
    """The sort keys of the last of a page that is full, newest first; None after the last page."""
    return [items[-1].created_at.isoformat(), str(items[-1].id)] if len(items) == limit else None


def cursor_after(items: Sequence[Dated], limit: int) -> str | None:
    """The cursor of the page after these; None after the last page."""
    keys = keys_after(items, limit)
    return encode_cursor(keys) if keys else None


def place_of(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    """Where such a page begins; nowhere without a cursor. Raises Invalid for a cursor of another list."""
    if not cursor:
        return None, None
    try:
        match decode_cursor(cursor):
            case [str() as before, str() as before_id] if (moment := datetime.fromisoformat(before)).tzinfo:
                return moment, UUID(before_id)
            case _:
                raise ValueError("wrong form")
    except ValueError as error:
        raise Invalid(
            "The cursor is not one that this list gave out",
            errors=[{"field": "cursor", "message": "leave it out to begin anew"}],
        ) from error


def _is_key(value: object) -> bool:
    return value is None or isinstance(value, int | float) or (isinstance(value, str) and "\x00" not in value)
