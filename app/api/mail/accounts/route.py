"""POST /api/mail/accounts: connect a mailbox on an IMAP server."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from app.dependencies import CurrentCaller
from app.router import responds
from core.errors import Invalid
from core.outside.addresses import CONTROL, wire_address
from core.outside.errors import Refused, Temporary
from core.outside.mail import MailAddress
from core.vault import Vault
from jobs.outside.mail import IMAP, check_servers
from tasks import accounts
from tasks.accounts import Account, AccountState

ANSWER_SECONDS = 20.0
Url = Annotated[SecretStr, Field(max_length=1000)]


class NewMailAccount(BaseModel):
    """A mailbox: imaps://user:password@host:993 to read it, smtps://user:password@host:465 (or smtp://...:587) to send."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(min_length=3, max_length=320)
    imap_url: Url
    smtp_url: Url
    name: str = Field(default="", max_length=200)
    signature: str = Field(default="", max_length=2000)


class MailAccount(BaseModel):
    """A connected mailbox; its passwords are told to nobody."""

    id: UUID
    address: str
    state: AccountState
    connected_at: AwareDatetime


@responds(
    summary="Connect a mailbox; both servers are tried first",
    status_code=201,
    response_model=MailAccount,
    problems=(409, 422, 503),
)
async def post(request: Request, caller: CurrentCaller, given: NewMailAccount) -> MailAccount:
    settings = request.app.state.house.settings
    address = wire_address("address", given.address.strip()).casefold()
    if CONTROL.search(given.name):
        raise Invalid("name has a line break or another control character")
    secret = {"imap_url": given.imap_url.get_secret_value(), "smtp_url": given.smtp_url.get_secret_value()}
    await check_servers(settings, secret)
    await _try(address, secret)
    kept: Account = await accounts.connect_account(
        caller,
        Vault.from_settings(settings),
        IMAP,
        address,
        secret,
        settings={"name": given.name.strip(), "signature": given.signature},
    )
    return MailAccount(id=kept.id, address=kept.address, state=kept.state, connected_at=kept.connected_at)


async def _try(address: str, secret: dict[str, str]) -> None:
    """Sign in to both. Raises what went wrong, naming the field."""
    from integrations.mail.imap import ImapMailbox
    from integrations.mail.imap_connection import ImapAddress
    from integrations.mail.smtp import SmtpServer

    smtp = SmtpServer(secret["smtp_url"], timeout_seconds=ANSWER_SECONDS)
    own = (MailAddress(address),)
    imap = ImapMailbox(ImapAddress.from_url(secret["imap_url"]), smtp, own, timeout_seconds=ANSWER_SECONDS)
    for field, attempt in (("imap_url", imap.check), ("smtp_url", smtp.check)):
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await attempt()
        except TimeoutError as error:
            raise Temporary(f"The server of {field} does not answer") from error
        except Refused as error:
            raise Invalid(error.message, errors=[{"field": field, "message": error.message}]) from error
