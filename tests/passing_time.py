"""Time that passes at once: what a test would otherwise sit through."""

from core.database import Database
from core.postgres import pool_of


async def let_silence_pass(database: Database) -> None:
    """Whoever worked so far has been silent for longer than another waits: the same as waiting, only sooner."""
    async with pool_of(database).connection() as connection:
        await connection.execute("update private.workers set heartbeat_at = heartbeat_at - interval '1 minute'")
