"""What a model answers on the way: kept under numbers of the move that it is for, and checked for the asked-for form."""

import importlib
from collections.abc import Mapping
from typing import Any

from agents.thinking import CallJournal, ModelCall, RecordedCall
from core.errors import Invalid

CALLS_PER_MOVE = 10


class JournalOfMove:
    """The journal, with the requests of one move under numbers of their own: a run that comes again finds them."""

    def __init__(self, journal: CallJournal, move: int) -> None:
        self._journal = journal
        self._next = move * CALLS_PER_MOVE

    async def begin_call(
        self, purpose: str, number: int | None = None, hold: Mapping[str, Any] | None = None
    ) -> RecordedCall:
        if number is None:
            number, self._next = self._next, self._next + 1
        return await self._journal.begin_call(purpose, number, hold)

    async def end_call(self, begun: RecordedCall, call: ModelCall, answer: Any) -> None:
        await self._journal.end_call(begun, call, answer)


def schema_problem(value: Any, schema: dict[str, Any]) -> str | None:
    """What keeps a value from having the form of a JSON Schema; None when it has it. Raises Invalid for no schema."""
    library: Any = importlib.import_module("jsonschema")  # it comes without types
    try:
        kind = library.validators.validator_for(schema, default=library.Draft202012Validator)
        kind.check_schema(schema)
        error = library.exceptions.best_match(kind(schema).iter_errors(value))
    except library.exceptions.SchemaError as wrong:
        raise Invalid("The schema of the output is none", detail=str(wrong.message)[:200]) from wrong
    except Exception as wrong:  # a reference that leads nowhere, in a library of many error types
        raise Invalid("The schema of the output cannot be used", detail=type(wrong).__name__) from wrong
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path)
    return f"output{f'.{where}' if where else ''}: {str(error.message)[:300]}"
