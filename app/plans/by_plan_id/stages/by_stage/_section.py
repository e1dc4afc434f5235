"""What is wrong with a section that a person wrote, by field."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

LONGEST_PLACE = 4


def wrong_fields(form: type[BaseModel], given: Mapping[str, Any]) -> dict[str, str]:
    """{field: what is wrong}, with the place inside the field where it is a list or an object."""
    try:
        form.model_validate(dict(given))
    except ValidationError as error:
        found: dict[str, str] = {}
        for one in error.errors(include_url=False):
            name = str(one["loc"][0]) if one["loc"] else next(iter(form.model_fields), "")
            place = [f"entry {part + 1}" if isinstance(part, int) else part for part in one["loc"][1:][:LONGEST_PLACE]]
            message = one["msg"].removeprefix("Value error, ")
            found.setdefault(name, f"{', '.join(place)}: {message}" if place else message)
        return found
    return {}
