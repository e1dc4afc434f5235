"""Times that somebody proposes in a mail, in English and German: "Would Tuesday at 15:00 or Wednesday at 11:00 work?"

A proposal is read only where a sentence asks or offers; what is merely told ("the launch is on Friday"), asked for until a
time, or agreed already, is none. Dates are seen from the moment the mail was written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from agents.rules.dates import DateMention, find_dates
from agents.rules.mail_text import LONGEST_TEXT, Sentence, read_mail_text
from agents.rules.meeting_words import (
    ASKS,
    ASKS_WHEN,
    LENGTHS,
    MEETING,
    OTHER_MATTER,
    REFUSES,
    SETTLED,
    lead_in,
    minutes_said,
)
from agents.rules.time_ranges import TimeRange, find_ranges
from agents.rules.times import find_times
from agents.rules.zones import NamedZone, find_zones, is_elsewhere

DEFAULT_MINUTES, LONGEST_MINUTES = 30, 8 * 60
MOST_OPTIONS = 12
PARTS: tuple[tuple[re.Pattern[str], time, time], ...] = tuple(
    (re.compile(words, re.IGNORECASE), start, end)
    for words, start, end in (
        (r"(?:fore|vor)(?:noon|mittags?)|morning|früh\b|morgens", time(8), time(12)),
        (r"afternoon|nachmittags?", time(12), time(17)),
        (r"lunch\s?time|midday|(?<!vor)(?<!nach)mittags?\b", time(12), time(14)),
        (r"evening|abends?", time(17), time(20)),
    )
)
QUOTED = re.compile(
    r"^(?:-{2,}\s*(?:original message|ursprüngliche nachricht|forwarded message).*|on .{6,120} wrote:|am .{6,120} schrieb.{0,80}:|from: .{1,200}@.{1,200}|von: .{1,200}@.{1,200})\s*$",
    re.IGNORECASE | re.MULTILINE,
)
OR = re.compile(r"\s*(?:,|/|or|oder|and|und|,\s*or|,\s*oder)\s*(?:(?:on|am|the|den|either)\s+)?", re.IGNORECASE)
MOVED = re.compile(
    r"\b(?:move|reschedule|push|shift|postpone|verschieben|verlegen|statt|instead\s+of)\b", re.IGNORECASE
)
MOVED_TO = re.compile(r"\b(?:to|auf)\s", re.IGNORECASE)
DATED = re.compile(
    r"\d{1,2}\.\s?\d|\d{4}|\b(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|o[ck]t|nov|de[cz])\w*\b|today|heute|tonight|this\s|dies",
    re.IGNORECASE,
)
FARTHEST = timedelta(days=180)
TOUCH = re.compile(
    r"[\s,(:]*(?:on|at|am|um|the|den|dem|sometime|any\s?time|irgendwann|jederzeit)?[\s,]*(?:on|am|zwischen)?\s*",
    re.IGNORECASE,
)
Width = Literal["moment", "part", "day", "week"]


@dataclass(frozen=True)
class Option:
    """A time that is proposed: at `start` exactly, or (`until` is set) anywhere within [start, until).

    `fills`: it is said from when to when ("15:00-16:00"), which may be the meeting itself.
    """

    start: datetime
    until: datetime | None = None
    width: Width = "moment"
    fills: bool = False


@dataclass(frozen=True)
class Proposal:
    """What a mail proposes: `options` in its order (none: it asks which times suit), for a meeting of so many minutes.

    `zone_words`: how the mail calls the zone of its times, "" where it names none. `asks_more`: it asks other things too.
    """

    options: tuple[Option, ...]
    minutes: int
    zone: tzinfo
    zone_words: str = ""
    asks_more: bool = False


def read_proposal(text: str, written_at: datetime, *, subject: str = "") -> Proposal | None:
    """The times that a mail proposes, or asks for; None where it does neither, or leaves them unclear.

    `written_at`: when it was written, in the zone of the reader, which times without a zone are taken to be in.
    """
    text = _new_part(text)
    if is_elsewhere(text):
        return None
    zones = find_zones(text)
    named = zones[0] if zones else None
    zone = named.zone if named else (written_at.tzinfo or UTC)
    sentences = _rejoined(read_mail_text(text).sentences)
    is_meeting = MEETING.search(f"{subject}\n{text}") is not None
    found: list[Option] = []
    more, lead = 0, False
    for sentence in sentences:
        proposes = _proposes(sentence, lead)
        here = list(_options(sentence.text, written_at, zone)) if proposes else []
        if here:
            found += here
        elif "?" in sentence.text and not ASKS_WHEN.search(sentence.text) and not lead_in(sentence.text):
            more += 1
        lead = lead_in(sentence.text) or (lead and (sentence.is_item or bool(here)))
    options = _kept(found, written_at)
    exact = [one for one in options if one.width in {"moment", "part"}]
    asks_when = is_meeting and any(ASKS_WHEN.search(one.text) for one in sentences)
    if not (exact or (options and is_meeting) or asks_when):
        return None
    minutes = minutes_said(f"{text}\n{subject}") or _of_span(options) or DEFAULT_MINUTES
    return Proposal(
        tuple(_tightened(options, minutes)), min(minutes, LONGEST_MINUTES), zone, named.words if named else "", more > 0
    )


def _new_part(text: str) -> str:
    text = text[:LONGEST_TEXT]
    quoted = QUOTED.search(text)
    return text[: quoted.start()] if quoted else text


def _rejoined(sentences: tuple[Sentence, ...]) -> list[Sentence]:
    """“Am 12.3. um 10 Uhr” is one sentence."""
    whole: list[Sentence] = []
    for one in sentences:
        if whole and whole[-1].line == one.line and re.search(r"\d\.\d{1,2}\.$", whole[-1].text):
            whole[-1] = replace(whole[-1], text=f"{whole[-1].text} {one.text}")
        else:
            whole.append(one)
    return whole


def _proposes(sentence: Sentence, after_lead: bool) -> bool:
    text = sentence.text
    if SETTLED.search(text) or (OTHER_MATTER.search(text) and not MEETING.search(text)):
        return False
    return ASKS.search(text) is not None or (after_lead and len(text) <= 80)


def _options(text: str, written_at: datetime, zone: tzinfo) -> Iterator[Option]:
    """The times of a sentence, in order, each in its own zone where one stands behind it."""
    for clause in _clauses(text):
        own = find_zones(clause)
        here = own[0].zone if len({str(one.zone) for one in own}) == 1 else zone
        yield from _of_clause(clause, written_at.astimezone(here), own)


def _clauses(text: str) -> Iterator[str]:
    """The parts of a sentence that do not refuse: in "I can't on Monday, but Tuesday works" the second."""
    for piece in re.split(r"\b(?:but|however|aber|sondern|dafür)\b|;", text, flags=re.IGNORECASE):
        if REFUSES.search(piece):
            continue
        if (moved := MOVED.search(piece)) and (to := list(MOVED_TO.finditer(piece, moved.end()))):
            yield piece[to[-1].end() :]
        else:
            yield piece


def _of_clause(clause: str, now: datetime, zones: list[NamedZone]) -> Iterator[Option]:
    ranges = find_ranges(clause)
    plain = clause
    for one in [*ranges, *zones, *LENGTHS.finditer(clause)]:
        start, end = (one.start(), one.end()) if isinstance(one, re.Match) else (one.start, one.end)
        plain = plain[:start] + " " * (end - start) + plain[end:]
    mentions = [m for m in find_dates(plain, now) if m.relation not in {"by", "before"}]
    free = list(ranges)
    read: list[tuple[DateMention, Option | None]] = []
    last_day: date | None = None
    for said in mentions:
        mention = said
        if not mention.has_day and (last_day is None or _is_told_again(clause, mention, zones)):
            if last_day is None and not read:
                read.append((mention, Option(mention.due_at)))
            continue
        if not mention.has_day and last_day is not None:
            mention = replace(mention, due_at=_at(last_day, mention.due_at.time(), now))
        if (
            last_day
            and not mention.is_vague
            and mention.due_at.date() == now.date() < last_day
            and not DATED.search(plain[mention.start : mention.end])
        ):
            mention = replace(
                mention, due_at=mention.due_at + timedelta(days=7)
            )  # "Tuesday or Wednesday", said on a Wednesday
        last_day = mention.due_at.date()
        span = next((one for one in free if _touches(plain, one, mention)), None)
        if span:
            free.remove(span)
        read.append((mention, _read(plain, mention, span, now)))
    yield from _shared(plain, read, now)


def _read(text: str, mention: DateMention, span: TimeRange | None, now: datetime) -> Option | None:
    day, words = mention.due_at.date(), text[mention.start : mention.end]
    if span:
        return Option(_at(day, span.begins, now), _at(day, span.ends, now), "part", fills=not span.is_between)
    if mention.is_vague:
        return _week(words, day, now)
    has_clock = any(re.search(r"\d|noon|mittag", words[at.start : at.end]) for at in find_times(words))
    if not has_clock:
        for part, begins, ends in PARTS:
            if part.search(words):
                return Option(_at(day, begins, now), _at(day, ends, now), "part")
    if mention.is_all_day:
        return Option(_at(day, time(), now), _at(day + timedelta(days=1), time(), now), "day")
    return Option(mention.due_at)


def _week(words: str, day: date, now: datetime) -> Option | None:
    """From Monday (or now) to Saturday; what is wider than a week names no time."""
    if not re.search(r"week(?!end)|woche(?!nende)", words, re.IGNORECASE):
        return None
    monday = day - timedelta(days=day.weekday())
    return Option(max(_at(monday, time(), now), now), _at(monday + timedelta(days=5), time(), now), "week")


def _shared(text: str, read: list[tuple[DateMention, Option | None]], now: datetime) -> Iterator[Option]:
    """Each option; a bare day before "or Wednesday at 11" shares the time that stands behind."""
    for number, (mention, option) in enumerate(read):
        following, other = read[number + 1] if number + 1 < len(read) else (None, None)
        is_bare = (
            option is not None and option.width == "day" and other is not None and other.width in {"moment", "part"}
        )
        if is_bare and following and other and OR.fullmatch(text[mention.end : following.start]):
            day = mention.due_at.date()
            until = _at(day, other.until.time(), now) if other.until else None
            yield Option(_at(day, other.start.time(), now), until, other.width)
            continue
        if option:
            yield option


def _kept(options: list[Option], written_at: datetime) -> list[Option]:
    """Without what is said twice, or is most of a year away; beside times of day, bare days are only spoken of."""
    if any(one.width in {"moment", "part"} for one in options):
        options = [one for one in options if one.width in {"moment", "part"}]
    return list(dict.fromkeys(one for one in options if one.start - written_at <= FARTHEST))[:MOST_OPTIONS]


def _of_span(options: list[Option]) -> int | None:
    """ "Tuesday 15:00-16:00" says how long, where it is at most two hours."""
    spans = {int((one.until - one.start).total_seconds() // 60) for one in options if one.until and one.fills}
    return next(iter(spans)) if len(spans) == 1 and 15 <= min(spans) <= 90 else None


def _tightened(options: list[Option], minutes: int) -> Iterator[Option]:
    """A span that is as long as the meeting is a moment."""
    for one in options:
        fits = one.until and one.fills and (one.until - one.start) <= timedelta(minutes=minutes)
        yield replace(one, until=None, width="moment", fills=False) if fits else one


def _touches(text: str, span: TimeRange, mention: DateMention) -> bool:
    gap = text[span.end : mention.start] if span.end <= mention.start else text[mention.end : span.start]
    return len(gap) <= 30 and TOUCH.fullmatch(gap) is not None


def _is_told_again(text: str, mention: DateMention, zones: list[NamedZone]) -> bool:
    """ "15:00 CET / 9:00 ET": the same moment by another clock."""
    before = text[: mention.start].rstrip()
    return len(zones) > 1 and before.endswith(("/", "(", "="))


def _at(day: date, clock: time, now: datetime) -> datetime:
    return datetime.combine(day, clock, now.tzinfo).astimezone(UTC).astimezone(now.tzinfo)
