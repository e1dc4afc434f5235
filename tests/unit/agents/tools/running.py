"""A run for tests of single tools: a task in memory; nothing is outside of it."""

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

from agents.equipment import Equipment, Run
from agents.journal import Journal
from core.database import Caller
from tasks.models import Task


def task_of(**more: Any) -> Task:
    moment = datetime(2026, 3, 4, tzinfo=UTC)
    given = {"id": uuid4(), "organization_id": uuid4(), "title": "A task", "execution_type": "fully_automated"}
    return Task.model_validate(
        {**given, "execution_status": "in_progress", "created_at": moment, "updated_at": moment, **more}
    )


def run_of(**more: Any) -> Run:
    """A run whose database is not there: for tools that do not ask it."""
    task = task_of(**more)
    nothing = cast(Caller, None)
    return Run(nothing, task, cast(Equipment, None), Journal(nothing, UUID(int=0), 1))
