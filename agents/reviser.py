"""The reviser: a draft that a person sent back is written again."""

from datetime import datetime
from pathlib import Path
from typing import cast

from agents.strategist import Blocked, EarlierDraft, Immediate, TaskContext, describe, presented
from agents.thinking import Question, Thinking, Trail, load_prompt

PROMPT = load_prompt(Path(__file__).parent / "reviser.md")


async def revise(
    context: TaskContext,
    earlier: EarlierDraft,
    *,
    feedback: str,
    now: datetime,
    thinking: Thinking,
    trail: Trail | None = None,
) -> Immediate | Blocked:
    """The draft with the feedback worked in, or Blocked when that can't be done honestly.

    With a `trail` that has begun, only the draft as it is now and the feedback are said anew.
    """
    from agents.rules.workflows.revise import revise_by_rules

    more = (
        f"<draft>\nTo: {', '.join(earlier.to)}\nCc: {', '.join(earlier.cc)}\n"
        f"Subject: {earlier.subject}\n\n{earlier.body}\n</draft>\nFeedback: {feedback}"
    )
    words = f"{describe(context, now)}\n{more}"

    def check(answer: object) -> str | None:
        if isinstance(answer, Immediate) and answer.draft is None:
            return "fill draft with the whole new draft"
        return None

    prompts = [PROMPT, *context.own_prompts]
    question = Question("revision", prompts, words, [Immediate, Blocked], check=check, trail=trail, more=more)
    answer = await thinking.answer(question, lambda: revise_by_rules(context, earlier, feedback))
    return presented(answer) if isinstance(answer, Immediate) else cast(Blocked, answer)
