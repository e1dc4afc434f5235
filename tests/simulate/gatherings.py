"""The 120 events of a month, and what of them a reasonable person wants to hear of, and why.

- An agenda for what one holds for others: by the working day before, and never for a coffee, what says it needs none, a weekly
  talk of two, or a meeting that was called off. A council that meets every fortnight wants one each time.
- A brief before people from outside come to talk, interviews among them; none for a webinar of many.
  Over a coffee people differ on it.
- An invitation that lies unanswered; none that is answered in the calendar within hours, nor an optional all-hands.
- Two things at one time that one said yes to; none that was declined, is only perhaps, or is time kept free for oneself.
- When to leave for another place; not for a room of the house, nor for a link.
- Notes of a meeting that one held, and of one held by others only where they give one something to do.
"""

from datetime import datetime, timedelta

from integrations.calendar.ics import Attendee, CalendarEntry
from tests.simulate.making import DAY, DAYS, EVENTS, FIRST, Maker, at, working_day
from tests.simulate.people import COLLEAGUES, OUTSIDE, OWNER, Language, Somebody

PLACES = ("Kantstraße 12, Berlin", "Messe Süd, Halle 4, Berlin", "Lindenallee 3, Potsdam", "Hotel Adler, Dresden")
NO_PLACES = ("Room 3.04", "https://meet.example/abc", "Besprechungsraum 2", "Phone", "")


def make_gatherings(maker: Maker) -> None:
    """Fill the month with its events, their changes and their notes."""
    _series(maker)
    for _ in range(6):
        _elsewhere(maker)
    for number in range(5):
        _overlapping(maker, number)
    for number in range(13):
        _own(maker, number)
    for number in range(12):
        _with_agenda_or_none(maker, number)
    for number in range(6):
        _coffee(maker, number)
    for number in range(11):
        _customer(maker, number)
    for number in range(16):
        _invitation(maker, number)
    for number in range(12):
        _of_others(maker, number)
    while maker.month.events < EVENTS:
        title = maker.random.choice(("Dentist", "Gym", "Choir", "Parents", "Bike repair", "Elternabend", "Zahnarzt"))
        maker.meeting(title, (), maker.evening(), minutes=45)


def prepared_from(starts_at: datetime) -> datetime:
    """The morning of the working day before."""
    return at(working_day(starts_at.date() - DAY, -1), 0)


def _people(maker: Maker, least: int = 2, most: int = 4) -> tuple[Somebody, ...]:
    return tuple(maker.random.sample(COLLEAGUES, maker.random.randint(least, most)))


def _series(maker: Maker) -> None:
    maker.meeting(
        "Stand-up",
        COLLEAGUES[:4],
        at(FIRST, 9),
        minutes=15,
        known_at=at(FIRST, 7),
        recurrence="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    )
    for title, day, hour, rule, people in (
        ("Jonas / Robin", 1, 11, "FREQ=WEEKLY", (COLLEAGUES[3],)),
        ("Team weekly", 0, 10, "FREQ=WEEKLY", COLLEAGUES[:5]),
        ("Product council", 3, 14, "FREQ=WEEKLY;INTERVAL=2", COLLEAGUES[1:6]),
    ):
        first = FIRST + timedelta(days=day)
        text = "Agenda\n- Round of news\n- What is stuck\n- Who needs help" if title == "Team weekly" else ""
        minutes = 30 if len(people) == 1 else 60
        entry = maker.meeting(
            title, people, at(first, hour), minutes=minutes, description=text, known_at=at(FIRST, 7), recurrence=rule
        )
        step = 14 if "INTERVAL" in rule else 7
        for number in range(0, DAYS + 7, step):
            moment = at(first + timedelta(days=number), hour)
            maker.take(moment)
            if title == "Product council":
                maker.want("agenda", f"{entry.uid}+{moment:%Y-%m-%d}", prepared_from(moment), moment)


def _own(maker: Maker, number: int) -> None:
    """Held by the person without an agenda: two are moved to another day, two called off, three stand in another calendar, too."""
    people, language = _people(maker), maker.language()
    title = f"{maker.title(language)} {maker.random.choice(('A', 'B', 'north', 'south', 'spring'))}"
    starts_at = maker.slot(7 if number < 4 else 1)
    known_at = starts_at - timedelta(days=6) if number < 4 else None
    entry = maker.meeting(title, people, starts_at, known_at=known_at)
    changed_at = starts_at - timedelta(days=5)
    if number < 2:
        later = maker.slot(min((starts_at.date() - FIRST).days + 1, DAYS - 3))
        entry = _changed(maker, entry, changed_at, starts_at=later, ends_at=later + timedelta(hours=1))
    elif number < 4:
        _changed(maker, entry, changed_at, status="cancelled")
        return
    elif number < 7:
        maker.entry(maker.known_at(entry) + timedelta(minutes=5), entry, calendar="team")
    maker.want("agenda", entry.uid, prepared_from(entry.starts_at), entry.starts_at)
    if number % 2:
        _notes(maker, entry, people, language, is_wanted=True)


def _changed(maker: Maker, entry: CalendarEntry, changed_at: datetime, **changes: object) -> CalendarEntry:
    later = entry.model_copy(update=changes)
    maker.entry(changed_at, later)
    return later


def _notes(
    maker: Maker,
    entry: CalendarEntry,
    people: tuple[Somebody, ...],
    language: Language,
    *,
    is_wanted: bool,
    for_me: bool = False,
) -> None:
    """Somebody who was there writes down what came of it; one in three under a subject that does not name the meeting."""
    who, other = people[0], people[1]
    sent_at = entry.ends_at + timedelta(minutes=maker.random.choice((20, 45, 90, 200)))
    topic, task = maker.topic(language), maker.topic(language)
    doer = "Robin" if for_me else other.first
    if language == "de":
        subject, head = f"Protokoll: {entry.title}", f"Protokoll {entry.title}"
        points = f"- {topic[:1].upper()}{topic[1:]} bleibt, wie es ist.\n- {doer} prüft {task} bis Freitag.\n- Nächstes Treffen in zwei Wochen.\n"
    else:
        subject, head = f"Notes: {entry.title}", f"Notes from {entry.title}"
        points = f"- {topic[:1].upper()}{topic[1:]} stays as it is.\n- {doer} checks {task} by Friday.\n- Next meeting in two weeks.\n"
    if maker.random.random() < 0.33:
        subject = "Zusammenfassung von heute" if language == "de" else "Summary of today"
    text = f"{head}\n\n{points}"
    maker.mail(sent_at, who.mail, OWNER, subject, text, cc=[one.mail for one in people[1:]])
    if is_wanted:
        maker.want("follow_up", entry.uid, sent_at, sent_at + timedelta(days=4))


def _with_agenda_or_none(maker: Maker, number: int) -> None:
    language, people = maker.language(), _people(maker)
    says = {
        "en": ("Agenda\n1. Where we stand\n2. Open questions\n3. Next steps", "No agenda needed, we just talk."),
        "de": ("Tagesordnung\n1. Stand\n2. Offene Fragen\n3. Nächste Schritte", "Ohne Agenda, wir reden einfach."),
    }
    entry = maker.meeting(
        f"{maker.title(language)} {maker.random.choice('CDE')}",
        people,
        maker.slot(1),
        description=says[language][number % 3 == 2],
    )
    if number % 4 == 0:
        _notes(maker, entry, people, language, is_wanted=True)


def _coffee(maker: Maker, number: int) -> None:
    """Informal, and made by the person: nobody wants an agenda for it."""
    somebody = maker.random.choice(COLLEAGUES)
    title = (
        f"Coffee with {somebody.first}",
        f"Mittagessen mit {somebody.first}",
        "Team lunch",
        f"Walk with {somebody.first}",
    )[number % 4]
    maker.meeting(title, (somebody, *maker.random.sample(COLLEAGUES, 1)), maker.slot(1))


def _customer(maker: Maker, number: int) -> None:
    """Somebody from outside: to talk (one of them is moved, one called off, two stand in two calendars), for a coffee, for a webinar."""
    somebody, language = maker.random.choice(OUTSIDE), maker.language()
    if number == 0:
        entry = maker.meeting(f"Coffee with {somebody.first}", (somebody,), maker.slot(1), organizer=somebody.address)
        maker.want("brief", entry.uid, prepared_from(entry.starts_at), entry.starts_at, is_open=True)
        return
    if number < 3:
        crowd = tuple(Somebody(f"Guest {n}", f"guest{n}@crowd{n % 7}.example") for n in range(40))
        maker.meeting("Webinar: What is new in spring", (somebody, *crowd), maker.slot(1), organizer=somebody.address)
        return
    if number < 5:
        guest = Somebody(
            *(("Ada Moll", "ada.moll@mailhaus.example"), ("Erik Sand", "erik.sand@mailhaus.example"))[number - 3]
        )
        entry = maker.meeting(f"Interview: {guest.name}", (guest, maker.random.choice(COLLEAGUES)), maker.slot(1))
        maker.want("brief", entry.uid, prepared_from(entry.starts_at), entry.starts_at)
        maker.want(
            "agenda", entry.uid, prepared_from(entry.starts_at), entry.starts_at, is_open=True
        )  # some write one, some do not
        return
    starts_at = maker.slot(7 if number < 7 else 1)
    known_at = starts_at - timedelta(days=6) if number < 7 else None
    entry = maker.meeting(
        f"{somebody.name.split()[1]}: {maker.title(language)}",
        (somebody,),
        starts_at,
        organizer=somebody.address,
        known_at=known_at,
    )
    changed_at = starts_at - timedelta(days=5)
    if number == 5:
        _changed(maker, entry, changed_at, status="cancelled")
        return
    if number == 6:
        later = maker.slot(min((starts_at.date() - FIRST).days + 1, DAYS - 3))
        entry = _changed(maker, entry, changed_at, starts_at=later, ends_at=later + timedelta(hours=1))
    elif number < 9:
        maker.entry(maker.known_at(entry) + timedelta(minutes=5), entry, calendar="team")
    maker.want("brief", entry.uid, prepared_from(entry.starts_at), entry.starts_at)


def _invitation(maker: Maker, number: int) -> None:
    """Eight lie unanswered, four are answered in the calendar before long, four are for whoever likes to come."""
    somebody, language = maker.random.choice(COLLEAGUES), maker.language()
    title = f"{maker.title(language)} ({somebody.first})" if number < 12 else "All hands (optional)"
    starts_at = maker.slot(4)
    known_at = max(at(FIRST, 8), starts_at - timedelta(days=maker.random.choice((3, 6, 12))))
    people = (somebody, *(one for one in COLLEAGUES[:3] if one != somebody))
    entry = maker.meeting(
        title, people, starts_at, organizer=somebody.address, own_answer="needs-action", known_at=known_at
    )
    if 8 <= number < 12:
        own = Attendee.model_validate(
            {"name": OWNER.name, "address": OWNER.address, "partstat": maker.random.choice(("accepted", "declined"))}
        )
        _changed(maker, entry, known_at + timedelta(hours=2), attendees=(*entry.attendees[:-1], own))
    elif number < 8:
        maker.want("rsvp", entry.uid, known_at, starts_at)


def _of_others(maker: Maker, number: int) -> None:
    """Held by colleagues; what is written down of it is worth a notice where it gives the person something to do."""
    people, language = _people(maker, 2, 3), maker.language()
    entry = maker.meeting(
        f"{maker.title(language)} {people[0].first}",
        people,
        maker.slot(),
        organizer=people[0].address,
        location=maker.random.choice(NO_PLACES),
    )
    if number < 6:
        _notes(maker, entry, people, language, is_wanted=number < 3, for_me=number < 3)


def _elsewhere(maker: Maker) -> None:
    somebody = maker.random.choice(COLLEAGUES)
    starts_at = maker.slot(1, with_way=True)
    entry = maker.meeting(
        f"Visit: {maker.title()}",
        (somebody,),
        starts_at,
        organizer=somebody.address,
        location=maker.random.choice(PLACES),
    )
    maker.want("travel", entry.uid, starts_at - timedelta(hours=3), starts_at)


def _overlapping(maker: Maker, number: int) -> None:
    """Two at one time: said yes to both; or the other was declined, or is time for oneself."""
    one, other = maker.random.sample(COLLEAGUES, 2)
    starts_at = maker.slot(3)
    first = maker.meeting(f"{maker.title()} one", (one,), starts_at, organizer=one.address)
    half = starts_at + timedelta(minutes=30)
    if number == 3:
        maker.meeting("Focus time", (), half, minutes=90)
        return
    answer = "declined" if number == 4 else "accepted"
    second = maker.meeting(
        f"{maker.title()} two", (other,), half, minutes=30, organizer=other.address, own_answer=answer
    )
    if number < 3:
        known_at = max(maker.known_at(first), maker.known_at(second))
        maker.want("conflict", f"{first.uid}+{second.uid}", known_at, half)
