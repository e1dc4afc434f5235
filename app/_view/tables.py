"""Results that are tables."""

import csv
import io
from itertools import islice
from typing import Any, cast

from core.spreadsheets import inert_cell
from tasks.models import Task

MOST_ROWS = 200


def rows_of(task: Task) -> list[list[str]]:
    """The rows of a CSV result, the head first; empty for any other result."""
    result = result_of(task)
    if result.get("format") != "csv":
        return []
    rows = csv.reader(io.StringIO(str(result.get("output", ""))))
    return [[inert_cell(cell) for cell in row] for row in islice(rows, MOST_ROWS)]  # they are copied into spreadsheets


def result_of(task: Task) -> dict[str, Any]:
    """The parts of a task's result; empty where it has none."""
    return cast("dict[str, Any]", task.result) if isinstance(task.result, dict) else {}
