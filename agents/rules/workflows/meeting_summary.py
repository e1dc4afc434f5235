"""A meeting summary without a model: the notes' own lines under Decisions, Action items, Dates and Open questions."""

import re
from datetime import datetime

from agents.rules.dates import find_dates
from agents.rules.workflows.action_items import checklist_line, find_action_items
from agents.rules.workflows.summary import extract
from agents.rules.workflows.wording import is_german, material, no_text, sentences
from agents.strategist import Blocked, Immediate, TaskContext

DECISION = re.compile(
    r"\b(?:decid\w*|decision|agreed|approved|we\s+will\s+go\s+with|settled\s+on|chose|resolved|beschlossen|entschieden|vereinbart|einigten|genehmigt|entscheidung)\b",
    re.IGNORECASE,
)
QUESTION = re.compile(
    r"\?\s*$|\b(?:open\s+(?:question|point|issue)|unclear|tbd|to\s+be\s+(?:decided|clarified)|offen(?:e\s+frage)?|unklar|zu\s+klären)\b",
    re.IGNORECASE,
)
NAMES = (
    ("In short", "Decisions", "Action items", "Dates", "Open questions"),
    ("Kurz", "Entscheidungen", "Aufgaben", "Termine", "Offene Fragen"),
)


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """Markdown; a heading with nothing below it is left out. Blocked when there are no notes."""
    text = material(context)
    if not text:
        reason, remedy = no_text("summarise")
        return Blocked(reason=reason, unblocked_by=remedy)
    german = is_german(text)
    found = sentences(text)
    decisions = [s for s in found if DECISION.search(s) and not QUESTION.search(s)]
    questions = [s for s in found if QUESTION.search(s)]
    items = find_action_items(text, now)
    dates = [s for s in found if find_dates(s, now) and s not in decisions and not find_action_items(s, now)]
    sections = (
        [] if decisions or items else [f"- {s}" for s in extract(found)],
        [f"- {s}" for s in decisions],
        [checklist_line(item, german=german) for item in items],
        [f"- {s}" for s in dates if s not in questions],
        [f"- {s}" for s in questions],
    )
    lines: list[str] = []
    for name, rows in zip(NAMES[1] if german else NAMES[0], sections, strict=True):
        if rows:
            lines += [f"## {name}", *rows, ""]
    return Immediate(
        output="\n".join(lines),
        format="markdown",
        confidence=0.6 if decisions or items else 0.5,
        message="Sorted out of the notes word for word; nothing is added",
    )
