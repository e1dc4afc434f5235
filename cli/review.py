"""The command review: what waits for a person's yes, shown before it is decided."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.text import Text

from cli import answering, rendering
from cli.door import DoorCommand, JsonOption, ask, in_house
from cli.editor import edit_draft
from cli.execute import follow, last_event_id, progress, say_sent
from cli.output import Output, WrongUse, one_line, plain, report_error
from cli.task_lines import say_result
from cli.undo import say_held, say_moved, say_reasons, say_switched_off, undo_one
from core.database import Caller
from core.errors import Conflict, NotFound, StewardError
from tasks import functions, review
from tasks.drafts import Approval, Draft
from tasks.interrupts import HumanInterrupt, interrupt_of
from tasks.models import Task

if TYPE_CHECKING:
    from app.house import House

QUESTION = "a approve   e edit   r reject   s skip   q quit > "
RESULT_QUESTION = "a accept   r reject   s skip   q quit > "
APPROVE = "a approve   "
ACCEPT = "a accept   "


@dataclass(frozen=True)
class Waiting:
    """One thing that waits: a draft that would leave the house, or a result that wants a yes."""

    approval: Approval
    task: Task
    draft: review.DraftWithHistory | None

    @property
    def interrupt(self) -> HumanInterrupt | None:
        """What an outside agent asks; None for everything else."""
        return interrupt_of(self.approval)

    @property
    def is_question(self) -> bool:
        """A gate of a plan, or a tool that asks before it acts."""
        return self.approval.tool is not None or self.task.tool == "approval_gate"

    def as_json(self) -> dict[str, object]:
        return {"approval": self.approval, "draft": self.draft, "task": self.task}


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("review", cls=DoorCommand, rich_help_panel="Review")(review_command)


def review_command(
    list_: Annotated[bool, typer.Option("--list", help="Show what waits, and decide nothing.")] = False,
    approve: Annotated[
        str | None, typer.Option("--approve", metavar="ID", help="Approve this draft (or result); it is sent.")
    ] = None,
    reject: Annotated[str | None, typer.Option("--reject", metavar="ID", help="Reject this draft (or result).")] = None,
    feedback: Annotated[
        str | None, typer.Option("--feedback", help="With --reject: what to change; a new version is written.")
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option("--digest", help="With --approve: refuse if the draft is not the one with this digest."),
    ] = None,
    undo: Annotated[
        str | None,
        typer.Option("--undo", metavar="ID", help="Undo what a permission let through; its permission is off."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read what Steward prepared, one by one: approve, edit, or reject it with feedback.

    Nothing leaves the house before you have seen it here, or named it with --approve, or a permission of yours lets it:
    that can be undone for a while.

    [dim]steward review --list[/dim]
    [dim]steward review --approve 3f2a --json[/dim]
    """
    out = Output(as_json)
    if sum([list_, approve is not None, reject is not None, undo is not None]) > 1:
        raise WrongUse("--list, --approve, --reject and --undo exclude each other")
    if feedback is not None and reject is None:
        raise WrongUse("--feedback goes with --reject")
    if digest is not None and approve is None:
        raise WrongUse("--digest goes with --approve")

    async def action(house: "House") -> None:
        if approve is not None:
            await approve_one(house, out, await find_waiting(house.caller, approve), digest)
        elif reject is not None:
            await reject_one(house, out, await find_waiting(house.caller, reject), feedback)
        elif undo is not None:
            await undo_one(house, out, undo)
        elif list_ or not out.is_interactive:
            await list_waiting(house, out)
        else:
            await go_through(house, out)

    in_house(action)


async def all_waiting(caller: Caller) -> list[Waiting]:
    """Everything that waits for a yes, oldest first."""
    approvals: list[Approval] = []
    after = None
    while True:
        page = await review.list_approvals(caller, states=["open"], after=after, limit=200)
        approvals += page.items
        after = page.after
        if after is None:
            return [await _look_at(caller, approval) for approval in reversed(approvals)]


async def _look_at(caller: Caller, approval: Approval) -> Waiting:
    draft = await review.get_draft(caller, approval.draft_id) if approval.draft_id else None
    return Waiting(approval, await functions.get_task(caller, approval.task_id), draft)


async def find_waiting(caller: Caller, given: str) -> Waiting:
    """The one thing that waits under the id of a draft, an approval or a task that begins with `given`."""
    prefix = given.strip().lower()
    if len(prefix) < 4:
        raise WrongUse(f"{given!r} is too short for an id", hint="Give at least 4 digits of it.")
    found = [
        waiting
        for waiting in await all_waiting(caller)
        if any(
            str(one).startswith(prefix)
            for one in (waiting.approval.id, waiting.approval.draft_id, waiting.approval.task_id)
        )
    ]
    if not found:
        raise NotFound(f"Nothing that waits has the id {prefix}", hint="`steward review --list` shows what waits.")
    if len(found) > 1:
        raise WrongUse(
            f"{len(found)} waiting things have an id that begins with {prefix}",
            hint="Give more of it.",
            errors=[{"id": str(w.approval.draft_id or w.approval.id), "message": w.approval.title} for w in found],
        )
    return found[0]


async def list_waiting(house: "House", out: Output) -> None:
    """All that waits, in full."""
    waiting, held = await all_waiting(house.caller), await say_held(house, out)
    out.data({"items": [one.as_json() for one in waiting], "held": held})
    if not waiting:
        out.say("Nothing waits for your review.")
    for one in waiting:
        say_waiting(out, one)
        out.say()


def say_waiting(out: Output, waiting: Waiting) -> None:
    """One thing that waits, as it would leave."""
    _say_what(out, waiting)
    if alone := waiting.approval.approver:
        who = one_line(alone.called)
        out.say(Text(f"It leaves through the account of {who}: only {who} may approve it.", "yellow"))


def _say_what(out: Output, waiting: Waiting) -> None:
    if waiting.draft:
        head = f"Draft {rendering.short_id(waiting.draft)}, version {waiting.draft.version}"
        out.say(Text.assemble((head, "bold"), f"  for: {one_line(waiting.task.title)}"))
        if waiting.draft.why:
            out.say(Text(one_line(waiting.draft.why), "dim"))
        say_moved(out, waiting.draft)
        answering.say_wanted(out, waiting.approval)
        say_reasons(out, waiting.approval)
        out.say(*rendering.draft_as_mail(waiting.draft))
    elif waiting.interrupt:
        answering.say_interrupt(out, waiting.approval, waiting.interrupt)
    elif waiting.is_question:
        head = f"Question {rendering.short_id(waiting.approval)}"
        out.say(Text.assemble((head, "bold"), f"  for: {one_line(waiting.task.title)}"), plain(waiting.approval.title))
        answering.say_wanted(out, waiting.approval)
        if waiting.approval.why:
            out.say(waiting.approval.why)
        say_reasons(out, waiting.approval)
        for name, value in review.shown_facts(waiting.approval):
            out.say(Text.assemble((f"  {one_line(name)}: ", "dim"), plain(value).replace("\n", "\n    ")))
        if waiting.approval.tool and (text := str(waiting.approval.payload.get("text") or "")):
            out.say("", text)
    else:
        head = f"Result {rendering.short_id(waiting.approval)}"
        out.say(Text.assemble((head, "bold"), f"  for: {one_line(waiting.task.title)}"))
        say_result(out, waiting.task)


async def approve_one(house: "House", out: Output, waiting: Waiting, digest: str | None = None) -> None:
    """A yes to exactly what was shown, and what became of it."""
    if waiting.interrupt:
        if digest is not None and digest != waiting.approval.digest:
            raise Conflict("This is not the question that was shown", hint="Read it again: steward review --list")
        await answering.answer_one(house, out, waiting.approval, "accept")
        return
    if waiting.draft is None:
        await review.decide_approval(house.caller, waiting.approval.id, approved=True)
        task = await functions.get_task(house.caller, waiting.task.id)
        out.data({"task": task})
        said = "You said yes" if waiting.is_question else "Accepted"
        out.say(Text.assemble(rendering.mark(task.execution_status), f" {said}: {one_line(task.title)}"))
        return
    if digest is not None and digest != waiting.draft.digest:
        raise Conflict("This is not the draft that was shown", hint="Read it again: steward review --list")
    seen = await last_event_id(house.caller, waiting.task.id)
    await review.approve_draft(house.caller, waiting.draft.id, waiting.draft.digest)
    await _work(house, out, waiting.task.id, seen)
    draft = await review.get_draft(house.caller, waiting.draft.id)
    out.data({"draft": draft})
    say_sent(out, draft)


async def reject_one(house: "House", out: Output, waiting: Waiting, feedback: str | None) -> Waiting | None:
    """A no; with feedback, the new version that was written, if there is one. To an agent the feedback is the answer."""
    if waiting.interrupt:
        said = (feedback or "").strip()
        await answering.answer_one(house, out, waiting.approval, "response" if said else "ignore", said or None)
        return None
    seen = await last_event_id(house.caller, waiting.task.id)
    await review.decide_approval(house.caller, waiting.approval.id, approved=False, notes=feedback)
    switched_off = await say_switched_off(house, out, waiting.approval.id)
    if feedback and feedback.strip():
        await _work(house, out, waiting.task.id, seen)
    following = [w for w in await all_waiting(house.caller) if w.task.id == waiting.task.id]
    task = await functions.get_task(house.caller, waiting.task.id)
    new = following[-1].as_json() if following else None
    out.data({"task": task, "new": new, "switched_off": switched_off})
    if following:
        out.say("Rejected. There is a new version:", "")
        say_waiting(out, following[-1])
        return following[-1]
    out.say(Text.assemble(rendering.mark(task.execution_status), f" Rejected: {one_line(task.title)}"))
    if task.execution_status == "blocked" and task.blocked_reason:
        out.say(f"  {task.blocked_reason}. {task.unblocked_by or ''}")
    return None


async def _work(house: "House", out: Output, task_id: UUID, seen: int) -> None:
    async with progress(out, house) as show:
        await follow(house, task_id, seen, show)


async def go_through(house: "House", out: Output) -> None:
    """Show one after the other and ask what to do with each; skipping decides nothing."""
    await say_held(house, out)
    waiting = await all_waiting(house.caller)
    if not waiting:
        out.say("Nothing waits for your review.")
        return
    while waiting:
        one: Waiting | None = waiting.pop(0)
        say_waiting(out, one)
        while one is not None:
            out.say()
            try:
                key = ask(question_of(one)).strip().lower()[:1]
            except EOFError:
                return
            if key == "q":
                return
            one = await _decide(house, out, one, key)
    out.say("That was all.")


def question_of(one: Waiting) -> str:
    """The letters that are asked for; without a yes where only a colleague may give it."""
    if one.interrupt:
        return answering.question_of(one.interrupt)
    question = QUESTION if one.draft else RESULT_QUESTION
    return question if one.approval.approver is None else question.removeprefix(APPROVE).removeprefix(ACCEPT)


async def _decide(house: "House", out: Output, one: Waiting, key: str) -> Waiting | None:
    """Do what a key says; what is to be asked about next, or None when this one is settled."""
    try:
        match key:
            case _ if one.interrupt and key != "s":
                is_answered = await answering.answer_by_key(house, out, one.approval, one.interrupt, key)
                return None if is_answered else one
            case "a":
                await approve_one(house, out, one)
                return None
            case "r":
                return await reject_one(house, out, one, ask("What should change? (empty: drop it) > ").strip() or None)
            case "e" if one.draft:
                return await _edit(house, out, one, one.draft)
            case "s":
                return None
            case _:
                out.say("One of the letters, then Enter.")
                return one
    except Conflict as error:  # decided elsewhere meanwhile, or changed under our eyes
        out.say(Text.assemble(("! ", "yellow"), one_line(error.message)))
        return None
    except StewardError as error:  # no recipient, no editor, a head that can't be read: it can be put right
        report_error(error)
        return one


async def _edit(house: "House", out: Output, one: Waiting, draft: Draft) -> Waiting:
    changes = edit_draft(draft)
    if not changes:
        out.say("Nothing was changed.")
        return one
    new = await review.revise_draft(house.caller, draft.id, changes)
    following = await find_waiting(house.caller, str(new.id))
    say_waiting(out, following)
    return following
