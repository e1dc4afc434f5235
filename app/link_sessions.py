"""Sign-in links and the sessions that they began: used once, ended for good, in every process that shares the key.

One process keeps what is used up as files beside its key. Where the key is STEWARD_SECRET_KEY, several may serve the same
people, and the database that they share keeps it.
"""

from dataclasses import dataclass
from uuid import UUID

from core.database import Database, Identity
from core.errors import Unauthorized
from core.keys import LINK_SECONDS, SESSION_SECONDS, SIGN_IN_AGAIN, Keys, link_was_used
from tasks import used_tokens


@dataclass(frozen=True)
class LinkSessions:
    """`shared` is the database that every process asks; None: the files of this one."""

    keys: Keys
    shared: Database | None = None

    async def read(self, token: str) -> UUID:
        """Whose session this is. Raises Unauthorized."""
        if self.shared is None:
            return self.keys.read_session(token)
        user_id = self.keys.signed_session(token)
        service = self.shared.acting_as(Identity.service())
        if await used_tokens.is_token_used(service, self.keys.hash_of(token)):
            raise Unauthorized("This session was signed out", hint=SIGN_IN_AGAIN)
        return user_id

    async def use_link(self, token: str) -> UUID:
        """Whose sign-in link this is; it works once. Raises Unauthorized."""
        if self.shared is None:
            return self.keys.use_link(token)
        user_id, token_hash = self.keys.signed_link(token)
        service = self.shared.acting_as(Identity.service())
        if not await used_tokens.use_token(service, token_hash, 2 * LINK_SECONDS):
            raise link_was_used()
        return user_id

    async def end(self, token: str) -> None:
        """The session ends: its cookie, copied, opens nothing any more. Raises Unauthorized, Unavailable."""
        if self.shared is None:
            self.keys.end_session(token)
        else:
            self.keys.signed_session(token)
            service = self.shared.acting_as(Identity.service())
            await used_tokens.use_token(service, self.keys.hash_of(token), SESSION_SECONDS)
