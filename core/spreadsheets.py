"""Cells that no spreadsheet takes for a formula (OWASP, CSV injection)."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
# Some programs split at these wherever the file has commas: what follows is a cell of its own to them.
INNER = re.compile(r"([;\t|]\s*)(?=[=+@＝＋－＠-])(?!\s*[+-]?\d+(?:[.,]\d+)?\s*(?:[;\t|]|$))")
UNSEEN = " \xa0\u200b\u200c\u200d\u2060\ufeff"


def inert_cell(cell: Any) -> Any:
    """The cell with an apostrophe where a formula would begin; numbers stay what they are."""
    if not isinstance(cell, str):
        return cell
    if cell.lstrip(UNSEEN).startswith(FORMULA) and not NUMBER.fullmatch(cell):
        cell = f"'{cell}"
    return INNER.sub(r"\1'", cell)


def inert_csv(text: str, line_end: str = "\r\n") -> str:
    """A text of CSV with inert cells. Raises csv.Error where it is none."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return written_csv(([inert_cell(cell) for cell in row] for row in rows), line_end)


def written_csv(rows: Iterable[Iterable[Any]], line_end: str = "\r\n") -> str:
    """Rows as CSV (RFC 4180), the cells as they are."""
    out = io.StringIO()
    csv.writer(out, lineterminator=line_end).writerows(rows)
    return out.getvalue()
