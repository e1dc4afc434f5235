"""Verbs that ask for something: English imperatives with their particles, German imperatives and infinitives.

A verb belongs to a class (`write`, `pay`, `errand`, ...); what a class means for a task stands in `meaning`. German
verbs are listed as infinitives, a bar behind a separable prefix, and their forms are derived.
"""

import re
from dataclasses import dataclass

from agents.rules import vocabulary

IRREGULAR = {
    "lesen": "lies", "geben": "gib", "nehmen": "nimm", "sprechen": "sprich", "treffen": "triff", "helfen": "hilf", "werfen": "wirf",
    "sehen": "sieh", "messen": "miss", "entwerfen": "entwirf", "besprechen": "besprich", "treten": "tritt", "bewerben": "bewirb",
}  # fmt: skip
ALIKE = frozenset(vocabulary.ALIKE.split())
NAMES_TOO = frozenset(vocabulary.NAMES_TOO.split())
GERMAN_WORD = re.compile(
    r"(?<![\w-])(?:der|die|das|den|dem|des|ein|eine|einen|einem|einer|und|oder|nicht|ist|sind|mit|für|bei|beim|zum|zur|im|am|auf|aus|nach|von|vom|bis|wegen|über|"
    r"ich|du|er|wir|ihr|mich|mir|dich|dir|uns|mein\w*|dein\w*|unser\w*|bitte|noch|mal|doch|auch|kein\w*|alle|neue\w*|morgen|heute|gestern|übermorgen|"
    r"danke|wie|warum|wann|kannst|könntest|muss|soll|vergiss|erinnere?|jeden?|jede[sr]?|zwei|drei|ende|diese\w*)(?![\w-])|[äöüß]",
    re.IGNORECASE,
)
ENGLISH_WORD = re.compile(
    r"(?<![\w-])(?:the|a|an|and|or|not|is|are|with|for|to|of|in|on|at|by|from|about|my|your|our|this|that|these|it|i|you|we|he|she|they|please|tomorrow|today|next|every)(?![\w-])",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class VerbFound:
    """A verb at the head or, in German, the end of a request. `rest` is what else the request says."""

    name: str
    verb: str
    rest: str
    is_german: bool = False
    is_known: bool = True


def _entries(table: dict[str, str]) -> dict[str, str]:
    return {verb.strip(): name for name, verbs in table.items() for verb in verbs.split(",")}


ENGLISH_VERBS = _entries(vocabulary.ENGLISH)
PHRASES_BY_FIRST: dict[str, list[str]] = {}
for _phrase in sorted((v for v in ENGLISH_VERBS if " " in v), key=len, reverse=True):
    PHRASES_BY_FIRST.setdefault(_phrase.split()[0], []).append(_phrase)
# "pick the parcel up", "send it out": particles that may stand behind the object.
PARTICLES = frozenset(["up", "out", "off", "back", "down", "over", "in", "away"])


def _ing(verb: str) -> str:
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "ye", "oe")):
        return verb[:-1] + "ing"
    if re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", verb):
        return verb + verb[-1] + "ing"
    return verb + "ing"


ING_FORMS = {_ing(verb): verb for verb in ENGLISH_VERBS if " " not in verb and len(verb) > 1}


def _stem(infinitive: str) -> str:
    return infinitive.removesuffix("en") if infinitive.endswith("en") else infinitive.removesuffix("n")


@dataclass(frozen=True)
class _German:
    name: str
    prefix: str
    base: str

    @property
    def infinitive(self) -> str:
        return self.prefix + self.base


GERMAN_INFINITIVES: dict[str, _German] = {}
GERMAN_HEADS: dict[str, list[_German]] = {}
for _entry, _name in _entries(vocabulary.GERMAN).items():
    if " " in _entry:
        continue
    _prefix, _, _base = _entry.rpartition("|")
    _verb = _German(_name, _prefix, _base)
    GERMAN_INFINITIVES[_verb.infinitive] = _verb
    if _prefix:
        GERMAN_INFINITIVES.setdefault(f"{_prefix}zu{_base}", _verb)
    _imperatives = {_stem(_base), _stem(_base) + "e"}
    if _base.endswith("eln"):
        _imperatives = {_base.removesuffix("eln") + "le", _base.removesuffix("n")}
    if _base in IRREGULAR:
        _imperatives = {IRREGULAR[_base]}
    for _form in {*_imperatives, _base}:
        GERMAN_HEADS.setdefault(_form, []).append(_verb)


def looks_german(text: str) -> bool:
    """More German than English by its small words and letters."""
    return len(GERMAN_WORD.findall(text[:2000])) > len(ENGLISH_WORD.findall(text[:2000]))


def verb_at_head(words: str) -> VerbFound | None:
    """The verb that the words begin with, with its particle; None when they begin with none that is known."""
    first = WORD.match(words)
    if not first:
        return None
    word, rest = first[0].lower().replace("’", "'"), words[first.end() :]
    german = _german_head(word, rest)
    if german and (word not in ENGLISH_VERBS or looks_german(words)):
        return german
    return _english_head(word, words, rest) or german


def find_verb(words: str, *, asked: bool) -> VerbFound | None:
    """The verb of a request. An infinitive at the end of German words wins: in "Miete überweisen" rent is no verb."""
    head = verb_at_head(words)
    tail = german_at_tail(words.rstrip(" .!?,"), asked=asked) if head is None or "," not in words else None
    if head is None and tail is None and asked:
        tail = german_at_tail(words.partition(",")[0], asked=True)  # "Tom fragen, ob er Zeit hat"
    if head and tail:
        return tail if tail.is_known else head
    return head or tail


# Verbs that are the first half of a thing.
NOUN_PAIR = re.compile(
    r"(?:water\s+(?:bill|bottles?|heater|tank|filters?|park|colou?rs?)|phone\s+(?:bill|case|number|charger|contract)|book\s+(?:shelf|case|club|store|bag)|test\s+(?:phase|plan|data|results?|cases?|runs?)|"
    r"train\s+(?:tickets?|pass|card|station)|ice\s+(?:cream|cubes|tea)|oil\s+(?:filter|change)|light\s+bulbs?|paint\s+(?:brush(?:es)?|roller|buckets?)|print\s+(?:shop|cartridges?)|order\s+(?:form|number|confirmation)|"
    r"report\s+card|call\s+(?:centre|center|log)|air\s+(?:filter|freshener|fryer|conditioner|mattress)|heat\s+pump|plan\s+[a-d]\b|record\s+player|design\s+(?:system|docs?)|cook\s+books?|park\s+bench|bath\s+(?:towels?|mat)|"
    r"dish\s+soap|wash(?:ing)?\s+(?:powder|machine)|clean(?:ing)?\s+supplies|drive\s+through|check\s*-?\s*(?:list|up)\b|open\s+(?:house|day|source)|post\s+(?:office|its?)|mail\s+(?:box|room)|text\s+books?|name\s+tags?)",
    re.IGNORECASE,
)


def _english_head(word: str, words: str, rest: str) -> VerbFound | None:
    if NOUN_PAIR.match(words):
        return None
    lowered = " ".join(words[:60].lower().split()) + " "
    for phrase in PHRASES_BY_FIRST.get(word, ()):
        if lowered.startswith(phrase + " "):
            return VerbFound(ENGLISH_VERBS[phrase], phrase, " ".join(words.split())[len(phrase) :])
    if word in ENGLISH_VERBS:
        for later in WORD.findall(rest)[:6]:
            if later.lower() in PARTICLES and (name := ENGLISH_VERBS.get(f"{word} {later.lower()}")):
                return VerbFound(name, f"{word} {later.lower()}", rest)
        return VerbFound(ENGLISH_VERBS[word], word, rest)
    return None


def _german_head(word: str, rest: str) -> VerbFound | None:
    """An imperative: "Ruf ... an", "Schicken Sie ...", "Kauf ..."."""
    candidates = GERMAN_HEADS.get(word, [])
    if not candidates and word not in GERMAN_INFINITIVES:
        return None
    polite = re.match(r"\s+Sie\b", rest) is not None
    if word in GERMAN_INFINITIVES and rest.startswith(":"):
        return VerbFound(GERMAN_INFINITIVES[word].name, word, rest, is_german=True)  # "Einkaufen: Milch, Eier"
    if word in GERMAN_INFINITIVES and word not in ENGLISH_VERBS and not polite and word.endswith("en"):
        return None  # an infinitive at the head is none of the imperatives: "Lesen macht Spaß"
    if word in ALIKE and not (polite or GERMAN_WORD.match(rest.lstrip())):
        return None
    separable = [verb for verb in candidates if verb.prefix and _stands_apart(verb.prefix, rest)]
    plain = [verb for verb in candidates if not verb.prefix]
    chosen = max(separable, key=lambda v: len(v.prefix)) if separable else plain[0] if plain else None
    if chosen is None:
        return None
    if not separable and word not in ALIKE and not (polite or rest.strip()):
        return None
    return VerbFound(chosen.name, chosen.infinitive, rest, is_german=True)


def _stands_apart(prefix: str, rest: str) -> bool:
    """Is the particle of "Ruf ... an" there, and no preposition with a thing behind it ("an Anna", "ab Montag")?"""
    for match in re.finditer(rf"(?<!\w){prefix}(?!\w)", rest[:1000], re.IGNORECASE):
        if not PREPOSITION_GOES_ON.match(rest, match.end()):
            return True
    return False


PREPOSITION_GOES_ON = re.compile(
    r"\s+(?:(?:[Dd](?:er|ie|as|en|em)|[Ee]in\w*|[Mm]ein\w*|[Dd]ein\w*|[Ss]ein\w*|[Ii]hr\w*|[Uu]nser\w*|[Aa]lle\w*|[Dd]ies\w*|mich|dich|ihn|uns|jede\w*)(?!\w)|[A-ZÄÖÜ@#\d]|\S+@)"
)
FINITE = re.compile(
    r"(?<![\w-])(?:ich|du|er|wir|man|ist|sind|war|waren|hat|habe|haben|hatte|wird|werden|wurde|kann|können|konnte|will|wollen|wollte|musste|mussten|"
    r"sollte|möchte|the|a|is|are|was|to|i|you)(?![\w-])",
    re.IGNORECASE,
)


def german_at_tail(words: str, *, asked: bool) -> VerbFound | None:
    """The infinitive that ends "Miete bis Freitag überweisen"; a sentence with a verb of its own has none.

    `asked`: a marker of duty stood before ("ich muss"), so an unknown verb counts too.
    """
    found = list(WORD.finditer(words[-400:]))
    while found and found[-1][0].lower() in {"bitte", "please", "danke", "noch"}:
        found.pop()
    if not found or not found[-1][0][0].islower():
        return None
    if len(found) < 2:
        lone = GERMAN_INFINITIVES.get(found[0][0])
        return (
            VerbFound(lone.name, lone.infinitive, "", is_german=True)
            if lone and asked and lone.name != "errand"
            else None
        )
    last = found[-1][0]
    rest = words[: len(words) - len(words[-400:]) + found[-1].start()]
    if not asked and FINITE.search(rest):
        return None
    if found[-2][0].lower() == "zu" and last in GERMAN_INFINITIVES:
        rest = rest.rstrip().removesuffix("zu")
    if verb := GERMAN_INFINITIVES.get(last):
        return VerbFound(verb.name, verb.infinitive, rest, is_german=True)
    if re.fullmatch(r"\w{2,}(?:en|ern|eln)", last) and looks_german(words) and (asked or FIRST_OF_OBJECT.match(words)):
        return VerbFound("errand", last, rest, is_german=True, is_known=False)
    return None


FIRST_OF_OBJECT = re.compile(
    r"\s*(?:den|die|das|dem|der|einen|eine|ein|neue[nsr]?|alle|meine[nr]?|unsere[nr]?)\s", re.IGNORECASE
)
NO_VERB = frozenset(vocabulary.NO_VERB.split())
DETERMINER = re.compile(
    r"\s+(?:the|a|an|my|our|your|his|her|their|this|that|these|those|all|some|every|each|new|old|\d+|two|three|four|five|six)\s+\S",
    re.IGNORECASE,
)


HAVE_IT_DONE = re.compile(
    r"have\s+(?:the|my|our|that|those|these)\s+(?:\S+\s+){1,5}(?:\w+ed|cut|done|made|cleaned|built)\b", re.IGNORECASE
)


def unknown_verb(words: str) -> VerbFound | None:
    """An English verb that is in no list, by its company: "Defrost the freezer"."""
    first = WORD.match(words)
    if not first or len(first[0]) < 3:
        return None
    word = first[0].lower()
    if word == "have" and HAVE_IT_DONE.match(words):
        return VerbFound("errand", "have", words[first.end() :])
    if word in NO_VERB or word.endswith(("ed", "ly", "ing", "s'", "'s", "ness", "tion", "ous", "ful")) or "'" in word:
        return None
    rest = words[first.end() :]
    if not DETERMINER.match(rest) or looks_german(words):
        return None
    return VerbFound("errand", word, rest, is_known=False)
