"""The command organizations: where one belongs, where one acts, who else is there, and who is asked to join."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from cli.door import DoorCommand, JsonOption, ask, in_house
from cli.output import Output, WrongUse, one_line

if TYPE_CHECKING:
    from app.house import House
    from core.database import Caller
    from tasks.organizations import Invitation, Member, Organization

Action = Literal[
    "list", "create", "choose", "rename", "members", "role", "remove", "invite", "invitations", "revoke", "leave",
    "delete", "delete-me",
]  # fmt: skip
NEEDS = {
    "create": "its name",
    "choose": "the name of the organization",
    "rename": "its new name",
    "role": "whose role: the address",
    "remove": "who is removed: the address",
    "invite": "whom: the address",
    "revoke": "whose invitation: the address",
    "delete": "its name, exactly, as the one you act in is called",
    "delete-me": "your own address",
}


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("organizations", cls=DoorCommand, rich_help_panel="House")(organizations_command)


def organizations_command(
    action: Annotated[
        Action, typer.Argument(help="What to do; all but list, create and choose are about the one you act in.")
    ] = "list",
    word: Annotated[
        str, typer.Argument(metavar="NAME", help="A name for create, choose, rename and delete; else an address.")
    ] = "",
    role: Annotated[
        str, typer.Option("--role", help="invite: member or admin. role: owner, admin or member.")
    ] = "member",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="remove, leave, delete, delete-me: do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Organizations: you see and act in one at a time, on pages, here and in the API.

    [dim]steward organizations create Vega[/dim]
    [dim]steward organizations invite ana@example.org --role admin[/dim]
    [dim]steward organizations choose Vega[/dim]
    """
    if action in NEEDS and not word.strip():
        raise WrongUse(f"steward organizations {action} needs a second word: {NEEDS[action]}")

    async def visit(house: "House") -> None:
        out = Output(as_json)
        if action in {"list", "create", "choose"}:
            await _mine(house.caller, out, action, word.strip())
        elif action in {"invite", "invitations", "revoke"}:
            await _inviting(house, out, action, word.strip(), role)
        elif action in {"delete", "delete-me"}:
            await _deleting(house, out, action, word.strip(), yes=yes)
        else:
            await _here(house.caller, out, action, word.strip(), role, yes=yes)

    in_house(visit)


async def _mine(caller: "Caller", out: Output, action: Action, word: str) -> None:
    """Where one belongs, and where one acts."""
    from tasks.organizations import choose_organization, create_organization, list_organizations

    if action == "create":
        made = await create_organization(caller, word)
        out.data(made)
        out.say(f"{one_line(made.name)} is there, and you act in it now.")
        return
    mine = await list_organizations(caller)
    if action == "choose":
        chosen = await choose_organization(caller, _named(mine, word).id)
        out.data(chosen)
        out.say(f"You act in {one_line(chosen.name)} now.")
        return
    out.data({"items": [one.model_dump(mode="json") for one in mine]})
    table = Table(box=None, pad_edge=False)
    for heading in ("", "Name", "You are", "ID"):
        table.add_column(heading)
    for one in mine:
        what = "its person" if one.is_personal else one.role
        table.add_row("*" if one.is_chosen else "", one_line(one.name), what, str(one.id))
    out.table(table)


async def _here(caller: "Caller", out: Output, action: Action, word: str, role: str, *, yes: bool) -> None:
    """The organization that one acts in, and who belongs to it."""
    from tasks.organizations import change_role, leave_organization, list_members, remove_member, rename_organization

    here = await _acting(caller)
    match action:
        case "rename":
            renamed = await rename_organization(caller, here.id, word)
            out.data(renamed)
            out.say(f"It is called {one_line(renamed.name)} now.")
        case "leave":
            if not yes and not _is_sure(out, f"Leave {one_line(here.name)}? Your open tasks there become the owner's."):
                return
            left = await leave_organization(caller, here.id)
            out.data({"items": [one.model_dump(mode="json") for one in left]})
            out.say(f"You belong to {one_line(here.name)} no more.")
        case "role" | "remove":
            member = _of_address(await list_members(caller, here.id), word)
            if action == "role":
                changed = await change_role(caller, here.id, member.user_id, role)
                out.data(changed)
                out.say(f"{one_line(changed.email or word)} is {role} now.")
                return
            if not yes and not _is_sure(out, f"Remove {one_line(word)}? Their open tasks become yours."):
                return
            gone = await remove_member(caller, here.id, member.user_id)
            out.data(gone)
            out.say(f"{one_line(gone.email or word)} belongs to {one_line(here.name)} no more.")
        case _:
            _show_members(out, await list_members(caller, here.id))


async def _deleting(house: "House", out: Output, action: Action, word: str, *, yes: bool) -> None:
    """The organization that one acts in, or everything of one's own."""
    from jobs.outside.ending import ending
    from tasks.organizations import delete_organization, delete_person

    caller, own = house.caller, house.caller.identity.user_id
    if action == "delete":
        here = await _acting(caller)
        if not yes and not _is_sure(out, f"Delete {one_line(here.name)} with everything in it, for everybody?"):
            return
        left, missed = await ending(
            house.given,
            caller,
            lambda one: one.organization_id == here.id,
            lambda: delete_organization(caller, here.id, word),
        )
        out.data({"items": [one.model_dump(mode="json") for one in left], "not_revoked": missed})
        out.say(f"{one_line(here.name)} is gone, with everything in it.")
        _say_not_revoked(out, missed)
        return
    if not yes and not _is_sure(out, "Delete everything of yours? It cannot be undone."):
        return
    gone, missed = await ending(
        house.given, caller, lambda one: one.user_id == own, lambda: delete_person(caller, word)
    )
    out.data({**gone.model_dump(mode="json"), "not_revoked": missed})
    out.say("Everything of yours is gone" + (", and your account." if gone.is_person_gone else ". You begin anew."))
    _say_not_revoked(out, missed)


def _say_not_revoked(out: Output, missed: list[str]) -> None:
    """Services that could not be told, and where a person does it."""
    from tasks.accounts import ENDED_BY_HAND

    for name, place in (ENDED_BY_HAND[one] for one in missed):
        out.note(f"{name} could not be told. Remove Steward there yourself: {place}")


async def _inviting(house: "House", out: Output, action: Action, word: str, role: str) -> None:
    """Who is asked to join the organization that one acts in."""
    from tasks.organizations import create_invitation, list_invitations, revoke_invitation

    caller, here = house.caller, await _acting(house.caller)
    if action == "invite":
        made = await create_invitation(caller, here.id, word, role)
        base = house.settings.public_url or f"http://{house.settings.host}:{house.settings.port}"
        link = base.rstrip("/") + made.path
        out.data({**made.model_dump(mode="json"), "link": link})
        out.say(link)
        until = f"{made.details.expires_at.astimezone(house.clock.timezone):%Y-%m-%d %H:%M}"
        out.note(
            f"Send it to {made.details.email} yourself: it works for that address, until {until}. It is shown this once."
        )
        return
    known = await list_invitations(caller, here.id)
    if action == "revoke":
        wanted = _open_for(known, word)
        gone = await revoke_invitation(caller, wanted.id)
        out.data(gone)
        out.say(f"The invitation for {one_line(gone.email)} leads nowhere any more.")
        return
    out.data({"items": [one.model_dump(mode="json") for one in known]})
    if not known:
        out.say("Nobody was asked to join. Ask somebody: steward organizations invite ana@example.org")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("Address", "As", "State"):
        table.add_column(heading)
    for one in known:
        table.add_row(one_line(one.email), one.role, one.state)
    out.table(table)


def _show_members(out: Output, members: "list[Member]") -> None:
    out.data({"items": [one.model_dump(mode="json") for one in members]})
    table = Table(box=None, pad_edge=False)
    for heading in ("Name", "Address", "Role"):
        table.add_column(heading)
    for one in members:
        table.add_row(one_line(one.name or "") + (" (you)" if one.is_you else ""), one_line(one.email or ""), one.role)
    out.table(table)


async def _acting(caller: "Caller") -> "Organization":
    from tasks.organizations import list_organizations

    found = [one for one in await list_organizations(caller) if one.is_chosen]
    if not found:
        raise WrongUse("You belong to no organization", hint="Ask somebody to invite you.")
    return found[0]


def _named(mine: "list[Organization]", word: str) -> "Organization":
    """The one of that name or id. Raises WrongUse for none and for several."""
    text = word.casefold()
    fitting = [one for one in mine if text in {one.name.casefold(), str(one.id)}]
    if len(fitting) == 1:
        return fitting[0]
    hint = "`steward organizations` lists yours; the id is always clear."
    raise WrongUse(f"{len(fitting) or 'None'} of your organizations is called {word[:80]!r}", hint=hint)


def _of_address(members: "list[Member]", word: str) -> "Member":
    found = [one for one in members if word.casefold() in {(one.email or "").casefold(), str(one.user_id)}]
    if not found:
        raise WrongUse(f"Nobody here has the address {word[:80]!r}", hint="`steward organizations members` lists them.")
    return found[0]


def _open_for(known: "list[Invitation]", word: str) -> "Invitation":
    found = [one for one in known if one.state == "open" and word.casefold() in {one.email, str(one.id)}]
    if not found:
        hint = "`steward organizations invitations` lists them."
        raise WrongUse(f"There is no open invitation for {word[:80]!r}", hint=hint)
    return found[0]


def _is_sure(out: Output, question: str) -> bool:
    if not out.is_interactive:
        raise WrongUse("This is not done without a yes", hint="Add --yes to do it without a question.")
    is_sure = ask(f"{question} [y/N] ").strip().casefold() in {"y", "yes"}
    if not is_sure:
        out.say("Nothing was done.")
    return is_sure
