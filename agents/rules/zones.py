"""Time zones as people write them behind a time: "CET", "ET", "UTC+2", "London time", "(Berliner Zeit)"."""

import re
from dataclasses import dataclass
from datetime import timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

SHORT = {
    "CET": "Europe/Berlin", "CEST": "Europe/Berlin", "MEZ": "Europe/Berlin", "MESZ": "Europe/Berlin",
    "BST": "Europe/London", "UTC": "UTC", "GMT": "UTC", "WET": "Europe/Lisbon", "WEST": "Europe/Lisbon",
    "EET": "Europe/Helsinki", "EEST": "Europe/Helsinki", "ET": "America/New_York", "EST": "America/New_York",
    "EDT": "America/New_York", "CT": "America/Chicago", "CST": "America/Chicago", "CDT": "America/Chicago",
    "MT": "America/Denver", "MST": "America/Denver", "MDT": "America/Denver", "PT": "America/Los_Angeles",
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "IST": "Asia/Kolkata", "JST": "Asia/Tokyo",
    "SGT": "Asia/Singapore", "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney",
}  # fmt: skip
LANDS = {
    "german": "Europe/Berlin", "germany": "Europe/Berlin", "uk": "Europe/London", "british": "Europe/London",
    "swiss": "Europe/Zurich", "austrian": "Europe/Vienna", "french": "Europe/Paris", "irish": "Europe/Dublin",
    "eastern": "America/New_York", "central european": "Europe/Berlin", "central": "America/Chicago",
    "mountain": "America/Denver", "pacific": "America/Los_Angeles", "indian": "Asia/Kolkata", "us eastern": "America/New_York",
    "us pacific": "America/Los_Angeles", "deutscher": "Europe/Berlin", "mitteleuropäischer": "Europe/Berlin",
    "britischer": "Europe/London", "wiener": "Europe/Vienna", "züricher": "Europe/Zurich", "zürcher": "Europe/Zurich",
    "münchner": "Europe/Berlin", "hamburger": "Europe/Berlin", "munich": "Europe/Berlin", "hamburg": "Europe/Berlin",
    "san francisco": "America/Los_Angeles", "boston": "America/New_York", "washington": "America/New_York",
    "nyc": "America/New_York", "ny": "America/New_York", "la": "America/Los_Angeles", "mumbai": "Asia/Kolkata",
    "geneva": "Europe/Zurich", "barcelona": "Europe/Madrid",
}  # fmt: skip
WORD = r"[A-Za-zÀ-ÿ]+"
ABBREVIATION = re.compile(
    rf"(?<=[\dhrm])[\s,(/]*(?P<short>{'|'.join(sorted(SHORT, key=len, reverse=True))})(?P<offset>[+-]\d{{1,2}}(?::?\d{{2}})?)?(?![\w])"
)
NAMED = re.compile(
    rf"\b(?P<name>{WORD}(?:[ -]{WORD}){{0,2}})\s+(?:local\s+)?(?:time|Zeit|Ortszeit)\b|\bOrtszeit\s+(?P<place>{WORD}(?: {WORD})?)"
)
ELSEWHERE = re.compile(
    r"\b(?:my|our)\s+(?:local\s+)?time\b(?!\s+(?:is|to|for))|\b(?:meiner|unserer)\s+Zeit\b", re.IGNORECASE
)


@dataclass(frozen=True)
class NamedZone:
    """A zone that a text names at [start, end), and how it calls it: "Berlin time", "CET"."""

    start: int
    end: int
    zone: tzinfo
    words: str


def find_zones(text: str) -> list[NamedZone]:
    """The zones that a text names, in order. "My time" is none: nobody knows where the writer is."""
    found = [_short(match) for match in ABBREVIATION.finditer(text)]
    found += [named for match in NAMED.finditer(text) if (named := _named(match))]
    return sorted(found, key=lambda one: one.start)


def is_elsewhere(text: str) -> bool:
    """Does it give times by the clock of a writer whose zone it does not name?"""
    return ELSEWHERE.search(text) is not None and not find_zones(text)


def _short(match: re.Match[str]) -> NamedZone:
    offset = match["offset"]
    words = match["short"] + (offset or "")
    zone: tzinfo = ZoneInfo(SHORT[match["short"]])
    if offset and match["short"] in {"UTC", "GMT"}:
        digits = offset[1:].replace(":", "")
        hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
        if hours <= 14 and minutes < 60:
            span = timedelta(hours=hours, minutes=minutes)
            zone = timezone(-span if offset[0] == "-" else span)
    return NamedZone(match.start("short"), match.end(), zone, words)


def _named(match: re.Match[str]) -> NamedZone | None:
    """The longest end of the words before "time" that names a place; no place, no zone ("what time", "some time")."""
    if match["place"]:
        zone = _zone_of(match["place"])
        return NamedZone(match.start(), match.end(), zone, match[0]) if zone else None
    words = match["name"].split()
    for first in range(len(words)):
        name = " ".join(words[first:])
        if zone := _zone_of(name):
            start = match.end("name") - len(name)
            return NamedZone(start, match.end(), zone, f"{name}{match.string[match.end('name') : match.end()]}")
    return None


def _zone_of(name: str) -> ZoneInfo | None:
    word = " ".join(name.casefold().split())
    key = (
        LANDS.get(word)
        or _places().get(word)
        or (_places().get(word.removesuffix("er")) if word.endswith("er") else None)
    )
    return ZoneInfo(key) if key else None


@cache
def _places() -> dict[str, str]:
    """Cities that the zones are called after; continents and what is no city are left out."""
    found: dict[str, str] = {}
    for key in sorted(available_timezones()):
        region, _, city = key.partition("/")
        if city and region in {"Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}:
            found.setdefault(city.rpartition("/")[2].replace("_", " ").casefold(), key)
    return found
