"""What a person changed in a draft, as typed rules. Facts are not style: what holds a number, an address, a link, a date or a
name is no difference here, and neither is what others had said."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

from agents.learning import letters
from agents.learning.applying import ANSWERS, apply_rules, language_of
from agents.learning.calling import named_in
from agents.learning.letters import Parts
from agents.learning.rules import (
    FIRST_NAME,
    AddSentence,
    Cc,
    DropSentence,
    Formality,
    Greeting,
    Instruction,
    MaxSentences,
    Replace,
    Rule,
    SignOff,
    SubjectPrefix,
)
from tasks.own_words import CARRIES_NOTHING
from tasks.preferences import Letter

FACT = re.compile(
    r"[\d@€$£]|https?:|www\.|\b\w+\.(?:com|org|net|de|io|example)\b|\b(?:[A-Z]{2}\s?){1}\d{2}"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)s?\b"
    r"|\b(?:january|february|april|june|july|august|september|october|november|december|januar|februar|märz|juni|juli|oktober|dezember)\b"
    r"|\b(?:today|tomorrow|yesterday|heute|morgen|gestern|iban)\b",
    re.IGNORECASE,
)
FILLERS = frozenset(
    {"just", "very", "really", "actually", "basically", "simply", "kindly", "quite", "eigentlich", "einfach", "sehr"}
)
SIE = re.compile(r"(?<![.!?:]\s)(?<!^)\b(?:Sie|Ihnen|Ihre?[mnrs]?)\b|\b(?:Ihnen|Ihr(?:e[mnrs]?)?)\b", re.MULTILINE)
DU = re.compile(r"\b(?:du|dir|dich|dein(?:e[mnrs]?)?|euch|eu(?:er|re[mnrs]?))\b", re.IGNORECASE)
SEVERAL = re.compile(r"\b(?:and|und)\b|&|,\s*\w", re.IGNORECASE)
GOOD_MORNING = re.compile(r"\b(?:Guten Morgen|Guten Tag|Guten Abend)\b", re.IGNORECASE)
LONGEST_PHRASE = 8
LONGEST_SENTENCE = 240
LONGEST_BODY = 20_000
LONGEST_MIDDLE = 6_000  # of a longer text only its frame is looked at
MOST_CHANGES = 12  # of sentences in one mail: more is another mail
SHORTEST_LONG = 4
CUT_TO = 2 / 3
ALIKE = 0.5


@dataclass(frozen=True)
class Difference:
    """A rule that a person's change follows; `is_personal`: it can only hold for that one recipient."""

    rule: Rule
    excerpt_before: str
    excerpt_after: str
    is_personal: bool = False


def differences(before: Letter, after: Letter, said_by_others: Sequence[str] = ()) -> list[Difference]:
    """The typed differences between a draft and the person's text of it; none for what cannot be generalised."""
    old, new = letters.take_apart(before.body[:LONGEST_BODY]), letters.take_apart(after.body[:LONGEST_BODY])
    theirs = [letters.plain(text) for text in said_by_others]
    found = [*_copies(before, after, said_by_others), *_subject(before, after)]
    if language_of(before.body) != language_of(after.body):
        name = "German" if language_of(after.body) == "de" else "English"
        return [*found, Difference(Instruction(text=f"Write in {name}"), _cut(old.middle), _cut(new.middle))]
    found += [*_greeting(before, after, old, new), *_sign_off(after, old, new)]
    if (formality := _formality(old.middle, new.middle)) is not None:
        return [*found, Difference(formality, _cut(old.middle), _cut(new.middle))]
    if max(len(old.middle), len(new.middle)) <= LONGEST_MIDDLE:
        changes = list(islice(_wording(after, old, new), MOST_CHANGES + 1))
        found += changes if len(changes) <= MOST_CHANGES else []
    return [one for one in found if not _is_theirs(one.rule, theirs) and _works(one, before)]


def is_fact(text: str) -> bool:
    """Does a text hold what is true once, like a number, a date, an address or a link?"""
    return FACT.search(GOOD_MORNING.sub("", text)) is not None


def _copies(before: Letter, after: Letter, said: Sequence[str]) -> Iterator[Difference]:
    """Somebody who was added in copy, and is not in the thread: whoever writes there is answered, not liked."""
    known = {one.casefold() for one in [*before.to, *before.cc, *after.to]}
    for address in after.cc:
        low = address.casefold()
        if low not in known and not any(low in text.casefold() for text in said):
            yield Difference(Cc(address=low), f"Cc: {', '.join(before.cc) or 'nobody'}", f"Cc: {', '.join(after.cc)}")


def _subject(before: Letter, after: Letter) -> Iterator[Difference]:
    old, new = before.subject.strip(), after.subject.strip()
    prefix = new.removesuffix(old).strip() if old and new.endswith(old) and new != old else ""
    if prefix and not ANSWERS.match(new) and len(prefix) <= 60 and not is_fact(prefix):
        yield Difference(SubjectPrefix(text=prefix), old, new)


def _greeting(before: Letter, after: Letter, old: Parts, new: Parts) -> Iterator[Difference]:
    if old.greeting == new.greeting or is_fact(new.greeting):
        return
    language = language_of(after.body)
    name = named_in(new.greeting)
    known = {named_in(old.greeting).casefold(), *(_first_piece(one) for one in before.to)} - {""}
    if not new.greeting:
        yield Difference(Greeting(template=""), old.greeting, "(none)")
    elif name and name.casefold() in known:
        template = new.greeting.replace(name, FIRST_NAME, 1)
        yield Difference(Greeting(template=template, language=language), old.greeting, new.greeting)
    elif SEVERAL.search(new.greeting.rstrip(" ,!")):
        return  # these people, this once
    elif re.search(r"\b[A-ZÄÖÜ]", re.sub(r"^\W*\w+(?:\s+(?:Tag|Morgen|Abend)\b)?", "", new.greeting)):
        if len(after.to) == 1:  # a title, a family name, a pet name: for this one person
            yield Difference(
                Greeting(template=new.greeting, language=language), old.greeting, new.greeting, is_personal=True
            )
    else:
        yield Difference(Greeting(template=new.greeting, language=language), old.greeting, new.greeting)


def _sign_off(after: Letter, old: Parts, new: Parts) -> Iterator[Difference]:
    if old.sign_off != new.sign_off and not is_fact(new.sign_off) and len(new.sign_off) <= 160:
        rule = SignOff(text=new.sign_off, language=language_of(after.body) if new.sign_off else None)
        yield Difference(rule, old.sign_off or "(none)", new.sign_off or "(none)")


def _formality(old: str, new: str) -> Formality | None:
    was_formal, was_informal = bool(SIE.search(old)), bool(DU.search(old))
    is_formal, is_informal = bool(SIE.search(new)), bool(DU.search(new))
    if was_formal and not was_informal and is_informal and not is_formal:
        return Formality(value="informal")
    if was_informal and not was_formal and is_formal and not is_informal:
        return Formality(value="formal")
    return None


def _wording(after: Letter, old: Parts, new: Parts) -> Iterator[Difference]:
    """What happened to the sentences: dropped, added at an end, reworded in a phrase; cut by a third; put into a list."""
    mine, theirs = letters.sentences_of(old.middle), letters.sentences_of(new.middle)
    if not mine or not theirs:
        return
    if letters.bullets_in(new.middle) >= 2 and not letters.bullets_in(old.middle):
        yield Difference(Instruction(text="Use bullet points"), _cut(old.middle), _cut(new.middle))
        return
    if len(mine) >= SHORTEST_LONG and len(theirs) <= len(mine) * CUT_TO:
        yield Difference(MaxSentences(n=len(theirs)), _cut(old.middle), _cut(new.middle))
    plain_old, plain_new = [letters.plain(one) for one in mine], [letters.plain(one) for one in theirs]
    if not set(plain_old) & set(plain_new) and len(mine) > 1:
        pairs = [_alike(one, other) for one, other in zip(mine, theirs, strict=False)]
        if len(mine) != len(theirs) or not all(pairs):
            return  # written anew: nothing of it is a habit
    matcher = SequenceMatcher(None, plain_old, plain_new, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "delete":
            yield from _dropped(mine[a:b])
        elif kind == "insert":
            yield from _added(after, theirs, c, d)
        elif kind == "replace" and b - a == d - c:
            for one, other in zip(mine[a:b], theirs[c:d], strict=True):
                yield from _reworded(one, other, after)


def _dropped(sentences: Sequence[str]) -> Iterator[Difference]:
    for sentence in sentences:
        if len(sentence) <= LONGEST_SENTENCE and len(letters.plain(sentence)) >= 3 and not is_fact(sentence):
            yield Difference(DropSentence(text=sentence), sentence, "(left out)")


def _added(after: Letter, sentences: Sequence[str], start: int, end: int) -> Iterator[Difference]:
    if start > 0 and end < len(sentences):
        return  # in the middle: it belongs to what is said there
    where = "end" if start > 0 else "start"
    for sentence in sentences[start:end]:
        is_habit = len(sentence) <= LONGEST_SENTENCE and len(letters.plain(sentence)) >= 3
        if is_habit and not is_fact(sentence) and not _names(sentence, after):
            rule = AddSentence(text=sentence, where=where, language=language_of(after.body))
            yield Difference(rule, "(not there)", sentence)


def _reworded(one: str, other: str, after: Letter) -> Iterator[Difference]:
    if not _alike(one, other):
        return
    old, new = one.split(), other.split()
    changes = [op for op in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if op[0] != "equal"]
    if len(changes) > 2:
        return
    for kind, a, b, c, d in changes:
        gone, put = _bare(old[a:b]), _bare(new[c:d])
        if kind == "insert" or not gone or len(old[a:b]) > LONGEST_PHRASE or len(new[c:d]) > LONGEST_PHRASE:
            continue
        if is_fact(gone) or is_fact(put) or _names(put, after) or _names(gone, after):
            continue
        words = gone.casefold().split()
        if kind == "delete" and not (len(words) == 1 and words[0] in FILLERS):
            continue
        if kind == "replace" and (not put or (len(words) == 1 and words[0] in CARRIES_NOTHING)):
            continue
        try:
            yield Difference(Replace.model_validate({"from": gone, "to": put}), one, other)
        except ValueError:
            continue  # what is put there holds what is replaced: no rule


def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one.split(), other.split(), autojunk=False).ratio() >= ALIKE


def _names(text: str, after: Letter) -> bool:
    """Does it name whom the mail is to, or, in English, anybody?"""
    people = {
        piece
        for address in [*after.to, *after.cc]
        for piece in re.split(r"[._+@-]", address.casefold())
        if len(piece) > 2
    }
    words = re.findall(r"[^\W\d_]+", text)
    if any(word.casefold() in people for word in words):
        return True
    if language_of(after.body) == "de":
        return False
    return any(word[0].isupper() and word not in {"I", "Thanks", "Thank"} for word in words[1:])


def _is_theirs(rule: Rule, theirs: Sequence[str]) -> bool:
    """Are these words that others had said in the thread? Nobody's but the person's own are learned."""
    match rule:
        case AddSentence() | SignOff() | SubjectPrefix():
            own = letters.plain(rule.text)
        case Replace():
            own = letters.plain(rule.to) if len(rule.to.split()) > 1 else ""
        case Greeting():
            own = ""  # a greeting says nothing
        case _:
            own = ""
    return bool(own) and any(own in text for text in theirs)


def _works(difference: Difference, before: Letter) -> bool:
    """Would the rule have changed the draft at all?"""
    if isinstance(difference.rule, Instruction | Formality | MaxSentences):
        return True
    called = _first_piece(before.to[0]).capitalize() if before.to else ""
    return apply_rules(before, [difference.rule], called) != before


def _first_piece(address: str) -> str:
    return re.split(r"[._+-]", address.partition("@")[0])[0].casefold()


def _bare(words: Sequence[str]) -> str:
    return " ".join(words).strip(' .,;:!?"“”„')


def _cut(text: str) -> str:
    return text if len(text) <= 1000 else f"{text[:999]}…"
