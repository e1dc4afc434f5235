"""The tool that asks a database: one reading statement, or rows of a table."""

import re
from typing import Any

from pydantic import BaseModel, Field, JsonValue, field_validator, model_validator

from agents.equipment import Run
from agents.services.records import SqlQueries, TableQueries
from agents.tools.tool import AnyTool, Done, Outcome, StrictInput, Tool
from core.outside.records import FilterWord, RowFilter, TableQuery
from tasks.actions import Effect
from tasks.models import Evidence

NAME = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
LISTS = {"in", "contains"}


class Condition(StrictInput):
    """A condition on a column. `in` and `contains` take a list, `is` takes null, true or false."""

    column: str = Field(pattern=f"^{NAME}$")
    word: FilterWord = "eq"
    value: JsonValue = None

    @model_validator(mode="after")
    def _fits(self) -> "Condition":
        if self.word in LISTS:
            if (
                not isinstance(self.value, list)
                or not self.value
                or any(isinstance(v, dict | list) for v in self.value)
            ):
                raise ValueError(f"{self.word} takes a list of values")
        elif self.word == "is":
            if self.value is not None and not isinstance(self.value, bool):
                raise ValueError("is takes null, true or false")
        elif isinstance(self.value, dict | list) or self.value is None:
            raise ValueError(f"{self.word} takes one value (use is for null)")
        return self


class QueryInput(StrictInput):
    """Either `sql` (Postgres: one reading statement, values as %(name)s) or `table` (a Supabase project)."""

    sql: str | None = Field(default=None, min_length=1, max_length=20_000)
    parameters: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict[str, str | int | float | bool | None], max_length=100
    )
    table: str | None = Field(default=None, pattern=f"^{NAME}$")
    columns: list[str] = Field(default_factory=list[str], max_length=100)
    where: list[Condition] = Field(default_factory=list[Condition], max_length=50)
    order: list[str] = Field(default_factory=list[str], max_length=10, description="Columns; - before one: descending")
    most_rows: int = Field(default=100, ge=1, le=10_000)

    @field_validator("columns", "order")
    @classmethod
    def _names(cls, value: list[str]) -> list[str]:
        for name in value:
            if not re.fullmatch(f"-?{NAME}", name):
                raise ValueError(f"{name[:100]!r} is no name of a column")
        return value

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "QueryInput":
        if (self.sql is None) == (self.table is None):
            raise ValueError("give sql or table")
        if self.sql is not None and (self.columns or self.where or self.order):
            raise ValueError("columns, where and order go with table; sql says it itself")
        if self.table is not None and self.parameters:
            raise ValueError("parameters go with sql")
        if any(name.startswith("-") for name in self.columns):
            raise ValueError("a column has no - before it")
        return self


class QueryOutput(BaseModel):
    """The rows. `is_cut`: there were more than were taken in."""

    rows: list[dict[str, Any]]
    row_count: int
    is_cut: bool


async def query(run: Run, given: QueryInput) -> Outcome:
    """Ask, read only."""
    if given.sql is not None:
        found = await (await run.reach(SqlQueries)).query(given.sql, given.parameters, given.most_rows)
    else:
        filters = [RowFilter(one.column, one.word, one.value) for one in given.where]
        asked = TableQuery(given.table or "", given.columns, filters, given.order)
        found = await (await run.reach(TableQueries)).select(asked, given.most_rows)
    output = QueryOutput(rows=[dict(row) for row in found.rows], row_count=len(found.rows), is_cut=found.is_cut)
    what = f"{len(found.rows)} rows" + (", and there are more" if found.is_cut else "")
    return Done(output.model_dump(mode="json"), "verified", [Evidence(kind="query", what=what, where=given.table)])


DATABASE_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "database_query",
        "Reads a database: one SQL statement that only reads (values as %(name)s in parameters), or rows of a table by conditions",
        "read",
        query,
        QueryInput,
        QueryOutput,
        capability="data",
        needs=((SqlQueries, TableQueries),),
        risk="medium",
        effect=Effect.READ,
        brings_untrusted=True,
        timeout_seconds=330,
    ),
)
