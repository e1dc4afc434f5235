"""The command nudges: what is brought up unasked, each with its reason; acted on, dismissed and muted."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse, one_line

if TYPE_CHECKING:
    from uuid import UUID

    from app.house import House
    from tasks.nudges import Nudge, NudgeState

Action = Literal["list", "act", "dismiss", "mute"]
What = Literal["kind", "person", "thread"]
LEAST_PREFIX = 4
MOST = 200
LONGEST_REASON = 500


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("nudges", cls=DoorCommand, rich_help_panel="Attention")(nudges_command)


def nudges_command(
    action: Annotated[
        Action, typer.Argument(help="list; act (it was of use), dismiss (it was not) or mute one with an ID.")
    ] = "list",
    nudge_id: Annotated[str, typer.Argument(metavar="ID", help="act, dismiss, mute: the nudge's id.")] = "",
    what: Annotated[What, typer.Option("--what", help="mute: nothing more of its kind, person or thread.")] = "kind",
    why: Annotated[str, typer.Option("--why", help="act, dismiss, mute: the reason, kept with it.")] = "",
    show_all: Annotated[bool, typer.Option("--all", help="list: what is held back and what is over, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What Steward brings up by itself, and why. Dismissing one withdraws what was prepared for it.

    [dim]steward nudges dismiss 3f2a[/dim]
    [dim]steward nudges mute 3f2a --what person[/dim]
    """
    if (action != "list") != bool(nudge_id.strip()):
        wrong = "takes no id" if action == "list" else "needs the id of a nudge: `steward nudges` shows them"
        raise WrongUse(f"steward nudges {action} {wrong}")

    async def visit(house: "House") -> None:
        out = Output(as_json)
        match action:
            case "list":
                await _list(house, out, show_all=show_all)
            case "mute":
                await _mute(house, out, await _find(house, nudge_id), what, why.strip()[:LONGEST_REASON])
            case _:
                await _decide(house, out, await _find(house, nudge_id), action, why)

    in_house(visit)


async def _list(house: "House", out: Output, *, show_all: bool) -> None:
    from tasks.nudges import list_nudges

    states: list[NudgeState] = [] if show_all else ["told"]
    found = (await list_nudges(house.caller, states=states, limit=MOST)).items
    out.data({"items": found})
    if not found:
        out.say("Nothing was brought up yet." if show_all else "Nothing is brought up now.")
    for one in found:
        out.say(_line(one), Text(f"          {one_line(one.why)}", "dim"))


def _line(nudge: "Nudge") -> Text:
    from app._view.nudges import ENDED, HELD

    state = f"held back: {HELD[nudge.held_because]}" if nudge.state == "held" and nudge.held_because else ""
    state = state or ("" if nudge.state == "told" else ENDED[nudge.state])
    urgent = (" urgent", "yellow") if nudge.is_urgent and nudge.state == "told" else ""
    return Text.assemble((f"{str(nudge.id)[:8]}  ", "dim"), one_line(nudge.title), urgent, (f"  {state}", "dim"))


async def _decide(house: "House", out: Output, nudge: "Nudge", action: str, why: str) -> None:
    from tasks.nudges import decide_nudge

    decision = "acted" if action == "act" else "dismissed"
    decided = await decide_nudge(
        house.caller, nudge.id, decision, house.clock.now(), why.strip()[:LONGEST_REASON] or None
    )
    out.data(decided)
    out.say(f"{'Useful' if decision == 'acted' else 'Not useful'}: {one_line(decided.title)}")


async def _mute(house: "House", out: Output, nudge: "Nudge", what: What, why: str) -> None:
    from app._view.nudges import mute_words
    from tasks.nudges import decide_nudge, mute_nudge

    about = {"kind": nudge.kind, "person": nudge.person, "thread": nudge.thread_key}[what]
    if about is None:
        raise WrongUse(f"This nudge is about no {what}", hint="Mute its kind.")
    before = await _open(house)
    if why and nudge.id in before and nudge.kind != "reminder":
        await decide_nudge(house.caller, nudge.id, "dismissed", house.clock.now(), why)
    mute = await mute_nudge(house.caller, nudge.id, what, house.clock.now())
    after = await _open(house)
    put_away = [one for one in before.values() if one.id not in after and one.id != nudge.id]
    out.data({**mute.model_dump(mode="json"), "put_away": [{"id": one.id, "title": one.title} for one in put_away]})
    out.say(f"Muted: {one_line(mute_words(mute))}. `steward attention --unmute {str(mute.id)[:8]}` takes it back.")
    if put_away:
        out.say(f"It put {len(put_away)} more away:")
    for one in put_away:
        out.say(_line(one))


async def _open(house: "House") -> "dict[UUID, Nudge]":
    """What is brought up or held back, by id."""
    from tasks.nudges import list_nudges

    found: dict[UUID, Nudge] = {}
    after = None
    while True:
        page = await list_nudges(house.caller, states=["told", "held"], after=after, limit=MOST)
        found |= {one.id: one for one in page.items}
        after = page.after
        if after is None:
            return found


async def _find(house: "House", wanted: str) -> "Nudge":
    """The nudge with that id, or whose id begins so. Raises WrongUse for none and for several."""
    from tasks.nudges import list_nudges

    text, after = wanted.strip().casefold(), None
    fitting: list[Nudge] = []
    while len(text) >= LEAST_PREFIX:
        page = await list_nudges(house.caller, after=after, limit=MOST)
        fitting += [one for one in page.items if str(one.id).startswith(text)]
        after = page.after
        if after is None:
            break
    if len(fitting) == 1:
        return fitting[0]
    raise WrongUse(
        f"{len(fitting) or 'No'} nudges have an id that begins with {wanted[:40]!r}",
        hint="`steward nudges --all` shows the ids; the first 4 characters or more are enough where one alone has them.",
    )
