"""A meeting summary without a model: the notes' own lines under Decisions, Action items, Dates and Open questions."""

import re
from datetime import datetime

from agents.rules.dates import find_dates
from agents.rules.workflows.action_items import checklist_line, find_action_items
from agents.rules.workflows.summary import extract
from agents.rules.workflows.wording import BULLET, capitalised, is_german, material, no_text, sentences
from agents.strategist import Blocked, Immediate, TaskContext

DECISION = re.compile(
    r"\b(?:decid\w*|decisions?|agreed|approved|we\s+will\s+go\s+with|settled\s+on|chose|resolved|beschlossen|entschieden|vereinbart|einigten|genehmigt|entscheidung(?:en)?|beschluss|beschlüsse)\b",
    re.IGNORECASE,
)
QUESTION = re.compile(
    r"\?\s*$|\b(?:open\s+(?:question|point|issue)|unclear|tbd|to\s+be\s+(?:decided|clarified)|offen(?:e\s+frage)?|unklar|zu\s+klären)\b",
    re.IGNORECASE,
)
OF_DECISIONS = re.compile(
    r"^\W*(?:decisions?|decided|agreed|resolved|beschluss|beschlüsse|beschlossen|entscheidung(?:en)?|entschieden|vereinbart|vereinbarung(?:en)?)\s*(?:[:–]|\s-\s|$)\s*",
    re.IGNORECASE,
)
OF_QUESTIONS = re.compile(
    r"^\W*(?:open(?:\s+(?:questions?|points?|issues?))?|questions?|offene?r?(?:\s+(?:fragen?|punkte?))?|fragen?|unklar|zu\s+klären|tbd)\s*(?:[:–]|\s-\s|$)\s*",
    re.IGNORECASE,
)
NAMES = (
    ("In short", "Decisions", "Action items", "Dates", "Open questions"),
    ("Kurz", "Entscheidungen", "Aufgaben", "Termine", "Offene Fragen"),
)


def labelled(text: str) -> tuple[list[str], list[str], str]:
    """What notes call decisions and open questions themselves, without these labels, and the rest of their text.

    By the label of a line ("Beschluss: ..."), or by the heading above a list.
    """
    decisions, questions, rest = list[str](), list[str](), list[str]()
    above: list[str] | None = None
    for line in text[:200_000].splitlines():
        bare = BULLET.sub("", line).strip(" #*")
        label = next(
            (
                (kept, found)
                for kept, pattern in ((decisions, OF_DECISIONS), (questions, OF_QUESTIONS))
                if (found := pattern.match(bare))
            ),
            None,
        )
        if label is not None:
            said = bare[label[1].end() :].strip(" *")
            above = None if said else label[0]
            if said:
                label[0].append(capitalised(said))
        elif above is not None and BULLET.match(line) and bare:
            above.append(bare)
        else:
            above = above if not bare else None
            rest.append(line)
    return decisions, questions, "\n".join(rest)


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """Markdown; a heading with nothing below it is left out. Blocked when there are no notes."""
    text = material(context)
    if not text:
        reason, remedy = no_text("summarise")
        return Blocked(reason=reason, unblocked_by=remedy)
    german = is_german(text)
    told, asked, rest = labelled(text)
    found = sentences(rest)
    decisions = [*told, *(s for s in found if DECISION.search(s) and not QUESTION.search(s))]
    questions = [*asked, *(s for s in found if QUESTION.search(s))]
    items = find_action_items(rest, now)
    dates = [s for s in found if find_dates(s, now) and s not in decisions and not find_action_items(s, now)]
    sections = (
        [] if decisions or items else [f"- {s}" for s in extract(sentences(text))],
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
