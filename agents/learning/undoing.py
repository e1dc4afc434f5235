"""What became of a preference that is active: the drafts it was applied to, and those in which the person changed it back."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.learning.applying import apply_rules
from agents.learning.rules import BY_RULES, rule_of_preference
from tasks.preferences import DraftEdit, Preference


@dataclass(frozen=True)
class Use:
    """Of `applied` drafts that the person let go, those in which they undid it, newest first."""

    applied: int = 0
    undone: Sequence[DraftEdit] = field(default_factory=list[DraftEdit])

    @property
    def in_words(self) -> str:
        """The figure in one sentence; "" where nothing was let go yet."""
        if not self.applied:
            return ""
        drafts = "the one draft" if self.applied == 1 else f"{self.applied} drafts"
        count = len(self.undone)
        return f"Of {drafts} with it that you let go, you changed it back in {count or 'none'}."


def use_of(preference: Preference, edits: Sequence[DraftEdit]) -> Use:
    """How a preference did, in these edits."""
    rule, named = rule_of_preference(preference), str(preference.id)
    let_go = [one for one in edits if one.after and any(known.get("id") == named for known in one.preferences)]
    if not isinstance(rule, BY_RULES):
        return Use()
    undone = [one for one in let_go if one.after and apply_rules(one.after, [rule]) != one.after]
    return Use(len(let_go), sorted(undone, key=lambda one: one.at, reverse=True))
