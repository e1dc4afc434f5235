"""The command plan: have an objective planned and carried out, or a plan document written; and what is done to plans."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from app.plans._words import in_a_plans_words
from cli import rendering
from cli.door import DoorCommand, IdArgument, JsonOption, in_house
from cli.output import Output, WrongUse, one_line
from cli.plan_asked import document_request, objective_request
from cli.plan_following import follow_plan, say_waiting, state_text
from cli.tasks import find_task
from core.database import Caller
from core.errors import Conflict, NotFound
from tasks import functions, plans
from tasks.models import Priority
from tasks.plans import Level, PlanKind, PlanState, PlanSummary, PlanTree

if TYPE_CHECKING:
    from app.house import House

NEW = "new"
PERCENT_WIDTH = 4


class PlanGroup(TyperGroup):
    """`steward plan "..."` makes a plan; the first word of any other command is its name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in {"-h", "--help"}:
            args = [NEW, *args]
        return super().parse_args(ctx, args)


plan = typer.Typer(
    cls=PlanGroup,
    no_args_is_help=True,
    help='Plans: `steward plan "launch the new page"` plans an objective and carries it out; '
    '`steward plan --document "open a workshop"` has a plan document written.',
)


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    from cli import plan_papers

    plan_papers.register(plan)
    app.add_typer(plan, name="plan", rich_help_panel="Tasks")


@plan.command(NEW, cls=DoorCommand)
def new_command(
    words: Annotated[list[str], typer.Argument(metavar="OBJECTIVE", help="What is to be reached, or the prompt.")],
    document: Annotated[bool, typer.Option("--document", help="Write a plan document of it; nothing is done.")] = False,
    stakeholders: Annotated[
        list[str] | None, typer.Option("--stakeholder", help="Whom it concerns: an address or a name; again for more.")
    ] = None,
    constraints: Annotated[
        list[str] | None, typer.Option("--constraint", help="What must hold; again for more.")
    ] = None,
    deadline: Annotated[
        str | None, typer.Option("--deadline", help="A day like 2026-12-24, or a time with its offset.")
    ] = None,
    domain: Annotated[str | None, typer.Option("--domain", help="Like finance or incident-response.")] = None,
    resources: Annotated[
        list[str] | None,
        typer.Option("--resource", help="What there is to work with, like 'jira_project: OPS'; again for more."),
    ] = None,
    notes: Annotated[
        list[Path] | None, typer.Option("--notes", help="A file of notes for the planner; again for more.")
    ] = None,
    callback: Annotated[
        str | None, typer.Option("--callback", help="An address that is told, signed, what becomes of it.")
    ] = None,
    priority: Annotated[
        str | None, typer.Option("--priority", "-p", help=f"One of {', '.join(get_args(Priority))}.")
    ] = None,
    level: Annotated[
        str | None, typer.Option("--level", help=f"--document: one of {', '.join(get_args(Level))}.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="--document: a model by name.")] = None,
    no_start: Annotated[
        bool, typer.Option("--no-start", help="Plan it, then wait to be looked at and started.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it is done or waits for you.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Plan an objective and carry it out; with --document, have a plan document written.

    What would leave the house waits for your yes as always; `steward review` shows it.
    """
    text = " ".join(words).strip()
    options: dict[str, Any] = {"--stakeholder": stakeholders, "--constraint": constraints, "--deadline": deadline}
    options |= {"--domain": domain, "--priority": priority, "--resource": resources, "--notes": notes}
    options["--callback"] = callback
    only_document: dict[str, Any] = {"--level": level, "--model": model}
    wrong = [name for name, value in (options if document else only_document).items() if value]
    if wrong:
        raise WrongUse(f"{', '.join(wrong)} {'is not for' if document else 'is only for'} --document")
    if document:
        request = document_request(text, level, model, start=not no_start)
    else:
        request = objective_request(text, options, start=not no_start)

    async def action(house: "House") -> int:
        from app._plans.forms import DocumentRequest
        from app._plans.making import make_document_plan, make_objective_plan

        if isinstance(request, DocumentRequest):
            made = await make_document_plan(house, house.caller, request)
        else:
            made = await make_objective_plan(house, house.caller, request)
        out = Output(as_json)
        if made.is_late:
            out.note("Its deadline has passed already")
        if made.callback_secret:
            out.note(f"Secret of the messages to the callback, shown this once: {made.callback_secret}")
        return await _tell_made(house, out, made.plan, made.callback_secret, wait=wait)

    raise typer.Exit(in_house(action))


async def _tell_made(
    house: "House", out: Output, made: PlanSummary, callback_secret: str | None = None, *, wait: bool
) -> int:
    secret = {"callbackSecret": callback_secret} if callback_secret else {}
    if wait:
        found = await follow_plan(house, out, made.id)
        out.data({"plan": found.plan, "waiting": [one for one in found.approvals if one.state == "open"]} | secret)
        if not out.as_json:
            say_plan(out, found)
        return 1 if found.plan.state == "failed" else 0
    out.data({"plan": made} | secret)
    short = str(made.id)[:8]
    out.say(Text.assemble(state_text(made.state), ": ", (one_line(made.title), "bold"), (f"  {short}", "dim")))
    if made.reason:
        out.say(f"  {made.reason}")
    word = (
        "Start it with: steward plan start"
        if made.state == "ready"
        else "A running Steward works on it; look with: steward plan show"
    )
    out.note(f"{word} {short}")
    return 0


def say_plan(out: Output, found: PlanTree) -> None:
    """A plan: how it stands, its parts, and what waits for a person."""
    made = found.plan
    out.say(Text.assemble(state_text(made.state), f" {int(made.percent)} %  ", (one_line(made.title), "bold")))
    facts = [("id", str(made.id)), ("because", made.reason or ""), ("playbook", made.playbook or "")]
    out.table(rendering.facts(facts))
    if found.tree.children:
        out.console.print(rendering.task_tree(_without_old(found.tree)))
    say_waiting(out, found)


def _without_old(tree: functions.TaskNode) -> functions.TaskNode:
    from app._view.sequence import parts_of

    return tree.model_copy(update={"children": [_without_old(part) for part in parts_of(tree)]})


@plan.command("list", cls=DoorCommand)
def list_command(
    kind: Annotated[str | None, typer.Option("--kind", help=f"One of {', '.join(get_args(PlanKind))}.")] = None,
    state: Annotated[str | None, typer.Option("--state", help=f"One of {', '.join(get_args(PlanState))}.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="Words to look for.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """List plans, newest first."""
    for option, value, allowed in (("--kind", kind, get_args(PlanKind)), ("--state", state, get_args(PlanState))):
        if value is not None and value not in allowed:
            raise WrongUse(f"{option} has no value {value!r}", hint=f"Allowed: {', '.join(allowed)}.")

    async def action(house: "House") -> None:
        found = await plans.list_plans(house.caller, kind, state, search, limit)  # pyright: ignore[reportArgumentType]
        out = Output(as_json)
        out.data({"items": found})
        if not found:
            out.say('There is no such plan. `steward plan "..."` makes one.')
            return
        out.table(_plan_table(found))

    in_house(action)


def _plan_table(found: Sequence[PlanSummary]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("ID", "State", "", "Kind", "Plan"):
        table.add_column(head, no_wrap=True)
    for one in found:
        waits = (
            f"  waits for you: {one.waiting_for_you}"
            if one.waiting_for_you and one.state not in {"failed", "cancelled"}
            else ""
        )
        table.add_row(
            Text(str(one.id)[:8], "dim"),
            state_text(one.state),
            f"{int(one.percent)} %".rjust(PERCENT_WIDTH + 1),
            one.kind,
            Text.assemble(one_line(one.title), (waits, "yellow")),
        )
    return table


async def find_plan(caller: Caller, given: str) -> PlanTree:
    """The plan whose id is, or begins with, `given`. NotFound for a task that is no plan."""
    try:
        return await plans.get_plan(caller, (await find_task(caller, given)).id)
    except (WrongUse, NotFound) as error:
        message = error.message.replace("the id of a task", "the id of a plan").replace("No task has", "No plan has")
        hint = (error.hint or "`steward plan list` shows them.").replace("`steward list`", "`steward plan list`")
        raise type(error)(message, hint=hint, detail=error.detail, errors=error.errors) from None


@plan.command("show", cls=DoorCommand)
def show_command(plan_id: IdArgument, as_json: JsonOption = False) -> None:
    """Show one plan: how it stands, its parts, and what waits for you."""

    async def action(house: "House") -> None:
        found = await find_plan(house.caller, plan_id)
        out = Output(as_json)
        if as_json:
            from app._plans.reading import told

            out.data(await told(house, house.caller, found))
            return
        say_plan(out, found)

    in_house(action)


def _change(plan_id: str, as_json: bool, change: Callable[[Caller, PlanTree], Awaitable[object]]) -> None:
    async def action(house: "House") -> None:
        found = await find_plan(house.caller, plan_id)
        try:
            await change(house.caller, found)
        except Conflict as error:
            raise in_a_plans_words(error, found.plan.state) from None
        now = await plans.get_plan_progress(house.caller, found.plan.id)
        out = Output(as_json)
        out.data({"plan": now})
        out.say(Text.assemble(state_text(now.state), ": ", (one_line(now.title), "bold")))

    in_house(action)


@plan.command("start", cls=DoorCommand)
def start_command(plan_id: IdArgument, as_json: JsonOption = False) -> None:
    """Start a plan that waits for it."""
    from app._plans.acting import start_plan

    _change(plan_id, as_json, lambda caller, found: start_plan(caller, found.plan.id))


@plan.command("pause", cls=DoorCommand)
def pause_command(plan_id: IdArgument, as_json: JsonOption = False) -> None:
    """Pause a plan; nothing new begins."""
    _change(plan_id, as_json, lambda caller, found: functions.pause_task(caller, found.plan.id))


@plan.command("resume", cls=DoorCommand)
def resume_command(plan_id: IdArgument, as_json: JsonOption = False) -> None:
    """Take the pause off again."""
    _change(plan_id, as_json, lambda caller, found: functions.resume_task(caller, found.plan.id))


@plan.command("cancel", cls=DoorCommand)
def cancel_command(plan_id: IdArgument, as_json: JsonOption = False) -> None:
    """Cancel a plan; what is done stays."""
    _change(plan_id, as_json, lambda caller, found: functions.cancel_task(caller, found.plan.id))


@plan.command("retry", cls=DoorCommand)
def retry_command(plan_id: IdArgument, as_json: JsonOption = False) -> None:
    """Have what failed tried again, and what lacked a model, an account or room within its bounds."""

    async def again(caller: Caller, found: PlanTree) -> object:
        from app._plans.acting import retry_plan

        return await retry_plan(caller, found.plan.id)

    _change(plan_id, as_json, again)


@plan.command("rerun", cls=DoorCommand)
def rerun_command(
    plan_id: IdArgument,
    stage: Annotated[str, typer.Argument(help="The stage of the document, like create_pitch.")],
    as_json: JsonOption = False,
) -> None:
    """Have a stage of a document written anew, and what depends on it after it."""

    async def again(caller: Caller, found: PlanTree) -> object:
        from app._plans.acting import rerun

        return await rerun(caller, found.plan.id, stage, None)

    _change(plan_id, as_json, again)


@plan.command("execute", cls=DoorCommand)
def execute_command(
    plan_id: IdArgument,
    no_start: Annotated[bool, typer.Option("--no-start", help="Make the tasks, then wait to be started.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Carry a plan document out: its work breakdown becomes tasks of a plan of their own."""

    async def action(house: "House") -> int:
        from agents.playbooks.document.execution import execute_document

        found = await find_plan(house.caller, plan_id)
        made = await execute_document(house.caller, found.plan.id, starts_by_itself=not no_start)
        return await _tell_made(house, Output(as_json), made, wait=False)

    raise typer.Exit(in_house(action))
