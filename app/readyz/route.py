"""GET /readyz: can requests be answered?"""

import psycopg
from fastapi import Request
from psycopg_pool import PoolTimeout

from app.router import responds
from core.errors import Unavailable


@responds(summary="Can requests be answered? Asks the database", response_model=dict[str, str], problems=(503,))
async def get(request: Request) -> dict[str, str]:
    try:
        async with request.app.state.house.database.pool.connection(timeout=2) as connection:
            await connection.execute("select 1")
    except (psycopg.Error, PoolTimeout) as error:
        raise Unavailable("The database does not answer") from error
    return {"status": "ready"}
