"""Times of day in English and German text: "3pm", "15:00", "um 15 Uhr", "half past nine", "halb drei", "noon"."""

import re
from dataclasses import dataclass
from datetime import time

# Parts of the day that stand behind a day ("tomorrow evening") and the time they are taken to mean.
PARTS: dict[str, time] = {
    **dict.fromkeys(["first thing", "first thing in the morning", "gleich früh"], time(9)),
    **dict.fromkeys(["morning", "in the morning", "früh", "morgen", "morgens", "am morgen"], time(9)),
    **dict.fromkeys(["vormittag", "vormittags", "am vormittag"], time(10)),
    **dict.fromkeys(["noon", "midday", "lunchtime", "lunch time", "at noon", "at midday", "at lunchtime"], time(12)),
    **dict.fromkeys(["mittag", "mittags", "am mittag"], time(12)),
    **dict.fromkeys(["afternoon", "in the afternoon", "nachmittag", "nachmittags", "am nachmittag"], time(15)),
    **dict.fromkeys(["evening", "in the evening", "abend", "abends", "am abend"], time(18)),
    **dict.fromkeys(["night", "at night", "nacht", "in der nacht"], time(20)),
    **dict.fromkeys(["midnight", "at midnight", "mitternacht"], time(23, 59)),
    **dict.fromkeys(["eod", "cob", "end of day", "end of business", "close of business", "feierabend"], time(18)),
    **dict.fromkeys(["end of the day", "end of business day", "end of the business day", "ende des tages"], time(18)),
}
PART_WORDS = "|".join(sorted(map(re.escape, PARTS), key=len, reverse=True))
HOUR_WORDS = {
    word: hour
    for words in (
        "one two three four five six seven eight nine ten eleven twelve",
        "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    )
    for hour, word in enumerate(words.split(), 1)
}
HOUR = rf"(?:\d{{1,2}}|{'|'.join(sorted(HOUR_WORDS, key=len, reverse=True))})"
LEADS = r"at|around|about|by|before|until|till|after|from|um|gegen|bis|vor|ab|nach|von|@"
# A lone number is a time only behind a word of time and before a word that can follow one.
AFTER_BARE = (
    r"(?=\s*(?:$|[,.;!?)]|(?:sharp|and|und|or|oder|on|in|with|for|about|to|from|at|tomorrow|today|tonight|next|this|every|mit|"
    r"für|wegen|im|am|beim|bei|zum|heute|morgen|jeden|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    r"p[1-4]|[#@])(?!\w)))"
)
# Behind a day a number is a time before nearly any word: "tomorrow at 9 check the mail".
AFTER_WEAK = (
    r"(?=\s+[^\W\d_]{2})(?!\s+(?:percent|prozent|euros?|dollars?|people|personen|leute|items?|different|or|oder|miles?|km|"
    r"degrees?|grad|minutes?|minuten|hours?|stunden|days?|tage?n?|weeks?|wochen?|months?|monate?n?|years?|jahre?n?)\b)"
)
TIME = re.compile(
    rf"""(?<![\w.:/€$£#+-])(?:
      (?:(?:{LEADS})\s+)?(?P<r1>\d{{1,2}})(?:[:.](?P<rm>\d{{2}}))?\s?(?:-|–|to|until)\s?\d{{1,2}}(?:[:.]\d{{2}})?\s?(?P<rap>[ap]\.?m\b\.?)
    | (?:(?:{LEADS})\s+)?(?P<r24>\d{{1,2}}):(?P<rm24>\d{{2}})\s?(?:-|–|to|until|bis)\s?\d{{1,2}}:\d{{2}}(?:\s?(?:Uhr|h)\b)?(?![\d%])
    | (?:(?:{LEADS})\s+)?(?P<ruhr>\d{{1,2}})\s?(?:-|–|bis)\s?\d{{1,2}}\s?Uhr\b
    | (?:(?:{LEADS})\s+|@)?(?P<h>\d{{1,2}})(?:[:.](?P<m>\d{{2}}))?\s?(?P<ampm>[ap]\.?m\b\.?)
    | (?:(?:{LEADS})\s+|@)?(?P<h24>\d{{1,2}}):(?P<m24>\d{{2}})(?::\d{{2}})?(?:\s?(?:Uhr|h)\b)?(?![\d%])
    | (?:(?:{LEADS})\s+)?(?P<huhr>\d{{1,2}})(?:[.:](?P<muhr>\d{{2}}))?\s?(?:Uhr\b(?:\s(?P<muhr2>\d{{2}})\b)?|h(?P<mh>\d{{2}})\b)
    | (?:at|um|by|before|around|gegen|bis)\s+(?P<h15>\d{{1,2}})h\b
    | (?:(?:{LEADS})\s+)?(?P<oclock>{HOUR})\s+o['’]?clock\b
    | (?:(?P<lead>at|around|by|before|until|till|um|gegen|bis|ab)\s+|@)(?P<bare>{HOUR}){AFTER_BARE}
    | (?:at|um|@)\s+(?P<weak>\d{{1,2}}){AFTER_WEAK}
    | (?:(?:{LEADS})\s+)?half\s+past\s+(?P<half>{HOUR})\b
    | (?:(?:{LEADS})\s+)?(?:(?:a\s+)?quarter\s+past|viertel\s+nach)\s+(?P<past>{HOUR})\b
    | (?:(?:{LEADS})\s+)?(?:(?:a\s+)?quarter\s+to|viertel\s+vor)\s+(?P<to>{HOUR})\b
    | (?:(?:{LEADS})\s+)?halb\s+(?P<halb>{HOUR})\b
    | (?:(?P<wordlead>at|around|by|before|until|till|after|um|gegen|bis|zum|vor)\s+(?:the\s+)?)(?P<led>noon|midday|midnight|lunchtime|mittags?|Mitternacht|Feierabend|EOD|COB|end\s+of\s+(?:the\s+)?(?:business\s+)?day|close\s+of\s+business)\b
    | (?P<word>noon|midnight|midday|mittags|abends|EOD|COB|end\s+of\s+(?:the\s+)?(?:business\s+)?day|close\s+of\s+business|Ende\s+des\s+Tages)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
# "raise the price by 5" is an amount.
AMOUNT_BEFORE = re.compile(
    r"\b(?:increase|raise|reduce|cut|lower|grow|shrink|extend|rise|multiply|divide|erhöhe?n?|senke?n?)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class TimePhrase:
    """A time of day at [start, end) of the text. `is_open`: written on a clock of twelve hours, half of day unsaid.

    `is_weak`: a time only if a day stands beside it.
    """

    start: int
    end: int
    at: time
    is_open: bool = False
    is_weak: bool = False


def find_times(text: str) -> list[TimePhrase]:
    """Every time of day in `text`, in order."""
    return [found for match in TIME.finditer(text) if (found := _read(match))]


def part_of_day(words: str | None) -> time | None:
    """What "evening" or "am Nachmittag" means; None for other words."""
    return PARTS.get(" ".join(words.casefold().split())) if words else None


def in_half(at: time, part: time) -> time:
    """An open time in the half of the day that a part names: 8 "tonight" is 20:00, 6 in the morning 6:00."""
    hour = at.hour % 12
    return at.replace(hour=hour + 12 if part.hour >= 12 and (hour or part.hour == 12) else hour)


def _read(match: re.Match[str]) -> TimePhrase | None:
    groups = match.groupdict()
    name = match.lastgroup or ""
    if words := groups["word"] or groups["led"]:
        at = PARTS[" ".join(words.casefold().split())]
        return TimePhrase(match.start(), match.end(), at)
    for hour, minute, half in (("r1", "rm", "rap"), ("h", "m", "ampm")):
        if groups[hour]:
            return _of_twelve(match, int(groups[hour]), int(groups[minute] or 0), groups[half])
    for hour, minutes in (("h24", ("m24",)), ("r24", ("rm24",)), ("huhr", ("muhr", "muhr2", "mh")), ("ruhr", ())):
        if groups[hour]:
            minute = next((int(groups[m]) for m in minutes if groups[m]), 0)
            return _phrase(match, int(groups[hour]), minute)
    if groups["h15"]:
        return _phrase(match, int(groups["h15"]), 0)
    if (
        groups["bare"]
        and (groups["lead"] or "").casefold() == "by"
        and AMOUNT_BEFORE.search(match.string[: match.start()][-200:])
    ):
        return None
    for kind, minute, shift in (
        ("oclock", 0, 0),
        ("bare", 0, 0),
        ("half", 30, 0),
        ("past", 15, 0),
        ("to", 45, -1),
        ("halb", 30, -1),
    ):
        if groups[kind]:
            word = groups[kind].casefold()
            return _open(match, (HOUR_WORDS.get(word) or int(word)) + shift, minute)
    if groups["weak"] and (found := _open(match, int(groups["weak"]), 0)):
        return TimePhrase(found.start, found.end, found.at, found.is_open, is_weak=True)
    if groups["weak"]:
        return None
    raise AssertionError(f"a time pattern without a reading: {name}")


def _of_twelve(match: re.Match[str], hour: int, minute: int, half: str) -> TimePhrase | None:
    if not 1 <= hour <= 12:
        return None
    return _phrase(match, hour % 12 + (12 if half.casefold().startswith("p") else 0), minute)


def _open(match: re.Match[str], hour: int, minute: int) -> TimePhrase | None:
    """Without a half of the day, one to six (and half past twelve) are taken as afternoon."""
    if 0 <= hour <= 12:
        at = time((hour or 12) + (12 if 1 <= hour <= 6 else 0), minute) if minute < 60 else None
        return TimePhrase(match.start(), match.end(), at, is_open=True) if at else None
    return _phrase(match, hour, minute)


def _phrase(match: re.Match[str], hour: int, minute: int) -> TimePhrase | None:
    if hour == 24 and minute == 0:
        hour, minute = 23, 59
    if hour > 23 or minute > 59:
        return None
    return TimePhrase(match.start(), match.end(), time(hour, minute))
