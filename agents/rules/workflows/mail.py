"""Mails by rules: from the words of the request, and nothing else."""

import re
from dataclasses import dataclass
from datetime import datetime

from agents.strategist import Blocked, Decompose, DraftContent, Immediate, TaskContext
from agents.thinking import ADD_A_MODEL

ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
GERMAN = re.compile(
    r"\b(?:schreib\w*|schick\w*|entwirf|verfass\w*|antworte\w*|bitte|danke?\w*|für|und|dass|der|die|das|wir|dich|ihm|ihr|ihn|einen?|eine|mit|dem|den|Treffen|Termin)\b", re.I
)  # fmt: skip
CONTENT = re.compile(
    r"\b(?:that|saying(?:\s+that)?|to\s+say(?:\s+that)?|telling\s+(?:him|her|them)(?:\s+that)?|dass|mit\s+dem\s+Hinweis,?\s*(?:dass)?)\s+(?P<what>.+)$",
    re.I | re.S,
)
TOPIC = re.compile(
    r"\b(?:about|regarding|concerning|on\s+the\s+subject\s+of|re|wegen|über|bezüglich|zum\s+Thema)\s+(?P<what>.+)$",
    re.I | re.S,
)
SWAP = {
    "him": "you",
    "her": "you",
    "them": "you",
    "his": "your",
    "their": "your",
    "he": "you",
    "she": "you",
    "they": "you",
    "ihn": "Sie",
    "ihm": "Ihnen",
    "ihr": "Ihnen",
}


@dataclass(frozen=True)
class Purpose:
    """A reason to write: how requests say it, and what the mail says in each language ({x}: what for)."""

    name: str
    pattern: re.Pattern[str]
    subject: tuple[str, str]
    body: tuple[str, str]


def _p(name: str, pattern: str, subject: tuple[str, str], body: tuple[str, str]) -> Purpose:
    return Purpose(name, re.compile(pattern, re.I | re.S), subject, body)


PURPOSES = [
    _p("thank", r"\b(?:thank(?:ing|s)?(?:\s+(?:him|her|them|you|\w+))?|bedank\w*\s+(?:dich|mich|sich)?|dank\w*)(?:\s+(?:for|für)\s+(?P<x>.+))?$",
       ("Thank you for {x}", "Vielen Dank für {x}"), ("Thank you very much for {x}. I appreciate it.", "vielen Dank für {x}. Ich habe mich sehr darüber gefreut.")),
    _p("apologise", r"\b(?:apologi[sz]\w+|say(?:ing)?\s+sorry|sorry|entschuldig\w*)(?:\s+\w+){0,2}?\s+(?:for|about|für|wegen)\s+(?P<x>.+)$",
       ("Apologies for {x}", "Entschuldigung für {x}"), ("I am sorry for {x}, and I apologise for the trouble it caused.", "ich bitte um Entschuldigung für {x} und die Umstände, die dadurch entstanden sind.")),
    _p("congratulate", r"\b(?:congratulat\w+|gratulier\w*)(?:\s+\w+){0,2}?\s+(?:on|for|to|zu[mr]?|für)\s+(?P<x>.+)$",
       ("Congratulations on {x}", "Herzlichen Glückwunsch zu {x}"), ("Congratulations on {x}!", "herzlichen Glückwunsch zu {x}!")),
    _p("invite", r"\b(?:invit\w+|einlad\w*|lad\w*)(?:\s+\w+){0,2}?\s+(?:to|for|zu[mr]?)\s+(?P<x>.+)$",
       ("Invitation: {x}", "Einladung: {x}"), ("I would like to invite you to {x}. Please let me know whether you can come.", "ich möchte Sie herzlich einladen: {x}. Bitte geben Sie mir kurz Bescheid, ob es Ihnen passt.")),
    _p("decline", r"\b(?:declin\w+|turn(?:ing)?\s+down|absag\w*|ablehn\w*|sag\w*\s+ab)\s+(?P<x>.+)$",
       ("Regarding {x}", "Zu {x}"), ("Thank you for {x}. I am afraid I have to decline.", "vielen Dank für {x}. Leider muss ich absagen.")),
    _p("confirm", r"\b(?:confirm\w*|bestätig\w*)\s+(?P<x>.+)$",
       ("Confirmation: {x}", "Bestätigung: {x}"), ("I would like to confirm {x}.", "hiermit bestätige ich {x}.")),
    _p("remind", r"\b(?:remind\w*|erinner\w*)(?:\s+\w+){0,2}?\s+(?:about|of|to|that|an|dass)\s+(?P<x>.+)$",
       ("Reminder: {x}", "Erinnerung: {x}"), ("A friendly reminder: {x}.", "eine freundliche Erinnerung: {x}.")),
    _p("follow_up", r"\b(?:follow(?:ing)?[ -]up|nachfass\w*|nachfrag\w*)(?:\s+\w+)?\s+(?:on|about|regarding|zu[mr]?|wegen)\s+(?P<x>.+)$",
       ("Following up: {x}", "Nachfrage: {x}"), ("I wanted to follow up on {x}. Could you let me know where it stands?", "ich wollte noch einmal nachfragen: {x}. Wie ist der Stand?")),
    _p("ask", r"\b(?:ask\w*|request\w*|frag\w*|bitt(?:e|en|et)\s+(?:ihn|sie|um))(?:\s+(?:him|her|them|for|if|whether|about|to|ob|nach|wegen|um))*\s+(?P<x>.+)$",
       ("Question: {x}", "Frage: {x}"), ("I have a question: {x}. Thank you for your help.", "ich habe eine Frage: {x}. Vielen Dank für Ihre Hilfe.")),
    _p("introduce", r"\b(?:introduc\w+|vorstell\w*)\s+(?P<x>.+)$",
       ("Introduction: {x}", "Vorstellung: {x}"), ("I would like to introduce {x}.", "ich möchte Ihnen vorstellen: {x}.")),
]  # fmt: skip


def write_mail(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """A mail from the request's own words; blocked when it says neither purpose nor content."""
    task = context.task
    request = re.sub(r"\s+", " ", f"{task.title}").strip()
    german = len(GERMAN.findall(request)) >= 2
    to = ADDRESS.findall(request) or ([task.recipient] if task.recipient and ADDRESS.fullmatch(task.recipient) else [])
    if re.search(
        r"\b(?:attached|signed|the\s+(?:contract|file|report|slides|document|photos?|pictures?)|anbei|Anhang|Vertrag|unterschriebene\w*)\b",
        request,
        re.I,
    ) and re.match(r"(?:send|forward|schick|sende|leite)", request, re.I):
        return Blocked(
            reason="The file to send is not here",
            unblocked_by="Attach the file yourself and send it, then tick this off",
            message="A mail without its file would be useless",
        )
    written = _subject_and_lines(request, task.description, german)
    if written is None:
        return Blocked(
            reason="The request does not say what the mail should tell",
            unblocked_by=f"Add it to the task (“… saying that …”). {ADD_A_MODEL} to have it worded freely",
            message="Nothing was invented",
        )
    subject, lines = written
    return _mail(context, to, subject, lines, german, f"A mail from the words of your request: {request}")


def _subject_and_lines(request: str, material: str, german: bool) -> tuple[str, list[str]] | None:
    language = 1 if german else 0
    body = re.sub(r"^[^@]*?" + ADDRESS.pattern, "", request, count=1) if ADDRESS.search(request) else request
    if found := CONTENT.search(body):
        told = _tell(found["what"])
        return _short_subject(told), [told, *([material] if material else [])]
    for purpose in PURPOSES:
        if (found := purpose.pattern.search(body)) and (found.groupdict().get("x") or purpose.name == "thank"):
            what = _what(found.groupdict().get("x") or ("Ihre Unterstützung" if german else "your help"), german)
            subject = purpose.subject[language].format(x=what)
            return _short_subject(subject), [purpose.body[language].format(x=what), *([material] if material else [])]
    if material:
        topic = TOPIC.search(body)
        return _short_subject(_what(topic["what"], german) if topic else material.splitlines()[0]), [material]
    if topic := TOPIC.search(body):
        what = _what(topic["what"], german)
        line = f"ich schreibe Ihnen wegen {what}." if german else f"I am writing to you about {what}."
        more = (
            "Melden Sie sich bitte, wenn Sie Fragen haben."
            if german
            else "Please let me know if you have any questions."
        )
        return _short_subject(what), [line, more]
    return None


def _what(words: str, german: bool) -> str:
    text = words.strip(" .!?,;:")
    if not german:
        text = re.sub(r"\b(him|her|them|his|their|he|she|they)\b", lambda m: SWAP[m[0].lower()], text, flags=re.I)
    return text


def _tell(words: str) -> str:
    text = re.sub(r"\b(him|them|he|she|they)\b", lambda m: SWAP[m[0].lower()], words.strip(" .!?,;:"), flags=re.I)
    return f"{text[:1].upper()}{text[1:]}."


def _short_subject(text: str) -> str:
    line = re.sub(r"\s+", " ", text).strip(" .")
    line = f"{line[:1].upper()}{line[1:]}"
    return line if len(line) <= 78 else f"{line[:75].rsplit(' ', 1)[0]} …"


def _greeting(context: TaskContext, name: str, german: bool) -> str:
    if german:
        return f"Hallo {name}," if name else "Guten Tag,"
    return f"Hi {name}," if name else "Hello,"


def _name(context: TaskContext, to: list[str]) -> str:
    recipient = context.task.recipient or ""
    if recipient and "@" not in recipient:
        return recipient.split()[0]
    written = re.search(r"\b([A-ZÄÖÜ][\w'-]+)\s*\(?" + (re.escape(to[0]) if to else "$^"), context.task.title)
    if written and written[1].casefold() not in {"to", "an", "email", "mail"}:
        return written[1]
    local = to[0].partition("@")[0] if to else ""
    first = re.split(r"[._-]", local)[0]
    generic = {
        "info",
        "office",
        "legal",
        "support",
        "sales",
        "billing",
        "hello",
        "contact",
        "team",
        "hr",
        "admin",
        "jobs",
        "mail",
        "news",
        "service",
    }
    return first.capitalize() if first.isalpha() and len(first) > 2 and first.casefold() not in generic else ""


def _mail(
    context: TaskContext,
    to: list[str],
    subject: str,
    lines: list[str],
    german: bool,
    message: str,
    confidence: float = 0.75,
) -> Immediate:
    name = _name(context, to)
    close = "Viele Grüße" if german else "Best regards"
    sign = [close + (f"\n{context.sender_name}" if context.sender_name else "")]
    body = "\n\n".join([_greeting(context, name, german), *lines, *sign])
    draft = DraftContent(to=to, subject=subject, body=body)
    return Immediate(
        output=f"Subject: {subject}\n\n{body}", format="text", confidence=confidence, draft=draft, message=message
    )


def write_reply(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """An answer: what the task says, to whoever wrote last; a holding reply where only the day of the answer is known."""
    task = context.task
    theirs = [message for message in context.thread if not message.is_from_me]
    last = theirs[-1] if theirs else None
    request = task.title
    to = (
        [last.from_address]
        if last
        else ADDRESS.findall(request) or ([task.recipient] if task.recipient and "@" in task.recipient else [])
    )
    german = len(GERMAN.findall(last.text if last else request)) >= (4 if last else 2)
    subject = last.subject if last else None
    if subject and not re.match(r"(?:re|aw):", subject, re.I):
        subject = f"Re: {subject}"
    told = CONTENT.search(request) if task.source in {"chat", "manual", "import"} else None
    if told:
        line = _tell(told["what"])
        return _mail(
            context,
            to,
            subject or _short_subject(line),
            [line],
            german,
            f"An answer that says what you told me: {told['what']}",
        )
    if last and task.due_at and task.due_at > now:
        when = task.due_at.strftime("%d.%m.%Y" if german else "%A, %-d %B")
        topic = re.sub(r"^(?:re|aw|fwd?|wg):\s*", "", last.subject, flags=re.I)
        lines = (
            [f"vielen Dank für Ihre Nachricht zu „{topic}“.", f"Ich melde mich bis {when} mit einer Antwort."]
            if german
            else [f"Thank you for your message about “{topic}”.", f"I will get back to you by {when}."]
        )
        return _mail(
            context,
            to,
            subject or topic,
            lines,
            german,
            "A holding reply: what to answer is not known here, only by when",
            0.5,
        )
    return Blocked(
        reason="What to answer is not known here",
        unblocked_by=f"Say it in the task (“… that we can deliver on 20 March”), or answer yourself. {ADD_A_MODEL} for a worded proposal",
        message="Nothing was invented",
    )


def propose_time(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """A mail that proposes the time that was given; blocked without an address or a time."""
    task = context.task
    to = ADDRESS.findall(task.title) or ([task.recipient] if task.recipient and "@" in task.recipient else [])
    if not to:
        who = f"{task.recipient}'s address" if task.recipient else "the address"
        return Blocked(
            reason=f"Requires calendar access, or {who} to propose a time by mail",
            unblocked_by=f"Add {who} to the task, or book it yourself and tick this off",
            message="Nobody was written to",
        )
    if task.due_at is None or task.due_is_all_day:
        return Blocked(
            reason="No time was named to propose",
            unblocked_by="Add day and time to the task",
            message="Nobody was written to",
        )
    german = len(GERMAN.findall(task.title)) >= 2
    when = task.due_at.strftime("%d.%m.%Y um %H:%M Uhr" if german else "%A, %-d %B at %H:%M")
    length = f" ({task.estimated_duration_minutes} minutes)" if task.estimated_duration_minutes and not german else ""
    lines = (
        [f"passt Ihnen {when} für ein Gespräch?", "Wenn nicht, nennen Sie mir gern einen anderen Termin."]
        if german
        else [f"Would {when}{length} work for you?", "If not, please suggest another time."]
    )
    return _mail(
        context,
        to,
        f"Terminvorschlag: {when}" if german else f"Proposed time: {when}",
        lines,
        german,
        "A mail that proposes the time you named",
    )
