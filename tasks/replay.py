"""A permission tried on the past: what would have gone by itself, and what the person had made of it instead. Pure.

The texts that a run had read then are not kept, but what the policy said of each value is. A value that nothing was said
against then counts as the user's own now. Where nothing was recorded, it asks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, cast

from tasks import policies
from tasks.origins import addresses_in, numbers_in, urls_in
from tasks.policies import PastAction
from tasks.policy import (
    Action,
    Carries,
    Decision,
    Effect,
    Origin,
    Permission,
    Policy,
    Provenance,
    Reason,
    Source,
    Verdict,
    decide,
)

Outcome = Literal["as_written", "edited", "rejected", "by_permission"]
OUTCOMES: dict[policies.Became, Outcome] = {
    "sent": "as_written",
    "sending": "as_written",
    "failed": "as_written",
    "uncertain": "as_written",
    "edited": "edited",
    "rejected": "rejected",
}
ABOUT_WORDS = {"words_untrusted", "text_unknown", "too_much"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNRECORDED = Reason("not_recorded", "Where its values came from was not recorded at that time")


@dataclass(frozen=True)
class Replayed:
    """One act of the past under the permission, and what the person had made of it."""

    past: PastAction
    outcome: Outcome
    decision: Decision

    @property
    def would_have_gone(self) -> bool:
        return self.decision.verdict is Verdict.ALLOW


@dataclass(frozen=True)
class Replay:
    """What a permission would have done, newest first. Acts that it does not reach are left out; `seen` counts them too."""

    items: Sequence[Replayed] = field(default_factory=tuple[Replayed, ...])
    seen: int = 0

    @property
    def gone(self) -> list[Replayed]:
        return [one for one in self.items if one.would_have_gone]

    @property
    def would_have_gone(self) -> int:
        return len(self.gone)

    @property
    def edited(self) -> int:
        """Of those that would have gone: how many the person had changed first."""
        return sum(one.outcome == "edited" for one in self.gone)

    @property
    def rejected(self) -> int:
        """Of those that would have gone: how many the person had turned down."""
        return sum(one.outcome == "rejected" for one in self.gone)

    @property
    def by_permission(self) -> int:
        """Of those that would have gone: how many had left by a permission, so that no person said yes to them."""
        return sum(one.outcome == "by_permission" for one in self.gone)

    @property
    def asked(self) -> int:
        """How many it reaches and would have asked about all the same."""
        return len(self.items) - self.would_have_gone

    @property
    def in_words(self) -> str:
        """The numbers as a person reads them."""
        if not self.seen:
            return "There is nothing of this kind in the past to try it on."
        if not self.items:
            return f"It is for none of the {self.seen} of this kind in the past."
        asked = f"{self.asked} would have asked you as before"
        gone = self.would_have_gone
        if not gone:
            return f"None would have gone by itself; {asked}."
        several = gone > 1
        rest = f"; {asked}" if self.asked else ""
        return (
            f"{gone} would have gone by {'themselves' if several else 'itself'}; {self._made_of_them(several)}{rest}."
        )

    def _made_of_them(self, several: bool) -> str:
        """What became of those that would have gone: what had no person's yes is not counted as one."""
        made = [
            f"{word} {f'{count} of them' if several else 'it'}{after}"
            for word, count, after in (("edited", self.edited, ""), ("turned", self.rejected, " down"))
            if count
        ]
        all_of_them = "all of them" if several else "it"
        if self.by_permission == self.would_have_gone:
            return f"{all_of_them} had left by a permission"
        left = f"{self.by_permission} of them had left by a permission, " if self.by_permission else ""
        if made:
            return f"{left}you had {' and '.join(made)}"
        return f"{left}you had said yes to {'the rest' if left else all_of_them} as written"


def replay(
    history: Iterable[PastAction],
    permission: Permission,
    own_addresses: Sequence[str] = (),
    effect: Effect | str = Effect.SEND,
) -> Replay:
    """Try the permission on the past, as if it had been on all the time, within its limits. Of each task what was written first counts."""
    first: dict[Any, PastAction] = {}
    for one in sorted(history, key=lambda one: one.created_at):
        if one.became in OUTCOMES:
            first.setdefault(one.task_id, one)
    found: list[Replayed] = []
    used: list[PastAction] = []
    for past in first.values():
        of_then = replace(
            permission,
            is_enabled=True,
            expires_at=past.created_at + DAY,
            used_this_hour=sum(past.created_at - one.created_at < HOUR for one in used),
            used_today=sum(past.created_at - one.created_at < DAY for one in used),
        )
        policy = Policy([of_then], own_addresses=own_addresses, now=past.created_at)
        action, provenance = action_of(past, effect), provenance_of(past)
        if not of_then.reaches(action, provenance, policy.own):
            continue
        is_known = past.decision.verdict is not None
        decision = decide(action, provenance, policy) if is_known else Decision(Verdict.ASK, (UNRECORDED,))
        if decision.verdict is Verdict.ALLOW:
            used.append(past)
        found.append(Replayed(past, outcome_of(past), decision))
    return Replay(tuple(reversed(found)), len(first))


def outcome_of(past: PastAction) -> Outcome:
    """What the person had made of it; that it left by a permission is no yes of theirs."""
    outcome = OUTCOMES[past.became]
    return "by_permission" if outcome == "as_written" and past.decided_how == "permission" else outcome


def action_of(past: PastAction, effect: Effect | str) -> Action:
    """What was to be done, as the policy sees it."""
    content = past.content
    files = cast("list[dict[str, Any]]", content.get("attachments") or []) if past.draft_id else []
    if past.draft_id:
        body = f"{content.get('subject') or ''}\n\n{content.get('body') or ''}"
    else:
        body = "\n".join(_texts(content.get("input")))
    return Action(
        name=past.action,
        effect=effect,
        destinations=past.destinations,
        body=body,
        attachments=[str(one.get("name")) for one in files],
        task_kind=past.task_kind,
    )


def provenance_of(past: PastAction) -> Provenance:
    """Where its values came from, as far as it was recorded with it."""
    reasons = past.decision.reasons
    action = action_of(past, Effect.SEND)
    body = action.body or ""
    codes = {one.code for one in reasons}
    named = past.decision.permission_id or past.decision.considered_permission_id
    is_tainted = _was_tainted(past, codes)
    # A permission for plain text does not look at the words: what was decided by one says nothing of them.
    are_own_words = not codes & ABOUT_WORDS and not (named and is_tainted)
    values = [*addresses_in(body), *urls_in(body), *numbers_in(body), *action.attachments]
    origins: dict[str, Origin | str] = {**dict.fromkeys(values, Origin.USER), **_recorded(past.provenance)}
    for one in reasons:
        if one.value:
            origins[one.value] = one.origin or Origin.MODEL
    suspicious = [
        Source(one.source or "text", one.quote or "?", is_suspicious=True)
        for one in reasons
        if one.code == "suspicious_source"
    ]
    return Provenance(
        user=[body] if are_own_words else [], untrusted=suspicious, is_tainted=is_tainted, origins=origins
    )


def permission_of(policy: policies.Policy) -> Permission:
    """A standing permission as the policy sees it."""
    return Permission(
        id=str(policy.id),
        action=policy.action,
        targets=policy.targets,
        task_kinds=policy.task_kinds,
        carries=Carries(policy.carries),
        max_per_hour=policy.max_per_hour,
        max_per_day=policy.max_per_day,
    )


def _was_tainted(past: PastAction, codes: set[str]) -> bool:
    told = bool(past.provenance.get("is_tainted"))
    return told or bool(codes & ABOUT_WORDS) or any(code.endswith("_untrusted") for code in codes)


def _recorded(provenance: Mapping[str, Any]) -> dict[str, Origin | str]:
    """Value -> where it first appeared; what is none of the known words was nowhere before."""
    known = {one.value: one for one in Origin}
    told = cast("dict[str, dict[str, Any]]", provenance.get("destinations") or {})
    pairs = [(value, one.get("origin")) for value, one in told.items()]
    pairs += [
        (str(one.get("value")), one.get("origin"))
        for one in cast("list[dict[str, Any]]", provenance.get("values") or [])
        if one.get("kind") != "destination"
    ]
    return {value: known.get(str(origin), Origin.MODEL) for value, origin in pairs}


def _texts(value: object) -> Iterable[str]:
    match value:
        case str():
            yield value
        case dict():
            for one in cast("dict[str, object]", value).values():
                yield from _texts(one)
        case list():
            for one in cast("list[object]", value):
                yield from _texts(one)
        case _:
            return
