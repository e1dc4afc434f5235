"""Tries of signing in: counted by this process, and in the database for all processes together, where the house may write there.

Over HTTP (PostgREST) that takes a key which speaks for the house. Without one each process counts for itself: a function
that anybody may call to count would let anybody count for somebody else.
"""

from dataclasses import dataclass

from app.limits import Limiter, too_many
from core.database import Database, Identity
from core.keys import Keys
from tasks.attempts import take_attempt


@dataclass(frozen=True)
class Attempts:
    """`most` tries at once for each key, and so many again within the seconds; `here` counts this process's own."""

    here: Limiter
    database: Database
    most: int
    seconds: int = 60

    async def take(self, key: str) -> None:
        """One more try. Raises TooMany, with the seconds to wait, where there were too many; Unavailable."""
        self.here.take(key)
        house = Identity.service()
        if self.database.can_speak_for(house):
            wait = await take_attempt(self.database.acting_as(house), Keys.hash_of(key), self.most, self.seconds)
            if wait:
                raise too_many(wait)
