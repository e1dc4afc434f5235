"""What stands inside a section, and whether every text of it says something: none is empty, none only a stand-in for one."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict

LONGEST_STAND_IN = 80
# The whole text, not its beginning: "Insert the new cables" and "To-do app" are answers.
STAND_IN = re.compile(
    r"[\W_]*(?:t\.?b\.?[dac]|to be (?:determined|decided|defined|confirmed|added)|to-?do|n/?a|none|null|not applicable"
    r"|placeholder(?: text)?|x{3,}|string|text|description|\[[^\]]*\]|<[^>]*>|(?:insert|add|your) .{0,30} here)?[\W_]*",
    re.IGNORECASE | re.DOTALL,
)


class Entry(BaseModel):
    """Base of what stands inside a section."""

    model_config = ConfigDict(extra="forbid")


def unfilled(answer: BaseModel) -> str | None:
    """Which text of the answer, at any depth, is empty or only a stand-in, in words for who wrote it; None when none is."""
    for path, text in _texts(answer.model_dump(mode="json"), ""):
        if not text.strip():
            return f"empty: {path}"
        if is_stand_in(text):
            return f"a placeholder is no answer: {path} (leave a list empty where there is nothing to say)"
    return None


def is_stand_in(text: str) -> bool:
    """Does the text stand where another should, and say nothing itself?"""
    if text.lstrip().casefold().startswith("lorem ipsum"):
        return True
    return len(text) <= LONGEST_STAND_IN and STAND_IN.fullmatch(text) is not None


def without_stand_ins(entries: list[str]) -> list[str]:
    """The entries that say something: a lone "none" means that there are none."""
    return [entry for entry in entries if not is_stand_in(entry)]


MayBeEmpty = Annotated[list[str], AfterValidator(without_stand_ins)]


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, Any]", value).items():
            yield from _texts(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[Any]", value), start=1):
            yield from _texts(inner, f"{path}[{number}]")
