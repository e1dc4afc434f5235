"""What several groups of stages say about a thin answer: about lists of texts, and about lists of entries with texts."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from agents.playbooks.document.filled import STAND_IN
from agents.playbooks.document.stage import (
    Depth,
    first_problem,
    one_line,
    repeated,
    texts_too_short,
    too_few,
)

T = TypeVar("T")


def stand_in(**texts: str) -> str | None:
    """Which of these texts, as a whole, only stand in for one; None when none does. Empty ones are too short, not this."""
    found = [name for name, text in texts.items() if text.strip() and STAND_IN.fullmatch(text)]
    return f"a placeholder is no answer: {', '.join(found)}" if found else None


def told(entry: BaseModel, least: int, *names: str) -> str | None:
    """Which of these text fields are placeholders or have fewer characters than `least`; None when none."""
    texts = {name: str(getattr(entry, name)) for name in names}
    return first_problem(stand_in(**texts), texts_too_short(least, **texts))


def list_problem(least: int, characters: int, **lists: Sequence[str]) -> str | None:
    """What is wrong with lists of texts: fewer entries than `least`, thin or empty ones, the same thing twice; None when nothing."""
    return first_problem(
        too_few(least, **lists),
        *(
            first_problem(stand_in(**texts), texts_too_short(characters, **texts))
            for name, entries in lists.items()
            for texts in [{f"{name}, entry {number}": entry for number, entry in enumerate(entries, 1)}]
        ),
        repeated(**lists),
    )


def entries_problem(name: str, entries: Sequence[T], of_one: Callable[[T], str | None]) -> str | None:
    """The first problem of an entry, with the place where it stands; None when no entry has one."""
    for number, entry in enumerate(entries, 1):
        if problem := of_one(entry):
            return f"{name}, entry {number}: {problem}"
    return None


def enough(depth: Depth, least: int, **lists: Sequence[object]) -> str | None:
    """As `too_few`, for plans that are not written short; None for those that are."""
    return None if depth.is_short else too_few(least, **lists)


def same(left: str, right: str) -> bool:
    """Do two names mean the same thing? Case and spaces do not matter."""
    return one_line(left).casefold() == one_line(right).casefold()
