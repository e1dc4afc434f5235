"""Does a message ask for a planned day, and for which? Only where that is all that it says. Pure."""

import re
from datetime import date, datetime

from agents.rules.dates import find_dates

ASKS = re.compile(
    r"(?:please |can you |could you |would you )*"
    r"(?:plan (?:out )?|help me plan |make (?:me )?a plan for |what does )"
    r"(?:my |the )?(?P<day>day|today|tomorrow|(?:next |this )?\w+day)(?: (?P<more>[\w ,.-]{1,40}?))??"
    r"(?: look like)?(?: please)?",
)

IN_GERMAN = re.compile(
    r"(?:bitte |kannst du |könntest du |kannst du bitte )*(?:"
    r"plane? (?:mir )?(?:bitte )?(?P<planned>.+?)(?: durch)?"
    r"|(?P<turned>.+?) planen"
    r"|(?:und )?(?:was|wie) (?:steht|liegt|sieht) (?:bei mir )?(?P<asked>.+?) (?:an|aus)"
    r"|(?:und )?was (?:habe|hab) ich (?P<todo>.+?) (?:vor|zu tun)"
    r")(?: bitte)?"
)
IN_GERMAN_DAY = re.compile(r"(?:mir |für |bitte )*(?:(?:meinen|mein|den|der) )?(?:ganzen )?tag(?: (?:für|am|von))?\b ?")
IN_GERMAN_OWN = re.compile(r"^(?:mir |für |bitte |meinen |mein |den |am |denn |so |alles )+")
LEADS = {"", "for", "on", "of"}


def day_asked_for(message: str, now: datetime) -> date | None:
    """The day that is to be planned: "plan my day", "please plan tomorrow", "plan meinen Freitag"; None for anything else."""
    said = " ".join(message.split()).lower().strip(" .!?")  # lower keeps "ß"
    words = _words_of_day(said) if len(said) <= 100 else None
    if words is None:
        return None
    if words in {"day", "today"}:
        return now.date()
    days = find_dates(words, now)
    if len(days) != 1 or not days[0].has_day or days[0].is_vague or not days[0].is_all_day:
        return None
    rest = words[: days[0].start] + words[days[0].end :]
    return days[0].due_at.date() if rest.strip() in LEADS else None


def _words_of_day(said: str) -> str | None:
    """The words that name the day, "day" where it is the running one; None where nothing is asked for."""
    if found := ASKS.fullmatch(said):
        return " ".join(part for part in (found["day"], found["more"]) if part).removeprefix("day ").strip()
    if found := IN_GERMAN.fullmatch(said):
        words = next(part for part in found.groups() if part)
        day = IN_GERMAN_DAY.match(words)
        words = words[day.end() :] if day else IN_GERMAN_OWN.sub("", words, count=1)
        return words or ("day" if day else None)
    return None
