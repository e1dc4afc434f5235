"""Big tasks broken into parts, by templates for the common sorts. Each part says who can do it and what it waits for."""

import re
from datetime import datetime

from agents.rules.workflows.wording import is_german
from agents.strategist import Blocked, Decompose, PlannedSubtask, TaskContext
from tasks.models import ExecutionType, TaskKind

# Title, German title, kind, execution type, positions that it waits for, minutes.
Part = tuple[str, str, TaskKind, ExecutionType, list[int], int]
MAN: ExecutionType = "manual"
SEMI: ExecutionType = "semi_automated"
FULL: ExecutionType = "fully_automated"

CAMPAIGN: list[Part] = [
    ("Research competitor campaigns", "Kampagnen der Konkurrenz recherchieren", "research", MAN, [], 120),
    ("Create budget spreadsheet", "Budgettabelle erstellen", "spreadsheet", SEMI, [], 45),
    ("Draft campaign outline", "Gliederung der Kampagne entwerfen", "outline", FULL, [], 30),
    ("Design mockups", "Entwürfe gestalten", "errand", MAN, [2], 240),
]
LAUNCH: list[Part] = [
    ("Define scope and launch date", "Umfang und Termin festlegen", "errand", MAN, [], 60),
    ("Draft launch outline", "Gliederung des Starts entwerfen", "outline", FULL, [], 30),
    ("Create budget spreadsheet", "Budgettabelle erstellen", "spreadsheet", SEMI, [0], 45),
    ("Write the announcement", "Ankündigung schreiben", "document", SEMI, [0, 1], 60),
    ("Test everything before launch", "Vor dem Start alles testen", "errand", MAN, [0], 180),
    ("Decide on launch", "Über den Start entscheiden", "errand", MAN, [2, 3, 4], 30),
    ("Announce the launch", "Den Start bekannt geben", "errand", MAN, [5], 30),
]
EVENT: list[Part] = [
    ("Fix date, place and number of guests", "Datum, Ort und Zahl der Gäste festlegen", "errand", MAN, [], 60),
    ("Create budget spreadsheet", "Budgettabelle erstellen", "spreadsheet", SEMI, [], 45),
    ("Book the venue", "Den Ort buchen", "errand", MAN, [0, 1], 60),
    ("Draft the programme outline", "Gliederung des Programms entwerfen", "outline", FULL, [], 30),
    ("Make the guest list", "Gästeliste machen", "errand", MAN, [0], 45),
    ("Write the invitation", "Einladung schreiben", "document", SEMI, [0, 3], 45),
    ("Arrange food and equipment", "Essen und Technik organisieren", "purchase", MAN, [2, 4], 120),
]
TRIP: list[Part] = [
    ("Fix dates and who comes along", "Daten und Mitreisende festlegen", "errand", MAN, [], 30),
    ("Create budget spreadsheet", "Budgettabelle erstellen", "spreadsheet", SEMI, [], 45),
    ("Compare ways to get there and places to stay", "Anreise und Unterkünfte vergleichen", "research", MAN, [0], 90),
    ("Book travel and accommodation", "Anreise und Unterkunft buchen", "purchase", MAN, [1, 2], 60),
    ("Draft an outline of the days", "Gliederung der Tage entwerfen", "outline", FULL, [], 30),
    ("Check documents and insurance", "Papiere und Versicherung prüfen", "errand", MAN, [0], 30),
    ("Pack", "Packen", "errand", MAN, [3], 60),
]
MOVE: list[Part] = [
    ("Fix the moving date", "Umzugstermin festlegen", "errand", MAN, [], 20),
    ("Create budget spreadsheet", "Budgettabelle erstellen", "spreadsheet", SEMI, [], 45),
    ("Compare movers and book one", "Umzugsfirmen vergleichen und buchen", "purchase", MAN, [0, 1], 90),
    ("Draft a moving checklist outline", "Gliederung einer Umzugs-Checkliste entwerfen", "outline", FULL, [], 20),
    ("Give notice and change contracts", "Verträge kündigen und ummelden", "errand", MAN, [0], 120),
    ("Tell everybody the new address", "Die neue Adresse mitteilen", "errand", MAN, [0], 45),
    ("Pack", "Packen", "errand", MAN, [2], 480),
]
HIRING: list[Part] = [
    ("Agree on role, budget and who decides", "Rolle, Budget und Entscheider klären", "errand", MAN, [], 60),
    ("Draft job description outline", "Gliederung der Stellenbeschreibung entwerfen", "outline", FULL, [], 30),
    ("Write the job advertisement", "Stellenanzeige schreiben", "document", SEMI, [0, 1], 60),
    ("Publish the advertisement", "Anzeige veröffentlichen", "errand", MAN, [2], 30),
    ("Draft interview outline", "Gliederung der Gespräche entwerfen", "outline", FULL, [], 30),
    ("Hold interviews", "Gespräche führen", "errand", MAN, [3, 4], 480),
    ("Decide and make an offer", "Entscheiden und Angebot machen", "errand", MAN, [5], 60),
]
ANYTHING: list[Part] = [
    ("Write down goal and limits", "Ziel und Grenzen aufschreiben", "errand", MAN, [], 30),
    ("Research what is known", "Recherchieren, was bekannt ist", "research", MAN, [0], 120),
    ("Draft an outline", "Gliederung entwerfen", "outline", FULL, [], 30),
    ("Create budget spreadsheet", "Budgettabelle erstellen", "spreadsheet", SEMI, [], 45),
    ("Decide on the plan", "Über den Plan entscheiden", "errand", MAN, [1, 2, 3], 45),
    ("Carry it out", "Durchführen", "errand", MAN, [4], 480),
]
TEMPLATES: list[tuple[str, re.Pattern[str], list[Part]]] = [
    ("hiring", re.compile(r"\b(?:hir(?:e|ing)|recruit\w*|onboard\w*|einstell\w*|stelle\b|bewerb\w*)", re.IGNORECASE), HIRING),
    ("campaign", re.compile(r"\b(?:\w*campaign\w*|\w*kampagne\w*|marketing|advertis\w*)\b", re.IGNORECASE), CAMPAIGN),
    ("event", re.compile(r"\b(?:event|conference|konferenz|party|feier|\w*fest|wedding|hochzeit|workshop|off-?site|retreat|hackathon|meetup|fair|messe|"
                         r"jubiläum|anniversary|birthday|\w*geburtstag\w*|festival|fundraiser|veranstaltung|dinner|offsite)\b", re.IGNORECASE), EVENT),
    ("launch", re.compile(r"\b(?:launch\w*|release|roll-?out|rebrand\w*|markteinführung|produktstart|website|feature)\b", re.IGNORECASE), LAUNCH),
    ("trip", re.compile(r"\b(?:trip|travel|journey|holiday|vacation|tour|\w*reise|\w*urlaub|ausflug)\b", re.IGNORECASE), TRIP),
    ("move", re.compile(r"\b(?:mov(?:e|ing)\b|relocat\w*|umzug\w*|umziehen)", re.IGNORECASE), MOVE),
]  # fmt: skip
SUBJECT = re.compile(
    r"^\s*(?:please\s+|bitte\s+)?(?:plan|organi[sz]e|coordinate|run|launch|host|prepare|set\s+up|manage|hire|plane|organisier\w*|veranstalt\w*|koordinier\w*|bereite)\s+",
    re.IGNORECASE,
)


def decide(context: TaskContext, now: datetime) -> Decompose | Blocked:
    """The parts of a project. A part of a project is not broken down again by rules. `now` is not needed."""
    task = context.task
    if context.parent_title:
        return Blocked(
            reason="This part is too big for the built-in rules, and they break a plan down only once",
            unblocked_by="Write its parts as tasks of their own",
            needs_model=True,
        )
    german = is_german(task.title)
    name, parts = next(
        ((name, parts) for name, pattern, parts in TEMPLATES if pattern.search(task.title)), ("", ANYTHING)
    )
    about = SUBJECT.sub("", task.title).strip(" .")
    subtasks = [
        PlannedSubtask(
            title=deutsch if german else english,
            description="",
            kind=kind,
            execution_type=execution_type,
            priority=task.priority,
            depends_on=list(depends_on),
            estimated_duration_minutes=minutes,
        )
        for english, deutsch, kind, execution_type, depends_on, minutes in parts
    ]
    by_hand = sum(part.execution_type == "manual" for part in subtasks)
    return Decompose(
        subtasks=subtasks,
        confidence=0.7 if name else 0.45,
        message=f"“{about or task.title}” broken into {len(subtasks)} parts by a template; {by_hand} of them are yours",
    )
