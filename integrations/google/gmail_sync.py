"""Reading a mailbox on from where it was left: Gmail's history, or the recent past where there is none (any more).

A cursor is one of
    list:<history id>:<since>:<until>:<done>   the recent past is being told, `done` messages of it so far
    history:<history id>                       everything up to there was told
Times are seconds since 1970.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from core.errors import Invalid, NotFound, StewardError
from core.outside.errors import Malformed
from core.outside.mail import DRAFTS, IncomingMail, SyncPage
from integrations.google.answers import mapping, mappings, values
from integrations.google.client import GoogleClient

RECENT_DAYS = 30
MOST_RECENT_MESSAGES = 500
AT_ONCE = 8
READ = "read the mail"
EMPTY = "0"  # the history id of a mailbox without any message: it is begun again each time
LEFT_OUT = frozenset({DRAFTS, "CHAT"})
Fetch = Callable[[str], Awaitable[IncomingMail]]


@dataclass(frozen=True)
class Listing:
    """A place in the recent past."""

    history_id: str
    since: int
    until: int
    done: int

    def __str__(self) -> str:
        return f"list:{self.history_id}:{self.since}:{self.until}:{self.done}"


def read_cursor(cursor: str) -> Listing | str:
    """The place in the recent past, or a history id. Raises Invalid."""
    kind, _, rest = cursor.partition(":")
    numbers = rest.split(":")
    if all(number.isdecimal() and len(number) < 30 for number in numbers):
        if kind == "history" and len(numbers) == 1:
            return rest
        if kind == "list" and len(numbers) == 4:
            return Listing(numbers[0], *map(int, numbers[1:]))
    raise Invalid("This is no cursor of a Gmail mailbox", detail=cursor[:100])


@dataclass(frozen=True)
class GmailReader:
    """Tells what is new, page by page. `fetch` reads one message whole; drafts and chats are left out."""

    client: GoogleClient
    fetch: Fetch

    async def page(self, cursor: str | None, limit: int) -> SyncPage:
        """The next page; see `agents.services.mail.Mailbox.sync`."""
        place = read_cursor(cursor) if cursor else None
        if place is None or (isinstance(place, Listing) and place.history_id == EMPTY and place.done):
            place = await self._beginning()
        if isinstance(place, Listing):
            return await self._recent(place, limit)
        try:
            return await self._history(place, limit)
        except NotFound:  # Gmail keeps history for about a week; answers 404 for what is older
            page = await self._recent(await self._beginning(), limit)
            return SyncPage(page.cursor, page.messages, (), page.has_more, was_reset=True)

    async def _beginning(self) -> Listing:
        """The recent past, and the history id as it is before that is read: what comes meanwhile is told afterwards."""
        now = int(time.time())
        newest = await self.client.call(
            "gmail", lambda gmail: gmail.users().messages().list(userId="me", maxResults=1, includeSpamTrash=True), READ
        )
        history_id = EMPTY
        if refs := _ids(newest.get("messages")):
            message = await self.client.call(
                "gmail", lambda gmail: gmail.users().messages().get(userId="me", id=refs[0], format="minimal"), READ
            )
            history_id = _history_id(message)
        return Listing(history_id, now - RECENT_DAYS * 86400, now + 86400, 0)

    async def _recent(self, place: Listing, limit: int) -> SyncPage:
        """Oldest first, though Gmail lists the newest first: ids are cheap, so all of them are listed each time."""
        refs: list[str] = []
        token: str | None = None
        while len(refs) < MOST_RECENT_MESSAGES:
            told = await self.client.call("gmail", _list_request(place, token), READ)
            refs += _ids(told.get("messages"))
            token = cast("str | None", told.get("nextPageToken"))
            if not token:
                break
        refs = refs[:MOST_RECENT_MESSAGES][::-1]
        messages, _ = await self._fetch_all(refs[place.done : place.done + limit])
        done = place.done + limit
        if done < len(refs):
            return SyncPage(str(Listing(place.history_id, place.since, place.until, done)), messages, has_more=True)
        if place.history_id == EMPTY:
            return SyncPage(str(Listing(EMPTY, place.since, place.until, 1)), messages)
        return SyncPage(f"history:{place.history_id}", messages)

    async def _history(self, history_id: str, limit: int) -> SyncPage:
        told = await self.client.call(
            "gmail",
            lambda gmail: gmail.users().history().list(userId="me", startHistoryId=history_id, maxResults=limit),
            READ,
        )
        changed: dict[str, None] = {}
        removed: dict[str, None] = {}
        records = mappings(told.get("history"))
        for record in records:
            for kind in ("messagesAdded", "labelsAdded", "labelsRemoved"):
                for ref in _changed(record.get(kind)):
                    changed[ref] = None
                    removed.pop(ref, None)
            for ref in _changed(record.get("messagesDeleted")):
                removed[ref] = None
                changed.pop(ref, None)
        messages, gone = await self._fetch_all(list(changed))
        has_more = bool(told.get("nextPageToken")) and bool(records)
        # A page ends at its last record; the id of the whole answer is newer, and would pass over the other pages.
        upto = str(records[-1].get("id") or "") if has_more else _history_id(told)
        if not upto.isdecimal():
            raise Malformed("Gmail's history has an entry without an id")
        return SyncPage(f"history:{upto}", messages, (*removed, *gone), has_more=has_more)

    async def _fetch_all(self, refs: Iterable[str]) -> tuple[tuple[IncomingMail, ...], tuple[str, ...]]:
        """The messages, oldest first, and the refs of those that are gone meanwhile."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(ref: str) -> IncomingMail | str | StewardError:
            async with gate:
                try:
                    return await self.fetch(ref)
                except NotFound:
                    return ref
                except StewardError as error:
                    return error

        found = await asyncio.gather(*map(one, refs))
        for failed in found:
            if isinstance(failed, StewardError):
                raise failed
        mails = [mail for mail in found if isinstance(mail, IncomingMail) and not mail.labels & LEFT_OUT]
        oldest_first = sorted(mails, key=lambda mail: mail.sent_at.timestamp() if mail.sent_at else 0.0)
        return tuple(oldest_first), tuple(ref for ref in found if isinstance(ref, str))


def _list_request(place: Listing, token: str | None) -> Callable[[Any], Any]:
    query = f"after:{place.since} before:{place.until}"
    return lambda gmail: (
        gmail.users().messages().list(userId="me", q=query, maxResults=MOST_RECENT_MESSAGES, pageToken=token)
    )


def _changed(listed: object) -> list[str]:
    return [str(mapping(one.get("message")).get("id")) for one in mappings(listed) if _is_mail(one)]


def _is_mail(change: dict[str, Any]) -> bool:
    message = mapping(change.get("message"))
    return bool(message.get("id")) and "CHAT" not in values(message.get("labelIds"))


def _history_id(told: dict[str, Any]) -> str:
    history_id = str(told.get("historyId") or "")
    if not history_id.isdecimal():
        raise Malformed("Gmail's answer has no history id")
    return history_id


def _ids(listed: object) -> list[str]:
    return [str(one["id"]) for one in mappings(listed) if one.get("id")]
