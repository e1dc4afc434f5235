"""Whose a task is."""

from uuid import UUID

from core.database import Caller
from tasks.models import Record, Task


class Person(Record):
    """Whoever a task belongs to. `is_owner`: the owner of the installation at home, whom its settings serve.

    `accounts_of`: the one person with whose accounts the task is done; None: nobody's.
    """

    user_id: UUID | None = None
    email: str | None = None
    name: str | None = None
    is_owner: bool = False
    accounts_of: UUID | None = None


async def person_of_task(caller: Caller, task: Task) -> UUID | None:
    """The one person with whose accounts and by whose clock a task is done (worker only); None: it belongs to nobody."""
    return task.created_by or (await get_person_of_task(caller, task.id)).accounts_of


async def get_person_of_task(caller: Caller, task_id: UUID) -> Person:
    """The person of a task (worker only)."""
    return Person.model_validate(await caller.call("get_person_of_task", task_id=task_id))
