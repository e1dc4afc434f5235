"""What a clause asks for, and in which words: a verb's request, something due, something to be kept in mind."""

import re
from dataclasses import dataclass, replace

from agents.rules.meaning import PLAIN, Meaning, meaning_of
from agents.rules.passive import active_of
from agents.rules.requests import Asked, is_question
from agents.rules.sentences import PRONOUN_ONLY, Clause
from agents.rules.verbs import ING_FORMS, NO_VERB, WORD, VerbFound, find_verb, unknown_verb

DUE = re.compile(
    r"^(?P<what>[^,;]{2,120}?)\s+(?:is|are|will\s+be|gets?|ist|sind|wird|comes?)\s+(?:due|overdue|expiring|fällig|zu\s+(?:zahlen|bezahlen|erledigen))\b",
    re.IGNORECASE,
)
ENDS = re.compile(
    r"^(?P<what>[^,;]{2,120}?)\s+(?:expires?|ends?|runs\s+out|läuft\s+(?:[^,;]{0,60}\s)?ab|endet)\b", re.IGNORECASE
)
DUE_LAST = re.compile(
    r"^(?:dass\s+)?(?P<what>[^,;]{2,120}?)\s+(?:fällig|abzugeben|zu\s+zahlen|zu\s+bezahlen)\s*(?:ist|sind|wird|werden)\b",
    re.IGNORECASE,
)
DEADLINE = re.compile(
    r"^(?:the\s+|die\s+|der\s+)?(?:deadline|due\s+date|closing\s+date|frist|abgabe(?:termin|frist)?|fälligkeit)\s+(?:for|of|to|für|von|der|des)?\s*(?P<what>[^,;:]{2,120}?)\s*(?:is|are|ist|sind|:|$)",
    re.IGNORECASE,
)
DEADLINE_AFTER = re.compile(
    r"^(?P<what>[^,;]{2,120}?)\s+(?:deadline|due\s+date|abgabe|frist)\s*(?:is|ist|:|$)", re.IGNORECASE
)
DUE_BARE = re.compile(
    r"^(?P<what>[^,;]{2,120}?)\s*[,:(–-]?\s*\b(?:due|fällig|deadline)(?:\s+(?:back|in|on|by|am|bis))?\s*\)?\s*$",
    re.IGNORECASE,
)
OWED = re.compile(
    r"\b(?:rent|invoices?|bills?|fees?|tuition|mortgage|instal?lment|premium|\w*miete|\w*rechnung|\w*beitrag|gebühr\w*|rate)\b",
    re.IGNORECASE,
)
NOUN_TASK = re.compile(
    r"\b(?:appointment|meeting|call|lunch|dinner|breakfast|brunch|coffee|drinks|gym|yoga|deadline|rent|invoice|payment|bill|dentist|doctor|vet|interview|check-?up|inspection|haircut|exam|flight|rehearsal|class|lesson|practice|"
    r"\w*termin|zahnarzt\w*|tierarzt\w*|arzt\w*|\w*miete|\w*rechnung|besprechung|frist|abgabe|elternabend|prüfung|tüv|friseur\w*|müllabfuhr|probe|training)\b",
    re.IGNORECASE,
)
NOUN_LAST = re.compile(
    rf"^(?:(?:my|our|the|a|an|der|die|das|mein\w*|unser\w*)\s+)?(?:(?!\w+ed\b)[\w'-]+\s+){{0,2}}?(?:{NOUN_TASK.pattern})(?:\s+(?:with|at|for|in|about|re|to|bei|mit|beim|im|für|von)\b.*)?\W*$",
    re.IGNORECASE,
)
# "Tax return", "quarterly reports", and no "Ana needs reports".
THING = re.compile(
    r"(?:my\s+|our\s+|the\s+)?[^\W\d_]{3,}(?:\s+[^\W\d_]{3,}){0,1}(?:\s+[^\W\d_]{2,}(?<!s))?\W*", re.IGNORECASE
)
GOING = re.compile(r"(?:zum|zur|nach|ins?|in\s+die|to\s+the)\s+\S", re.IGNORECASE)
STATEMENT = re.compile(
    r"\b(?:was|were|is|are|had|has|have|went|will|war|ist|hat|hatte|sind|wird|i|we|you|he|she|they|ich|wir|du|er)\b",
    re.IGNORECASE,
)
ALONE = frozenset(
    [
        "vacuum",
        "hoover",
        "sweep",
        "mop",
        "dust",
        "iron",
        "shop",
        "jog",
        "meditate",
        "exercise",
        "stretch",
        "unpack",
        "pack",
        "tidy",
        "floss",
    ]
)


@dataclass(frozen=True)
class Reading:
    """What a clause asks for, in the words of its title."""

    meaning: Meaning
    title: str


def read_clause(about: Asked, clause: Clause, *, has_date: bool, has_deadline: bool = False) -> Reading | None:
    """What the clause asks for; None when it asks for nothing."""
    words, is_asked = about.words, about.asked
    if (
        due := DUE.match(words)
        or DUE_LAST.match(words)
        or DEADLINE.match(words)
        or (has_date and (DUE_BARE.match(words) or DEADLINE_AFTER.match(words) or ENDS.match(words)))
        or None
    ):
        meaning = PLAIN["payment"] if OWED.search(due["what"]) else PLAIN["errand"]
        return Reading(
            Meaning(meaning.kind, meaning.execution_type, 0.8, "Something is due"), _without_article(due["what"])
        )
    if (active := active_of(words)) is not None:
        found = find_verb(active, asked=True)
        return Reading(meaning_of(found), active) if found else None
    found = find_verb(words, asked=is_asked)
    if (
        found
        and not _is_statement(found.rest)
        and (found.rest.strip(" .!") or is_asked or clause.is_listed or found.verb in ALONE)
    ):
        return Reading(meaning_of(found), _plain_infinitive(words, found))
    if found := unknown_verb(words):
        return Reading(meaning_of(found), words)
    if is_asked and (base := _from_ing(words)):
        return read_clause(replace(about, words=base), clause, has_date=has_date)
    if (is_asked and _is_thing(about)) or (clause.is_listed and not is_question(words) and not STATEMENT.search(words)):
        why = (
            "You asked to be reminded of it"
            if about.reminds
            else "You said it has to be done"
            if is_asked
            else "A line of your list"
        )
        return Reading(Meaning("errand", "manual", 0.65 if is_asked else 0.55, why), _without_article(words))
    if (
        has_date
        and len(words.split()) <= 7
        and NOUN_TASK.search(words)
        and NOUN_LAST.search(words)
        and not STATEMENT.search(words)
    ):
        kind = "payment" if OWED.search(words) else "errand"
        return Reading(Meaning(kind, "manual", 0.6, "An appointment, or something due"), words)
    if (
        has_deadline
        and THING.fullmatch(words)
        and words.split()[0].lower() not in NO_VERB
        and not STATEMENT.search(words)
    ):
        return Reading(Meaning("errand", "manual", 0.55, "It has a deadline"), words)
    return None


def _plain_infinitive(words: str, found: VerbFound) -> str:
    """ "Lisa anzurufen" is "Lisa anrufen"."""
    head, _, last = words.rstrip(" .!?").rpartition(" ")
    if not found.is_german or (last == found.verb and not head.endswith(" zu")):
        return words
    if last == found.verb:
        return f"{head.removesuffix(' zu')} {last}"
    return f"{head} {found.verb}" if last.replace("zu", "", 1) == found.verb else words


def _is_statement(rest: str) -> bool:
    return (
        re.match(r"\s*(?:is|are|was|were|will|has|had|of|ist|war|sind|hat|wird|['’]s)\b", rest, re.IGNORECASE)
        is not None
    )


def _from_ing(words: str) -> str | None:
    """ "Sending the agenda", behind "would you mind", is "send the agenda"."""
    first, _, rest = words.partition(" ")
    verb = ING_FORMS.get(first.lower())
    return f"{verb} {rest}" if verb and rest else None


def _is_thing(about: Asked) -> bool:
    """Behind "remind me about" any thing is a task; behind "I need to" a word that may be a verb has to follow."""
    first = WORD.match(about.words)
    if not first or is_question(about.words):
        return False
    if about.reminds or GOING.match(about.words):
        return True
    word = first[0].lower()
    return (
        not about.is_future
        and len(about.words.split()) > 1
        and word not in NO_VERB
        and not word.endswith(("ed", "ly", "ing"))
    )


def _without_article(words: str) -> str:
    return re.sub(r"^(?:the|my|our|that|der|die|das|den|dem|meine|unsere)\s+", "", words.strip(), flags=re.IGNORECASE)


def with_antecedent(words: str, clause: Clause) -> str:
    """ "Sign it" behind "print the form" is "Sign the form"."""
    if clause.antecedent and (match := PRONOUN_ONLY.match(words)):
        thing = re.sub(r"^(?:a|an)\s", "the ", clause.antecedent)
        return f"{match['verb']} {thing}{words[match.end() :]}"
    return words
