"""A brief or a follow-up is of use when it is read: opening its page says so."""

from uuid import UUID

from app.house import House
from core.database import Caller
from core.errors import Conflict
from tasks.nudges import decide_nudge, list_nudges

READ = ("brief", "follow_up")  # what is prepared to be read; what has a draft is decided with it


async def note_opened(house: House, caller: Caller, task_id: UUID) -> None:
    """The person opens a task: where it is what a nudge prepared for reading, and it is there, that was of use."""
    if caller.identity.token_id is not None:
        return  # a program reads for itself
    for nudge in (await list_nudges(caller, states=["held", "told"], kinds=READ, task_id=task_id, limit=1)).items:
        task = nudge.task
        if (
            task is None
            or task.open_draft_id
            or not (task.execution_status == "completed" or task.blocked_on == "review")
        ):
            return
        try:
            await decide_nudge(caller, nudge.id, "acted", house.clock.now(), "It was read")
        except Conflict:  # decided at this very moment by somebody else
            return
