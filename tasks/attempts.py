"""Tries of signing in, counted for all web processes of a database. For the house alone."""

from core.database import Caller


async def take_attempt(caller: Caller, attempt_hash: str, most: int, seconds: int) -> int:
    """Count one more: 0 where it is allowed, else the seconds to wait. `most` at once, and so many again within the seconds."""
    return int(await caller.call("take_attempt", attempt_hash=attempt_hash, most=most, seconds=seconds))
