"""GET /readyz: can requests be answered?"""

from fastapi import Request

from app.router import responds


@responds(summary="Can requests be answered? Asks the database", response_model=dict[str, str], problems=(503,))
async def get(request: Request) -> dict[str, str]:
    await request.app.state.house.database.check()
    return {"status": "ready"}
