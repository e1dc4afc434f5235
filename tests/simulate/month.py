"""A month of mail and meetings out of a seed: 600 mails, 120 calendar entries, and what of it the person wants to hear of.

What is wanted is decided here, by the person's taste and by what happens later, not by the rules that are measured: a
"Coffee with" somebody outside needs no brief however far away they work, an all-hands needs no answer, and a question
that was answered in the corridor needs no reminder.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from core.outside.mail import INBOX, SENT, IncomingMail, MailAddress
from integrations.calendar.ics import Attendee, CalendarEntry
from tasks.nudges import NudgeKind

ZONE = ZoneInfo("Europe/Berlin")
FIRST, DAYS = date(2026, 3, 2), 30
MAILS, EVENTS = 600, 120
OWNER = MailAddress("robin@vega.example", "Robin Vega")


@dataclass(frozen=True)
class Somebody:
    """A person who writes and is invited."""

    name: str
    address: str

    @property
    def first(self) -> str:
        return self.name.split()[0]

    @property
    def mail(self) -> MailAddress:
        return MailAddress(self.address, self.name)


COLLEAGUES = tuple(
    Somebody(name, f"{name.split()[0].lower()}@vega.example")
    for name in ("Priya Nair", "Omar Haddad", "Lena Fox", "Jonas Weber", "Aylin Kaya", "Ben Stone", "Chiara Rossi")
)
OUTSIDE = (
    Somebody("Dana Ortiz", "dana@northwind.example"),
    Somebody("Sam Lee", "sam@acme.example"),
    Somebody("Mia Berg", "mia.berg@bergbau.example"),
    Somebody("Tom Hale", "tom@halepartners.example"),
    Somebody("Nora Lind", "nora@lindwerk.example"),
    Somebody("Paul Roth", "paul.roth@rothagentur.example"),
    Somebody("Ines Vidal", "ines@vidal.example"),
)
SUBJECTS = (
    "the onboarding guide", "the budget for May", "the supplier list", "the new price list", "the trade fair stand",
    "the support rota", "the data export", "the contract draft", "the office move", "the product photos",
    "the test environment", "the quarterly figures", "the travel plan", "the training days", "the beta feedback",
    "the invoice layout", "the partner page", "the safety audit", "the delivery dates", "the hiring plan",
    "the user survey", "the warranty text", "the release notes", "the packaging", "the maintenance window",
)  # fmt: skip
MEETINGS = (
    "Budget review", "Roadmap session", "Design review", "Supplier check", "Hiring round", "Release planning",
    "Pricing workshop", "Support review", "Data migration", "Fair preparation", "Security review", "Campaign kick-off",
    "Vendor selection", "Process workshop", "Retrospective", "Quality circle", "Launch planning", "Partner review",
)  # fmt: skip


@dataclass(frozen=True)
class Want:
    """What is worth a notice: of this kind, about this event or thread, told in this span."""

    kind: NudgeKind
    about: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Arrival:
    """Something that comes at a time: a mail (also one of the person's own), or an entry of the calendar."""

    at: datetime
    mail: IncomingMail | None = None
    entry: CalendarEntry | None = None


@dataclass
class Month:
    """Everything in order of time."""

    arrivals: list[Arrival] = field(default_factory=list[Arrival])
    wants: list[Want] = field(default_factory=list[Want])

    @property
    def mails(self) -> int:
        return sum(one.mail is not None for one in self.arrivals)

    @property
    def entries(self) -> int:
        return sum(one.entry is not None for one in self.arrivals)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment by the person's clock."""
    return datetime.combine(day, time(hour, minute), ZONE)


def make_month(seed: int) -> Month:
    """The month of a seed; the same seed gives the same month, to the letter."""
    maker = _Maker(Random(seed))
    maker.everything()
    month = maker.month
    month.arrivals.sort(key=lambda one: one.at)
    return month


class _Maker:
    """Makes episodes until the month is full."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.month = Month()
        self._ids = 0
        self._places: dict[date, set[int]] = {}

    def everything(self) -> None:
        self._meetings()
        self._questions()
        self._promises()
        self._requests()
        for make in self._fillers():
            if self.month.mails >= MAILS:
                break
            make()

    # ------------------------------------------------------------ small things

    def _next(self, what: str) -> str:
        self._ids += 1
        return f"{what}{self._ids:04d}"

    def _day(self, first: int = 0, last: int = DAYS - 1, *, works: bool = True) -> date:
        while True:
            day = FIRST + timedelta(days=self.random.randint(first, last))
            if not works or day.weekday() < 5:
                return day

    def _moment(self, day: date) -> datetime:
        return at(day, self.random.randint(8, 16), self.random.randrange(0, 60, 5))

    def _slot(self, first: int = 0, *, with_way: bool = False) -> datetime:
        """An hour of a working day on which nothing else is planned; `with_way`: neither in the hour before."""
        while True:
            day = self._day(first)
            taken = self._places.setdefault(day, {9, 12})  # the stand-up, and lunch
            free = [hour for hour in range(10, 17) if hour not in taken and not (with_way and hour - 1 in taken)]
            if free:
                hour = self.random.choice(free)
                taken.update((hour - 1, hour) if with_way else (hour,))
                return at(day, hour)

    def _mail(
        self,
        sent_at: datetime,
        sender: MailAddress,
        to: MailAddress,
        subject: str,
        text: str,
        *,
        answers: IncomingMail | None = None,
        cc: tuple[MailAddress, ...] = (),
        bulk: bool = False,
        automatic: bool = False,
    ) -> IncomingMail:
        name = self._next("m")
        mail = IncomingMail(
            ref=name,
            message_id=f"<{name}@mail.example>",
            thread=answers.thread if answers else name,
            sender=sender,
            to=(to,),
            cc=cc,
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

    def _entry(self, known_at: datetime, entry: CalendarEntry) -> None:
        self.month.arrivals.append(Arrival(known_at, entry=entry))

    def _want(self, kind: NudgeKind, about: str, begins: datetime, ends: datetime) -> None:
        if ends > at(FIRST, 9) and begins < at(FIRST + timedelta(days=DAYS), 0):
            self.month.wants.append(Want(kind, about, begins, ends))

    # ------------------------------------------------------------ meetings

    def _meetings(self) -> None:
        makers: list[tuple[int, Callable[[], None]]] = [
            (16, self._own_meeting),
            (9, lambda: self._own_meeting(has_agenda=True)),
            (7, self._own_coffee),
            (4, lambda: self._own_meeting(says_none=True)),
            (9, self._customer_meeting),
            (9, lambda: self._invitation(wanted=True)),
            (4, lambda: self._invitation(wanted=False)),
            (18, self._others_meeting),
            (6, self._meeting_elsewhere),
            (5, self._double_booking),
            (1, self._stand_up),
        ]
        for count, make in makers:
            for _ in range(count):
                make()
        while self.month.entries < EVENTS:
            self._private()

    def _meeting(
        self,
        title: str,
        people: tuple[Somebody, ...],
        starts_at: datetime,
        *,
        minutes: int = 60,
        organizer: str = OWNER.address,
        description: str = "",
        location: str = "",
        own_answer: str = "accepted",
        known_at: datetime | None = None,
        status: str = "confirmed",
    ) -> CalendarEntry:
        guests = [Attendee(name=one.name, address=one.address, partstat="accepted") for one in people]
        if organizer != OWNER.address:
            guests.append(Attendee(name=OWNER.name, address=OWNER.address, partstat=own_answer))
        entry = CalendarEntry.model_validate(
            {
                "uid": f"{self._next('e')}@cal.example",
                "title": title,
                "description": description,
                "location": location,
                "starts_at": starts_at,
                "ends_at": starts_at + timedelta(minutes=minutes),
                "timezone": ZONE.key,
                "organizer": organizer,
                "attendees": guests if people else [],
                "status": status,
            }
        )
        self._entry(known_at or max(at(FIRST, 7), starts_at - timedelta(days=self.random.randint(3, 9))), entry)
        return entry

    def _prepared_from(self, starts_at: datetime) -> datetime:
        """The morning of the working day before."""
        day = starts_at.date() - timedelta(days=1)
        while day.weekday() > 4:
            day -= timedelta(days=1)
        return at(day, 0)

    def _own_meeting(self, *, has_agenda: bool = False, says_none: bool = False) -> None:
        people = tuple(self.random.sample(COLLEAGUES, self.random.randint(2, 4)))
        title = f"{self.random.choice(MEETINGS)} {self.random.choice(('A', 'B', 'north', 'south', 'spring'))}"
        description = ""
        if has_agenda:
            description = "Agenda\n1. Where we stand\n2. Open questions\n3. Next steps"
        elif says_none:
            description = "No agenda needed, we just talk."
        entry = self._meeting(title, people, self._slot(1), description=description)
        if not has_agenda and not says_none:
            self._want("agenda", entry.uid, self._prepared_from(entry.starts_at), entry.starts_at)
        if self.random.random() < 0.35:
            self._notes(entry, people)

    def _notes(self, entry: CalendarEntry, people: tuple[Somebody, ...]) -> None:
        who, other = people[0], people[1]
        sent_at = entry.ends_at + timedelta(minutes=self.random.choice((20, 45, 90)))
        topic = self.random.choice(SUBJECTS)
        text = (
            f"Notes from {entry.title}\n\n- {topic.capitalize()} stays as it is.\n"
            f"- {other.first} checks {self.random.choice(SUBJECTS)} by Friday.\n"
            "- Next meeting in two weeks.\n"
        )
        self._mail(sent_at, who.mail, OWNER, f"Notes: {entry.title}", text, cc=tuple(one.mail for one in people[1:]))
        self._want("follow_up", entry.uid, sent_at, sent_at + timedelta(days=4))

    def _own_coffee(self) -> None:
        """Informal, and made by the person: nobody wants an agenda for it."""
        somebody = self.random.choice(COLLEAGUES)
        self._meeting(
            self.random.choice((f"Coffee with {somebody.first}", f"Lunch {somebody.first} / Robin", "Team lunch")),
            (somebody, *self.random.sample(COLLEAGUES, 1)),
            self._slot(1),
        )

    def _customer_meeting(self) -> None:
        somebody = self.random.choice(OUTSIDE)
        informal = self.random.random() < 0.2
        title = (
            f"Coffee with {somebody.first}"
            if informal
            else f"{somebody.name.split()[1]}: {self.random.choice(MEETINGS)}"
        )
        entry = self._meeting(title, (somebody,), self._slot(1), organizer=somebody.address)
        if not informal:
            self._want("brief", entry.uid, self._prepared_from(entry.starts_at), entry.starts_at)

    def _invitation(self, *, wanted: bool) -> None:
        somebody = self.random.choice(COLLEAGUES)
        title = f"{self.random.choice(MEETINGS)} ({somebody.first})" if wanted else "All hands (optional)"
        starts_at = self._slot(4)
        known_at = max(at(FIRST, 8), starts_at - timedelta(days=6))
        entry = self._meeting(
            title,
            (somebody, *COLLEAGUES[:2]),
            starts_at,
            organizer=somebody.address,
            own_answer="needs-action",
            known_at=known_at,
        )
        if wanted:
            self._want("rsvp", entry.uid, known_at, starts_at)

    def _others_meeting(self) -> None:
        somebody = self.random.choice(COLLEAGUES)
        self._meeting(
            f"{self.random.choice(MEETINGS)} {somebody.first}",
            (somebody, self.random.choice(COLLEAGUES)),
            self._slot(),
            organizer=somebody.address,
        )

    def _meeting_elsewhere(self) -> None:
        somebody = self.random.choice(COLLEAGUES)
        starts_at = self._slot(1, with_way=True)
        entry = self._meeting(
            f"Visit: {self.random.choice(MEETINGS)}",
            (somebody,),
            starts_at,
            organizer=somebody.address,
            location=self.random.choice(
                ("Hafenstraße 12, Hamburg", "Messe Süd, Halle 4, Berlin", "Lindenallee 3, Potsdam")
            ),
        )
        self._want("travel", entry.uid, starts_at - timedelta(hours=3), starts_at)

    def _double_booking(self) -> None:
        somebody = self.random.choice(COLLEAGUES)
        starts_at = self._slot(3)
        first = self._meeting(f"{self.random.choice(MEETINGS)} one", (somebody,), starts_at, organizer=somebody.address)
        other = self.random.choice(COLLEAGUES)
        second = self._meeting(
            f"{self.random.choice(MEETINGS)} two",
            (other,),
            starts_at + timedelta(minutes=30),
            minutes=30,
            organizer=other.address,
        )
        self._want("conflict", f"{first.uid}+{second.uid}", starts_at - timedelta(days=7), starts_at)

    def _stand_up(self) -> None:
        guests = [Attendee(name=one.name, address=one.address, partstat="accepted") for one in COLLEAGUES[:4]]
        self._entry(
            at(FIRST, 7),
            CalendarEntry.model_validate(
                {
                    "uid": f"{self._next('e')}@cal.example",
                    "title": "Stand-up",
                    "starts_at": at(FIRST, 9),
                    "ends_at": at(FIRST, 9, 15),
                    "timezone": ZONE.key,
                    "recurrence": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
                    "organizer": OWNER.address,
                    "attendees": guests,
                }
            ),
        )

    def _private(self) -> None:
        day = self._day(works=False)
        taken = self._places.setdefault(day, {9, 12})
        hour = next(hour for hour in (18, 19, 20, 21, 22, 7) if hour not in taken)
        taken.add(hour)
        title = self.random.choice(("Dentist", "Gym", "Choir", "Parents", "Bike repair"))
        self._meeting(title, (), at(day, hour), minutes=45)

    # ------------------------------------------------------------ mail

    def _questions(self) -> None:
        """The person asks; others answer, or do not."""
        for number in range(30):
            somebody = self.random.choice(COLLEAGUES + OUTSIDE)
            topic = self.random.choice(SUBJECTS)
            asked_at = self._moment(self._day(0, 20))
            text = f"Hi {somebody.first},\n\ncan you tell me where we stand with {topic}?\n\nBest,\nRobin"
            if number % 10 == 9:
                text = (
                    f"Hi {somebody.first},\n\nI moved {topic} to the shared folder. No answer needed.\n\nBest,\nRobin"
                )
            asked = self._mail(asked_at, OWNER, somebody.mail, f"{topic.capitalize()}", text)
            if number % 10 == 9:
                continue
            if number % 3 == 0:
                self._never_answered(asked, somebody)
            else:
                answered_at = asked_at + timedelta(hours=self.random.choice((2, 5, 20, 26)))
                self._mail(
                    answered_at, somebody.mail, OWNER, f"Re: {asked.subject}",
                    f"Hi Robin,\n\nwe are on time with {topic}, nothing new otherwise.\n\n{somebody.first}", answers=asked,
                )  # fmt: skip

    def _never_answered(self, asked: IncomingMail, somebody: Somebody) -> None:
        asked_at = asked.sent_at or at(FIRST, 9)
        if self.random.random() < 0.3:
            self._mail(
                asked_at + timedelta(minutes=2), somebody.mail, OWNER, f"Automatic reply: {asked.subject}",
                f"I am out of the office until {(asked_at + timedelta(days=8)):%-d %B} and will answer after that.",
                answers=asked, automatic=True,
            )  # fmt: skip
            begins = asked_at + timedelta(days=9)
        else:
            begins = asked_at + timedelta(days=3)
        self._want("unanswered", asked.thread_key, begins, begins + timedelta(days=12))

    def _promises(self) -> None:
        """Others promise; some keep it."""
        for number in range(22):
            somebody = self.random.choice(COLLEAGUES + OUTSIDE)
            topic = self.random.choice(SUBJECTS)
            said_at = self._moment(self._day(0, 19))
            due = said_at.date() + timedelta(days=self.random.randint(2, 4))
            while due.weekday() > 4:
                due += timedelta(days=1)
            word = self.random.choice(
                (f"I will send you {topic} by {due:%A}.", f"You will have {topic} by {due:%-d %B}.")
            )
            said = self._mail(
                said_at, somebody.mail, OWNER, topic.capitalize(), f"Hi Robin,\n\n{word}\n\n{somebody.first}"
            )
            if number % 5 < 3:
                kept_at = at(due, 8) - timedelta(hours=self.random.choice((2, 16, 22)))
                self._mail(
                    max(kept_at, said_at + timedelta(hours=3)), somebody.mail, OWNER, f"Re: {said.subject}",
                    f"Hi Robin,\n\nhere is {topic}.\n\n{somebody.first}", answers=said,
                )  # fmt: skip
            else:
                self._want("unanswered", said.thread_key, at(due, 12), at(due, 12) + timedelta(days=10))

    def _requests(self) -> None:
        """Others ask; the person answers within a day or two."""
        for number in range(60):
            somebody = self.random.choice(COLLEAGUES + OUTSIDE)
            topic = self.random.choice(SUBJECTS)
            asked_at = self._moment(self._day(0, 27))
            text = self.random.choice(
                (
                    f"Hi Robin,\n\ncan you send me {topic} by Friday?\n\nThanks, {somebody.first}",
                    f"Hi Robin,\n\ncould you have a look at {topic} please?\n\nThanks, {somebody.first}",
                )
            )
            asked = self._mail(asked_at, somebody.mail, OWNER, topic.capitalize(), text)
            if number % 6 < 5:
                self._mail(
                    asked_at + timedelta(hours=self.random.choice((1, 4, 20, 30))), OWNER, somebody.mail, f"Re: {asked.subject}",
                    f"Hi {somebody.first},\n\nhere you are.\n\nBest,\nRobin", answers=asked,
                )  # fmt: skip

    def _fillers(self) -> Iterator[Callable[[], None]]:
        while True:
            yield from (
                self._newsletter,
                self._newsletter,
                self._notice,
                self._information,
                self._newsletter,
                self._notice,
            )

    def _newsletter(self) -> None:
        name = self.random.choice(
            ("Widget Weekly", "Garden Post", "Data Digest", "City Events", "Shop News", "Travel Letter")
        )
        sender = MailAddress(f"news@{name.replace(' ', '').lower()}.example", name)
        subject = self.random.choice(
            ("10 things for this spring", "Don't miss this week", "Can you guess the number?", "Last chance")
        )
        self._mail(
            self._moment(self._day(works=False)), sender, OWNER, subject,
            f"{subject}. What do you think? Tell us your opinion!\n\nUnsubscribe any time.", bulk=True,
        )  # fmt: skip

    def _notice(self) -> None:
        name = self.random.choice(("bank", "parcel", "railway", "cloud", "phone"))
        text = self.random.choice(
            (
                "Your statement is ready. You don't need to do anything.",
                "Your parcel was delivered today.",
                "Your backup has ended without errors.",
            )
        )
        self._mail(
            self._moment(self._day(works=False)),
            MailAddress(f"no-reply@{name}.example", ""),
            OWNER,
            text.split(".")[0],
            text,
            automatic=True,
        )

    def _information(self) -> None:
        somebody = self.random.choice(COLLEAGUES)
        topic = self.random.choice(SUBJECTS)
        self._mail(
            self._moment(self._day()), somebody.mail, OWNER, f"FYI: {topic}",
            f"Hi all,\n\nfor your information: {topic} was updated yesterday.\n\n{somebody.first}",
            cc=tuple(one.mail for one in self.random.sample(COLLEAGUES, 2)),
        )  # fmt: skip
