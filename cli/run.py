"""Commands that run the house: run, web, worker, migrate, link."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from cli.door import DoorCommand, JsonOption, in_house, opened_house, run_async
from cli.finding import which_database
from cli.output import Output, WrongUse
from core.settings import QUEUES, Settings, load_settings, read_queues

if TYPE_CHECKING:
    from app.house import House

PortOption = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Listen here; else STEWARD_PORT, 8765.")
]

OWN_DATABASE = (
    "SUPABASE_URL is set, and SUPABASE_PUBLISHABLE_KEY is not: this is Steward's own database, not the project's, and there are no "
    "pages to sign in with Supabase."
)


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    for name, command in (
        ("run", run_command),
        ("web", web_command),
        ("worker", worker_command),
        ("link", link_command),
        ("migrate", migrate_command),
    ):
        app.command(name, cls=DoorCommand, rich_help_panel="House")(command)


def run_command(
    port: PortOption = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the link.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run Steward: pages, API and worker in one process, with its own database. Ctrl-C stops it.

    Prints a link that signs you in, once; `steward link` makes another.
    """
    _serve(Output(as_json), port, web=True, worker=True, browser=not no_browser)


def web_command(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Run only the pages and the API; workers run elsewhere (`steward worker`)."""
    _serve(Output(as_json), port, web=True, worker=False, browser=False)


def worker_command(
    queues: Annotated[
        str | None,
        typer.Option("--queues", help=f"Take from these alone, commas between: {', '.join(QUEUES)}; else from all."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", min=1, max=256, help="Tasks at the same time; else 4.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run only a worker. Any number of them share one database, on any number of machines."""
    changes: dict[str, object] = {}
    if queues is not None:
        changes["worker_queues"] = _queues(queues)
    if concurrency is not None:
        changes["worker_concurrency"] = concurrency
    _serve(Output(as_json), None, web=False, worker=True, browser=False, changes=changes)


def _queues(given: str) -> str:
    """Raises WrongUse for a queue that there is not: a worker would wait at it for ever."""
    try:
        return read_queues(given)
    except ValueError as error:
        raise WrongUse(f"--queues has no value {given[:80]!r}", hint=f"{str(error).capitalize()}.") from None


def _serve(
    out: Output,
    port: int | None,
    *,
    web: bool,
    worker: bool,
    browser: bool,
    changes: Mapping[str, object] | None = None,
) -> None:
    settings = load_settings().model_copy(update=dict(changes or {}))
    if port is not None:
        settings = settings.model_copy(update={"port": port})

    async def work() -> None:
        from cli.serving import listening_socket, serve

        if web:
            listening_socket(settings.host, settings.port).close()  # before the database is started for nothing
        async with opened_house(settings, over_http=web and not worker) as house:
            if web and settings.database_url is None and settings.supabase_url and settings.lacks_of_project:
                out.note(OWN_DATABASE)

            def ready() -> None:
                link = _entrance(house) if web else None
                out.data({"url": link, "pid": os.getpid()})
                out.say(f"Open {link}" if link else "The worker is ready.")
                sys.stdout.flush()
                out.note(f"Database: {which_database(settings)}.")
                out.note("Ctrl-C stops Steward.")
                if link and browser and out.is_interactive:
                    _open_browser(link)

            await serve(house, web=web, worker=worker, ready=ready)
        out.note("\nSteward has stopped.")

    run_async(work())


def _entrance(house: "House") -> str:
    """A link that signs the local owner in; where people sign in by themselves, the front door."""
    from cli.serving import load_keys, sign_in_link
    from jobs.addresses import web_address

    return sign_in_link(house, load_keys(house)) if house.owner.user_id else web_address(house.settings)


def _open_browser(link: str) -> None:
    """Show the link in a browser, where there is a screen for one; never a text browser over the terminal."""
    if sys.platform in {"darwin", "win32"} or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        import webbrowser

        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, link)


def link_command(as_json: JsonOption = False) -> None:
    """Print a fresh link that signs you in to the running Steward: it works once, for 15 minutes."""

    async def action(house: "House") -> None:
        from cli.serving import load_keys, sign_in_link

        out = Output(as_json)
        link = sign_in_link(house, load_keys(house))
        out.data({"url": link})
        out.say(link)

    in_house(action)


def migrate_command(as_json: JsonOption = False) -> None:
    """Bring the database up to date. `steward run` does so, too."""
    applied = run_async(_migrate(load_settings()))
    out = Output(as_json)
    out.data({"applied": applied})
    for name in applied:
        out.say(f"applied {name}")
    if not applied:
        out.say("The database is up to date.")


async def _migrate(settings: Settings) -> list[str]:
    from core.migrate import migrate

    if settings.database_url:
        return await migrate(settings.database_url.get_secret_value(), embedded=False)
    if settings.is_over_http:
        from core.postgres import needs_connection

        raise needs_connection()
    from core.embedded import EmbeddedPostgres

    server = await asyncio.to_thread(EmbeddedPostgres.start, settings.home)
    try:
        return await migrate(server.url, embedded=True)
    finally:
        await asyncio.to_thread(server.stop)
