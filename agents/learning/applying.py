"""Preferences applied to a mail as they stand: what a model or the rules wrote becomes what the person likes.

Applying twice is the same as once: what does not come to rest is not applied at all. Nothing here adds a fact: texts come from
the preferences alone, and what is cut off holds no number, question, address or link.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from agents.learning import letters
from agents.learning.calling import CALLS_NOBODY, TO_GROUP, name_in, named_in
from agents.learning.letters import Parts
from agents.learning.rules import (
    BY_RULES,
    FIRST_NAME,
    AddSentence,
    Cc,
    DropSentence,
    Formality,
    Greeting,
    Language,
    MaxSentences,
    Replace,
    Rule,
    SignOff,
    SubjectPrefix,
    phrase_pattern,
    rule_of_preference,
    words_in,
)
from agents.rules.workflows.wording import is_german
from tasks.preferences import Letter, Preference

MOST_PASSES = 4
MOST_TOLD = 12
NARROW = {"person": 0, "kind": 1, "everyone": 2}
ONE_WINS = (Greeting, SignOff, MaxSentences, Formality)
HOLDS_A_FACT = re.compile(r"[\d?@€$£%]|https?:|www\.", re.IGNORECASE)
ANSWERS = re.compile(r"^(?:re|aw|fwd?|wg)\s*:", re.IGNORECASE)


@dataclass(frozen=True)
class Liked:
    """A mail after the preferences, and the ids of those that changed it."""

    letter: Letter
    applied: list[UUID] = field(default_factory=list[UUID])


def apply_preferences(letter: Letter, preferences: Iterable[Preference], kind: str, called: str = "") -> Liked:
    """The mail as the person likes it. `kind` of its task; `called`: the recipient's first name where no greeting says it."""
    fitting = ordered(in_scope(preferences, person_of(letter), kind))
    chosen = [(one.id, rule_of_preference(one)) for one in fitting]
    chosen = [(one, rule) for one, rule in chosen if isinstance(rule, BY_RULES)]
    rules = without_quarrels([rule for _, rule in winners(chosen, letter)])
    liked = apply_rules(letter, rules, called)
    if liked == letter:
        return Liked(letter)
    alone = [one for one, rule in chosen if rule in rules and apply_rules(letter, [rule], called) != letter]
    return Liked(liked, alone)


def apply_rules(letter: Letter, rules: Sequence[Rule], called: str = "") -> Letter:
    """The mail with these rules, which do not contradict each other; as it was where they come to no rest."""
    earlier = letter
    for _ in range(MOST_PASSES):
        later = _once(earlier, rules, called)
        if later == earlier:
            return later
        earlier = later
    return letter


def told_to_model(preferences: Iterable[Preference], people: Sequence[str], kind: str) -> str:
    """What a model is told before it writes: short, only what is in scope; "" for nothing."""
    named = [one.casefold() for one in people]
    fitting = [
        one
        for one in preferences
        if one.state == "active"
        and (one.scope_type == "everyone" or one.scope_value in ({kind} if one.scope_type == "kind" else named))
    ]
    fitting.sort(key=lambda one: NARROW[one.scope_type])
    said = [one.statement.strip().rstrip(".") for one in fitting[:MOST_TOLD]]
    if not said:
        return ""
    return "The person's own preferences for what you write, the more special first:\n" + "\n".join(
        f"- {one}." for one in dict.fromkeys(said)
    )


def in_scope(preferences: Iterable[Preference], person: str, kind: str) -> list[Preference]:
    """Those that count for a mail to this one person (lower case; "" for several) in a task of this kind."""
    values = {"everyone": "", "person": person, "kind": kind}
    return [
        one
        for one in preferences
        if one.scope_value == values[one.scope_type] and (one.scope_type == "everyone" or one.scope_value)
    ]


def person_of(letter: Letter) -> str:
    """The one recipient, in lower case; "" for several or none."""
    return letter.to[0].casefold() if len(letter.to) == 1 else ""


def winners(chosen: Sequence[tuple[UUID, Rule]], letter: Letter) -> list[tuple[UUID, Rule]]:
    """Of rules that exclude each other the first; those of other languages are left out."""
    language = language_of(letter.body)
    found: list[tuple[UUID, Rule]] = []
    taken: set[type] = set()
    for one, rule in chosen:
        if getattr(rule, "language", None) not in {None, language}:
            continue
        if isinstance(rule, ONE_WINS):
            if type(rule) in taken:
                continue
            taken.add(type(rule))
        found.append((one, rule))
    return found


def ordered(preferences: Iterable[Preference]) -> list[Preference]:
    """Narrow ones before wide ones, those that were decided last before earlier ones."""
    newest = sorted(preferences, key=lambda one: one.decided_at or one.created_at, reverse=True)
    return sorted(newest, key=lambda one: NARROW[one.scope_type])


def without_quarrels(rules: Sequence[Rule]) -> list[Rule]:
    """The rules without those that would undo an earlier one: what it adds is dropped, what it puts is replaced."""
    kept: list[Rule] = []
    for rule in rules:
        if not any(_quarrel(rule, other) or _quarrel(other, rule) for other in kept):
            kept.append(rule)
    return kept


def language_of(text: str) -> Language:
    """German or English, as far as a few words tell."""
    return "de" if is_german(text) else "en"


def _quarrel(one: Rule, other: Rule) -> bool:
    if isinstance(one, Replace):
        put = other.to if isinstance(other, Replace) else other.text if isinstance(other, AddSentence) else ""
        return words_in(one.from_, put)
    if isinstance(one, DropSentence) and isinstance(other, AddSentence):
        dropped = {letters.plain(sentence) for sentence in letters.sentences_of(one.text)}
        return any(letters.plain(sentence) in dropped for sentence in letters.sentences_of(other.text))
    return False


def _once(letter: Letter, rules: Sequence[Rule], called: str) -> Letter:
    parts = letters.take_apart(letter.body)
    liked = parts
    for rule in sorted(rules, key=lambda one: ORDER.index(type(one)) if type(one) in ORDER else len(ORDER)):
        match rule:
            case DropSentence():
                liked = _drop(liked, rule)
            case Replace():
                liked = _replace(liked, rule)
            case AddSentence():
                liked = _add(liked, rule)
            case MaxSentences():
                liked = _cut(liked, rule, [one.text for one in rules if isinstance(one, AddSentence)])
            case Greeting():
                liked = _greet(liked, rule, called)
            case SignOff():
                liked = _sign(liked, rule)
            case _:
                pass  # of the head, or for a model alone
    changes: dict[str, object] = {} if liked == parts else {"body": letters.put_together(liked)}
    for rule in rules:
        if isinstance(rule, Cc) and rule.address not in {one.casefold() for one in [*letter.to, *letter.cc]}:
            changes["cc"] = [*cast("list[str]", changes.get("cc", letter.cc)), rule.address]
        elif isinstance(rule, SubjectPrefix) and not ANSWERS.match(letter.subject):
            subject = str(changes.get("subject", letter.subject))
            if not subject.startswith(rule.text):
                changes["subject"] = f"{rule.text} {subject}".strip()
    return letter.model_copy(update=changes) if changes else letter


def _greet(parts: Parts, rule: Greeting, called: str) -> Parts:
    if FIRST_NAME not in rule.template:
        if TO_GROUP.match(rule.template) and name_in(parts.greeting):
            return parts  # one person is not called all
        is_there = not parts.greeting and parts.middle.split("\n", 1)[0] == rule.template
        return parts if is_there else _with(parts, greeting=rule.template)
    if not (name := named_in(parts.greeting) or (called if not parts.greeting else "")):
        bare = re.sub(rf"\s*{re.escape(FIRST_NAME)}", "", rule.template)
        calls_nobody = CALLS_NOBODY.match(parts.greeting) and CALLS_NOBODY.match(bare)
        return _with(parts, greeting=bare) if calls_nobody else parts
    return _with(parts, greeting=rule.template.replace(FIRST_NAME, name))


def _sign(parts: Parts, rule: SignOff) -> Parts:
    is_there = bool(rule.text) and not parts.sign_off and parts.middle.endswith(rule.text)
    return parts if is_there else _with(parts, sign_off=rule.text)


def _replace(parts: Parts, rule: Replace) -> Parts:
    pattern = phrase_pattern(rule.from_)
    if rule.to:
        return _with(parts, middle=pattern.sub(lambda _: rule.to, parts.middle))
    text = re.sub(rf"(?:(?<=\S) )?{pattern.pattern}", "", parts.middle)
    return _with(parts, middle=re.sub(r"(?m)^ +(?=\S)", "", text) if text != parts.middle else text)


def _drop(parts: Parts, rule: DropSentence) -> Parts:
    gone = {letters.plain(sentence) for sentence in letters.sentences_of(rule.text)}
    sentences = letters.sentences_of(parts.middle)
    places = {place for place, sentence in enumerate(sentences) if letters.plain(sentence) in gone}
    if not places or len(places) == len(sentences):
        return parts
    return _with(parts, middle=letters.without_sentences(parts.middle, places))


def _add(parts: Parts, rule: AddSentence) -> Parts:
    if letters.plain(rule.text) in letters.plain(parts.middle) or not parts.middle:
        return parts
    pair = (rule.text, parts.middle) if rule.where == "start" else (parts.middle, rule.text)
    return _with(parts, middle="\n\n".join(pair))


def _cut(parts: Parts, rule: MaxSentences, added: Sequence[str]) -> Parts:
    """From the end, sentences without a fact, until few enough are left."""
    kept = {letters.plain(sentence) for text in added for sentence in letters.sentences_of(text)}
    sentences = letters.sentences_of(parts.middle)
    places: set[int] = set()
    for place in range(len(sentences) - 1, 0, -1):
        if len(sentences) - len(places) <= rule.n:
            break
        if not HOLDS_A_FACT.search(sentences[place]) and letters.plain(sentences[place]) not in kept:
            places.add(place)
    return _with(parts, middle=letters.without_sentences(parts.middle, places)) if places else parts


def _with(
    parts: Parts, *, greeting: str | None = None, middle: str | None = None, sign_off: str | None = None
) -> Parts:
    return Parts(
        parts.greeting if greeting is None else greeting,
        parts.middle if middle is None else middle,
        parts.sign_off if sign_off is None else sign_off,
        parts.below,
    )


ORDER: tuple[type, ...] = (DropSentence, Replace, AddSentence, MaxSentences, Greeting, SignOff)


def said_of(preference: Preference) -> str:
    """What is said where one was applied: "Greeting as you like it"."""
    names = {
        "greeting": "Greeting",
        "sign_off": "Sign-off",
        "replace": "Wording",
        "drop_sentence": "A sentence left out",
        "add_sentence": "A sentence added",
        "subject_prefix": "Subject",
        "cc": "Copy",
        "max_sentences": "Length",
    }
    kind = str((preference.rule or {}).get("type") or "")
    return f"{names.get(kind, 'Wording')} as you like it"
