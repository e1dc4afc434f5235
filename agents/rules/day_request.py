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

LEADS = {"", "for", "on", "of"}


def day_asked_for(message: str, now: datetime) -> date | None:
    """The day that is to be planned: "plan my day", "please plan tomorrow", "plan my Friday"; None for anything else."""
    said = " ".join(message.casefold().split()).strip(" .!?")
    found = ASKS.fullmatch(said) if len(said) <= 100 else None
    if found is None:
        return None
    words = " ".join(part for part in (found["day"], found["more"]) if part).removeprefix("day ").strip()
    if words in {"day", "today"}:
        return now.date()
    days = find_dates(words, now)
    if len(days) != 1 or not days[0].has_day or days[0].is_vague or not days[0].is_all_day:
        return None
    rest = words[: days[0].start] + words[days[0].end :]
    return days[0].due_at.date() if rest.strip() in LEADS else None
