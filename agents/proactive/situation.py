"""What the rules look at: the person, the time, and copies of calendar, mail, promises and tasks around it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from agents.rules.mail_people import Owner
from core.outside.calendar import WorkingHours
from tasks.commitments import Commitment
from tasks.models import Task

LOOK_BACK, LOOK_AHEAD = timedelta(days=14), timedelta(days=14)


@dataclass(frozen=True)
class Person:
    """Somebody at a meeting or in a mail. `answer` to an invitation: accepted, declined, tentative, needs-action or ""."""

    address: str  # in lower case
    name: str = ""
    answer: str = ""

    @property
    def called(self) -> str:
        return self.name or self.address


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """An occurrence in a calendar of the person. Times are aware; `people` are all others who are invited."""

    calendar: str
    uid: str
    recurrence_id: str = ""  # of the occurrence, "" for a single event
    title: str
    description: str = ""
    location: str = ""
    url: str = ""
    starts_at: datetime
    ends_at: datetime
    is_all_day: bool = False
    is_recurring: bool = False
    is_busy: bool = True
    is_private: bool = False
    status: str = "confirmed"  # or tentative, cancelled
    organizer: Person | None = None
    people: tuple[Person, ...] = ()
    own_answer: str = ""  # the person's own, where somebody else invites

    @property
    def key(self) -> str:
        """Names the occurrence for good: it stays when the meeting is moved, unless it is another occurrence."""
        return f"{self.calendar}:{self.uid}:{self.recurrence_id or self.starts_at.date().isoformat()}"[:250]


@dataclass(frozen=True, kw_only=True)
class SeenMail:
    """A mail of the last weeks, as it was kept. Addresses are in lower case; `text` is its new part."""

    message_id: str
    thread_key: str
    account: str
    account_id: str | None = None  # of the connected account, from which an answer leaves
    sender: Person
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    subject: str = ""
    text: str = ""
    sent_at: datetime
    is_from_me: bool = False
    category: str | None = None
    suspicious: str | None = None
    auto_submitted: str = ""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Everything that a rule may look at. `now` is in the person's zone; lists are in order of time, oldest first."""

    now: datetime
    owner: Owner
    hours: WorkingHours  # their own, or of the setting STEWARD_CALENDAR_WORKING_HOURS
    meetings: Sequence[Meeting] = ()  # two weeks back and ahead, cancelled ones too
    mails: Sequence[SeenMail] = ()  # three weeks back
    commitments: Sequence[Commitment] = ()  # open ones
    tasks: Sequence[Task] = ()  # open roots and parts, and what was finished in the last two weeks
    home: str = ""  # a place, where travel begins
    travel_minutes: int = 30  # of the setting STEWARD_TRAVEL_MINUTES
    travel_places: Mapping[str, int] = field(default_factory=dict[str, int])  # minutes by place, in lower case

    @cached_property
    def own_domains(self) -> frozenset[str]:
        """Domains of the person's own addresses, but those where anybody has an address."""
        found = {address.partition("@")[2] for address in self.owner.addresses}
        return frozenset(found - EVERYBODYS_DOMAINS)

    def is_outside(self, person: Person) -> bool:
        """Does this person belong to somebody else's house? Where the own address is anybody's, everyone does."""
        return person.address.partition("@")[2] not in self.own_domains

    def account_of(self, thread_key: str | None) -> dict[str, str]:
        """For a task's source_ref: the connected account in which a thread lies, by its newest mail; empty where none does."""
        known = (one.account_id for one in reversed(self.mails) if one.account_id and one.thread_key == thread_key)
        return {"account_id": found} if (found := next(known, None)) else {}

    @cached_property
    def end_of_next_working_day(self) -> datetime:
        """The horizon of preparation: midnight after the next day on which the person works."""
        day = self.now + timedelta(days=1)
        while self.hours.days and day.weekday() not in self.hours.days:
            day += timedelta(days=1)
        return (day + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


EVERYBODYS_DOMAINS = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com",
    "gmx.de", "gmx.net", "web.de", "t-online.de", "proton.me", "protonmail.com", "posteo.de", "mailbox.org", "aol.com",
})  # fmt: skip
