"""A model's answer as it comes, told to those who look at the plan."""

from collections.abc import Awaitable, Callable

from agents.equipment import Run
from agents.journal import insist
from agents.listening import Piece
from tasks.events import add_task_event


def telling(run: Run) -> Callable[[str, Piece], Awaitable[None]]:
    """What `Thinking.on_text` is for a run: each piece is an event of its task; a thought of the model is marked as one."""

    async def tell(purpose: str, piece: Piece) -> None:
        data = {"purpose": purpose} | ({"is_thought": True} if piece.is_thought else {})
        await insist(lambda: add_task_event(run.caller, run.task.id, "output", piece.text, data))

    return tell
