"""What outside agents ask, on a terminal: shown as what somebody else wrote, and answered."""

import json
from typing import TYPE_CHECKING, Any

from rich.text import Text

from cli import rendering
from cli.door import ask
from cli.editor import edit_text
from cli.output import Output, one_line, plain
from core.errors import Invalid
from tasks.drafts import Approval
from tasks.functions import get_task
from tasks.interrupts import AnswerType, HumanInterrupt, answer_interrupt, facts_of

if TYPE_CHECKING:
    from app.house import House

KEYS: dict[str, AnswerType] = {"a": "accept", "e": "edit", "r": "response", "i": "ignore"}
WORDS: dict[AnswerType, str] = {
    "accept": "a accept",
    "edit": "e edit, then accept",
    "response": "r answer in words",
    "ignore": "i ignore",
}
LONGEST = 2000  # of one value on the terminal; --json has it all


def who_asks(asked: Approval) -> str:
    """The agent's name, in one line."""
    return one_line(asked.asked_by.name) if asked.asked_by else "An agent"


def say_interrupt(out: Output, asked: Approval, interrupt: HumanInterrupt) -> None:
    """What an agent asks, and that it wrote that."""
    who = who_asks(asked)
    out.say(Text.assemble((f"Question {rendering.short_id(asked)}", "bold"), f"  {one_line(asked.title)}"))
    out.say(
        Text(
            f"{who} is an outside agent. It wrote what is marked with a bar, and acts on your answer by itself.", "dim"
        )
    )
    if interrupt.description:
        out.say(*_barred(interrupt.description))
    for name, value in facts_of(interrupt):
        out.say(*_barred(f"{one_line(name)}: {_short(value)}"))


def say_wanted(out: Output, asked: Approval) -> None:
    """That an outside agent wants it, where one does: the words may be its own."""
    if agent := asked.origin.agent:
        said = f"{one_line(agent.name)}, an outside agent, wants this, not Steward; the words may be its own."
        out.say(Text(said, "yellow"))


def question_of(interrupt: HumanInterrupt) -> str:
    """The keys for what may be answered."""
    return "   ".join([*(WORDS[one] for one in interrupt.config.answers), "s skip", "q quit"]) + " > "


async def answer_by_key(house: "House", out: Output, asked: Approval, interrupt: HumanInterrupt, key: str) -> bool:
    """Answer as a key says; False where it says nothing, or nothing was changed."""
    answer = KEYS.get(key)
    if answer is None or answer not in interrupt.config.answers:
        out.say("One of the letters, then Enter.")
        return False
    args: Any = None
    if answer == "edit":
        args = edited(interrupt)
        if args is None:
            out.say("Nothing was changed.")
            return False
    elif answer == "response":
        args = ask("Your answer > ").strip()
        if not args:
            out.say("Nothing was said.")
            return False
    await answer_one(house, out, asked, answer, args)
    return True


async def answer_one(
    house: "House", out: Output, asked: Approval, answer: AnswerType, args: str | dict[str, Any] | None = None
) -> None:
    """Answer what was shown, and say so."""
    await answer_interrupt(house.caller, asked.id, asked.digest, answer, args)
    task = await get_task(house.caller, asked.task_id)
    out.data({"task": task})
    said = {"accept": "Accepted", "edit": "Accepted with your changes", "response": "Answered", "ignore": "Ignored"}[
        answer
    ]
    out.say(Text.assemble(rendering.mark(task.execution_status), f" {said}. {who_asks(asked)} acts by itself."))


def edited(interrupt: HumanInterrupt) -> dict[str, Any] | None:
    """The action with arguments changed in the person's editor, as JSON; None where nothing was changed.

    Raises Invalid for what is no JSON object, naming the place; Unavailable without an editor.
    """
    request = interrupt.action_request
    args = args_in(edit_text(json.dumps(request.args, ensure_ascii=False, indent=2) + "\n", "arguments.json"))
    return None if args == request.args else {"action": request.action, "args": args}


def args_in(text: str) -> dict[str, Any]:
    """The arguments in a text of JSON. Raises Invalid naming the place."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The arguments are not JSON: {error}", hint="Edit them again.") from None
    if not isinstance(value, dict):
        raise Invalid('The arguments are an object, like {"name": "value"}', hint="Edit them again.")
    return value  # pyright: ignore[reportUnknownVariableType] # JSON has texts as names


def _short(text: str) -> str:
    return f"{text[:LONGEST]}… ({len(text):,} characters; --json has them all)" if len(text) > LONGEST else text


def _barred(text: str) -> list[Text]:
    return [Text.assemble(("  │ ", "dim"), line) for line in plain(text).split("\n")]
