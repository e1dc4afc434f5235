"""Sending through an SMTP server, with an outcome that says whether the mail left."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP, SMTPException, SMTPRecipientRefused, SMTPResponseException

from core.errors import Invalid, StewardError
from integrations.mail.compose import OutgoingMail, compose
from integrations.mail.outbox import Receipt

TIMEOUT_SECONDS = 30.0


class SmtpRefused(StewardError):
    """The server will not take this mail; nothing left."""

    status = 422
    type = "smtp-refused"
    title = "The mail server refused the mail"


class SmtpTemporary(StewardError):
    """The server could not be reached or asks to wait; certainly nothing left."""

    status = 503
    type = "smtp-temporary"
    title = "The mail server could not take the mail now"


class SmtpUncertain(StewardError):
    """The line broke after the text was begun; nobody knows whether the mail left."""

    status = 502
    type = "smtp-uncertain"
    title = "Nobody knows whether the mail left"


@dataclass(frozen=True)
class _Server:
    host: str
    port: int
    use_tls: bool
    username: str | None
    password: str | None


class SmtpSender:
    """An SMTP server at smtp://user:password@host:port (STARTTLS where it is offered) or smtps://."""

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._server = _read_url(url)
        self._timeout = timeout_seconds

    async def send(self, mail: OutgoingMail) -> Receipt:
        """Hand the mail over to every recipient or to none. Raises SmtpRefused, SmtpTemporary or SmtpUncertain."""
        message = compose(mail)
        content = message.as_bytes(policy=policy.SMTPUTF8)
        server = self._server
        client = SMTP(hostname=server.host, port=server.port, use_tls=server.use_tls, timeout=self._timeout)
        try:
            try:
                await client.connect()
                if server.username:
                    await client.login(server.username, server.password or "")
                await self._name_parties(client, mail)
            except (SMTPException, OSError) as error:
                raise _before_data(error) from error
            try:
                answer = await client.data(content)
            except SMTPResponseException as error:
                raise _by_code(error.code, f"{error.code} {error.message}") from error
            except (SMTPException, OSError) as error:
                raise SmtpUncertain(
                    "The line broke while the mail was handed over", detail=type(error).__name__
                ) from error
        finally:
            client.close()
        location = f"smtp://{server.host}:{server.port} {answer.code} {answer.message[:200]}"
        return Receipt("smtp", mail.message_id, location, datetime.now(UTC))

    async def _name_parties(self, client: SMTP, mail: OutgoingMail) -> None:
        plain = all(address.isascii() for address in [mail.from_address, *mail.recipients])
        await client.ehlo()
        options = [] if plain else ["SMTPUTF8"]
        await client.mail(mail.from_address, options=options, encoding="ascii" if plain else "utf-8")
        for address in mail.recipients:
            await client.rcpt(address, encoding="ascii" if plain else "utf-8")


def _before_data(error: Exception) -> StewardError:
    if isinstance(error, SMTPRecipientRefused):
        return _by_code(error.code, f"{error.recipient}: {error.code} {error.message}")
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return SmtpRefused("The mail server does not accept the name and password", hint="Check STEWARD_SMTP_URL.")
    if isinstance(error, SMTPResponseException):
        return _by_code(error.code, f"{error.code} {error.message}")
    return SmtpTemporary("The mail server cannot be reached", detail=str(error)[:200] or type(error).__name__)


def _by_code(code: int, detail: str) -> StewardError:
    if 400 <= code < 500:
        return SmtpTemporary("The mail server asks to wait", detail=detail[:300])
    return SmtpRefused("The mail server refused the mail", detail=detail[:300])


def _read_url(url: str) -> _Server:
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise Invalid("STEWARD_SMTP_URL is not of the form smtp://user:password@host:port or smtps://...")
    try:
        port = parts.port or (465 if parts.scheme == "smtps" else 587)
    except ValueError as error:
        raise Invalid("STEWARD_SMTP_URL has a wrong port") from error
    return _Server(
        parts.hostname,
        port,
        parts.scheme == "smtps",
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )
