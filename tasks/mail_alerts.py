"""What is told by mail to those whom the settings name: one typed call per SQL function."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from core.database import Caller


class MailAlert(BaseModel):
    """Something that waits for a yes or for an account, or that failed for good. `is_tainted`: its words may be others'."""

    what: Literal["approval", "failure", "account"]
    subject_id: UUID
    task_id: UUID | None
    draft_id: UUID | None
    title: str
    is_tainted: bool
    since: datetime


async def list_mail_alerts(caller: Caller, waited_seconds: int = 60) -> list[MailAlert]:
    """What is still to be told of the last day, oldest first, at most 200; for the worker.

    What waits for a yes is there once it has waited so long.
    """
    rows = await caller.call("list_mail_alerts", waited_seconds=waited_seconds)
    return [MailAlert.model_validate(row) for row in rows]


async def keep_mail_alerts(caller: Caller, subject_ids: Sequence[UUID]) -> int:
    """These were told, and are not told again; how many were new."""
    return int(await caller.call("keep_mail_alerts", subject_ids=list(subject_ids)))
