"""JSON of unknown make, read without trusting its shape."""

from typing import Any, cast


def mapping(value: object) -> dict[str, Any]:
    """The object, or an empty one where it is none."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def values(value: object) -> list[Any]:
    """The list, or an empty one where it is none."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def mappings(value: object) -> list[dict[str, Any]]:
    """The objects in a list."""
    return [one for one in map(mapping, values(value)) if one]
