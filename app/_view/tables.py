"""Results that are tables."""

import csv
import io

from tasks.models import Task

MOST_ROWS = 200


def rows_of(task: Task) -> list[list[str]]:
    """The rows of a CSV result, the head first; empty for any other result."""
    result = task.result if isinstance(task.result, dict) else {}
    if result.get("format") != "csv":
        return []
    return list(csv.reader(io.StringIO(str(result.get("output", "")))))[:MOST_ROWS]
