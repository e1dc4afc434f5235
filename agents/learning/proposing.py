"""From many like differences to one proposal: the narrowest scope that holds, with the edits it comes from.

At least `least` like differences without a counter-example since the first of the newest `least`. A counter-example is what
the person let go though it does not follow the rule. What holds for two people or more, and nobody speaks against, is for everyone.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.learning import letters
from agents.learning.applying import apply_rules, language_of
from agents.learning.calling import named_in
from agents.learning.differences import Difference, differences, is_fact
from agents.learning.rules import (
    FIRST_NAME,
    DropSentence,
    Formality,
    Greeting,
    Instruction,
    MaxSentences,
    Rule,
    as_row,
    in_words,
)
from tasks.preferences import DraftEdit, Origin, RatedWork, ScopeType

LEAST = 3
MOST_SOURCES = 20
SHORTEST_WISH = 4
LONGEST_WISH = 300
FOR_GOOD = re.compile(
    r"\b(?:always|never|from now on|in (?:the )?future|every time|each time|immer|niemals?|in zukunft|künftig|ab jetzt|jedes ?mal)\b",
    re.IGNORECASE,
)
KNOWN_WISHES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(?:shorter|too long|more concise|kürzer|zu lang)\b", re.IGNORECASE), "Keep it short"),
    (re.compile(r"\b(?:less formal|more casual|more informal|too formal|weniger förmlich|lockerer|zu förmlich)\b", re.IGNORECASE), "Write less formally"),
    (re.compile(r"\b(?:more formal|less casual|too informal|förmlicher)\b", re.IGNORECASE), "Write more formally"),
    (re.compile(r"\b(?:friendlier|warmer|more friendly|freundlicher)\b", re.IGNORECASE), "Write in a friendlier tone"),
    (re.compile(r"\b(?:more direct|get to the point|direkter)\b", re.IGNORECASE), "Get to the point first"),
)  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """One thing that a proposal comes from, as a source of `propose_preferences`."""

    key: str
    person: str
    kind: str
    at: datetime
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Proposal:
    """Something to learn, for one person to look at."""

    user_id: UUID | None
    rule: Rule
    scope_type: ScopeType
    scope_value: str
    origin: Origin
    sources: Sequence[Mapping[str, Any]]
    least: int

    def as_item(self) -> dict[str, Any]:
        """As `tasks.preferences.propose_preferences` takes it."""
        is_words = isinstance(self.rule, Instruction)
        return {
            "user_id": str(self.user_id) if self.user_id else None,
            "statement": in_words(self.rule, self.scope_type, self.scope_value),
            "rule": None if is_words else as_row(self.rule),
            "scope_type": self.scope_type,
            "scope_value": self.scope_value,
            "origin": self.origin,
            "sources": [dict(one) for one in self.sources],
            "least": self.least,
        }


@dataclass
class _Like:
    """Differences that say the same."""

    rule: Rule
    evidence: list[Evidence] = field(default_factory=list[Evidence])
    is_personal: bool = False


def propose(edits: Sequence[DraftEdit], ratings: Sequence[RatedWork] = (), *, least: int = LEAST) -> list[Proposal]:
    """What the edits, rejections and ratings of everybody here say, each person's for themselves; the surest first."""
    found: list[Proposal] = []
    for user_id in dict.fromkeys([*(one.user_id for one in edits), *(one.user_id for one in ratings)]):
        own = [one for one in edits if one.user_id == user_id]
        found += _from_edits(user_id, own, least)
        found += _from_words(user_id, own, [one for one in ratings if one.user_id == user_id], least)
    return sorted(found, key=lambda one: -len(one.sources))


def _from_edits(user_id: UUID, edits: Sequence[DraftEdit], least: int) -> list[Proposal]:
    found: list[Proposal] = []
    for like in _likes(edits):
        if len(like.evidence) < least:
            continue
        rule, counters = like.rule, _counters(like.rule, edits)
        for scope_type, scope_value, evidence in _scopes(like, counters, least):
            found.append(_proposal(user_id, rule, scope_type, scope_value, "edit", evidence, least))
    dropped = [{str(s["key"]) for s in one.sources} for one in found if isinstance(one.rule, DropSentence)]
    covered: set[str] = set[str]().union(*dropped)

    def is_said_better(one: Proposal) -> bool:
        """Is a cut to size only that the same sentences are left out?"""
        return isinstance(one.rule, MaxSentences) and {str(s["key"]) for s in one.sources} <= covered

    return [one for one in found if not is_said_better(one)]


def _likes(edits: Sequence[DraftEdit]) -> Iterable[_Like]:
    """Like differences over all edits. Cuts to size are alike whatever they were cut to: the longest counts."""
    likes: dict[str, _Like] = {}
    for edit in edits:
        if edit.outcome != "edited" or edit.after is None:
            continue
        for one in differences(edit.before, edit.after, edit.said_by_others):
            key = (
                "max_sentences" if isinstance(one.rule, MaxSentences) else json.dumps(as_row(one.rule), sort_keys=True)
            )
            like = likes.setdefault(key, _Like(one.rule, is_personal=one.is_personal))
            if isinstance(one.rule, MaxSentences) and isinstance(like.rule, MaxSentences):
                like.rule = max(like.rule, one.rule, key=lambda rule: rule.n)
            like.is_personal |= one.is_personal
            if all(known.key != edit.key for known in like.evidence):
                like.evidence.append(_evidence(edit, one))
    return likes.values()


def _evidence(edit: DraftEdit, difference: Difference) -> Evidence:
    row = {
        "key": edit.key,
        "draft_id": str(edit.draft_id),
        "after_draft_id": str(edit.after_id) if edit.after_id else None,
        "excerpt_before": difference.excerpt_before,
        "excerpt_after": difference.excerpt_after,
        "at": edit.at.isoformat(),
    }
    return Evidence(edit.key, edit.person, edit.task_kind, edit.at, row)


def _counters(rule: Rule, edits: Sequence[DraftEdit]) -> list[Evidence]:
    """What the person let go though it does not follow the rule."""
    if isinstance(rule, Instruction | Formality):
        return []
    found: list[Evidence] = []
    for edit in edits:
        if edit.after is None or getattr(rule, "language", None) not in {None, language_of(edit.after.body)}:
            continue
        if _calls_nobody(rule, edit):
            continue
        if apply_rules(edit.after, [rule]) != edit.after:
            found.append(Evidence(edit.key, edit.person, edit.task_kind, edit.at, {}))
    return found


def _calls_nobody(rule: Rule, edit: DraftEdit) -> bool:
    """Has a greeting by name no name to carry in this mail? It says nothing for or against the rule."""
    if edit.after is None or not isinstance(rule, Greeting) or FIRST_NAME not in rule.template:
        return False
    return not named_in(letters.take_apart(edit.after.body).greeting)


def _scopes(like: _Like, counters: Sequence[Evidence], least: int) -> list[tuple[ScopeType, str, Sequence[Evidence]]]:
    """The scopes in which it holds: everyone, where two people or more are among it; else each person, each kind."""
    people = {one.person for one in like.evidence if one.person}
    if not like.is_personal and len(people) >= 2 and _holds(like.evidence, counters, least):
        return [("everyone", "", like.evidence)]
    by_person = _within(like.evidence, counters, least, lambda one: one.person)
    if by_person or like.is_personal:
        return [("person", person, evidence) for person, evidence in by_person]
    by_kind = _within(like.evidence, counters, least, lambda one: one.kind)
    if by_kind:
        return [("kind", kind, evidence) for kind, evidence in by_kind]
    return []


def _within(
    evidence: Sequence[Evidence], counters: Sequence[Evidence], least: int, named: Callable[[Evidence], str]
) -> list[tuple[str, Sequence[Evidence]]]:
    groups: dict[str, list[Evidence]] = defaultdict(list)
    for one in evidence:
        if named(one):
            groups[named(one)].append(one)
    return [
        (name, group)
        for name, group in groups.items()
        if _holds(group, [one for one in counters if named(one) == name], least)
    ]


def _holds(evidence: Sequence[Evidence], counters: Sequence[Evidence], least: int) -> bool:
    """Are there enough, and nothing against them since the first of the newest `least`?"""
    if len(evidence) < least:
        return False
    since = sorted(one.at for one in evidence)[-least]
    return all(one.at < since for one in counters)


def _proposal(
    user_id: UUID | None,
    rule: Rule,
    scope_type: ScopeType,
    scope_value: str,
    origin: Origin,
    evidence: Sequence[Evidence],
    least: int,
) -> Proposal:
    newest = sorted(evidence, key=lambda one: one.at)[-MOST_SOURCES:]
    return Proposal(user_id, rule, scope_type, scope_value, origin, [one.row for one in newest], least)


def _from_words(user_id: UUID, edits: Sequence[DraftEdit], ratings: Sequence[RatedWork], least: int) -> list[Proposal]:
    """What the person said of drafts they rejected and of results: said often enough, or said once for good."""
    said: dict[str, list[tuple[Evidence, str, Origin]]] = defaultdict(list)
    for edit in edits:
        if edit.outcome == "rejected" and (wish := wish_of(edit.feedback)):
            row = {"key": edit.key, "draft_id": str(edit.draft_id), "excerpt_before": _cut(edit.before.body), "excerpt_after": edit.feedback[:1000], "at": edit.at.isoformat()}  # fmt: skip
            said[wish.casefold()].append(
                (Evidence(edit.key, edit.person, edit.task_kind, edit.at, row), wish, "rejection")
            )
    for rated in ratings:
        if wish := wish_of(rated.comment):
            key = f"feedback:{rated.feedback_id}"
            row = {"key": key, "feedback_id": str(rated.feedback_id), "excerpt_after": rated.comment[:1000], "at": rated.at.isoformat()}  # fmt: skip
            person = rated.to[0].casefold() if rated.to and len(rated.to) == 1 else ""
            said[wish.casefold()].append((Evidence(key, person, rated.task_kind, rated.at, row), wish, "rating"))
    found: list[Proposal] = []
    for ones in said.values():
        evidence, (_, wish, origin) = [one for one, _, _ in ones], ones[-1]
        rule = Instruction(text=wish)
        if FOR_GOOD.search(wish):
            found.append(_proposal(user_id, rule, "everyone", "", origin, evidence, 1))
            continue
        scopes = _scopes(_Like(rule, evidence), [], least)
        found += [_proposal(user_id, rule, kind, value, origin, those, least) for kind, value, those in scopes]
    return found


def wish_of(words: str) -> str:
    """What a person's words on one draft say of all: a known wish, else the words themselves; "" for a fact, or nothing."""
    text = " ".join(words.split()).strip(" .!")
    for pattern, wish in KNOWN_WISHES:
        if pattern.search(text):
            return wish
    if not SHORTEST_WISH <= len(text) <= LONGEST_WISH or is_fact(text):
        return ""
    return text[:1].upper() + text[1:]


def _cut(text: str) -> str:
    return text if len(text) <= 1000 else f"{text[:999]}…"
