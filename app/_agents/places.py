"""Where a value of a request is wrong, named as its sender wrote it."""

from collections.abc import Iterable

from pydantic_core import InitErrorDetails, PydanticCustomError


def at_place(kind: str, message: str, place: Iterable[int | str], given: object) -> InitErrorDetails:
    """An error of a form, told again at another place: without the tags of the unions that were gone through."""
    said = PydanticCustomError(kind, message)  # pyright: ignore[reportArgumentType] # only a checker asks for literals
    return InitErrorDetails(type=said, loc=tuple(place), input=given)
