"""What a verb and its object mean for a task: its kind, and who can do it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from agents.rules.objects import (
    ACTION_ITEMS,
    APPOINTMENT,
    BIG,
    HOUSEHOLD,
    LISTING,
    MAIL,
    MEETING,
    MEETING_NOTES,
    OUTLINE,
    OUTSIDE,
    POST,
    POSTED,
    REPLY,
    REPORT,
    SHEET,
    SLACK,
    SUMMARY,
    TEXT,
    TO_DO,
    TRANSLATION,
)
from agents.rules.verbs import VerbFound
from tasks.models import ExecutionType, TaskKind


@dataclass(frozen=True)
class Meaning:
    """A kind of task, its execution type, how sure the rules are, and the reason in words."""

    kind: TaskKind
    execution_type: ExecutionType
    confidence: float
    why: str


FULL: ExecutionType = "fully_automated"
SEMI: ExecutionType = "semi_automated"
PERSON: ExecutionType = "manual"
PLAIN: dict[str, Meaning] = {
    "draft": Meaning("email", FULL, 0.95, "A mail can be drafted here; it is sent only after your review"),
    "reply": Meaning("reply", SEMI, 0.9, "An answer to somebody: prepared here, sent after your review"),
    "send": Meaning("email", SEMI, 0.9, "Something goes to somebody: prepared here, sent after your review"),
    "message": Meaning("message", SEMI, 0.85, "A message to somebody: prepared here, sent after your review"),
    "summarize": Meaning("summary", FULL, 0.9, "A summary can be made here"),
    "meeting_summary": Meaning("meeting_summary", FULL, 0.9, "A summary of a meeting can be made here"),
    "translate": Meaning("translation", FULL, 0.95, "A translation can be made here"),
    "rewrite": Meaning("rewriting", FULL, 0.9, "A text can be rewritten here"),
    "outline": Meaning("outline", FULL, 0.9, "An outline can be made here"),
    "extract": Meaning("action_items", FULL, 0.9, "What the notes say can be pulled out here"),
    "report": Meaning("report", FULL, 0.85, "A report can be prepared here from what is known"),
    "document": Meaning("document", FULL, 0.85, "A text can be written here"),
    "ideas": Meaning("document", FULL, 0.75, "Suggestions can be written here"),
    "half_document": Meaning("document", SEMI, 0.75, "It can be prepared here and finished by you"),
    "spreadsheet": Meaning("spreadsheet", SEMI, 0.85, "A table can be prepared here; the figures are yours"),
    "schedule": Meaning("schedule", SEMI, 0.9, "A time with somebody: proposed here, fixed after your review"),
    "booking": Meaning("errand", PERSON, 0.85, "Booking this needs a person"),
    "plan": Meaning("project", SEMI, 0.85, "Several pieces of work: broken down here, decided by you"),
    "research": Meaning("research", PERSON, 0.75, "Looking things up in the world needs a person here"),
    "purchase": Meaning("purchase", PERSON, 0.9, "Buying something is a person's"),
    "payment": Meaning("payment", PERSON, 0.95, "Paying is a person's"),
    "call": Meaning("call", PERSON, 0.95, "A call is a person's"),
    "errand": Meaning("errand", PERSON, 0.85, "Only a person can do this"),
    "unsure": Meaning("errand", PERSON, 0.6, "This looks like something for a person"),
}


BOOKERS = ("book", "buch", "reserv", "um")


def meaning_of(found: VerbFound) -> Meaning:
    """What a request with this verb is."""
    rule = RULES.get(found.name)
    meaning = rule(found.verb, found.rest) if rule else PLAIN[found.name]
    if not found.is_known:
        return Meaning(meaning.kind, meaning.execution_type, 0.6, "It reads like a request, with a verb not known here")
    return meaning


def _write(verb: str, rest: str) -> Meaning:
    if REPLY.search(rest) and not (MAIL.search(rest) and not re.search(r"\b(?:to|auf|an)\b", rest)):
        return PLAIN["reply"]
    return _text(rest, written=True) or PLAIN["document"]


def _make(verb: str, rest: str) -> Meaning:
    if REPLY.search(rest):
        return PLAIN["reply"]
    if APPOINTMENT.search(rest) and not re.search(r"\b(?:report|bericht|email|mail)\b", rest, re.IGNORECASE):
        return PLAIN["booking"]
    if verb in {"set up", "einrichten", "ansetzen", "ausmachen", "make", "machen"} and MEETING.search(rest):
        return PLAIN["schedule"]
    if found := _text(rest, written=False):
        return found
    if re.match(r"\s+(?:for|myself|mich)\b", rest, re.IGNORECASE):
        return PLAIN["errand"]
    if BIG.search(_first_words(rest)):
        return PLAIN["plan"]
    if verb in {"generate", "come up with", "erzeugen", "generieren", "formulieren", "erarbeiten", "ausarbeiten"}:
        return PLAIN["ideas"]
    return PLAIN["unsure"]


def _text(rest: str, *, written: bool) -> Meaning | None:
    """The kind of text that is to come about; the first words say most ("a report for the email team")."""
    head = _first_words(rest)
    if TO_DO.search(rest) and re.search(r"\b(?:from|out\s+of|aus)\b", rest, re.IGNORECASE):
        return PLAIN["extract"]
    for words in (head, rest):
        if OUTLINE.search(words):
            return PLAIN["outline"]
        if SUMMARY.search(words):
            return PLAIN["meeting_summary" if MEETING_NOTES.search(rest) else "summarize"]
        if TRANSLATION.search(words):
            return PLAIN["translate"]
        if SHEET.search(words):
            return PLAIN["spreadsheet"]
        if REPORT.search(words):
            return PLAIN["report"]
        if MAIL.search(words) or (written and ADDRESSED.match(words)):
            return PLAIN["draft"]
        if written and POST.search(words):
            return PLAIN["document"]
        if SLACK.search(words):
            return DRAFT_MESSAGE if written else PLAIN["message"]
        if LISTING.search(words):
            return Meaning("outline", FULL, 0.75, "A list can be prepared here")
        if TEXT.search(words):
            return PLAIN["document" if written else "half_document"]
    return None


def _first_words(rest: str) -> str:
    """What is to come about, without what it is for."""
    return FURTHER.split(rest, maxsplit=1)[0]


FURTHER = re.compile(
    r"\b(?:for|to|about|on|of|from|with|that|für|an|über|zu|zum|zur|mit|aus|dass|von)\b", re.IGNORECASE
)
DRAFT_MESSAGE = Meaning("message", FULL, 0.85, "A message can be drafted here; it is sent only after your review")
ADDRESSED = re.compile(
    r"\s+(?:to\s+(?!(?:the\s+)?do\b)[A-ZÄÖÜ]|(?:dem|der|den|an)\s+[A-ZÄÖÜ]|[A-ZÄÖÜ][a-zäöü]+\s+(?:that|about|dass|wegen)\b)"
)


def _send(verb: str, rest: str) -> Meaning:
    if POSTED.search(rest) and not re.search(r"@|\be-?mail", rest, re.IGNORECASE) and not SLACK.search(rest):
        return PLAIN["errand"]
    if SLACK.search(rest) and not MAIL.search(rest):
        return PLAIN["message"]
    return PLAIN["send"]


def _message(verb: str, rest: str) -> Meaning:
    if verb == "post" and POSTED.search(rest) and not SLACK.search(rest):
        return PLAIN["errand"]
    if verb in {"update", "publish", "share", "veröffentlichen"} and SHEET.search(rest) and not SLACK.search(rest):
        return PLAIN["spreadsheet"] if verb == "update" else PLAIN["message"]
    if (
        verb == "update"
        and not SLACK.search(rest)
        and not re.match(r"\s+(?:[A-Z]\w+|the\s+team|everyone|them|him|her)\s+(?:on|about|that)\b", rest)
    ):
        return PLAIN["errand"]
    if MAIL.search(rest) and not SLACK.search(ADDRESS_LIKE.sub("", rest)):
        return PLAIN["send"]
    return PLAIN["message"]


ADDRESS_LIKE = re.compile(r"[\w.+-]+@[\w.-]+")


def _summarize(verb: str, rest: str) -> Meaning:
    return PLAIN["meeting_summary" if MEETING_NOTES.search(rest) else "summarize"]


def _extract(verb: str, rest: str) -> Meaning:
    from_text = re.search(r"\b(?:from|out\s+of|in|aus|of)\b", rest, re.IGNORECASE) is not None
    if ACTION_ITEMS.search(rest) and (from_text or verb in {"extract", "extrahieren", "pull out", "list"}):
        return PLAIN["extract"]
    if verb in {"extract", "extrahieren", "list", "list out", "identify", "auflisten", "highlight"} or (
        from_text and MEETING_NOTES.search(rest)
    ):
        return Meaning("summary", FULL, 0.75, "What a text says can be pulled out here")
    return PLAIN["errand"]


def _rewrite(verb: str, rest: str) -> Meaning:
    if verb in {"turn", "convert", "transform"} and not re.search(r"\b(?:into|to|in)\b", rest, re.IGNORECASE):
        return PLAIN["errand"]
    if verb in {"edit", "expand", "shorten", "kürzen", "verbessern", "polish", "correct", "structure"} and re.search(
        r"\b(?:video|photos?|pictures?|podcast|shoes|car|silver|trousers|jeans|curtains|hose|vorhänge|schuhe)\b",
        rest,
        re.IGNORECASE,
    ):
        return PLAIN["errand"]
    return PLAIN["rewrite"]


def _schedule(verb: str, rest: str) -> Meaning:
    books = verb.startswith(BOOKERS) or verb == "arrange"
    if MEETING.search(rest) and not (
        OUTSIDE.search(rest) and not re.search(r"\b(?:call|meeting|anruf)\b", rest, re.IGNORECASE)
    ):
        return PLAIN["schedule"]
    if verb == "move" and not re.search(r"\b(?:appointment|call|meeting|session|slot|termin)\b", rest, re.IGNORECASE):
        return PLAIN["errand"]
    if OUTSIDE.search(rest) or APPOINTMENT.search(rest) or books:
        return PLAIN["booking"]
    if SLACK.search(rest) and "post" in rest:
        return PLAIN["message"]
    return PLAIN["schedule"]


def _plan(verb: str, rest: str) -> Meaning:
    if verb == "run" and not BIG.search(rest):
        return PLAIN["errand"]
    if MEETING.search(rest) and not BIG.search(rest):
        return PLAIN["schedule"]
    if HOUSEHOLD.search(rest) and not BIG.search(rest):
        return PLAIN["errand"]
    return PLAIN["plan"]


def _research(verb: str, rest: str) -> Meaning:
    if re.match(r"\s+(?:a\s+|einen\s+)?(?:time|slot|termin|date\b|common)", rest, re.IGNORECASE):
        return PLAIN["schedule"]
    return PLAIN["research"]


def _purchase(verb: str, rest: str) -> Meaning:
    if verb in {"renew", "verlängern", "subscribe to", "rent", "mieten", "pick out"}:
        return Meaning("errand", PERSON, 0.85, "Only a person can do this")
    if verb == "get" and re.search(r"\b(?:\w{2,}ed|done|fixed|ready|cut|built|made|rid)\b", rest):
        return PLAIN["errand"]
    return PLAIN["purchase"]


def _call(verb: str, rest: str) -> Meaning:
    if re.match(r"\s+(?:an?\s+|the\s+)?(?:\w+\s+)?meeting\b", rest, re.IGNORECASE):
        return PLAIN["schedule"]
    return PLAIN["call"]


def _errand(verb: str, rest: str) -> Meaning:
    if verb in {"give", "geben"} and re.match(r"\s+(?:me|us|mir|uns)\b", rest) and (found := _text(rest, written=True)):
        return found
    if verb in {"contact", "kontaktieren"} and MAIL.search(rest):
        return PLAIN["send"]
    if verb in {"do", "start", "finish", "complete", "fertigstellen"} and re.search(
        r"\bresearch\b|\brecherche\b", rest, re.IGNORECASE
    ):
        return PLAIN["research"]
    if verb in {"geben", "sagen"} and re.search(r"\bBescheid\b", rest, re.IGNORECASE):
        return PLAIN["message"]
    return PLAIN["errand"]


RULES: dict[str, Callable[[str, str], Meaning]] = {
    "write": _write,
    "make": _make,
    "send": _send,
    "message": _message,
    "summarize": _summarize,
    "extract": _extract,
    "rewrite": _rewrite,
    "schedule": _schedule,
    "plan": _plan,
    "research": _research,
    "purchase": _purchase,
    "call": _call,
    "errand": _errand,
}
