"""Shapes that several routes answer with."""

from typing import Any, Generic, TypeVar, get_origin

import orjson
from pydantic import BaseModel
from starlette.responses import Response

from app.cursors import encode_cursor

T = TypeVar("T")


class Listing(BaseModel, Generic[T]):
    """A page of a list; `next_cursor` is None on the last."""

    items: list[T]
    next_cursor: str | None = None


def is_list(model: Any) -> bool:
    """Is this what a list answers with: a page of it, or all of it?"""
    return get_origin(model) is list or (isinstance(model, type) and issubclass(model, Listing))


def listing(items: list[Any], after: list[Any] | None) -> Response:
    """A page as the database built it, without a detour through models."""
    body = {"items": items, "next_cursor": encode_cursor(after) if after else None}
    return Response(orjson.dumps(body, default=_plain), media_type="application/json")


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(type(value).__name__)
