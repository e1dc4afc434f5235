"""Nouns of systems of record (a CRM, a table) and of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

FilterWord = Literal["eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "in", "is", "contains"]


@dataclass(frozen=True)
class StoredRecord:
    """A record as it stands. `version` changes with it, where the system has one. Written by others."""

    kind: str
    id: str
    values: Mapping[str, Any]
    version: str | None = None
    url: str = ""


@dataclass(frozen=True)
class RowFilter:
    """A condition on a column."""

    column: str
    word: FilterWord
    value: Any


@dataclass(frozen=True)
class TableQuery:
    """Rows of a table: which columns, under which conditions, in which order (`-` before a name: descending)."""

    table: str
    columns: Sequence[str] = ()
    filters: Sequence[RowFilter] = ()
    order: Sequence[str] = ()


@dataclass(frozen=True)
class QueryRows:
    """Rows as JSON objects. `is_cut`: there were more, in rows or bytes, than is taken in."""

    rows: Sequence[Mapping[str, Any]]
    is_cut: bool = False
