"""`/executions`: they are listed beside the agents."""

from starlette.responses import RedirectResponse, Response


async def get() -> Response:
    return RedirectResponse("/agents#executions", status_code=303)
