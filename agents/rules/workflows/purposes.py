"""What a mail is to do, read from the words of the request: thank, ask, tell, invite and the like.

A request is cut where a purpose begins; what follows, to the next purpose, is what it is about. Both stay in the
words of the person, but for pronouns: "his offer" in a request is "your offer" in the mail.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from agents.rules.workflows.wording import capitalised


@dataclass(frozen=True)
class Purpose:
    """One thing that a mail is to do: its class and what it is about."""

    kind: str
    about: str
    is_clause: bool = False


@dataclass(frozen=True)
class Wording:
    """Subject and paragraphs for one purpose. `courtesies` are the sentences that may go when it should be shorter."""

    subject: str
    paragraphs: list[str]
    courtesies: list[str]


ENGLISH: dict[str, str] = {
    "thank": r"thank(?:ing|s)?(?:[- ]you)?(?:\s+note)?",
    "apologise": r"apologi[sz](?:e|ing)|apology|apologies|say(?:ing)?\s+sorry",
    "decline": r"declin(?:e|ing)|turn(?:ing)?\s+down|reject(?:ing|ion)?|cancel(?:l?ing|lation)?",
    "accept": r"accept(?:ing)?|agree(?:ing)?\s+to",
    "confirm": r"confirm(?:ing|ation)?",
    "invite": r"invit(?:e|ing|ation)",
    "meet": r"(?:ask(?:ing)?|request(?:ing)?|propos(?:e|ing)|suggest(?:ing)?)(?:\s+\w+)?\s+(?:for\s+|to\s+(?:have\s+)?)?(?:a\s+)?(?:meet(?:ing)?|call|appointment)\b",
    "remind": r"remind(?:ing|er)?",
    "introduce": r"introduc(?:e|ing|tion)",
    "congratulate": r"congratulat(?:e|ing|ions?)",
    "follow_up": r"follow(?:ing)?[- ]up|check(?:ing)?\s+in",
    "ask": r"ask(?:ing)?|request(?:ing)?|enquir(?:e|ing)|inquir(?:e|ing)",
    "tell": r"(?:tell|inform|notify|updat|announc|explain|say|writ|mention|advis)(?:e|ing)?|let(?:ting)?(?=\s+\S+(?:\s+\S+)?\s+know)",
    "about": r"about|regarding|concerning|on\s+the\s+subject\s+of|re:",
    "that": r"that",
}
GERMAN: dict[str, str] = {
    "thank": r"(?:und\s+)?(?:bedanke?\s+dich|danke?n?|zu\s+(?:be)?danken|dank(?:es)?(?:mail|schreiben)?)",
    "apologise": r"entschuldige?\s+dich|(?:um\s+mich\s+)?(?:zu\s+)?entschuldigen?|entschuldigung",
    "decline": r"sag(?:e|en)?(?=\s.*\bab\b)|absagen?|ab(?:zu)?lehnen|absage",
    "confirm": r"bestätige?n?|bestätigung",
    "invite": r"lade?n?(?=\s.*\bein\b)|einladung|ein(?:zu)?laden",
    "remind": r"erinner(?:e|n|ung)?",
    "congratulate": r"gratulier(?:e|en)|glückwunsch",
    "follow_up": r"nach(?:zu)?(?:fassen|haken)|hake?\s+nach",
    "ask": r"bitte(?:n)?(?=\s+(?:\w+\s+)?um\b)|frage?n?|anfrage|anfragen",
    "tell": r"(?:informier|benachrichtig|teil|sag|schreib|erklär|meld)(?:e|en)?(?:\s+mit)?(?=[\s,]+.*\b(?:dass|über)\b)|(?=dass\b)",
    "about": r"wegen|bezüglich|zum\s+thema|über|zu(?:r|m)?(?=\s)",
    "that": r"dass",
}
OBJECT = re.compile(
    r"^\s*(?:(?:(?:mr|mrs|ms|dr|prof)\.?\s+)?(?:him|her(?=\s+(?:for|about|that|to|of|on|if|whether|the|a|when)\b|$)|them|everyone|everybody|people|us)\b)\s*",
    re.IGNORECASE,
)
OBJECT_DE = re.compile(r"^\s*(?:dich|mich|ihn|ihm|ihr|sie|ihnen|uns|alle)\b\s*", re.IGNORECASE)
LINK = re.compile(
    r"^\s*(?:(?:emails?|e-mails?|mails?|messages?|notes?|letters?)\s+)?(?:to\s+\S+@\S+\s+|know\s+)?(?:for|of|about|on|regarding|with|to\s+know)\b\s*",
    re.IGNORECASE,
)
LINK_DE = re.compile(r"^\s*(?:für|zu[mr]?|an|über|wegen|bei|um|nach)\b\s*", re.IGNORECASE)
TO_VERB = re.compile(r"^\s*to\s+(?=[a-z])", re.IGNORECASE)
CLAUSE = re.compile(
    r"^\s*(?:know\s+)?(?P<word>that|if|whether|when|where|how|what|why|who|which|dass|ob|wann|wie|wo|was|warum|wer)\s+",
    re.I,
)


def read_purposes(words: str, *, german: bool) -> list[Purpose]:
    """The purposes in a request, in order; empty when it names none."""
    table = GERMAN if german else ENGLISH
    pattern = re.compile(
        "|".join(f"(?P<{kind}>(?<!\\w)(?:{form})(?!\\w))" for kind, form in table.items()), re.IGNORECASE
    )
    found = list(pattern.finditer(words))
    if not found:
        return []
    starts = [m for n, m in enumerate(found) if n == 0 or _begins(words, found[n - 1], m)]
    ends = [m.start() for m in starts[1:]] + [len(words)]
    purposes = [_purpose(m, words[m.end() : end], german) for m, end in zip(starts, ends, strict=True)]
    return [p for p in purposes if p.about or p.kind in {"thank", "apologise", "congratulate", "follow_up"}]


def _begins(words: str, earlier: re.Match[str], match: re.Match[str]) -> bool:
    """A purpose begins anew behind "and", "to" or a comma; else the word is part of what the earlier one is about."""
    if match.lastgroup in {"about", "that"}:
        return False
    between = words[earlier.end() : match.start()]
    return re.search(r"(?:\b(?:and|und|to|then)|,)\s*$", between, re.IGNORECASE) is not None


def _purpose(match: re.Match[str], behind: str, german: bool) -> Purpose:
    kind = match.lastgroup or "about"
    text = re.sub(r"\s*(?:,|\band\b|\bund\b|\bto\b|\bthen\b)\s*$", "", behind.strip(" ,.;:"), flags=re.I).strip(" ,.;:")
    text = (OBJECT_DE if german else OBJECT).sub("", text)
    if german:
        text = re.sub(r"^\s*,\s*", "", text)
    clause = CLAUSE.match(text)
    if clause is None and kind in {"tell", "ask", "confirm", "remind", "thank", "apologise"} and not german:
        # "telling Ana that ..." and "reminding the team to ...": what stands before is whom it is for
        inner = re.search(r"(?:^|\s)(?:that|if|whether|to(?=\s+[a-z]+)|about|of|for)\s", text)
        if inner and _is_person(text[: inner.start()]):
            text = text[inner.start() :].strip()
            clause = CLAUSE.match(text)
    if (
        clause is None
        and german
        and (inner := re.search(r"(?:^|[\s,])(?:dass|ob|wann)\s", text))
        and _is_person(text[: inner.start()].strip(" ,"))
    ):
        text = text[inner.start() :].strip(" ,")
        clause = CLAUSE.match(text)
    if kind == "that":
        return Purpose("tell", _turned(text, german), is_clause=True)
    if clause and (clause["word"].casefold() in {"that", "dass"}):
        return Purpose(kind, _turned(text[clause.end() :], german), is_clause=True)
    if clause:
        return Purpose(kind, _turned(text, german), is_clause=True)
    if not german and (verb := TO_VERB.match(text)):
        return Purpose(f"{kind}_to", _turned(text[verb.end() :], german))
    return Purpose(kind, _turned((LINK_DE if german else LINK).sub("", text, count=1).strip(" ,.;:"), german))


def _is_person(words: str) -> bool:
    words = words.strip()
    return (
        not words
        or re.fullmatch(
            r"(?:(?:the|our|my|all|der|die|den|dem|das|unser\w*|mein\w*|alle)\s+)?(?:[\w'’.-]+)(?:\s+[A-ZÄÖÜ][\w'’-]+)?(?:\s*[(<]?\S+@\S+[)>]?)?",
            words,
        )
        is not None
    )


def _turned(text: str, german: bool) -> str:
    """The words as they stand in a mail to the person spoken of: "his offer" becomes "your offer"."""
    text = " ".join(text.split())
    if german:
        return text
    turns: list[tuple[str, str]] = [
        (r"\b(?:he|she|they)\s+(?:is|are)\b", "you are"),
        (r"\b(?:he|she|they)\s+(?:was|were)\b", "you were"),
        (r"\b(?:he|she|they)\s+(?:has|have)\b", "you have"),
        (r"\b(?:he|she)\b", "you"),
        (r"\bhis\b", "your"),
        (r"\bher\b(?=\s+[a-z])(?!\s+(?:for|about|that|to|on|at|in|by|and|or|when|if|tomorrow|today)\b)", "your"),
        (r"\btheir\b", "your"),
        (r"\b(?:him|her)\b", "you"),
    ]
    for pattern, word in turns:
        text = re.sub(pattern, word, text)
    return text


def word_it(purpose: Purpose, sender_name: str, *, german: bool) -> Wording:
    """Subject and sentences for a purpose; nothing but what the request says."""
    table: dict[str, Callable[[str, str], Wording]] = _DE if german else _EN
    key = f"{purpose.kind}_clause" if purpose.is_clause else purpose.kind
    make = table.get(key) or table.get(purpose.kind.removesuffix("_to")) or table["about"]
    return make(purpose.about, sender_name)


def short_subject(text: str) -> str:
    """The beginning of a sentence as a subject: at most nine words, with a capital."""
    words = re.split(r"(?<!\d)[.;!?]\s", text)[0].split()
    return capitalised(" ".join(words[:9]).rstrip(",")) + ("…" if len(words) > 9 else "")


def _w(subject: str, sentence: str, *courtesies: str) -> Wording:
    sentence = capitalised(sentence)
    if not sentence.endswith((".", "!", "?")):
        sentence += "."
    return Wording(capitalised(subject), [sentence, *courtesies], list(courtesies))


TALK = re.compile(r"\b(?:meeting|call|conversation|time|talk|lunch|dinner|coffee|visit|interview)\b", re.IGNORECASE)


def _thank(about: str, _: str) -> Wording:
    courtesy = "I appreciate the time you took." if TALK.search(about) else "I appreciate it."
    return (
        _w(f"Thank you for {about}", f"Thank you for {about}", courtesy)
        if about
        else _w("Thank you", "Thank you very much")
    )


def _introduce(about: str, sender_name: str) -> Wording:
    if about.casefold() in {"myself", "me"}:
        named = f": my name is {sender_name}" if sender_name else ""
        return _w("Introduction", f"I would like to introduce myself{named}")
    return _w(f"Introduction: {about}", f"I would like to introduce {about}")


def _without_article(about: str) -> str:
    return re.sub(r"^(?:the|an?|der|die|das|dem|den|des|eine?[nmrs]?)\s+", "", about, flags=re.IGNORECASE)


def _determined(about: str) -> str:
    """A bare noun gets its article: "product delay" becomes "the product delay"."""
    bare = re.match(r"[a-z]+", about)
    is_plain = bare and not re.match(
        r"(?:the|an?|my|our|your|his|her|their|its|this|that|these|those|some|all|how|what|when|where|why|who|whether|if|next|last)\b|\w+ing\b",
        about,
    )
    head = re.split(r"\s+(?:of|for|on|in|at|from|with|to|and|by)\s+", about)[0]
    return f"the {about}" if is_plain and not head.endswith("s") else about


def _update(about: str, _: str) -> Wording:
    sorry = (
        ["I am sorry for the inconvenience."]
        if re.search(r"\b(?:delay|late|outage|problem|cancel\w*)\b", about, re.I)
        else []
    )
    return _w(
        f"Update on {about}",
        f"I am writing to let you know about {_determined(about)}",
        *sorry,
        "Please let me know if you have any questions.",
    )


_EN: dict[str, Callable[[str, str], Wording]] = {
    "thank": _thank,
    "thank_clause": lambda a, _: _w("Thank you", f"Thank you that {a}"),
    "apologise": lambda a, _: _w(f"Apologies for {a}" if a else "Apologies", f"I apologise for {a}" if a else "I apologise", "I am sorry for the trouble this has caused you."),
    "apologise_clause": lambda a, _: _w("Apologies", f"I am sorry that {a}"),
    "decline": lambda a, _: _w(f"Regarding {a}", f"Thank you for getting in touch. Unfortunately, I have to decline {a}" if not re.match(r"to\b|the (?:meeting|call|appointment|order|booking)", a) else f"Unfortunately, I have to cancel {a}", "I hope for your understanding."),
    "decline_clause": lambda a, _: _w("Regarding your request", f"Unfortunately, I have to let you know that {a}"),
    "accept": lambda a, _: _w(f"Regarding {a}", f"I am glad to accept {a}"),
    "confirm": lambda a, _: _w(f"Confirmation: {_without_article(a)}", f"I am writing to confirm {a}", "Please let me know if anything has changed on your side."),
    "confirm_clause": lambda a, _: _w(f"Confirmation: {short_subject(a)}", f"I am writing to confirm that {a}"),
    "invite": lambda a, _: _w(f"Invitation: {_without_article(re.sub(r'^to ', '', a))}", f"I would like to invite you {a if a.startswith('to ') else 'to ' + a}", "Please let me know whether you can make it."),
    "invite_to": lambda a, _: _w(f"Invitation: {_without_article(a)}", f"I would like to invite you to {a}", "Please let me know whether you can make it."),
    "meet": lambda a, _: _w(f"Meeting about {a}" if a else "A meeting", f"I would like to arrange a meeting with you about {a}" if a else "I would like to arrange a meeting with you", "Please let me know which times suit you."),
    "remind": lambda a, _: _w(f"Reminder: {_without_article(a)}", f"This is a friendly reminder of {a}"),
    "remind_to": lambda a, _: _w(f"Reminder: {a}", f"This is a friendly reminder to {a}", "Thank you."),
    "remind_clause": lambda a, _: _w(f"Reminder: {short_subject(a)}", f"This is a friendly reminder that {a}"),
    "introduce": _introduce,
    "congratulate": lambda a, _: _w(f"Congratulations on {a}" if a else "Congratulations", f"Congratulations on {a}!" if a else "Congratulations!"),
    "follow_up": lambda a, _: _w(f"Following up on {a}" if a else "Following up", f"I am following up on {a}" if a else "I am following up on my last message", "Please let me know where things stand."),
    "ask": lambda a, _: _w(f"Request: {_without_article(a)}", f"I would like to ask you for {a}", "Thank you in advance."),
    "ask_to": lambda a, _: _w(f"Request: {a}", f"Could you please {a}?", "Thank you in advance."),
    "ask_clause": lambda a, _: _w(f"Question: {short_subject(re.sub(CLAUSE, '', a))}", f"I would like to ask {a}", "Thank you in advance."),
    "tell": _update,
    "tell_clause": lambda a, _: _w(short_subject(a), f"I would like to let you know that {a}", "Please let me know if you have any questions."),
    "about": _update,
}  # fmt: skip
_DE: dict[str, Callable[[str, str], Wording]] = {
    "thank": lambda a, _: _w(f"Vielen Dank für {a}" if a else "Vielen Dank", f"vielen Dank für {a}" if a else "vielen Dank"),
    "apologise": lambda a, _: _w("Entschuldigung", f"ich bitte um Entschuldigung für {a}" if a else "ich bitte um Entschuldigung"),
    "decline": lambda a, _: _w("Absage", f"leider muss ich absagen: {_without(a, 'ab')}"),
    "confirm": lambda a, _: _w(f"Bestätigung: {_without_article(a)}", f"hiermit bestätige ich {a}"),
    "confirm_clause": lambda a, _: _w("Bestätigung", f"hiermit bestätige ich, dass {a}"),
    "invite": lambda a, _: _w(f"Einladung: {_without(a, 'ein')}", f"hiermit die Einladung: {_without(a, 'ein')}", "Über eine kurze Rückmeldung freue ich mich."),
    "remind": lambda a, _: _w(f"Erinnerung: {a}", f"eine freundliche Erinnerung: {a}"),
    "remind_clause": lambda a, _: _w("Erinnerung", f"eine freundliche Erinnerung daran, dass {a}"),
    "congratulate": lambda a, _: _w("Herzlichen Glückwunsch", f"herzlichen Glückwunsch zu {a}!" if a else "herzlichen Glückwunsch!"),
    "follow_up": lambda a, _: _w(f"Nachfrage: {a}" if a else "Nachfrage", f"ich möchte nachfragen, wie es um Folgendes steht: {a}" if a else "ich möchte nachfragen, wie der Stand ist"),
    "ask": lambda a, _: _w(f"Anfrage: {_without_article(a)}", f"ich bitte um {a}", "Vielen Dank im Voraus."),
    "ask_clause": lambda a, _: _w(f"Frage: {short_subject(a)}", f"ich habe eine Frage: {a}?", "Vielen Dank im Voraus."),
    "tell": lambda a, _: _w(_without_article(a), f"hiermit eine kurze Information über {a}", "Bei Fragen bitte einfach melden."),
    "tell_clause": lambda a, _: _w("Kurze Information", f"hiermit die Information, dass {a}", "Bei Fragen bitte einfach melden."),
    "about": lambda a, _: _w(_without_article(a), f"ich schreibe wegen {a}", "Bei Fragen bitte einfach melden."),
}  # fmt: skip


def _without(text: str, particle: str) -> str:
    return re.sub(rf"\s+{particle}$", "", text)


def courtesies() -> set[str]:
    """Every sentence that a shorter mail does without."""
    samples = [make("x", "") for table in (_EN, _DE) for make in table.values()] + [
        _thank("meeting", ""),
        _update("delay", ""),
    ]
    return {sentence for wording in samples for sentence in wording.courtesies}
