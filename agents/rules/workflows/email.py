"""A mail from what the task says, and from nothing else."""

import re
from datetime import datetime

from agents.rules.workflows import needs_model
from agents.rules.workflows.letter import Recipient, letter, recipient_of
from agents.rules.workflows.phrases import Wording, word_it
from agents.rules.workflows.purposes import Purpose, read_purposes, speaks_of_them
from agents.rules.workflows.wording import capitalised, is_german, with_its_date
from agents.strategist import Blocked, Immediate, TaskContext

HEAD = re.compile(
    r"^\s*(?:please\s+)?(?:(?:draft|write|send|compose|prepare|create|make|formulate)\b)?\s*(?:(?:an?|the|another)\s+)?"
    r"(?:(?:short|quick|brief|polite|friendly|formal|nice|warm|professional)\s+)*(?P<sort>[\w -]*?)\s*(?<!\w)(?:e-?mails?|mails?|messages?|letters?)\b\s*",
    re.IGNORECASE,
)
HEAD_DE = re.compile(
    r"^\s*(?:bitte\s+)?(?:schreib\w*|entw[ie]rf\w*|verfass\w*|erstell\w*|formulier\w*|sende?|schick\w*)?\s*(?:(?:eine?|kurze?|höfliche?|freundliche?)\s+)*"
    r"(?P<sort>[\w-]*?)-?(?:e-?mail|mail|nachricht|brief)\b\s*",
    re.IGNORECASE,
)
SENDS_A_THING = re.compile(
    r"^\s*(?:please\s+|bitte\s+)?(?:send|forward|e-?mail|mail|schick\w*|sende?|leite)\s+(?:\S+@\S+\s+|[A-Z]\w+\s+)?(?:over\s+)?"
    r"(?P<thing>(?:the|my|our|a|an|his|her|their|die|den|das|der|eine?n?|mein\w*|unser\w*)\s+(?:[\w-]+\s+){0,4}?"
    r"(?:contract|report|file|files|document|documents|invoice|offer|quote|proposal|slides?|deck|presentation|pdf|photos?|picture|pictures|"
    r"scan|form|cv|resume|résumé|spreadsheet|minutes|notes|agenda|brief|bio|certificate|receipt|statement|logo|draft|"
    r"vertrag|bericht|datei\w*|dokumente?|rechnung|angebot|folien|präsentation|fotos?|bilder|formular|lebenslauf|protokoll|unterlagen))(?!\s+e?-?mail)\b",
    re.IGNORECASE,
)
ENDS_OF_INFINITIVE = re.compile(
    r"\s+(?:schreiben|entwerfen|verfassen|senden|schicken|erstellen|formulieren)\s*$", re.IGNORECASE
)
BY_MAIL = re.compile(r"\s+(?:per|by|via)\s+(?:e-?)?mail\b", re.IGNORECASE)
NOTHING_SAID = Blocked(
    reason="The task does not say what the mail should say",
    unblocked_by="Write in the task what it is about, then execute it again",
    message="A mail without content is not drafted",
)


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """A draft from the words of the task; Blocked when they don't say what it is about. Dates are seen from `now`."""
    request = with_its_date(context, now)
    own = context.task.description.strip() if context.in_own_words else ""
    request, _, dictated = request.partition(": ")
    own = "\n\n".join(part for part in (_sentence(dictated), own) if part)
    german = is_german(f"{request} {own}")
    if thing := SENDS_A_THING.match(request):
        return _thing_is_not_here(thing["thing"])
    head = (HEAD_DE if german else HEAD).match(request)
    sort, rest = (head["sort"], request[head.end() :]) if head else ("", request)
    rest = BY_MAIL.sub("", ENDS_OF_INFINITIVE.sub("", rest))
    whom, said = _cut_recipient(rest, german)
    purposes = read_purposes(said, german=german) or _from_sort(sort, said, german)
    purposes = _sorted_out(purposes, sort, german)
    if german and speaks_of_them(purposes):
        return needs_model.blocked("Turning these words into an address")
    wordings = [word_it(p, context.sender_name, german=german) for p in purposes]
    if not wordings and not own:
        return NOTHING_SAID
    is_full = bool(own) or any(p.kind != "about" for p in purposes)
    return _drafted(context, whom, wordings, own, german, is_full=is_full)


def _drafted(
    context: TaskContext, whom: str, wordings: list[Wording], own: str, german: bool, *, is_full: bool
) -> Immediate:
    recipient = recipient_of(context, whom)
    paragraphs = [" ".join(wording.paragraphs) for wording in wordings]
    if own:
        paragraphs.append(own)
    subject = wordings[0].subject if wordings else own.splitlines()[0][:80]
    said = [_to_their_face(recipient, text) for text in (subject, *paragraphs)]
    draft = letter(context, recipient, said[0], said[1:], german=german)
    message = (
        f"Drafted from the words of the task for {recipient.called}"
        if recipient.called
        else "Drafted from the words of the task"
    )
    if not recipient.address:
        message += "; the address is missing"
    return Immediate(
        output=draft.body,
        format="text",
        confidence=0.8 if is_full and recipient.address else 0.5,
        draft=draft,
        message=message,
    )


def _cut_recipient(rest: str, german: bool) -> tuple[str, str]:
    """The words before the first purpose say whom it is for; the rest what is said."""
    start = re.compile(
        r"(?<!\w)(?:und|dass|wegen|bezüglich|über|um|zum\s+thema|bedank\w*|entschuldig\w*|zu[mr]?|lade|frag\w*|sage?|informier\w*|benachrichtig\w*|erinner\w*|gratulier\w*|bitte(?=\s+um)|an\s+d\w+)(?!\w)"
        if german
        else r"(?<!\w)(?:thank\w*|apolog\w*|declin\w*|confirm\w*|invit\w*|remind\w*|introduc\w*|congrat\w*|follow\w*|ask\w*|request\w*|tell\w*|inform\w*|notify\w*|"
        r"say\w*|about|regarding|concerning|that|let\w*|explain\w*|announc\w*|accept\w*|propos\w*|suggest\w*|check\w*|cancel\w*|wish\w*|turn\w*|enquir\w*|inquir\w*|for|on|with)(?!\w)",
        re.IGNORECASE,
    )
    match = start.search(rest, 1 if rest[:1].isalpha() else 0)
    if re.match(start, rest):
        match = re.match(start, rest)
    if match is None:
        return rest, ""
    return rest[: match.start()], rest[match.start() :]


def _from_sort(sort: str, said: str, german: bool) -> list[Purpose]:
    """ "A thank-you mail for the meeting": the sort of mail is its purpose."""
    named = read_purposes(f"{sort} x", german=german)
    if not named:
        return []
    about = re.sub(r"^(?:for|on|of|about|with|für|zu[mr]?|wegen|über)\s+", "", said.strip(" ,.;:"), flags=re.IGNORECASE)
    return (
        [Purpose(named[0].kind.removesuffix("_to"), about)] if about or named[0].kind in {"thank", "apologise"} else []
    )


def _sorted_out(purposes: list[Purpose], sort: str, german: bool) -> list[Purpose]:
    """A follow-up mail *about* the offer follows up on the offer."""
    if len(purposes) == 1 and purposes[0].kind == "about" and sort.strip():
        named = read_purposes(f"{sort} x", german=german)
        if named:
            return [Purpose(named[0].kind.removesuffix("_to"), purposes[0].about)]
    return purposes


def _thing_is_not_here(thing: str) -> Blocked:
    return Blocked(
        reason=f"{thing[:1].upper()}{thing[1:]} is not here: nothing can be attached yet",
        unblocked_by="Send it yourself and tick the task off, or write in the task what a mail should say",
        message="A mail that promises an attachment and has none is not drafted",
    )


def _sentence(words: str) -> str:
    words = capitalised(words.strip())
    return words if not words or words[-1] in ".!?" else f"{words}."


def _to_their_face(recipient: Recipient, text: str) -> str:
    """The words without the address that the mail goes to anyway; "the invitation from Mark" is only that to Mark."""
    if recipient.address:
        text = re.sub(rf"\s*[(<]?{re.escape(recipient.address)}[)>]?", "", text)
    if recipient.name:
        text = re.sub(rf"\s+(?:from|von|with|mit)\s+{re.escape(recipient.name)}(?!\w)", "", text)
    return text.strip()
