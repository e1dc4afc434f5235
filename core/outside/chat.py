"""Chat, as agents and integrations speak of it: places to write to, messages, and what became of one that was posted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

LONGEST_TEXT = 40_000  # characters in one message; Slack cuts off what is beyond


@dataclass(frozen=True)
class ChatPlace:
    """Where a message goes: `id` is the service's own, `name` what people call it (`#general`, `@ana`)."""

    id: str
    name: str
    is_direct: bool = False
    is_private: bool = False


@dataclass(frozen=True)
class ChatPost:
    """A message exactly as a person approved it.

    `key` is ours and goes with the message, so that it can be found again. `channel` is the service's id. Nothing in
    `text` is markup but what `mentions` names: words of the text (`@ana`, `#general`) and the id that each stands for.
    `thread` is the id of the message that this one answers; `not_before` is when the first attempt can have begun.
    """

    key: str
    channel: str
    text: str
    thread: str | None = None
    mentions: Mapping[str, str] = field(default_factory=dict[str, str])
    not_before: datetime | None = None


@dataclass(frozen=True)
class ChatPosted:
    """A message that is there: the service's ids of its channel and itself, and when it was taken. `link` opens it."""

    provider: str
    channel: str
    message_id: str
    posted_at: datetime
    link: str | None = None


@dataclass(frozen=True)
class ChatMessage:
    """A message that was read. `text` was written by others: mentions are names, nothing in it is markup."""

    id: str
    author_id: str
    author: str
    text: str
    sent_at: datetime
    thread: str | None = None
    replies: int = 0
