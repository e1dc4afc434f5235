"""What a month is made of: arrivals and wants, and the small things that every episode needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

from core.outside.mail import INBOX, SENT, IncomingMail, MailAddress
from integrations.calendar.ics import Attendee, CalendarEntry
from tasks.nudges import NudgeKind
from tests.simulate.people import (
    MEETINGS,
    MEETINGS_DE,
    OWNER,
    SUBJECTS,
    SUBJECTS_DE,
    VAGUE,
    VAGUE_DE,
    Language,
    Somebody,
)

ZONE = ZoneInfo("Europe/Berlin")
FIRST, DAYS = date(2026, 3, 2), 30
MAILS, EVENTS = 600, 120
GERMAN_SHARE = 0.25
ENOUGH_TRIES = 500
DAY = timedelta(days=1)
MONTHS_DE = ("Januar", "Februar", "März", "April", "Mai", "Juni")
DAYS_DE = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")


@dataclass(frozen=True)
class Want:
    """What is worth a notice: of this kind, about this event or thread ("+" joins what has to be named), told in this span.

    `is_open`: people would differ on it, so it counts neither where it is told nor where it is not.
    """

    kind: NudgeKind
    about: str
    begins: datetime
    ends: datetime
    is_open: bool = False


@dataclass(frozen=True)
class Arrival:
    """Something that comes at a time: a mail (also one of the person's own), or an entry of a calendar as it is from then on."""

    at: datetime
    mail: IncomingMail | None = None
    entry: CalendarEntry | None = None
    calendar: str = "local"


@dataclass
class Month:
    """Everything in order of time."""

    arrivals: list[Arrival] = field(default_factory=list[Arrival])
    wants: list[Want] = field(default_factory=list[Want])

    @property
    def mails(self) -> int:
        return sum(one.mail is not None for one in self.arrivals)

    @property
    def events(self) -> int:
        """Events and series; changes of them and copies in another calendar are none of their own."""
        return len({one.entry.uid for one in self.arrivals if one.entry})


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment by the person's clock."""
    return datetime.combine(day, time(hour, minute), ZONE)


def working_day(day: date, step: int = 1) -> date:
    """This day, or the next (or last, `step` -1) on which people work."""
    while day.weekday() > 4:
        day += step * DAY
    return day


def say_day(day: date, language: Language, *, by_date: bool) -> str:
    """ "Friday", "6 March", "Freitag", "6. März"."""
    if language == "de":
        return f"{day.day}. {MONTHS_DE[day.month - 1]}" if by_date else DAYS_DE[day.weekday()]
    return f"{day:%-d %B}" if by_date else f"{day:%A}"


def quoting(text: str, mail: IncomingMail, language: Language) -> str:
    """The text above what it answers, as mail programs write it."""
    sent, who = mail.sent_at or at(FIRST, 9), f"{mail.sender.name} <{mail.sender.address}>"
    if language == "de":
        head = f"Am {sent.day}. {MONTHS_DE[sent.month - 1]} {sent.year} um {sent:%H:%M} schrieb {who}:"
    else:
        head = f"On {sent:%a}, {sent.day} {sent:%B} {sent.year} at {sent:%H:%M}, {who} wrote:"
    return f"{text}\n\n{head}\n" + "\n".join(f"> {line}" for line in mail.text.split("\n"))


def later(moment: datetime, *, days: int) -> datetime:
    """So many working days after it, at the same time."""
    for _ in range(days):
        moment = datetime.combine(working_day(moment.date() + DAY), moment.timetz(), ZONE)
    return moment


def signed(text: str, somebody: Somebody, language: Language) -> str:
    return f"{'Hallo' if language == 'de' else 'Hi'} Robin,\n\n{text}\n\n{somebody.first}"


def own_words(text: str, somebody: Somebody, language: Language) -> str:
    return f"{'Hallo' if language == 'de' else 'Hi'} {somebody.first},\n\n{text}\n\n{'Gruß' if language == 'de' else 'Best,'}\nRobin"


class Maker:
    """Adds to a month. All chance comes from `random`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.month = Month()
        self._ids = 0
        self._taken: dict[date, set[int]] = {}

    # ------------------------------------------------------------ chance

    def name(self, what: str) -> str:
        self._ids += 1
        return f"{what}{self._ids:04d}"

    def language(self) -> Language:
        return "de" if self.random.random() < GERMAN_SHARE else "en"

    def topic(self, language: Language = "en") -> str:
        return self.random.choice(SUBJECTS_DE if language == "de" else SUBJECTS)

    def subject(self, topic: str, language: Language) -> str:
        """What stands above a mail about it: in two of five cases nothing that says so."""
        if self.random.random() < 0.4:
            return self.random.choice(VAGUE_DE if language == "de" else VAGUE)
        return topic[:1].upper() + topic[1:]

    def title(self, language: Language = "en") -> str:
        return self.random.choice(MEETINGS_DE if language == "de" else MEETINGS)

    def day(self, first: int = 0, last: int = DAYS - 1, *, works: bool = True) -> date:
        while True:
            day = FIRST + timedelta(days=self.random.randint(first, last))
            if not works or day.weekday() < 5:
                return day

    def moment(self, day: date) -> datetime:
        return at(day, self.random.randint(8, 16), self.random.randrange(0, 60, 5))

    def slot(self, first: int = 0, last: int = DAYS - 1, *, with_way: bool = False) -> datetime:
        """An hour of a working day on which nothing else is planned; `with_way`: neither in the hour before."""
        for tried in count():
            # Where those days are full, any day will do; where all are, an early hour.
            day = self.day(first, last) if tried < ENOUGH_TRIES else self.day(1)
            taken = self._taken.setdefault(day, {9, 12})  # the stand-up, and lunch
            hours = range(10, 18) if tried < 2 * ENOUGH_TRIES else (8, 18, 19)
            free = [hour for hour in hours if hour not in taken and not (with_way and hour - 1 in taken)]
            if free:
                hour = self.random.choice(free)
                taken.update((hour - 1, hour) if with_way else (hour,))
                return at(day, hour)
        raise AssertionError("a month has more hours than this")

    def take(self, moment: datetime) -> None:
        """Keep an hour from being planned."""
        self._taken.setdefault(moment.date(), {9, 12}).add(moment.hour)

    def evening(self) -> datetime:
        day = self.day(works=False)
        taken = self._taken.setdefault(day, {9, 12})
        hour = next((hour for hour in (18, 19, 20, 21, 22, 7) if hour not in taken), 6)
        taken.add(hour)
        return at(day, hour)

    # ------------------------------------------------------------ what comes

    def mail(
        self,
        sent_at: datetime,
        sender: MailAddress,
        to: MailAddress | Sequence[MailAddress],
        subject: str,
        text: str,
        *,
        answers: IncomingMail | None = None,
        cc: Sequence[MailAddress] = (),
        bulk: bool = False,
        automatic: bool = False,
    ) -> IncomingMail:
        name = self.name("m")
        mail = IncomingMail(
            ref=name,
            message_id=f"<{name}@mail.example>",
            thread=answers.thread if answers else name,
            sender=sender,
            to=(to,) if isinstance(to, MailAddress) else tuple(to),
            cc=tuple(cc),
            subject=subject,
            sent_at=sent_at,
            text=text,
            in_reply_to=answers.message_id if answers else None,
            references=(*answers.references, answers.message_id) if answers else (),
            labels=frozenset({SENT if sender == OWNER else INBOX}),
            list_unsubscribe=bulk,
            precedence="bulk" if bulk else "",
            auto_submitted=automatic,
        )
        self.month.arrivals.append(Arrival(sent_at, mail=mail))
        return mail

    def answer(
        self,
        mail: IncomingMail,
        sent_at: datetime,
        sender: MailAddress,
        text: str,
        language: Language,
        *,
        cc: Sequence[MailAddress] = (),
        to: MailAddress | None = None,
        automatic: bool = False,
    ) -> IncomingMail:
        """An answer in the thread, to whoever wrote the mail if not `to`; three of four quote it."""
        to = to or (mail.sender if sender != mail.sender else mail.to[0])
        if not automatic and self.random.random() < 0.75:
            text = quoting(text, mail, language)
        begins = ("Re:", "RE:") if language == "en" else ("AW:", "Re:")
        subject = (
            mail.subject
            if mail.subject[:3].upper() in {"RE:", "AW:"}
            else f"{self.random.choice(begins)} {mail.subject}"
        )
        if automatic:
            subject = f"{'Automatische Antwort' if language == 'de' else 'Automatic reply'}: {mail.subject}"
        return self.mail(sent_at, sender, to, subject, text, answers=mail, cc=cc, automatic=automatic)

    def meeting(
        self,
        title: str,
        people: Sequence[Somebody],
        starts_at: datetime,
        *,
        minutes: int = 60,
        organizer: str = OWNER.address,
        description: str = "",
        location: str = "",
        own_answer: str = "accepted",
        known_at: datetime | None = None,
        recurrence: str | None = None,
    ) -> CalendarEntry:
        guests = [Attendee(name=one.name, address=one.address, partstat="accepted") for one in people]
        if organizer != OWNER.address:
            guests.append(
                Attendee.model_validate({"name": OWNER.name, "address": OWNER.address, "partstat": own_answer})
            )
        entry = CalendarEntry.model_validate(
            {
                "uid": f"{self.name('e')}@cal.example",
                "title": title,
                "description": description,
                "location": location,
                "starts_at": starts_at,
                "ends_at": starts_at + timedelta(minutes=minutes),
                "timezone": ZONE.key,
                "organizer": organizer,
                "attendees": guests if people else [],
                "recurrence": recurrence,
            }
        )
        ahead = timedelta(days=self.random.randint(3, 9))
        self.entry(known_at or max(at(FIRST, 7), starts_at - ahead), entry)
        return entry

    def entry(self, known_at: datetime, entry: CalendarEntry, calendar: str = "local") -> None:
        self.month.arrivals.append(Arrival(known_at, entry=entry, calendar=calendar))

    def known_at(self, entry: CalendarEntry) -> datetime:
        """When an event was first in a calendar."""
        return min(one.at for one in self.month.arrivals if one.entry and one.entry.uid == entry.uid)

    def want(self, kind: NudgeKind, about: str, begins: datetime, ends: datetime, *, is_open: bool = False) -> None:
        if ends > at(FIRST, 9) and begins < at(FIRST + timedelta(days=DAYS), 0):
            self.month.wants.append(Want(kind, about, begins, ends, is_open))
