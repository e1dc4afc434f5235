"""What agents need of systems of record and of databases that may be asked."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from core.outside.records import QueryRows, StoredRecord, TableQuery


class Records(Protocol):
    """Records of one system. Calls raise SignInExpired, Refused or Temporary; reads also Malformed, changes Uncertain."""

    async def get(self, kind: str, record_id: str, names: Sequence[str]) -> StoredRecord:
        """A record with these values. Refused where there is none, or no such value."""
        ...

    async def update(
        self, kind: str, record_id: str, changes: Mapping[str, Any], before: Mapping[str, Any], version: str | None
    ) -> StoredRecord:
        """Set values, where those of `before` still stand (or that version does); the record as it stands then.

        Raises Refused when somebody has changed them since.
        """
        ...


class CustomerRecords(Records, Protocol):
    """Records of a CRM; `kind` is like contacts, companies, deals."""


class TableRecords(Records, Protocol):
    """Rows of a database; `kind` is a table with the column of its key, like public.orders/id."""


class ApiRecords(Records, Protocol):
    """Records of a REST API; `kind` is the path of the collection."""


class SqlQueries(Protocol):
    """A database that one read-only statement can be put to."""

    async def query(self, statement: str, parameters: Mapping[str, Any], most_rows: int) -> QueryRows:
        """The rows. Raises Refused for anything but one reading statement, or when it takes too long; Temporary."""
        ...


class TableQueries(Protocol):
    """A database whose tables can be asked for rows."""

    async def select(self, query: TableQuery, most_rows: int) -> QueryRows:
        """The rows. Raises SignInExpired, Refused, Temporary or Malformed."""
        ...
