"""GET /healthz: is the process alive?"""

from app.router import responds


@responds(summary="Is the process alive?", response_model=dict[str, str])
async def get() -> dict[str, str]:
    return {"status": "ok"}
