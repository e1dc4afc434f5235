"""From "the invoice must be paid" to "pay the invoice": what has to be done, said of the thing."""

import re

from agents.rules.verbs import ENGLISH_VERBS, GERMAN_INFINITIVES, ING_FORMS

IRREGULAR = {
    "paid": "pay", "sent": "send", "bought": "buy", "written": "write", "done": "do", "made": "make", "fed": "feed", "taken": "take", "brought": "bring", "put": "put",
    "sold": "sell", "built": "build", "cut": "cut", "read": "read", "found": "find", "given": "give", "drawn": "draw", "swept": "sweep", "hung": "hang", "sewn": "sew",
    "driven": "drive", "chosen": "choose", "told": "tell", "held": "hold", "kept": "keep", "shot": "shoot", "begun": "begin", "rewritten": "rewrite", "reset": "reset",
}  # fmt: skip
GERMAN_IRREGULAR = {
    "geschrieben": "schreiben", "gebracht": "bringen", "gegossen": "gießen", "gewaschen": "waschen", "gelesen": "lesen", "gegeben": "geben", "abgegeben": "abgeben",
    "überwiesen": "überweisen", "beglichen": "begleichen", "unterschrieben": "unterschreiben", "angerufen": "anrufen", "zurückgerufen": "zurückrufen", "abgebracht": "abbringen",
    "weggebracht": "wegbringen", "rausgebracht": "rausbringen", "verschoben": "verschieben", "besprochen": "besprechen", "gestrichen": "streichen", "geschnitten": "schneiden",
    "zurückgebracht": "zurückbringen", "eingeladen": "einladen", "entworfen": "entwerfen", "geschlossen": "schließen", "abgeschlossen": "abschließen", "gefunden": "finden",
}  # fmt: skip
ENGLISH_PASSIVE = re.compile(
    r"^(?P<what>(?:the|a|an|my|our|your|this|that|these|those|all)\s+[^,;:]{1,80}?)\s+(?:still\s+)?(?:(?:needs?|has|have|ought)\s+to\s+be|must\s+be|should\s+be)\s+(?P<verb>\w+)(?P<rest>.{0,300})$",
    re.IGNORECASE,
)
ENGLISH_NEEDS_ING = re.compile(
    r"^(?P<what>(?:the|my|our|these|those|all)\s+[^,;:]{1,80}?)\s+(?:still\s+)?needs?\s+(?P<verb>\w+ing)(?P<rest>.{0,300})$",
    re.IGNORECASE,
)
GERMAN_PASSIVE = re.compile(
    r"^(?P<what>(?:der|die|das|mein\w*|unser\w*|alle)\s+[^,;:]{1,80}?)\s+(?:muss|müssen|sollte|sollten|soll)\s+(?P<rest>(?:[^,;:]{0,200}\s)?)(?P<verb>\w+)\s+werden\s*[.!]*$",
    re.IGNORECASE,
)


def _participles() -> dict[str, str]:
    found = dict(IRREGULAR)
    for verb in ENGLISH_VERBS:
        if " " in verb:
            continue
        for form in {verb + "ed", verb + "d", verb + verb[-1] + "ed", verb[:-1] + "ied"}:
            found.setdefault(form, verb)
    return found


def _german_participles() -> dict[str, str]:
    found = dict(GERMAN_IRREGULAR)
    for infinitive, verb in GERMAN_INFINITIVES.items():
        stem = verb.base.removesuffix("en") if verb.base.endswith("en") else verb.base.removesuffix("n")
        for form in (f"{verb.prefix}ge{stem}t", f"{verb.prefix}ge{stem}et", f"{verb.prefix}{stem}t"):
            found.setdefault(form, verb.infinitive if infinitive else infinitive)
    return found


PARTICIPLES = _participles()
GERMAN_PARTICIPLES = _german_participles()


def active_of(words: str) -> str | None:
    """The request in the active voice; None when the words are no such sentence."""
    if (match := ENGLISH_PASSIVE.match(words)) and (verb := PARTICIPLES.get(match["verb"].casefold())):
        return f"{verb} {match['what'][:1].lower()}{match['what'][1:]}{match['rest']}"
    if (match := ENGLISH_NEEDS_ING.match(words)) and (verb := ING_FORMS.get(match["verb"].casefold())):
        return f"{verb} {match['what'][:1].lower()}{match['what'][1:]}{match['rest']}"
    if (match := GERMAN_PASSIVE.match(words)) and (verb := GERMAN_PARTICIPLES.get(match["verb"].casefold())):
        what = re.sub(r"^der\s", "den ", match["what"], flags=re.IGNORECASE)
        return " ".join(f"{what} {match['rest']} {verb}".split())
    return None
