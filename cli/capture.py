"""Commands that take tasks in: chat, add."""

import sys
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.text import Text

from cli import rendering
from cli.agents import find_agent
from cli.door import DoorCommand, JsonOption, ask, in_house
from cli.handing import AgentOption, CanOption, InputOption, TellOption, hand_over, say_handed, wish_of
from cli.output import Output, WrongUse, one_line
from tasks import capture, functions
from tasks.models import Task

if TYPE_CHECKING:
    from app.house import House
    from core.clock import Clock

LONGEST_MESSAGE = 100_000  # characters, as POST /api/chat
LONGEST_SENTENCE = 2000
REMEMBERED_MESSAGES = 10


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("chat", cls=DoorCommand, rich_help_panel="Take in")(chat_command)
    app.command("add", cls=DoorCommand, rich_help_panel="Take in")(add_command)


def chat_command(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT]...", help="What you would say. Without it: read from stdin, or talk."),
    ] = None,
    conversation: Annotated[
        UUID | None, typer.Option("--conversation", help="Go on with this conversation (id from --json).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say something; the tasks in it are found.

    [dim]steward chat "Draft an email to john@example.com thanking him for the meeting"[/dim]
    [dim]steward chat < notes.txt[/dim]
    """
    text = " ".join(words or [])
    out = Output(as_json)

    async def action(house: "House") -> None:
        if words or not out.is_interactive:
            said = text if words else sys.stdin.read()
            await say(house, out, said, conversation)
        else:
            await talk(house, out, conversation)

    in_house(action)


async def say(house: "House", out: Output, said: str, conversation_id: UUID | None) -> UUID:
    """One turn of a chat, told to the person; the conversation it belongs to."""
    from agents.budget import metered
    from agents.extractor import extract
    from app.day._answering import answer_about_day

    said = said.strip()
    if not said:
        raise WrongUse("There is nothing to read", hint='Say something: steward chat "call Ana tomorrow at 3"')
    if len(said) > LONGEST_MESSAGE:
        raise WrongUse(f"A message has up to {LONGEST_MESSAGE} characters; this one has {len(said)}")
    history: list[tuple[str, str]] = []
    if conversation_id:
        earlier = await capture.get_conversation(house.caller, conversation_id)
        history = [(message.role, message.content) for message in earlier.messages[-REMEMBERED_MESSAGES:]]
    extraction = await answer_about_day(house, house.caller, said) or await extract(
        said, now=house.clock.now(), history=history, thinking=metered(house.thinking, house.caller, house.clock)
    )
    turn = await capture.save_chat_turn(house.caller, said, extraction, conversation_id)
    out.data(turn)
    out.say(turn.reply)
    if turn.tasks:
        out.say()
    say_new_tasks(out, turn.tasks, house.clock)
    return turn.conversation_id


async def talk(house: "House", out: Output, conversation_id: UUID | None) -> None:
    """A small prompt loop, until the end of input (Ctrl-D) or an empty line."""
    out.note("Say what is on your mind; an empty line or Ctrl-D ends.")
    while True:
        try:
            said = ask("> ")
        except EOFError:
            out.say()
            return
        if not said.strip():
            return
        conversation_id = await say(house, out, said, conversation_id)


def say_new_tasks(out: Output, tasks: list[Task], clock: "Clock") -> None:
    """The tasks that were found, each with what was understood."""
    if out.as_json:
        return
    for number, task in enumerate(tasks):
        if number:
            out.say()
        out.say(
            Text.assemble(
                (rendering.short_id(task), "dim"),
                " ",
                rendering.mark(task.execution_status),
                " ",
                (one_line(task.title), "bold"),
            )
        )
        pairs = rendering.understood(task, clock.now(), clock.timezone)
        out.table(rendering.facts(pairs, indent=11))
    ready = [task for task in tasks if task.execution_type != "manual"]
    if ready:
        out.note(f"\nSteward can work on it: steward execute {rendering.short_id(ready[0])}")


def add_command(
    words: Annotated[list[str], typer.Argument(metavar="TEXT...", help="The task, as you would jot it down.")],
    agent: AgentOption = "",
    can: CanOption = None,
    given: InputOption = "",
    told: TellOption = "",
    as_json: JsonOption = False,
) -> None:
    """Add one task; day, time, p1 to p4, #labels and "every ..." are understood.

    [dim]steward add call Ana tomorrow 3pm p1 #home[/dim]
    [dim]steward add "Find three breeders near Ghent" --agent Larry[/dim]
    """
    text = " ".join(words).strip()
    wish = wish_of(agent, can, given, told)

    async def action(house: "House") -> None:
        from agents.rules.quick_add import parse_quick_add

        if not text:
            raise WrongUse("There is nothing to add", hint="steward add call Ana tomorrow 3pm p1 #home")
        if len(text) > LONGEST_SENTENCE:
            raise WrongUse(f"A task is up to {LONGEST_SENTENCE} characters; this one has {len(text)}")
        if wish is not None and wish.agent:
            await find_agent(house, wish.agent)  # before anything is added
        found = parse_quick_add(text, house.clock.now()).task
        tasks = await functions.create_tasks(house.caller, [functions.task_item(found, source="manual")])
        out = Output(as_json)
        ids = await hand_over(house, tasks[0], wish) if wish is not None else []
        if ids:
            tasks = [await functions.get_task(house.caller, ids[0])]
        out.data({"task": tasks[0]})
        say_new_tasks(out, [] if ids else tasks, house.clock)
        if wish is not None:
            say_handed(out, wish, ids, tasks[0])

    in_house(action)
