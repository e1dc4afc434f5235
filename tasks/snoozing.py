"""Tasks out of sight until a time, or until somebody answers."""

import re
import unicodedata
from datetime import datetime
from uuid import UUID

from core.clock import Clock
from core.database import Caller, Database, Identity
from core.errors import Invalid
from tasks.commitments import Commitment
from tasks.models import Record, Task

LONGEST_NAME = 320
SHOWN = 8
BETWEEN_WORDS = re.compile(r"[\s,;\"()<>]+")
TITLES = frozenset({"dr", "dr.", "prof", "prof.", "mr", "mr.", "mrs", "mrs.", "ms", "ms.", "herr", "frau"})
ASIDE = re.compile(r"\([^()]*\)")
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


class Correspondent(Record):
    """Somebody who wrote mail. `in_thread`: in the thread that the task came from."""

    address: str
    name: str = ""
    last_at: datetime | None = None
    in_thread: bool = False
    thread_key: str | None = None

    @property
    def called(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


def is_called(name: str, wanted: str) -> bool:
    """Is that their whole name, the first or the last part of it? Whole words alone count; "Müller" is "Mueller" too."""
    return any(
        words in (parts[: len(words)], parts[-len(words) :], [parts[0], parts[-1]])
        for words in _orders(wanted)
        for parts in _orders(ASIDE.sub(" ", name)) + _orders(name)
    )


def _orders(name: str) -> list[list[str]]:
    """The words of a name as it stands and, where a comma parts it, the other way round ("Lima, Ana"); none of no words."""
    family, _, given = name.partition(",")
    return [words for words in (_words(name), _words(f"{given} {family}")) if words]


def _words(name: str) -> list[str]:
    """The words of a name without a title before it, in one spelling; what a hyphen joins is one word."""
    plain = unicodedata.normalize("NFC", name).casefold().translate(UMLAUTS)
    words = [word for word in BETWEEN_WORDS.split(plain) if word]
    while len(words) > 1 and words[0] in TITLES:
        del words[0]
    return words


async def find_correspondents(caller: Caller, task_id: UUID, words: str) -> list[Correspondent]:
    """People of that name (`is_called`), address, or part of it before the @: those of the task's own thread first, then the latest."""
    low = unicodedata.normalize("NFC", words).casefold()
    rows = await caller.call(
        "find_correspondents", words=low if "@" in low else " ".join(_words(words)), task_id=task_id
    )
    found = [Correspondent.model_validate(row) for row in rows]
    return [one for one in found if low in (one.address, one.address.partition("@")[0]) or is_called(one.name, words)]


async def find_correspondent(caller: Caller, task_id: UUID, words: str) -> Correspondent:
    """The one person that is meant. Raises Invalid, and names who was found, where that is nobody or several."""
    wanted = " ".join(words.split())
    if not 1 <= len(wanted) <= LONGEST_NAME:
        raise Invalid(f"reply_from is a name or an address of 1 to {LONGEST_NAME} characters")
    found = await find_correspondents(caller, task_id, wanted)
    low = wanted.casefold()
    for fits in (
        [one for one in found if one.address == low],
        [one for one in found if one.in_thread],
        [one for one in found if " " in low and one.name.casefold() == low],
        found,
    ):
        if len(fits) == 1:
            return fits[0]
    if not found:
        raise Invalid(
            f"reply_from is {wanted[:100]!r}, and no mail from anybody of that name is here",
            hint="Give the address, or another name; mail has to have come from there once.",
        )
    raise Invalid(
        f"reply_from is {wanted[:100]!r}, and that is not one person",
        detail=f"found: {', '.join(one.called for one in found[:SHOWN])}",
        hint="Give the address.",
    )


async def snooze_task(
    caller: Caller,
    task_id: UUID,
    clock: Clock,
    *,
    until: datetime | None = None,
    reply_from: str | None = None,
    thread_key: str | None = None,
) -> Task:
    """Out of sight until a time, until an answer, or whichever comes first. Raises Invalid, Conflict for what runs or is over."""
    now = clock.now()
    if until is None and not (reply_from or "").strip():
        raise Invalid("until or reply_from is missing", detail="a task is snoozed until a time, an answer, or both")
    if until is not None and until <= now:
        raise Invalid(
            f"until is {until.isoformat()}, which is over", detail=f"allowed is a time after {now:%Y-%m-%d %H:%M}"
        )
    person = await find_correspondent(caller, task_id, reply_from) if reply_from and reply_from.strip() else None
    row = await caller.call(
        "snooze_task",
        task_id=task_id,
        until=until,
        reply_from=person.address if person else None,
        who=person.name or person.address if person else None,
        thread_key=thread_key if person else None,
        since=now if person else None,
        words=", or ".join(
            part
            for part in (
                f"until {person.name or person.address} replies" if person else "",
                f"until {until.astimezone(now.tzinfo):%a %-d %b %H:%M}" if until else "",
            )
            if part
        ),
    )
    return Task.model_validate(row)


async def missed_by_snooze(caller: Caller, task: Task, now: datetime) -> list[str]:
    """What falls due while a task is out of sight, in sentences: the task, and the promises that hang on it. Empty where nothing does."""

    def is_missed(due_at: datetime | None, *, is_all_day: bool) -> bool:
        if due_at is None or not task.is_snoozed:
            return False
        if task.snoozed_until is None:
            return True
        back = task.snoozed_until.astimezone(now.tzinfo)
        return back.date() > due_at.astimezone(now.tzinfo).date() if is_all_day else back > due_at

    told: list[str] = []
    if task.due_at and is_missed(task.due_at, is_all_day=task.due_is_all_day):
        ends = "before that" if task.snoozed_until else "answered or not"
        told.append(f"It is due {due_words(task.due_at, now, is_all_day=task.due_is_all_day)}, {ends}.")
    for row in await caller.call("list_task_promises", task_id=task.id):
        promise = Commitment.model_validate(row)
        if told or is_missed(promise.due_at, is_all_day=promise.due_is_all_day):
            whose = (
                f"You promised it to {promise.called}" if promise.is_mine else f"{promise.called} promised it to you"
            )
            by = due_words(promise.due_at, now, is_all_day=promise.due_is_all_day) if promise.due_at else ""
            told.append(f"{whose}{f' by {by}' if by else ''}: “{(promise.title or promise.quote)[:200]}”.")
    return told


def due_words(due_at: datetime, now: datetime, *, is_all_day: bool) -> str:
    """A date as people say it: "today 12:00", "Fri 6 Mar"."""
    here = due_at.astimezone(now.tzinfo)
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get((here.date() - now.date()).days)
    day = near or f"{here:%a} {here.day} {here:%b}" + (f" {here.year}" if here.year != now.year else "")
    return day if is_all_day else f"{day} {here:%H:%M}"


async def unsnooze_task(caller: Caller, task_id: UUID) -> Task:
    """Back in sight. Where it was not snoozed, nothing happens."""
    return Task.model_validate(await caller.call("unsnooze_task", task_id=task_id))


async def wake_snoozed_tasks(database: Database, at: datetime) -> int:
    """Bring back what was snoozed until now, of every tenant; how many."""
    return await database.acting_as(Identity.service()).call("wake_snoozed_tasks", at=at)


async def count_snoozed_tasks(caller: Caller, at: datetime) -> int:
    """How many top-level tasks are snoozed."""
    return await caller.call("count_snoozed_tasks", at=at)
