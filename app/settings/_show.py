"""The settings page: which services there are, what is connected, what each account may do."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from app.house import House
from app.seen import house_of
from app.settings._mailbox import MailboxForm
from app.settings._session import session_card
from app.settings._words import PROBLEMS
from app.templating import render
from core.database import Caller
from integrations.google import oauth
from jobs.google_sync import part_of
from jobs.outside.google import GOOGLE, lacks_google
from jobs.outside.mail import IMAP
from jobs.outside.slack import HINT as SLACK_HINT
from jobs.outside.slack import PROVIDER as SLACK
from tasks import accounts
from tasks.accounts import Account

CONNECT = "/api/integrations/google/connect?"
NAMES = {"smtp": "SMTP", "resend": "Resend", "github": "GitHub", "jira": "Jira"}
CHOICES = (
    ("Connect mail and calendar", ("mail_read", "mail_send", "calendar")),
    ("Only mail", ("mail_read", "mail_send")),
    ("Only calendar", ("calendar",)),
)


@dataclass(frozen=True)
class Permission:
    """Something an account may do, or a link to allow it."""

    words: str
    is_granted: bool
    link: str


@dataclass(frozen=True)
class AccountCard:
    """An account as the page shows it."""

    account: Account
    state: str
    permissions: list[Permission]
    read_at: datetime | None
    problem: str | None
    reconnect: str = ""
    may_be_read: bool = False


@dataclass(frozen=True)
class ProviderCard:
    """A service: what it is for, what is missing before it can be used, its accounts, the ways to connect one."""

    id: str
    name: str
    about: str
    lacks: str | None
    accounts: list[AccountCard]
    choices: list[tuple[str, str]]


async def show(
    request: Request,
    caller: Caller,
    *,
    problem: str = "",
    connected: str = "",
    slack_code: str = "",
    mailbox: MailboxForm | None = None,
    status_code: int = 200,
) -> Response:
    """The page, with what just happened said above it."""
    house: House = house_of(request)
    listed = await accounts.list_accounts(caller)
    notice = next((one.address for one in listed if one.address == connected and one.state == "connected"), None)
    return render(
        request,
        "settings/page.html",
        status_code=status_code,
        providers=[
            _google(house, [one for one in listed if one.provider == GOOGLE]),
            _slack(house, [one for one in listed if one.provider == SLACK]),
            _mail([one for one in listed if one.provider == IMAP]),
            *_others(listed),
        ],
        problem=PROBLEMS.get(problem),
        connected=notice,
        slack_code=slack_code,
        session=await session_card(request, caller),
        mailbox=mailbox or MailboxForm(),
    )


def _google(house: House, known: list[Account]) -> ProviderCard:
    lacks = lacks_google(house.settings)
    return ProviderCard(
        id=GOOGLE,
        name="Google",
        about="Gmail and Google Calendar: mail becomes tasks, answers are drafted in their thread, and what you approved is sent.",
        lacks=lacks,
        accounts=[_google_account(one) for one in known if one.state != "revoked"],
        choices=[] if lacks else [(words, _connect(permissions)) for words, permissions in CHOICES],
    )


def _google_account(account: Account) -> AccountCard:
    granted = oauth.permissions_of(account.scopes)
    mail = part_of(account, "mail")
    return AccountCard(
        account=account,
        state="sent"
        if account.state == "connected" and not mail.get("problem")
        else "failed"
        if account.state == "expired"
        else "blocked",
        permissions=[
            Permission(words, name in granted, _connect([name], account.address)) for name, words in oauth.WORDS.items()
        ],
        read_at=_moment(mail.get("at")) if mail.get("cursor") else None,
        problem=mail.get("problem") if account.state == "connected" else None,
        reconnect=_connect(granted or ("mail_read",), account.address),
        may_be_read=account.state == "connected" and "mail_read" in granted,
    )


def _slack(house: House, known: list[Account]) -> ProviderCard:
    can_install = house.settings.slack_client_id is not None and house.settings.slack_client_secret is not None
    lacks = None if can_install or house.settings.slack_bot_token else SLACK_HINT
    return ProviderCard(
        id=SLACK,
        name="Slack",
        about="Messages become tasks; what waits for your yes comes to you with buttons; what you approved is posted.",
        lacks=lacks,
        accounts=[_plain(one) for one in known if one.state != "revoked"],
        choices=[("Connect a workspace", "/api/integrations/slack/connect")] if can_install else [],
    )


def _mail(known: list[Account]) -> ProviderCard:
    return ProviderCard(
        id=IMAP,
        name="Mail without Google",
        about="A mailbox at any other provider: read by IMAP, and what you approved is sent by SMTP.",
        lacks=None,
        accounts=[_plain(one) for one in known if one.state != "revoked"],
        choices=[],
    )


def _others(listed: list[Account]) -> list[ProviderCard]:
    """Accounts of services that have no card of their own: named, and to be disconnected."""
    names = sorted(
        {one.provider for one in listed if one.provider not in {GOOGLE, SLACK, IMAP} and one.state != "revoked"}
    )
    return [
        ProviderCard(
            name,
            NAMES.get(name, name.replace("_", " ").capitalize()),
            "",
            None,
            [_plain(one) for one in listed if one.provider == name and one.state != "revoked"],
            [],
        )
        for name in names
    ]


def _plain(account: Account) -> AccountCard:
    return AccountCard(account, "sent" if account.state == "connected" else "failed", [], account.synced_at, None)


def _connect(permissions: Any, address: str = "") -> str:
    query = [("permission", name) for name in permissions] + ([("address", address)] if address else [])
    return CONNECT + urlencode(query)


def _moment(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) else None
