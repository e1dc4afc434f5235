"""What agents need of a chat service; integrations fulfil it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.outside.chat import ChatMessage, ChatPlace, ChatPost, ChatPosted


class Chat(Protocol):
    """A workspace of a chat service. Every call raises SignInExpired, Refused or Temporary; reads also Malformed."""

    async def find_place(self, name: str) -> ChatPlace:
        """The channel or person of that name: `#general`, `@ana`, a mail address, or an id. Refused where there is none,
        or several."""
        ...

    async def find_mentions(self, text: str) -> Mapping[str, str]:
        """What the `@name`s and `#name`s of a text stand for; words that name nobody, or several, are left out."""
        ...

    async def post(self, message: ChatPost) -> ChatPosted:
        """Post it, once. Uncertain when the line broke and it could not be found afterwards."""
        ...

    async def find(self, message: ChatPost) -> ChatPosted | None:
        """The message with this key, where it was posted; None when it certainly was not. Uncertain when it can't be known."""
        ...

    async def read(
        self, channel: str, *, thread: str | None = None, limit: int = 50, newer_than: str | None = None
    ) -> Sequence[ChatMessage]:
        """The last messages of a channel, or a thread's, oldest first; after the message `newer_than`, where given."""
        ...
