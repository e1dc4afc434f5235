"""Drafts as the person likes them: what is told to a model before it writes, and applied to what it or the rules wrote.

The one place for both is `agents.work`, after the decision and before the check. A preference adds only the person's own
words, which they read and switched on; somebody in copy is judged by the gate like any other recipient.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.equipment import Run
from agents.strategist import Blocked, Decompose, DraftContent, Immediate, TaskContext, presented
from tasks.preferences import Letter, Preference, count_preferences, find_similar_drafts, preferences_for

MOST_PEOPLE = 100
MAILS = {"email"}
MOST_EXAMPLES, LONGEST_EXAMPLE = 2, 2_000


@dataclass(frozen=True)
class Taste:
    """The active preferences that may count for a task."""

    preferences: Sequence[Preference] = ()
    kind: str = ""


@dataclass(frozen=True)
class Liked:
    """A decision with the preferences applied: which they were, and the text of its draft as it was before."""

    decision: Immediate | Decompose | Blocked
    applied: Sequence[Preference] = field(default_factory=list[Preference])
    written: str | None = None

    def as_told(self) -> list[dict[str, Any]]:
        """The preferences that were applied, as they are kept with the draft and in the task's events."""
        from agents.learning.applying import said_of

        return [{"id": str(one.id), "said": said_of(one), "statement": one.statement} for one in self.applied]


async def taste_of(run: Run, context: TaskContext) -> Taste:
    """What the person of this task likes, for whoever the task names."""
    people = sorted(context.named_addresses)[:MOST_PEOPLE]
    return Taste(await preferences_for(run.caller, context.task.id, people), context.task.kind)


async def with_examples(run: Run, context: TaskContext) -> TaskContext:
    """For a model: the context of a mail with earlier ones to the same person that the person let go in like cases."""
    if not run.equipment.thinking.is_model or context.task.kind not in MAILS or context.thread:
        return context
    people = sorted(context.named_addresses)[:MOST_PEOPLE]
    found = await find_similar_drafts(run.caller, context.task.id, people, most=MOST_EXAMPLES) if people else []
    return replace(context, examples=[f"Subject: {one.subject}\n\n{one.body}"[:LONGEST_EXAMPLE] for one in found])


def with_taste(context: TaskContext, taste: Taste) -> TaskContext:
    """The context with what is told to a model, and with whom the person wants in copy."""
    if not taste.preferences:
        return context
    from agents.learning.applying import told_to_model
    from agents.learning.rules import Cc, rule_of_preference

    said = told_to_model(taste.preferences, sorted(context.named_addresses), taste.kind)
    rules = [rule_of_preference(one) for one in taste.preferences]
    return replace(
        context,
        guidance="\n\n".join(text for text in (context.guidance, said) if text),
        copied_by_wish=frozenset(rule.address for rule in rules if isinstance(rule, Cc)),
    )


def as_liked(decision: Immediate | Decompose | Blocked, taste: Taste, called: str = "") -> Liked:
    """The decision with its draft as the person likes it; unchanged where it has none. `called`: the recipient's first name."""
    if not taste.preferences or not isinstance(decision, Immediate) or decision.draft is None:
        return Liked(decision)
    from agents.learning.applying import apply_preferences

    draft = decision.draft
    letter = Letter(to=draft.to, cc=draft.cc, subject=draft.subject, body=draft.body)
    found = apply_preferences(letter, taste.preferences, taste.kind, called)
    if found.letter == letter:
        return Liked(decision)
    liked = DraftContent(to=draft.to, cc=found.letter.cc, subject=found.letter.subject, body=found.letter.body)
    applied = [one for one in taste.preferences if one.id in found.applied]
    return Liked(presented(decision.model_copy(update={"draft": liked})), applied, draft.body)


async def note_liked(run: Run, liked: Liked) -> list[dict[str, Any]]:
    """Write into the task's events which preferences were applied, and count them; as they are kept with the draft."""
    if not liked.applied:
        return []
    from tasks.events import add_task_event

    told = liked.as_told()
    message = "; ".join(dict.fromkeys(str(one["said"]) for one in told))
    await add_task_event(run.caller, run.task.id, "preference", message, {"preferences": told})
    await count_preferences(run.caller, [one.id for one in liked.applied], at=run.equipment.clock.now())
    return told
