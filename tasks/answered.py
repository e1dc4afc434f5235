"""Tasks to answer a mail that the person has answered themselves."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from core.database import Caller
from tasks.models import Record


class OwnAnswer(Record):
    """A mail of the person's own that may have answered what a task is still to answer."""

    task_id: UUID
    mail_id: UUID
    subject: str = ""
    text: str = ""
    sent_at: datetime
    files: bool = False
    auto_submitted: str = ""
    precedence: str = ""


async def list_own_answers(caller: Caller) -> list[OwnAnswer]:
    """Those of all open tasks, oldest first."""
    return [OwnAnswer.model_validate(row) for row in await caller.call("list_own_answers")]


async def close_answered_tasks(caller: Caller, answers: Sequence[tuple[OwnAnswer, str]]) -> int:
    """Complete the tasks that these mails answered, each with what is said of it as evidence; how many were open still."""
    if not answers:
        return 0
    rows = [{"task_id": str(one.task_id), "mail_id": str(one.mail_id), "what": what} for one, what in answers]
    return int(await caller.call("close_answered_tasks", answers=rows))
