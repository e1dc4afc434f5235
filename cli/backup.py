"""Commands backup and restore: the house in one file, and a house out of it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.door import DoorCommand, JsonOption, run_async
from cli.output import Output, WrongUse, one_line
from core.errors import Invalid, Unavailable
from core.settings import LOCAL_ADDRESS, Settings, load_settings

if TYPE_CHECKING:
    from core.backup.format import Manifest
    from core.backup.restoring import Restored

PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="The first line of this file seals the keys of secrets; else they stay out.",
    ),
]
LONGEST_PASSPHRASE_BYTES = 4096
LONGEST_LIST = 20


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("backup", cls=DoorCommand, rich_help_panel="Upkeep")(backup_command)
    app.command("restore", cls=DoorCommand, rich_help_panel="Upkeep")(restore_command)


def backup_command(
    place: Annotated[
        Path, typer.Argument(metavar="FILE|FOLDER", help="A new file, or a folder: then it is named by the time.")
    ],
    passphrase_file: PassphraseOption = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=1, max=10_000, help="Of the back-ups in the folder keep so many, the newest."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write all of this house to one file, while it runs: everything of one moment, or no file.

    Steward's own database or the one that STEWARD_DATABASE_URL names. The file holds what people wrote: keep it as you keep that.
    """
    from core.backup.saving import NAMED, drop_old, save

    out = Output(as_json)
    settings = load_settings()
    passphrase = _passphrase(passphrase_file)
    is_folder = place.is_dir()
    if keep is not None and not is_folder:
        raise WrongUse("--keep needs a folder", hint=f"{place} is none.")
    if not place.absolute().parent.is_dir():
        raise Invalid(f"There is no folder {place.absolute().parent}")
    target = place.absolute() / datetime.now(UTC).strftime(NAMED) if is_folder else place.absolute()

    async def work() -> "Manifest":
        url = _database_url(settings)
        if url is not None:
            return await save(url, target, source="postgres", home=settings.home, told=_Progress(out),
                              keys=_keys(settings, passphrase), passphrase=passphrase)  # fmt: skip
        from core.embedded import EmbeddedPostgres

        if not settings.home.is_dir():
            raise Invalid(f"There is nothing to back up in {settings.home}", hint="STEWARD_HOME names another folder.")
        server = await asyncio.to_thread(EmbeddedPostgres.start, settings.home)
        try:
            return await save(server.url, target, source="embedded", home=settings.home, told=_Progress(out),
                              keys=_keys(settings, passphrase), passphrase=passphrase)  # fmt: skip
        finally:
            await asyncio.to_thread(server.stop)

    manifest = run_async(work())
    removed = drop_old(place, keep) if keep is not None else []
    size = target.stat().st_size
    out.data({"file": target, "bytes": size, "rows": manifest.rows, "tables": len(manifest.tables), "files": len(manifest.files),
              "has_keys": manifest.keys is not None, "removed": [str(path) for path in removed]})  # fmt: skip
    out.say(
        f"{target}: {manifest.rows} rows of {len(manifest.tables)} tables, {len(manifest.files)} files, {_size(size)}."
    )
    if any("encrypted_password" in table.columns for table in manifest.tables):
        out.say("The hashes of members' passwords are in it, so that they can sign in again: let nobody else read it.")
    if manifest.keys is None:
        out.say(
            "The keys of secrets are not in it (--passphrase-file): without them connected accounts do not open elsewhere."
        )
    if removed:
        out.say("An older one is gone." if len(removed) == 1 else f"{len(removed)} older ones are gone.")


def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `steward backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of what is there, which is gone then.")
    ] = False,
    passphrase_file: PassphraseOption = None,
    keep_tokens: Annotated[
        bool,
        typer.Option(
            "--keep-tokens", help="For moving house: sessions, tokens, calendar feeds and invitations stay good."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a house out of a back-up: whole, or everything stays as it was. Steward must not run meanwhile.

    A back-up of an older Steward is brought up to date. Tasks that were under way, or would go on by themselves, are paused and
    standing permissions stopped, as what they do may have been done since. Sessions, tokens, calendar feeds and open invitations end.
    """
    from core.backup.restoring import restore

    out = Output(as_json)
    settings = load_settings()
    done = run_async(
        restore(file.absolute(), url=_database_url(settings), home=settings.home, told=_Progress(out), replace=replace,
                passphrase=_passphrase(passphrase_file), keeps_tokens=keep_tokens)
    )  # fmt: skip
    manifest, calmed = done.manifest, done.calmed
    out.data({"rows": manifest.rows, "files": len(manifest.files), "made_at": manifest.made_at, "version": manifest.version,
              "applied": done.migrated, "owner": done.owner, "paused": [{"id": task, "title": title} for task, title in calmed.paused], "permissions_stopped": calmed.stopped,
              "tokens_revoked": calmed.revoked, "has_keys": done.has_keys})  # fmt: skip
    out.say(
        f"Restored: {manifest.rows} rows and {len(manifest.files)} files, as of {manifest.made_at:%Y-%m-%d %H:%M} UTC."
    )
    _tell_of_calm(out, done)
    if not done.has_keys:
        out.say("Keys of secrets were not restored: accounts whose key is not here have to be connected again.")
    if _database_url(settings):
        out.say(
            "Web processes without a signing or secret key, and functions of AWS, are not seen from here: start them anew."
        )
    if keep_tokens:
        out.say("Sessions, tokens, calendar feeds and invitations are as they were then, those ended since, too.")
        out.say(_owner_words(done.owner, settings))
        return
    out.say(f"Ended: {calmed.revoked} tokens, calendar feeds and open invitations. Who needs one makes a new one.")
    if settings.secret_key:
        out.say(
            "Sessions are signed with STEWARD_SECRET_KEY: put another one there to end them, after `steward keys rotate`."
        )
    out.say(_owner_words(done.owner, settings))
    out.say("Everybody signs in anew: steward link")


def _owner_words(owner: str | None, settings: Settings) -> str:
    """Whom commands spoke for, and how they do so again."""
    if owner is None:
        return "Nobody was its owner: STEWARD_OWNER_EMAIL names the person of this house whom commands speak for."
    if owner == LOCAL_ADDRESS or owner.casefold() == settings.owner_email.casefold():
        return f"Its owner is {owner}."
    return f"Its owner was {owner}: with STEWARD_OWNER_EMAIL={owner} commands speak for them."


def _tell_of_calm(out: Output, done: "Restored") -> None:
    if done.migrated:
        out.say(f"Brought up to date, migrations: {len(done.migrated)}.")
    paused = done.calmed.paused
    if paused:
        out.say(
            f"Paused: {len(paused)} that were at work, about to act, or would go on by themselves. It may have happened since:"
        )
        for task, title in paused[:LONGEST_LIST]:
            out.say(one_line(f"  {task}  {title}"))
        if len(paused) > LONGEST_LIST:
            out.say(f"  and {len(paused) - LONGEST_LIST} more: steward list")
        out.say("Look whether it did, then: steward resume ID, or steward cancel ID.")
    if done.calmed.stopped:
        out.say("All standing permissions are stopped: one may have been taken away since, and everything asks.")
        out.say("Look them over (steward policies), then let them count again: steward policies resume")


def _database_url(settings: Settings) -> str | None:
    """None for the embedded database. Raises `Unavailable` where the database is only reached over HTTP."""
    if settings.database_url:
        return settings.database_url.get_secret_value()
    if settings.supabase_url and settings.supabase_publishable_key:
        raise Unavailable(
            "This needs a connection to the database",
            hint="Set STEWARD_DATABASE_URL to the project's session connection.",
        )
    return None


def _passphrase(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            line = stream.read(LONGEST_PASSPHRASE_BYTES).split(b"\n", 1)[0].decode().strip("\r")
    except UnicodeDecodeError as error:
        raise Invalid(f"The passphrase in {file} is not UTF-8") from error
    except OSError as error:
        raise Invalid(f"--passphrase-file {file} cannot be read", detail=error.strerror) from error
    if not line:
        raise Invalid(f"--passphrase-file {file} is empty")
    return line


def _keys(settings: Settings, passphrase: str | None) -> str:
    """All that secrets of this house open with, as text; empty without a passphrase to seal them."""
    if passphrase is None:
        return ""
    from core.backup.sealing import keys_of

    return keys_of(settings)


class _Progress:
    """One line on a terminal that says how far it is."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def __call__(self, what: str, done: int, total: int) -> None:
        console = self._out.errors
        if self._out.as_json or not console.is_terminal:
            return
        words = "" if done == total else f"  {done} of {total}  {what}"
        console.file.write(f"\r{words:<70}\r{words}")
        console.file.flush()


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
