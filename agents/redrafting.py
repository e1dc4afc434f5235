"""A past draft written again by a model with one more wish: how a preference is tried that only a model can follow."""

from agents.budget import BudgetUsedUp
from agents.learning.trying import Redraft
from agents.strategist import Blocked, Immediate, fenced
from agents.thinking import ModelMalformed, ModelRefused, ModelUnavailable, Question, Thinking
from tasks.preferences import DraftEdit, Letter, Preference


def redraft_by(thinking: Thinking) -> Redraft | None:
    """How a model writes a past draft again; None without a model. Of a `metered` thinker it is within the day's budget."""
    if not thinking.is_model:
        return None
    from agents.reviser import PROMPT

    async def redraft(edit: DraftEdit, preference: Preference) -> Letter | None:
        """The draft with the wish; None where the model gave none."""
        draft = f"Subject: {edit.before.subject}\n\n{edit.before.body}"
        words = f"The draft:\n{fenced(draft)}\nFeedback: {preference.statement}"
        question = Question("revision", [PROMPT], words, [Immediate, Blocked], check=_lacks_draft)
        try:
            answer = await thinking.answer(question, lambda: Blocked(reason="There is no model"))
        except (ModelUnavailable, ModelRefused, ModelMalformed, BudgetUsedUp):
            return None  # the trial says that the model could not be asked
        if not isinstance(answer, Immediate) or answer.draft is None:
            return None
        return edit.before.model_copy(update={"subject": answer.draft.subject, "body": answer.draft.body})

    return redraft


def _lacks_draft(answer: object) -> str | None:
    return "fill draft with the whole new draft" if isinstance(answer, Immediate) and answer.draft is None else None
