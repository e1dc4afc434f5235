"""`/executions`: all of them, by state."""

from fastapi import Request
from starlette.responses import Response

from app.cursors import cursor_after, place_of
from app.dependencies import CurrentCaller
from app.executions import _words
from app.templating import render
from core.errors import Invalid
from tasks.executions import STATES, ExecutionState, list_executions

ON_A_PAGE = 30


async def get(request: Request, caller: CurrentCaller, state: str = "", cursor: str | None = None) -> Response:
    wanted: ExecutionState | None = next((one for one in STATES if one == state), None)
    if state and wanted is None:
        raise Invalid("There is no such state", errors=[{"field": "state", "message": f"allowed: {', '.join(STATES)}"}])
    before, before_id = place_of(cursor)
    found = await list_executions(caller, wanted, None, ON_A_PAGE, before, before_id)
    after = cursor_after(found.items, ON_A_PAGE)
    return render(
        request,
        "executions/page.html",
        executions=found.items,
        totals=found.totals,
        state=wanted or "",
        more=f"/executions?state={wanted or ''}&cursor={after}" if after else None,
        here=f"/executions?state={wanted or ''}" + (f"&cursor={cursor}" if cursor else ""),
        execution_words=_words,
    )
