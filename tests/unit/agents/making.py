"""Tasks and contexts for tests of the agents."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.strategist import TaskContext, ThreadMessage
from tasks.models import Task

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))
ID = UUID("00000000-0000-4000-8000-00000000000a")


def make_task(title: str, kind: str = "email", execution_type: str = "fully_automated", **columns: Any) -> Task:
    """A running task as it comes out of the database."""
    row = {
        "id": ID,
        "organization_id": ID,
        "title": title,
        "kind": kind,
        "execution_type": execution_type,
        "execution_status": "in_progress",
        "source": "chat",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Task.model_validate(row | columns)


def make_context(
    title: str,
    kind: str = "email",
    execution_type: str = "fully_automated",
    *,
    columns: dict[str, Any] | None = None,
    **fields: Any,
) -> TaskContext:
    """What a run knows of a task of Robin Vega's."""
    known: dict[str, Any] = {"sender_name": "Robin Vega", "owner_address": "robin@vega.example"}
    return TaskContext(task=make_task(title, kind, execution_type, **(columns or {})), **(known | fields))


def mail_from_dana(text: str = "Could you tell me the renewal date?", **fields: Any) -> ThreadMessage:
    """A mail of a thread, written by somebody else."""
    row = {
        "from_name": "Dana Ortiz",
        "from_address": "dana@northwind.example",
        "to_addresses": ["robin@vega.example"],
        "subject": "Renewal date",
        "sent_at": NOW,
        "text": text,
    }
    return ThreadMessage.model_validate(row | fields)
