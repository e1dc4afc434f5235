"""What the built-in rules decide of a task, for tests."""

from typing import Any

from agents.strategist import (
    Blocked,
    Decompose,
    DraftContent,
    Immediate,
    TaskContext,
    decide,
)
from agents.thinking import Thinking
from tests.unit.agents.making import NOW, make_context

RULES = Thinking()
NOTES = "Anna ships the API by Friday; Ben books the venue."
MEETING = """We decided to keep the launch on 12 March.
Anna will update the page by Monday.
Who tells legal?
The next sync is on 10 March.
Coffee was good."""


async def decided(context: TaskContext) -> Immediate | Decompose | Blocked:
    return await decide(context, now=NOW, thinking=RULES)


async def made(title: str, kind: str, execution_type: str = "fully_automated", **fields: Any) -> Immediate:
    result = await decided(make_context(title, kind, execution_type, **fields))
    assert isinstance(result, Immediate), result
    return result


async def drafted(title: str, kind: str = "email", **fields: Any) -> DraftContent:
    draft = (await made(title, kind, **fields)).draft
    assert draft is not None
    return draft


async def refused(title: str, kind: str, execution_type: str = "fully_automated", **fields: Any) -> Blocked:
    result = await decided(make_context(title, kind, execution_type, **fields))
    assert isinstance(result, Blocked), result
    assert result.reason
    assert result.unblocked_by
    return result
