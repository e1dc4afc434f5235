"""A budget as a CSV template: categories and empty amounts. Other tables need a model."""

import re
from datetime import datetime

from agents.rules.workflows import needs_model
from agents.rules.workflows.wording import is_german
from agents.strategist import Blocked, Immediate, TaskContext
from core.spreadsheets import written_csv

BUDGET = re.compile(r"\b(?:budget\w*|kostenplan|kalkulation|haushaltsplan|costs?)\b", re.IGNORECASE)
CATEGORIES: list[tuple[re.Pattern[str], list[str], list[str]]] = [
    (
        re.compile(r"campaign|kampagne|marketing|advert|werbung", re.IGNORECASE),
        ["Advertising", "Content and design", "Events", "Tools and software", "Agencies and freelancers", "Reserve"],
        [
            "Werbung",
            "Inhalte und Gestaltung",
            "Veranstaltungen",
            "Werkzeuge und Software",
            "Agenturen und Freie",
            "Reserve",
        ],
    ),
    (
        re.compile(r"event|conference|konferenz|party|wedding|hochzeit|feier|workshop|veranstaltung", re.IGNORECASE),
        [
            "Venue",
            "Food and drink",
            "Speakers and programme",
            "Equipment",
            "Invitations and promotion",
            "Travel",
            "Reserve",
        ],
        ["Ort", "Essen und Trinken", "Programm", "Technik", "Einladungen und Werbung", "Reisen", "Reserve"],
    ),
    (
        re.compile(r"trip|travel|holiday|vacation|reise|urlaub", re.IGNORECASE),
        ["Transport", "Accommodation", "Food", "Activities", "Insurance", "Reserve"],
        ["Anreise", "Unterkunft", "Essen", "Ausflüge", "Versicherung", "Reserve"],
    ),
]
GENERAL = (
    ["Personnel", "Materials", "Services", "Software", "Travel", "Other", "Reserve"],
    ["Personal", "Material", "Dienstleistungen", "Software", "Reisen", "Sonstiges", "Reserve"],
)


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """A CSV table with empty amounts, marked as a template. `now` is not needed."""
    words = f"{context.task.title} {context.task.description} {context.parent_title}"
    if not BUDGET.search(words):
        return needs_model.decide(context, now)
    german = is_german(f"{context.task.title} {context.parent_title}")
    english, deutsch = next(((e, d) for pattern, e, d in CATEGORIES if pattern.search(words)), GENERAL)
    header = ["Kategorie", "Geplant", "Tatsächlich", "Notiz"] if german else ["Category", "Planned", "Actual", "Note"]
    note = "Vorlage: Betrag eintragen" if german else "Template: fill in the amount"
    rows = [[category, "", "", note] for category in (deutsch if german else english)]
    return Immediate(
        output=written_csv([header, *rows], "\n"),
        format="csv",
        confidence=0.5,
        message="A template with common categories: every amount is yours to fill in",
    )
