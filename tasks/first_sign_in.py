"""The first time that somebody signs in: there is an organization of their own."""

from core.database import Caller


async def ensure_my_organization(caller: Caller) -> bool:
    """The caller belongs to an organization now; True where a personal one was made for it."""
    return bool(await caller.call("ensure_my_organization"))
