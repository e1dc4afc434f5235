"""What doctor finds outside: mail, calendar, Slack, files, the browser, and the services of tools."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from cli.finding import ANSWER_SECONDS, Check, attempt
from core.errors import StewardError
from core.settings import Settings

if TYPE_CHECKING:
    from app.house import House


async def check_accounts(house: "House") -> list[Check]:
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


async def check_sending(settings: Settings) -> Check:
    """Can mail be handed over? Connects and signs in to the SMTP server, or asks Resend; sends nothing."""
    if settings.smtp_url is not None:
        from integrations.mail.smtp import SmtpServer

        url = settings.smtp_url.get_secret_value()
        where = url.rpartition("@")[2] or "SMTP"
        return await attempt("sending", where, "Check STEWARD_SMTP_URL.", lambda: SmtpServer(url).check())
    if settings.resend_api_key is not None:
        from integrations.mail.resend import ResendSender

        sender = ResendSender(settings.resend_api_key.get_secret_value(), settings.resend_base_url)
        return await attempt("sending", "Resend", "Check RESEND_API_KEY.", sender.check)
    if settings.is_over_http:
        hint = "The worker sends; STEWARD_SMTP_URL there serves the owner alone: docs/guide/organizations.md."
        return Check("sending", "note", "from the mailbox that each person connects under Settings", hint)
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

    found = await attempt("mailbox", url.rpartition("@")[2] or "IMAP", "Check STEWARD_IMAP_URL.", look)
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

    found = await attempt("Google", "Google", "Try again in a moment.", lambda: oauth.check(google_app(settings)))
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


async def check_files(settings: Settings) -> Check:
    """Where does the content of large files go, and does that store answer? Asks for one that is not there."""
    place = settings.artifact_store
    if place == "database":
        return Check("files", "ok", "in the database, up to 20 MB each")

    async def look() -> str:
        from jobs.outside.storing import contents_from

        await contents_from(settings).store(place).exists(f"{'0' * 8}-0000-0000-0000-{'0' * 12}/{'0' * 64}")
        return f"from {settings.artifact_store_bytes:,} bytes on in {place}, bucket {settings.artifact_bucket}"

    return await attempt("files", place, "See docs/guide/artifacts.md.", look)


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
        await attempt(name, name, f"Check {variable}.", partial(_knock_at_postgres, url.get_secret_value()))
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
