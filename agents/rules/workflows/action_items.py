"""Action items out of notes: the sentences that say who does what, in their own words."""

import re
from dataclasses import dataclass
from datetime import datetime

from agents.rules.dates import find_dates
from agents.rules.workflows.wording import is_german, material, no_text, say_date, sentences
from agents.strategist import Blocked, Immediate, TaskContext
from agents.thinking import ADD_A_MODEL

PERSON = r"(?:@?[A-ZÄÖÜ][\w'’-]+(?:\s+[A-ZÄÖÜ][\w'’-]+)?(?:\s+(?:and|und|&)\s+[A-ZÄÖÜ][\w'’-]+)?)"
NOT_PEOPLE = frozenset(
    [
        "the",
        "a",
        "an",
        "we",
        "they",
        "it",
        "this",
        "that",
        "these",
        "those",
        "there",
        "if",
        "when",
        "please",
        "action",
        "actions",
        "todo",
        "next",
        "decision",
        "decided",
        "agreed",
        "note",
        "notes",
        "meeting",
        "budget",
        "project",
        "launch",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "everyone",
        "all",
        "open",
        "question",
        "questions",
        "der",
        "die",
        "das",
        "wir",
        "sie",
        "es",
        "dies",
        "wenn",
        "bitte",
        "aufgabe",
        "aufgaben",
        "entscheidung",
        "notiz",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonntag",
        "alle",
        "offen",
        "offene",
        "frage",
        "fragen",
        "yesterday",
        "today",
        "tomorrow",
        "gestern",
        "heute",
        "morgen",
        "however",
        "also",
        "but",
        "and",
        "und",
        "aber",
        *"""beschluss beschlüsse beschlossen entscheidungen decisions ergebnis ergebnisse result results vereinbart
        vereinbarung vereinbarungen agreement teilnehmer teilnehmende anwesend abwesend attendees participants present
        absent termin termine nächster nächste nächstes nächstem datum date dates ort place thema themen topic topics
        agenda tagesordnung info hinweis notizen protokoll minutes summary zusammenfassung risiko risiken risk risks
        status hintergrund background klärung unklar""".split(),  # noqa: SIM905 - a table is easier to read
    ]
)
DUTY = r"(?:will|shall|should|must|has\s+to|have\s+to|needs?\s+to|is\s+going\s+to|are\s+going\s+to|to|soll(?:te|ten)?|muss|müssen|wird|werden|übernimmt|kümmert\s+sich)"
PAST = re.compile(
    r"\b(?:was|were|had|said|asked|mentioned|reported|thought|felt|noted|presented|explained|agreed|joined|sagte|war|hatte|berichtete|meinte|fragte)\b",
    re.I,
)
MARK = re.compile(r"^\s*(?:action(?:\s+item)?s?|todo|to\s+do|task|aufgabe|ai)\s*[:–-]\s*", re.IGNORECASE)
NAME_FIRST = re.compile(
    rf"^(?P<who>{PERSON})\s*(?:(?P<colon>[:–])\s*|\s(?P<duty>{DUTY})\s+|\s(?P<verb>[a-zäöü]+(?:s|es|t))\s+)(?P<what>.+)$"
)
WE = re.compile(rf"^(?P<who>we|i|wir|ich)(?:['’]ll|\s+{DUTY})\s+(?P<what>.+)$", re.IGNORECASE)
NEITHER_VERB = frozenset(
    [
        "is",
        "has",
        "was",
        "does",
        "as",
        "its",
        "this",
        "us",
        "less",
        "perhaps",
        "always",
        "ist",
        "hat",
        "war",
        "nicht",
        "mit",
        "seit",
        "gibt",
    ]
)


@dataclass(frozen=True)
class ActionItem:
    """One duty: who, what in the words of the notes, until when."""

    who: str
    what: str
    due: datetime | None = None
    has_time: bool = False


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """A Markdown checklist; dates are seen from `now`."""
    text = material(context)
    if not text:
        reason, remedy = no_text("take action items from")
        return Blocked(reason=reason, unblocked_by=remedy)
    items = find_action_items(text, now)
    if not items:
        return Blocked(
            reason="The built-in rules find nobody in the text who is to do something",
            unblocked_by=ADD_A_MODEL,
            message="They look for sentences like “Anna ships the API by Friday”",
            needs_model=True,
        )
    german = is_german(text)
    lines = [checklist_line(item, german=german) for item in items]
    return Immediate(
        output="\n".join(lines) + "\n",
        format="markdown",
        confidence=0.75,
        message=f"{len(items)} action item{'s' if len(items) != 1 else ''}, in the words of the text",
    )


def checklist_line(item: ActionItem, *, german: bool) -> str:
    """ "- [ ] **Anna**: ships the API (due Friday 6 March 2026)"."""
    due = (
        f" ({'bis' if german else 'due'} {say_date(item.due, german=german, with_time=item.has_time)})"
        if item.due
        else ""
    )
    return f"- [ ] {f'**{item.who}**: ' if item.who else ''}{item.what}{due}"


def find_action_items(text: str, now: datetime) -> list[ActionItem]:
    """The duties in a text, in order of mention, at most 100. A question is nobody's duty."""
    items: list[ActionItem] = []
    for sentence in sentences(text):
        if sentence.endswith("?"):
            continue
        for clause in re.split(
            r";\s*|,\s*(?:and|und|while)\s+(?=[A-ZÄÖÜ])|\s+(?:and|und)\s+(?=[A-ZÄÖÜ][\w-]+\s+[a-z]+s\s)", sentence
        ):
            if item := _item(clause.strip(" .,;"), now):
                items.append(item)
    return items[:100]


def _item(clause: str, now: datetime) -> ActionItem | None:
    marked = MARK.match(clause) is not None
    words = MARK.sub("", clause)
    match = NAME_FIRST.match(words)
    if match and match["who"].split()[0].casefold().lstrip("@") not in NOT_PEOPLE:
        verb = match["verb"]
        if verb and (verb in NEITHER_VERB or PAST.search(words)):
            return _plain(words, now) if marked else None
        who, what = match["who"], f"{verb} {match['what']}" if verb else match["what"]
        return _dated(who, what, now)
    if match := WE.match(words):
        return _dated(
            match["who"].capitalize() if match["who"].casefold() in {"we", "wir"} else "I", match["what"], now
        )
    return _plain(words, now) if marked and words else None


def _plain(words: str, now: datetime) -> ActionItem:
    return _dated("", words, now)


def _dated(who: str, what: str, now: datetime) -> ActionItem:
    dates = find_dates(what, now)
    if not dates:
        return ActionItem(who, what.strip(" .,;"))
    chosen = next((d for d in dates if d.relation in {"by", "before"}), dates[-1])
    bare = f"{what[: chosen.start]} {what[chosen.end :]}"
    bare = re.sub(r"\s+(?:by|until|on|bis|am)\s*$", "", " ".join(bare.split()), flags=re.IGNORECASE).strip(" .,;")
    return ActionItem(who, bare or what, chosen.due_at, not chosen.is_all_day)
