"""With whose accounts a task is done: those of the one person it belongs to, and nobody else's."""

from uuid import UUID

from core.database import Caller
from core.outside.errors import NotConnected
from tasks.models import Task
from tasks.people import person_of_task


async def person_of(caller: Caller, task: Task) -> UUID:
    """The person whose accounts a task may open. Raises NotConnected where it belongs to nobody."""
    person = await person_of_task(caller, task)
    if person is None:
        raise NotConnected("This task belongs to nobody, so it is done with nobody's account", hint="Make it anew.")
    return person
