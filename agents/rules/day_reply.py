"""How a reply that holds a plan of a day is known again, so that no model reads the titles in it. Pure."""

import re
from datetime import date

ENDS_A_PLAN = re.compile(r"All of it, to look at and keep: /day\?date=(?P<day>\d{4}-\d\d-\d\d)\Z")


def last_line(day: date) -> str:
    """What every reply with a plan ends in, where one sees and keeps it; `without_plan` knows it by that."""
    return f"All of it, to look at and keep: /day?date={day}"


def without_plan(role: str, words: str) -> str:
    """Words of a conversation as a model may read them: a plan names tasks in the words of others, and is left out."""
    found = ENDS_A_PLAN.search(words) if role == "assistant" else None
    return f"(Here the plan of {found['day']} was shown.)" if found else words
