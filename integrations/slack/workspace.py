"""A Slack workspace as agents reach for it: fulfils `Chat`."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from core.outside.chat import LONGEST_TEXT, ChatMessage, ChatPlace, ChatPost, ChatPosted
from core.outside.errors import Malformed, Refused, SignInExpired, Temporary, Uncertain
from integrations.slack.text import markup, names_in, plain
from integrations.slack.web import API_URL, SlackWeb

CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{7,20}")
USER_ID = re.compile(r"[UW][A-Z0-9]{7,20}")
STAMP = re.compile(r"\d{1,12}\.\d{1,6}")
EVENT_TYPE = "steward_message"
SKEW = timedelta(minutes=10)  # between Slack's clock and ours
MOST_READ = 200
MENTIONED = re.compile(r"<@([UW][A-Z0-9]{7,20})[|>]")
MOST_NAMES = 60  # asked for one by one


class SlackWorkspace:
    """One workspace, with the token of Steward's app there."""

    def __init__(
        self,
        token: str,
        *,
        api_url: str = API_URL,
        on_expired: Callable[[SignInExpired], Awaitable[None]] | None = None,
    ) -> None:
        self.web = SlackWeb(token, api_url, on_expired)
        self._names: dict[str, str] = {}

    async def find_place(self, name: str) -> ChatPlace:
        wanted = name.strip()
        if CHANNEL_ID.fullmatch(wanted):
            return await self._channel(wanted)
        if USER_ID.fullmatch(wanted):
            return await self._direct(wanted, await self._name(wanted))
        if "@" in wanted[1:]:
            found = await self.web.read("users.lookupByEmail", email=wanted.removeprefix("mailto:"))
            person = _dict(found, "user")
            return await self._direct(str(person["id"]), _names_of(person)[0])
        if wanted.startswith("@"):
            people = [person async for person in self._people() if wanted[1:].casefold() in _folded(person)]
            only = _only(people, wanted, [_names_of(person)[0] for person in people])
            return await self._direct(str(only["id"]), _names_of(only)[0])
        plain_name = wanted.removeprefix("#").casefold()
        channels = [one async for one in self._channels() if str(one.get("name", "")).casefold() == plain_name]
        return _place(_only(channels, f"#{plain_name}", [str(one.get("id")) for one in channels]))

    async def find_mentions(self, text: str) -> Mapping[str, str]:
        wanted = names_in(text)
        found: dict[str, set[str]] = {}
        people = {name[1:].casefold(): name for name in wanted if name.startswith("@")}
        channels = {name[1:].casefold(): name for name in wanted if name.startswith("#")}
        if people:
            async for person in self._people():
                for name in _folded(person) & people.keys():
                    found.setdefault(people[name], set()).add(str(person["id"]))
        if channels:
            async for channel in self._channels():
                if (name := str(channel.get("name", "")).casefold()) in channels:
                    found.setdefault(channels[name], set()).add(str(channel["id"]))
        return {name: ids.copy().pop() for name, ids in found.items() if len(ids) == 1}

    async def post(self, message: ChatPost) -> ChatPosted:
        text = markup(message.text, message.mentions)
        if not text.strip():
            raise Refused("The message is empty")
        if len(text) > LONGEST_TEXT:
            raise Refused(f"The message has {len(text):,} characters; Slack takes {LONGEST_TEXT:,} at most")
        try:
            answer = await self.web.act(
                "chat.postMessage",
                channel=message.channel,
                text=text,
                thread_ts=message.thread,
                metadata={"event_type": EVENT_TYPE, "event_payload": {"key": message.key}},
                parse="none",
                link_names=False,
                unfurl_links=False,
                unfurl_media=False,
            )
        except Uncertain:
            found = await self._looked_up(message)
            if found is None:
                raise
            return found
        return await self._posted(str(answer.get("channel") or message.channel), str(answer.get("ts") or ""))

    async def _looked_up(self, message: ChatPost) -> ChatPosted | None:
        """A message that may have arrived before the line broke; None also where nothing can be asked now."""
        try:
            return await self.find(message)
        except (Uncertain, Temporary, Refused, SignInExpired, Malformed):
            return None

    async def find(self, message: ChatPost) -> ChatPosted | None:
        method = "conversations.replies" if message.thread else "conversations.history"
        oldest = f"{(message.not_before - SKEW).timestamp():.6f}" if message.not_before else None
        try:
            async for page in self.web.pages(
                method,
                "messages",
                channel=message.channel,
                ts=message.thread,
                oldest=oldest,
                include_all_metadata=True,
            ):
                for one in page:
                    if _key_of(one) == message.key:
                        return await self._posted(message.channel, str(one.get("ts") or ""))
        except (Refused, Malformed) as error:
            raise Uncertain(f"Slack cannot be asked whether the message was posted: {error.message}") from error
        return None

    async def read(
        self, channel: str, *, thread: str | None = None, limit: int = 50, newer_than: str | None = None
    ) -> Sequence[ChatMessage]:
        for name, stamp in (("thread", thread), ("newer_than", newer_than)):
            if stamp is not None and not STAMP.fullmatch(stamp):
                raise Refused(f"{name} is a message's id like 1772612345.000100, not {stamp[:40]!r}")
        method = "conversations.replies" if thread else "conversations.history"
        found: list[dict[str, Any]] = []
        async for page in self.web.pages(method, "messages", channel=channel, ts=thread, oldest=newer_than):
            found += page
            if len(found) >= limit and not thread:
                break
        newest = sorted(found, key=lambda one: _moment(one.get("ts")))[-min(limit, MOST_READ) :]
        people = [str(one["user"]) for one in newest if one.get("user")]
        people += [user for one in newest for user in MENTIONED.findall(str(one.get("text") or ""))]
        for person in list(dict.fromkeys(people))[:MOST_NAMES]:
            await self._name(person)
        return [self._message(one) for one in newest if one.get("ts") != newer_than]

    async def say_names(self, text: str) -> str:
        """Slack's markup as a person reads it."""
        for person in list(dict.fromkeys(MENTIONED.findall(text)))[:MOST_NAMES]:
            await self._name(person)
        return plain(text, self._names.get)

    async def whoami(self) -> dict[str, Any]:
        """Slack's word on the token: team_id, team, user_id, bot_id."""
        return await self.web.read("auth.test")

    async def _posted(self, channel: str, stamp: str) -> ChatPosted:
        if not STAMP.fullmatch(stamp):
            raise Uncertain("Slack took the message, but did not say under which id")
        return ChatPosted("slack", channel, stamp, _moment(stamp), await self._link(channel, stamp))

    async def _link(self, channel: str, stamp: str) -> str | None:
        """The address of a message; None where Slack does not say: the message is there all the same."""
        try:
            answer = await self.web.read("chat.getPermalink", channel=channel, message_ts=stamp)
        except (Refused, Temporary, Malformed, SignInExpired):
            return None
        return str(answer.get("permalink") or "") or None

    async def _channel(self, channel: str) -> ChatPlace:
        return _place(_dict(await self.web.read("conversations.info", channel=channel), "channel"))

    async def _direct(self, user: str, name: str) -> ChatPlace:
        channel = _dict(await self.web.act("conversations.open", users=user, return_im=True), "channel")
        return ChatPlace(str(channel["id"]), f"@{name}", is_direct=True, is_private=True)

    async def _people(self) -> AsyncIterator[dict[str, Any]]:
        async for page in self.web.pages("users.list", "members"):
            for person in page:
                if person.get("id") and not person.get("deleted") and person.get("id") != "USLACKBOT":
                    yield person

    async def _channels(self) -> AsyncIterator[dict[str, Any]]:
        async for page in self.web.pages("conversations.list", "channels", types="public_channel,private_channel"):
            for channel in page:
                if channel.get("id"):
                    yield channel

    async def _name(self, user: str) -> str:
        """What people call somebody; the id where Slack does not say."""
        if user not in self._names:
            try:
                person = _dict(await self.web.read("users.info", user=user), "user")
                self._names[user] = _names_of(person)[0]
            except (Refused, Malformed):
                self._names[user] = user
        return self._names[user]

    def _message(self, one: Mapping[str, Any]) -> ChatMessage:
        user = str(one.get("user") or one.get("bot_id") or "")
        stamp, thread = str(one.get("ts") or ""), one.get("thread_ts")
        return ChatMessage(
            id=stamp,
            author_id=user,
            author=self._names.get(user) or str(one.get("username") or user),
            text=plain(str(one.get("text") or ""), self._names.get),
            sent_at=_moment(stamp),
            thread=str(thread) if thread else None,
            replies=int(one.get("reply_count") or 0),
        )


def _dict(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = answer.get(name)
    if not isinstance(value, dict) or not value.get("id"):  # pyright: ignore[reportUnknownMemberType]
        raise Malformed(f"Slack's answer has no {name}")
    return value  # pyright: ignore[reportUnknownVariableType]


def _place(channel: Mapping[str, Any]) -> ChatPlace:
    if channel.get("is_archived"):
        raise Refused("This channel is archived", detail="is_archived")
    is_direct = bool(channel.get("is_im"))
    name = f"@{channel.get('user')}" if is_direct else f"#{channel.get('name')}"
    return ChatPlace(str(channel["id"]), name, is_direct, bool(channel.get("is_private") or is_direct))


def _names_of(person: Mapping[str, Any]) -> list[str]:
    """What somebody is called, the name that is shown first."""
    profile: Mapping[str, Any] = person.get("profile") or {}
    names = [profile.get("display_name"), person.get("name"), profile.get("real_name"), person.get("real_name")]
    return [str(name) for name in names if name] or [str(person.get("id"))]


def _folded(person: Mapping[str, Any]) -> set[str]:
    return {form for name in _names_of(person) for form in (name.casefold(), name.casefold().replace(" ", "."))}


def _only(found: Sequence[dict[str, Any]], wanted: str, names: Sequence[str]) -> dict[str, Any]:
    if not found:
        raise Refused(
            f"There is no {wanted[:80]} in this workspace", hint="Steward's app sees private channels it is in."
        )
    if len(found) > 1:
        raise Refused(f"Several are called {wanted[:80]}", detail=", ".join(names[:10]), hint="Give the id instead.")
    return found[0]


def _key_of(message: Mapping[str, Any]) -> str | None:
    metadata: Mapping[str, Any] = message.get("metadata") or {}
    payload: Mapping[str, Any] = metadata.get("event_payload") or {}
    return str(payload.get("key")) if metadata.get("event_type") == EVENT_TYPE else None


def _moment(stamp: object) -> datetime:
    try:
        return datetime.fromtimestamp(float(str(stamp)), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
