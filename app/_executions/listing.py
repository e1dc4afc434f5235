"""Pages of executions: where each begins."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.cursors import decode_cursor, encode_cursor
from core.errors import Invalid
from tasks.executions import Execution


def cursor_after(items: Sequence[Execution], limit: int) -> str | None:
    """The cursor of the page after these; None after the last."""
    return encode_cursor([items[-1].created_at.isoformat(), str(items[-1].id)]) if len(items) == limit else None


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """Where the next page begins. Raises Invalid for a cursor of another list."""
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
