"""Pieces of Markdown."""

from collections.abc import Iterable


def cell(text: str) -> str:
    """Text in a cell of a table: one line, no bar."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def code(text: str) -> str:
    """Text as code, also in a cell."""
    return f"`{text}`".replace("|", "\\|")


def joined(parts: Iterable[str]) -> str:
    """The parts that say something, with semicolons between."""
    return "; ".join(part for part in parts if part)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; cells are as they are."""
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
