"""Connecting a mailbox on an IMAP and an SMTP server: both are tried first; what went wrong names its field."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from core.database import Caller
from core.errors import Invalid, StewardError
from core.outside.addresses import CONTROL, wire_address
from core.outside.errors import Refused, Temporary
from core.outside.mail import MailAddress
from core.vault import Vault
from jobs.outside.lending import guard_for
from jobs.outside.mail import IMAP, check_servers
from jobs.outside.world import Given
from tasks import accounts
from tasks.accounts import Account

ANSWER_SECONDS = 20.0


async def connect_mailbox(
    given: Given, caller: Caller, *, address: str, name: str, signature: str, imap_url: str, smtp_url: str
) -> Account:
    """The account, kept once both servers took the sign-in.

    Raises Invalid, SignInExpired, NotConnected, Refused or Temporary; `errors` names address, name, imap_url or smtp_url.
    """
    with _naming("address"):
        address = wire_address("address", address.strip()).casefold()
    if CONTROL.search(name):
        said = "name has a line break or another control character"
        raise Invalid(said, errors=[{"field": "name", "message": said}])
    secret = {"imap_url": imap_url, "smtp_url": smtp_url}
    await _try(address, secret, await check_servers(given.settings, secret, await guard_for(given, caller)))
    vault = Vault.from_settings(given.settings)
    kept = {"name": name.strip(), "signature": signature}
    return await accounts.connect_account(caller, vault, IMAP, address, secret, settings=kept)


async def _try(address: str, secret: dict[str, str], places: dict[str, tuple[str, ...]]) -> None:
    """Sign in to both, at their checked places. Raises what went wrong, naming the field."""
    from integrations.mail.imap import ImapMailbox
    from integrations.mail.imap_connection import ImapAddress
    from integrations.mail.smtp import SmtpServer

    smtp = SmtpServer(secret["smtp_url"], timeout_seconds=ANSWER_SECONDS, at=places["smtp_url"])
    own = (MailAddress(address),)
    server = ImapAddress.from_url(secret["imap_url"], places["imap_url"])
    imap = ImapMailbox(server, smtp, own, timeout_seconds=ANSWER_SECONDS)
    for field, attempt in (("imap_url", imap.check), ("smtp_url", smtp.check)):
        with _naming(field):
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await attempt()
            except TimeoutError as error:
                raise Temporary("The mail server does not answer") from error
            except Refused as error:
                raise Invalid(error.message) from error


@contextmanager
def _naming(field: str) -> Generator[None]:
    """Errors that name no field name this one."""
    try:
        yield
    except StewardError as error:
        error.errors = error.errors or [{"field": field, "message": error.message}]
        raise
