"""The command keys: a new key for the secrets of connected accounts, or for sessions."""

from typing import TYPE_CHECKING

import typer

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output
from core.settings import load_settings

if TYPE_CHECKING:
    from app.house import House

KEPT_KEYS = 2  # the one before stays: a process that runs may hold it until it ends
keys = typer.Typer(
    no_args_is_help=True, help="Keys of this house: for secrets of connected accounts, and for sessions."
)


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(keys, name="keys", rich_help_panel="Upkeep")


@keys.command("rotate", cls=DoorCommand)
def rotate_command(as_json: JsonOption = False) -> None:
    """Make a new key and seal every secret anew with it. Interrupted half-way, everything stays readable: run it again.

    With STEWARD_ENCRYPTION_KEYS no key is made: put a new one first there, rotate, and drop the old one.
    """

    async def action(house: "House") -> None:
        from core.database import Identity
        from core.errors import StewardError
        from core.vault import Vault
        from core.vault_keys import add_key, drop_old_keys
        from tasks.sealed import reseal_all

        settings = house.settings
        if not settings.encryption_keys:
            add_key(settings.home)
        done = await reseal_all(house.database.acting_as(Identity.service()), Vault.from_settings(settings))
        if done.unreadable:  # with a key that may come back: none is dropped
            raise StewardError(
                f"{done.count} secrets are sealed with the new key; {len(done.unreadable)} cannot be opened",
                detail=", ".join(done.unreadable[:10]),
                hint="Add their key at the end of STEWARD_ENCRYPTION_KEYS and rotate again, or connect the accounts again.",
            )
        if not settings.encryption_keys:
            drop_old_keys(settings.home, KEPT_KEYS)
        out = Output(as_json)
        out.data({"resealed": done.count})
        out.say(f"{done.count} secrets are sealed with the new key.")
        if settings.encryption_keys:
            out.say("Old keys can be taken out of STEWARD_ENCRYPTION_KEYS once every process runs with the new one.")

    in_house(action)


@keys.command("sessions", cls=DoorCommand)
def sessions_command(as_json: JsonOption = False) -> None:
    """Make a new key for sessions, sign-in links and tokens of `steward token`: everybody signs in anew, on every device.

    What runs holds the old key until it is started anew. With STEWARD_SECRET_KEY no key is made: put another one there.
    """
    from core.backup.sealing import end_sessions
    from core.errors import Conflict

    settings = load_settings()
    if settings.secret_key:
        raise Conflict(
            "The key of sessions is STEWARD_SECRET_KEY", hint="Put another one there, and start Steward anew."
        )
    end_sessions(settings.home)
    out = Output(as_json)
    out.data({"renewed": True})
    out.say("A Steward that runs holds the old key until it is started anew: stop it and start it again.")
    out.say("Then everybody signs in anew: steward link")
