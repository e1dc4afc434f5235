"""Meetings as they fill a day: which take time for certain, where they are, what stands at one time with what. Pure."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from agents.proactive import gatherings
from agents.proactive.situation import Meeting, Person, Situation
from agents.rules.free_times import OwnTime
from core.outside.calendar import Busy
from tasks.day_plans import MARK

HOLD = re.compile(
    r"^\W*(?:hold|block(?:er|ed)?|focus(?: time)?|fokus\w*|deep work|reserved|reserviert|platzhalter|placeholder|tbc|travel(?:l?ing)?|anfahrt|rückfahrt|fahrt|anreise|abreise|"
    r"reisezeit|commut\w*|drive|on the way|buffer|puffer|do not book|nicht buchen|geblockt|keep free|busy|lunch(?: break)?|mittag(?:spause)?|pause|break)\b"
    r"|\b(?:hold|blocker|focus time|travel time|fahrzeit)\W*$",
    re.IGNORECASE,
)
TRAVEL = re.compile(
    r"\b(?:travel(?:l?ing)?|anfahrt|rückfahrt|fahrt|fahrzeit|anreise|reisezeit|commut\w*|on the way|train|flight|zug|flug)\b",
    re.IGNORECASE,
)
LONGEST_PLACE = 500
ONLINE = re.compile(
    r"https?://|www\.|\b(?:zoom|teams|google meet|meet\.google|hangouts?|webex|skype|whereby|jitsi|slack|huddle|facetime|discord|signal|whatsapp|gotomeeting|bluejeans|"
    r"online|remote|virtual|virtuell|video(?:call|konferenz)?|phone|telephone|telefon\w*|call|dial|tel|hybrid|tb[dac]|n/?a|home ?office|from home|zu hause)\b",
    re.IGNORECASE,
)
PHONE = re.compile(r"^[\s+()\d/.-]{5,}(?:(?:,|;|#|x|ext|pin)[\s\d#:]*)*$", re.IGNORECASE)
ROOM = re.compile(
    r"\b(?:(?:meeting|conference|board|small|large|big|huddle|training)?[\s-]*room|\w*raum|\w*zimmer|\w*saal|floor|stock|etage|og|ug|eg|desk|kitchen|küche|lobby|lounge|canteen|kantine|"
    r"büro|(?:my|our|your) office|office|here|hier|bei uns|aula)\b",
    re.IGNORECASE,
)
ADDRESS = re.compile(
    r"\b\d{4,5}\s+[A-ZÄÖÜ]\w+|\w{3,}(?:str(?:\.|aße|asse)?|weg|platz|allee|gasse|damm|ufer|ring)\s+\d{1,4}\w?\b|\b(?:str(?:\.|aße|asse)|weg|platz|allee|am|an der)\s+\d{1,4}\b"
    r"|\b\d{1,5}\s+(?:[A-Z]\w+\s+){1,3}(?:street|st|road|rd|avenue|ave|lane|ln|drive|square|sq|boulevard|blvd|way)\b|\b[A-Z]{1,2}\d{1,2}[A-Z]?\s?\d[A-Z]{2}\b"
    r"|\b(?:street|road|avenue|boulevard)\b",
    re.IGNORECASE,
)
PLACE = re.compile(
    r"\b(?:hq|headquarters?|hauptsitz|zentrale|\w*bahnhof|hbf|(?:train |central )?station|airport|flughafen|terminal|hotel|restaurant|ristorante|café|cafe|coffee|bar|pub|bistro|brauhaus|"
    r"clinic|klinik\w*|hospital|krankenhaus|praxis|surgery|university|universität|uni|campus|school|schule|kita|museum|theat(?:er|re)|\w*halle|hall|messe|fair|centre|center|zentrum|"
    r"library|bibliothek|court|gericht|town hall|rathaus|embassy|botschaft|bank|gym|studio|park|tower|\w*turm|building|factory|werk|plant|warehouse|lager)\b",
    re.IGNORECASE,
)


def is_declined(meeting: Meeting) -> bool:
    """Has the person said no to it?"""
    return meeting.own_answer == "declined"


def is_unanswered(meeting: Meeting) -> bool:
    """Is the person asked, and has not said anything?"""
    return meeting.own_answer == "needs-action"


def is_hold(meeting: Meeting, situation: Situation) -> bool:
    """Time that the person keeps free for something, with nobody else: a hold, travel, focus, a block of a kept day."""
    is_own = gatherings.is_organized_by(meeting, situation.owner) and not gatherings.others(meeting, situation.owner)
    is_kept_day = meeting.calendar == "local" and meeting.uid.startswith(MARK)
    return is_kept_day or (is_own and HOLD.search(meeting.title) is not None)


def is_travel(meeting: Meeting, situation: Situation) -> bool:
    """Time on the way that the person put there."""
    return gatherings.is_organized_by(meeting, situation.owner) and TRAVEL.search(meeting.title) is not None


def is_firm(meeting: Meeting) -> bool:
    """Does it take its time for certain: busy and confirmed, neither all day nor declined, tentative or unanswered?"""
    return (
        meeting.is_busy
        and meeting.status == "confirmed"
        and not meeting.is_all_day
        and meeting.ends_at > meeting.starts_at
        and meeting.own_answer in {"", "accepted"}
    )


def is_same(one: Meeting, other: Meeting) -> bool:
    """Is it one event that stands in two calendars: by its uid, or by title and times?"""
    same_times = (one.starts_at, one.ends_at) == (other.starts_at, other.ends_at)
    return one.uid == other.uid or (same_times and _title(one) == _title(other))


def overlap(one: Meeting, other: Meeting) -> bool:
    """Do they share any time?"""
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def place_of(meeting: Meeting, situation: Situation) -> str:
    """The place one has to go to; "" for none, a room of the own house, or where nobody goes (a link, a phone)."""
    where = " ".join(meeting.location[:LONGEST_PLACE].split())
    if not where or PHONE.match(where):
        return ""
    if any(_knows(where, name) for name in situation.travel_places):
        return where
    is_own = _is_home(where, situation)
    if ONLINE.search(where) or is_own:
        return ""
    if ADDRESS.search(where):
        return where
    if ROOM.search(where) and not re.search(r"\bhq\b|hauptsitz|zentrale", where, re.IGNORECASE):
        return ""
    return where if PLACE.search(where) else ""


def minutes_to(place: str, situation: Situation) -> int:
    """How long the way there takes: of a known place what was set (the longest name counts), else the usual."""
    known = [name for name in situation.travel_places if _knows(place, name)]
    return situation.travel_places[max(known, key=len)] if known else situation.travel_minutes


def is_same_place(one: str, other: str) -> bool:
    """Is it the same place, as far as its words tell?"""
    return bool(one) and _plain(one) == _plain(other)


def event_id(meeting: Meeting) -> str:
    """The id by which its calendar knows the occurrence; of a single event its uid."""
    if not meeting.is_recurring:
        return meeting.uid
    stood_at = datetime.fromisoformat(meeting.recurrence_id) if meeting.recurrence_id else meeting.starts_at
    if meeting.is_all_day and not meeting.calendar.startswith("local"):
        return f"{meeting.uid}_{meeting.starts_at:%Y%m%d}"
    return f"{meeting.uid}_{stood_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def own_time(situation: Situation, *, without: Iterable[Meeting] = ()) -> OwnTime:
    """When the person is busy for certain or perhaps, by all calendars, but for these meetings."""
    left_out = {(one.calendar, one.uid) for one in without}
    busy = tuple(
        Busy(one.starts_at, one.ends_at)
        for one in situation.meetings
        if one.is_busy
        and one.status != "cancelled"
        and not is_declined(one)
        and one.ends_at > one.starts_at
        and (one.calendar, one.uid) not in left_out
    )
    return OwnTime(situation.hours, busy)


def outsiders(meeting: Meeting, situation: Situation) -> list[Person]:
    """Who comes from somebody else's house."""
    return [one for one in gatherings.others(meeting, situation.owner) if situation.is_outside(one)]


def is_known(person: Person, situation: Situation) -> bool:
    """Somebody of the own house, or with whom the person has written or met lately: who only asks is not."""
    if not situation.is_outside(person):
        return True
    wrote = any(mail.is_from_me and person.address in gatherings.people_of(mail) for mail in situation.mails)
    return wrote or any(
        (gatherings.is_organized_by(meeting, situation.owner) or meeting.own_answer in {"accepted", "tentative"})
        and person.address in {one.address for one in gatherings.others(meeting, situation.owner)}
        for meeting in situation.meetings
    )


def is_written(meeting: Meeting, situation: Situation) -> bool:
    """Is it in the calendar that the house's tools write to: the connected one where there is one?"""
    is_connected = any(one.calendar != "local" for one in situation.meetings)
    return (meeting.calendar != "local") == is_connected


def _is_home(where: str, situation: Situation) -> bool:
    """The own house: the place that was set, or one that is called like the own domain ("Vega HQ" at vega.example)."""
    own = {domain.partition(".")[0] for domain in situation.own_domains}
    words = set(re.findall(r"\w+", where.casefold()))
    is_called_so = bool(own & words) and not ADDRESS.search(where)
    return is_called_so or is_same_place(where, situation.home)


def _knows(where: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", _plain(where)) is not None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .,")


def _title(meeting: Meeting) -> str:
    return _plain(meeting.title)
