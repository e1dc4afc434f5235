"""The promises in a chat message that the person points at. Pure."""

from datetime import datetime
from uuid import UUID

from agents.rules.commitments.finding import find_promises
from tasks.commitments import NewCommitment

LONGEST_QUOTE = 1_000


def promises_in_chat(
    text: str, said_at: datetime, *, is_own: bool, author: str, place: str, task_id: UUID | None = None
) -> list[NewCommitment]:
    """What the author of a message promises. `place` names the message for good; `task_id`: the task made of it.

    One's own is kept by that task. To whom it was said a channel does not tell.
    """
    return [
        NewCommitment(
            is_mine=is_own,
            person_name="" if is_own else author[:300],
            quote=promise.quote[:LONGEST_QUOTE],
            title=promise.title,
            source_kind="slack",
            message_id=place[:1000],
            said_at=said_at,
            due_at=promise.due_at,
            due_is_all_day=promise.due_is_all_day,
            task_id=task_id if is_own else None,
        )
        for promise in find_promises(text, said_at)
    ]
