"""A preference tried on the past: the last drafts in its scope written again with it, held against what the person sent."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import Literal

from agents.learning.applying import apply_preferences, apply_rules, in_scope
from agents.learning.rules import BY_RULES, Rule, rule_of_preference
from tasks.preferences import DraftEdit, Letter, Preference, Trial, TriedCase

MOST_CASES = 10
MOST_ASKED = 3  # where a model writes them again
LONGEST_SHOWN = 4_000
LONGEST_COMPARED = 6_000
NEEDS_MODEL = "This cannot be tried by rules: it is a wish that only a language model follows."
NOT_ASKED = "The model could not be asked now: try it again later."
Redraft = Callable[[DraftEdit, Preference], Awaitable[Letter | None]]


def cases_for(preference: Preference, edits: Sequence[DraftEdit], most: int = MOST_CASES) -> list[DraftEdit]:
    """The newest past drafts in its scope that the person let go, newest first."""
    ended = [
        one
        for one in edits
        if one.after is not None
        and one.user_id == preference.user_id
        and in_scope([preference], one.person, one.task_kind)
    ]
    return sorted(ended, key=lambda one: one.at, reverse=True)[:most]


async def try_out(
    preference: Preference,
    active: Sequence[Preference],
    edits: Sequence[DraftEdit],
    *,
    at: datetime,
    redraft: Redraft | None = None,
    proposed: Sequence[Preference] = (),
) -> Trial:
    """The trial of a preference, beside the others that are active, and once with all that is `proposed`. `redraft` asks a
    model, where only one can."""
    others = [one for one in active if one.id != preference.id and one.user_id == preference.user_id]
    if isinstance(rule_of_preference(preference), BY_RULES):
        cases = cases_for(preference, edits)
        counted = _counted([_tried(one, preference, others) for one in cases], at)
        beside = [one for one in proposed if one.id != preference.id and one.user_id == preference.user_id]
        if not beside:
            return counted
        every = [*others, preference, *beside]
        together = sum(is_same(_with(one, every), one.after or one.before) for one in cases)
        return counted.model_copy(update={"right_together": together})
    if redraft is None:
        return Trial(tried_at=at, note=f"{NEEDS_MODEL} Set OPENAI_API_KEY to add one.")
    asked: list[TriedCase] = []
    cases = cases_for(preference, edits, MOST_ASKED)
    for edit in cases:
        if (written := await redraft(edit, preference)) is not None:
            asked.append(_case(edit, _with(edit, others), written))
    return _counted(asked, at, "" if asked or not cases else NOT_ASKED)


def is_for_model(preference: Preference) -> bool:
    """Can only a language model follow it?"""
    return not isinstance(rule_of_preference(preference), BY_RULES)


def is_outdated(preference: Preference, edits: Sequence[DraftEdit]) -> bool:
    """Are there other past drafts to try it on than it was tried on? Of those that rules apply: a model is not asked unasked."""
    if preference.trial is None:
        return True
    tried = [one.draft_id for one in preference.trial.cases]
    return not is_for_model(preference) and tried != [one.draft_id for one in cases_for(preference, edits)]


def changes_nothing(rule: Rule, scope: tuple[str, str], edits: Sequence[DraftEdit]) -> bool:
    """Are there past drafts in this scope, and would the rule have changed none of them?"""
    scope_type, scope_value = scope
    drafts = [
        one.before
        for one in edits
        if {"everyone": "", "person": one.person, "kind": one.task_kind}[scope_type] == scope_value
    ][-MOST_CASES:]
    return bool(drafts) and all(apply_rules(one, [rule]) == one for one in drafts)


def shown(letter: Letter) -> str:
    """A mail as it is compared and shown."""
    head = [f"Cc: {', '.join(letter.cc)}"] if letter.cc else []
    return "\n".join([*head, f"Subject: {letter.subject}", "", letter.body.strip()])[:LONGEST_SHOWN]


def is_same(one: Letter, other: Letter) -> bool:
    """Would the person have had nothing to change? Spaces do not count."""
    return (
        sorted(address.casefold() for address in one.cc) == sorted(address.casefold() for address in other.cc)
        and one.subject.split() == other.subject.split()
        and one.body.split() == other.body.split()
    )


def closeness(one: Letter, other: Letter) -> float:
    """How much of two mails is the same, from 0 to 1, word by word."""
    words = [[*letter.cc, *letter.subject.split(), *letter.body[:LONGEST_COMPARED].split()] for letter in (one, other)]
    return SequenceMatcher(None, *words, autojunk=False).ratio()


def _tried(edit: DraftEdit, preference: Preference, others: Sequence[Preference]) -> TriedCase:
    before = _with(edit, others)
    return _case(edit, before, _with(edit, [*others, preference]))


def _with(edit: DraftEdit, preferences: Sequence[Preference]) -> Letter:
    return apply_preferences(edit.before, preferences, edit.task_kind).letter


def _case(edit: DraftEdit, before: Letter, after: Letter) -> TriedCase:
    sent = edit.after or edit.before
    was, now = closeness(before, sent), closeness(after, sent)
    became: Literal["closer", "same", "further"] = "same" if was == now else "closer" if now > was else "further"
    return TriedCase(
        draft_id=edit.draft_id,
        task_id=edit.task_id,
        title=edit.before.subject or edit.task_title,
        before=shown(before),
        after=shown(after),
        sent=shown(sent),
        was_right=is_same(before, sent),
        is_right=is_same(after, sent),
        became=became,
    )


def _counted(cases: Sequence[TriedCase], at: datetime, note: str = "") -> Trial:
    return Trial(
        tried_at=at,
        cases=list(cases),
        count=len(cases),
        right_before=sum(one.was_right for one in cases),
        right_after=sum(one.is_right for one in cases),
        closer=sum(one.became == "closer" for one in cases),
        further=sum(one.became == "further" for one in cases),
        note=note,
    )
