"""Sign-in links that were used and sessions that ended, for all processes of a database. For the house alone."""

from core.database import Caller


async def use_token(caller: Caller, token_hash: str, seconds: int) -> bool:
    """Remember it for so long: True where nobody used it before."""
    return bool(await caller.call("use_token", token_hash=token_hash, seconds=seconds))


async def is_token_used(caller: Caller, token_hash: str) -> bool:
    """Was it used, or did its session end?"""
    return bool(await caller.call("is_token_used", token_hash=token_hash))
