"""How a purpose is put into words: subject and sentences, in English and German."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from agents.rules.workflows.purposes import Purpose
from agents.rules.workflows.wording import capitalised


@dataclass(frozen=True)
class Wording:
    """Subject and paragraphs for one purpose. `courtesies` are the sentences that may go when it should be shorter."""

    subject: str
    paragraphs: list[str]
    courtesies: list[str]


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


TALK = re.compile(
    r"\b(?:appointment|meeting|call|conversation|time|talk|lunch|dinner|coffee|visit|interview)\b", re.IGNORECASE
)


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


def _about(about: str, _: str) -> Wording:
    said = _update(about, "")
    return _w(_without_article(about), f"I am writing to you about {_determined(about)}", *said.courtesies)


_EN: dict[str, Callable[[str, str], Wording]] = {
    "thank": _thank,
    "thank_clause": lambda a, _: _w("Thank you", f"Thank you that {a}"),
    "apologise": lambda a, _: _w(f"Apologies for {a}" if a else "Apologies", f"I apologise for {a}" if a else "I apologise", "I am sorry for the trouble this has caused you."),
    "apologise_clause": lambda a, _: _w("Apologies", f"I am sorry that {a}"),
    "decline": lambda a, _: _w(f"Regarding {a}", f"Thank you for getting in touch. Unfortunately, I have to decline {a}", "I hope for your understanding."),
    "cancel": lambda a, _: _w(f"Cancelling {a}", f"Unfortunately, I have to cancel {a}" if TALK.search(a) else f"I would like to cancel {a}"),
    "wish": lambda a, _: _w(a, f"I wish you {a}"),
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
    "ask_clause": lambda a, _: _w(f"Question: {a[:70]}", f"I would like to ask {a}", "Thank you in advance."),
    "tell": _update,
    "tell_clause": lambda a, _: _w(short_subject(a), f"I would like to let you know that {a}", "Please let me know if you have any questions."),
    "about": _about,
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
    "about": lambda a, _: _w(a, f"ich schreibe {a}", "Bei Fragen bitte einfach melden."),
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
