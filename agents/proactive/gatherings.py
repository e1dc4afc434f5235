"""Meetings as they are prepared and followed up: who comes, is there an agenda, which mail is about which meeting. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from agents.proactive.situation import Meeting, Person, SeenMail, Situation
from agents.rules.mail_people import Owner
from core.spacing import squeezed
from tasks.own_words import stem, tokens_of

STAND_UP = re.compile(r"\bstand[\s-]?ups?\b|\bdaily\b|\bscrum\b|\bhuddle\b", re.IGNORECASE)
CHECK_IN = re.compile(r"\bcheck[\s-]?in\b|\b1[\s]?[:x/-][\s]?1\b|\bone[\s-]on[\s-]one\b|\bjour fixe\b", re.IGNORECASE)
SHORT = timedelta(minutes=20)
TALK = timedelta(minutes=45)
SOCIAL = re.compile(
    r"\b(?:lunch|dinner|breakfast|coffee|drinks|beers?|birthday|party|farewell|barbecue|mittagessen|abendessen|frühstück|kaffee|geburtstag\w*"
    r"|feier|ausstand|einstand|stammtisch|grillen)\b",
    re.IGNORECASE,
)
NO_AGENDA = re.compile(
    r"#?\bno[\s-]?agenda\b(?! yet)|\bwithout (?:an )?agenda\b|\b(?:keine|ohne) (?:agenda|tagesordnung)\b|\bagenda:\s*(?:none|keine|not needed)\b",
    re.IGNORECASE,
)
PRIVATE = re.compile(r"#private\b|[(\[]privat(?:e)?[)\]]|^privat(?:e)?\b", re.IGNORECASE)
AGENDA = r"(?:agenda|tagesordnung(?:spunkte)?|topics|themen|programme?|programm|tops?)"
HEADING = re.compile(rf"^[^\w\n]*{AGENDA}\b[^\w\n:–-]*(?P<mark>[:–-]?)(?P<rest>[^\n]*)$", re.IGNORECASE | re.MULTILINE)
OPEN_POINT = re.compile(
    r"^\W*(?:tb[dac]|to be (?:defined|announced|confirmed)|follows|folgt|offen|none|n/?a)?\W*$", re.IGNORECASE
)
POINT = re.compile(r"^[^\S\n]*(?:[-*•–]|\(?\d{1,2}[.)]|\[[ xX]?\])[^\S\n]+\S", re.MULTILINE)
LINKED = re.compile(
    rf"https?://\S{{0,300}}{AGENDA}|\b{AGENDA}\b[^\n]{{0,80}}https?://|https?://\S{{1,300}}[^\n]{{0,40}}\b{AGENDA}\b"
    rf"|\b{AGENDA}\b[^\n]{{0,40}}\b(?:attached|attachment|im anhang|anbei|angehängt)\b",
    re.IGNORECASE,
)
ABOUT_AGENDA = re.compile(r"\b(?:agenda|tagesordnung)\b", re.IGNORECASE)
NOTE_WORDS = r"(?:notes|(?<!\d )(?<!\d-)(?<!\d)minutes|protokoll|summary|recap|takeaways|notizen|mitschrift|zusammenfassung|ergebnisprotokoll)"
NOTES = re.compile(rf"\b{NOTE_WORDS}\b", re.IGNORECASE)
NOTES_LINE = re.compile(
    rf"^[^\w\n]*(?:(?:(?:here|these|attached|below|following) (?:are|is) |please find (?:attached |below )?)?(?:the |my |our )?(?:meeting )?"
    rf"|(?:anbei|hier) (?:sind |ist )?(?:das |die |meine |unsere )?)"
    rf"{NOTE_WORDS}\b(?:[^\S\n]+(?:from|of|for|on|to|zum|zur|vom|von|des|der)\b|[^\S\n]*[:–-]|[^\S\n]*$)",
    re.IGNORECASE | re.MULTILINE,
)
BREAKS = re.compile(r"<\s{0,5}(?:br|/p|/div|/li|/h\d|/ul|/ol)\b[^<>]{0,500}>", re.IGNORECASE)
ITEMS = re.compile(r"<\s{0,5}li\b[^<>]{0,500}>", re.IGNORECASE)
TAGS = re.compile(r"<[^<>]{0,500}>")
GENERIC = frozenset("the and for with der die das und mit für von our your meeting besprechung termin re fwd".split())  # noqa: SIM905 - a list of words reads better so
ROOM = re.compile(r"@resource\.calendar\.google\.com$|^(?:room|raum|conf)[\w.-]*@", re.IGNORECASE)
HEAD = 300
LONGEST_READ, MOST_READ = 20_000, 5_000  # as it is written, and as it is read


def plain(text: str) -> str:
    """A description as plain lines, of a very long one the beginning: calendars of providers keep HTML in it."""
    text = text[:LONGEST_READ]
    if "<" in text:
        text = TAGS.sub("", ITEMS.sub("\n- ", BREAKS.sub("\n", text))).replace("&nbsp;", " ").replace("&amp;", "&")
    return squeezed(text)[:MOST_READ]


def others(meeting: Meeting, owner: Owner) -> list[Person]:
    """Who else comes: those invited and the organizer, without the person, rooms, and whoever declined."""
    invited = [*meeting.people, *([meeting.organizer] if meeting.organizer else [])]
    found = {
        one.address: one
        for one in reversed(invited)
        if one.address and not owner.is_me(one.address) and one.answer != "declined" and not ROOM.search(one.address)
    }
    declined = {one.address for one in meeting.people if one.answer == "declined"}
    return [one for address, one in reversed(found.items()) if address not in declined]


def is_organized_by(meeting: Meeting, owner: Owner) -> bool:
    """Does the person hold it? Without an organizer it stands in their own calendar alone."""
    return meeting.organizer is None or owner.is_me(meeting.organizer.address)


def is_attended_by(meeting: Meeting, owner: Owner) -> bool:
    """Does the person take part, as far as they have said?"""
    return is_organized_by(meeting, owner) or meeting.own_answer != "declined"


def is_stand_up(meeting: Meeting) -> bool:
    """A meeting that is the same each time: a stand-up by name, a short check-in, whatever is short and comes again."""
    length = meeting.ends_at - meeting.starts_at
    return (
        STAND_UP.search(meeting.title) is not None
        or (length < SHORT and CHECK_IN.search(meeting.title) is not None)
        or (meeting.is_recurring and length <= SHORT)
    )


def is_standing_talk(meeting: Meeting, owner: Owner) -> bool:
    """Two who talk every week or so for a while: what they talk about, they bring along."""
    length = meeting.ends_at - meeting.starts_at
    return meeting.is_recurring and length <= TALK and len(others(meeting, owner)) == 1


def each_once(meetings: Iterable[Meeting]) -> Iterator[Meeting]:
    """The meetings without copies of one in another calendar: the same event, or the same title, at the same time."""
    seen: set[tuple[str, datetime]] = set()
    for one in meetings:
        names = {(one.uid, one.starts_at), (" ".join(one.title.casefold().split()), one.starts_at)}
        if one.status != "cancelled":
            if names & seen:
                continue
            seen |= names
        yield one


def is_to_come(meeting: Meeting, situation: Situation) -> bool:
    """Does it begin between now and the end of the next working day, as a meeting at a time?"""
    is_held = meeting.status != "cancelled" and not meeting.is_all_day
    return is_held and situation.now < meeting.starts_at < situation.end_of_next_working_day


def holds_agenda(description: str) -> bool:
    """Is there an agenda in it: a heading with something below it, a list of at least two points, a link or file?"""
    text = plain(description)
    if len(POINT.findall(text)) > 1 or LINKED.search(text):
        return True
    for heading in HEADING.finditer(text):
        rest, below = heading["rest"].strip(), text[heading.end() :].strip()
        if heading["mark"] and not OPEN_POINT.match(rest):
            return True
        if not rest and not OPEN_POINT.match(below.partition("\n")[0]):
            return True
    return False


def wants_no_agenda(meeting: Meeting) -> bool:
    """Is it marked so, or none that has one: a lunch, a birthday?"""
    return NO_AGENDA.search(f"{meeting.title}\n{plain(meeting.description)}") is not None or bool(
        SOCIAL.search(meeting.title)
    )


def is_private(meeting: Meeting) -> bool:
    """Is it marked as nobody's business: in the calendar, in its title or its text?"""
    return meeting.is_private or PRIVATE.search(f"{meeting.title}\n{plain(meeting.description)}") is not None


def topic_words(title: str) -> frozenset[str]:
    """The words of a title that tell it from others, as stems."""
    tokens = [one for one in tokens_of(title) if one[0].isalnum()]
    telling = {stem(one) for one in tokens if len(one) > 2 and one not in GENERIC}
    return frozenset(telling or {stem(one) for one in tokens})


def is_about(title: str, text: str) -> bool:
    """Does a text speak of what has this title: by all of its words, of a long title two thirds?"""
    wanted = topic_words(title)
    shared = len(wanted & {stem(one) for one in tokens_of(text)})
    return bool(wanted) and (shared == len(wanted) if len(wanted) < 3 else shared * 3 >= len(wanted) * 2)


def people_of(mail: SeenMail) -> set[str]:
    """Every address of a mail."""
    return {mail.sender.address, *(one.address for one in (*mail.to, *mail.cc))}


def is_by_machine(mail: SeenMail) -> bool:
    """Was it sent by a program, by the header Auto-Submitted (RFC 3834), or as it was kept: "true"?"""
    return mail.auto_submitted.casefold() not in {"", "no", "false"}


def sent_agenda(meeting: Meeting, owner: Owner, mails: Iterable[SeenMail], now: datetime) -> SeenMail | None:
    """The person's own mail of the last two weeks to its people that speaks of its agenda."""
    addresses = {one.address for one in others(meeting, owner)}
    for mail in mails:
        is_fresh = mail.is_from_me and now - timedelta(days=14) <= mail.sent_at <= now
        if not is_fresh or not addresses & people_of(mail):
            continue
        text = f"{mail.subject}\n{mail.text}"
        if ABOUT_AGENDA.search(text) and is_about(meeting.title, text):
            return mail
    return None


def holds_notes(description: str) -> bool:
    """Has a description become the notes of its meeting: a heading that says so, with something below?"""
    lines = plain(description).strip().splitlines()
    for number, line in enumerate(lines):
        if len(line) < 60 and re.match(rf"^\W*(?:{NOTES.pattern})\W*$", line.strip(), re.IGNORECASE):
            return any(one.strip() for one in lines[number + 1 :])
    return False


def is_notes(mail: SeenMail) -> bool:
    """Do subject or first lines call it notes, minutes, a summary? Nothing that a machine or a list sent, nothing suspicious."""
    if mail.suspicious or is_by_machine(mail) or mail.category == "noise":
        return False
    is_named = NOTES.search(mail.subject) is not None and not mail.subject.rstrip().endswith("?")
    return is_named or NOTES_LINE.search(mail.text[:HEAD]) is not None


def notes_by_meeting(
    meetings: Iterable[Meeting], mails: Iterable[SeenMail], owner: Owner
) -> Iterator[tuple[Meeting, SeenMail]]:
    """Each meeting that is over with the first mail that holds its notes; of a mail that fits several, the last one before it."""
    over = sorted(meetings, key=lambda one: one.ends_at, reverse=True)
    seen: set[str] = set()
    for mail in mails:
        if not is_notes(mail):
            continue
        for meeting in over:
            if meeting.ends_at > mail.sent_at or mail.sent_at - meeting.ends_at > timedelta(days=7):
                continue
            is_theirs = mail.is_from_me or mail.sender.address in {one.address for one in others(meeting, owner)}
            if is_theirs and is_about(meeting.title, f"{mail.subject}\n{mail.text[:HEAD]}"):
                if meeting.key not in seen:
                    seen.add(meeting.key)
                    yield meeting, mail
                break


def event_ref(meeting: Meeting) -> dict[str, str]:
    """Which occurrence it is, as a task keeps it in `source_ref.event`."""
    return {
        "calendar": meeting.calendar,
        "uid": meeting.uid,
        "recurrence_id": meeting.recurrence_id,
        "starts_at": meeting.starts_at.isoformat(),
        "title": meeting.title[:300],
    }


def say_when(meeting: Meeting, now: datetime) -> str:
    """ "today 14:00", "Thursday 14:00", "Thursday 12 March 14:00"."""
    at = meeting.starts_at.astimezone(now.tzinfo)
    if at.date() == now.date():
        return f"today {at:%H:%M}"
    is_near = abs(at - now) < timedelta(days=6)
    return f"{at:%A %H:%M}" if is_near else f"{at:%A} {at.day} {at:%B %H:%M}"


def say_people(people: list[Person], most: int = 3) -> str:
    """ "Dana Ortiz and Sam", "Dana Ortiz, Sam, Priya and 2 more"."""
    names = [one.called for one in people[:most]]
    more = [f"{len(people) - most} more"] if len(people) > most else []
    *first, last = [*names, *more]
    return f"{', '.join(first)} and {last}" if first else last
