"""Sending through an SMTP server, with an outcome that says whether the mail left."""

import contextlib
import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException

from core.errors import Invalid, StewardError
from integrations.mail.addresses import wire_address
from integrations.mail.compose import OutgoingMail, compose
from integrations.mail.outbox import Receipt

TIMEOUT_SECONDS = 30.0
FORM = "smtp://user:password@host:port or smtps://user:password@host:port"


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
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)


class SmtpSender:
    """An SMTP server at smtp://user:password@host:port (STARTTLS where it is offered) or smtps://."""

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._server = _read_url(url)
        self._timeout = timeout_seconds

    async def send(self, mail: OutgoingMail) -> Receipt:
        """Hand the mail over to every recipient or to none.

        Raises Invalid for a mail that cannot be composed; SmtpRefused (final), SmtpTemporary (nothing left, trying
        again is safe) or SmtpUncertain (the line broke once the text was begun).
        """
        content = compose(mail).as_bytes()
        server = self._server
        client = SMTP(hostname=server.host, port=server.port, use_tls=server.use_tls, timeout=self._timeout)
        try:
            try:
                await client.connect()
                await self._log_in(client)
                await self._name_parties(client, mail)
            except (SMTPException, OSError, UnicodeError) as error:
                raise _before_data(error) from error
            try:
                answer = await client.data(content)
            except SMTPResponseException as error:
                raise _by_code(error.code, f"{error.code} {error.message}") from error
            except (SMTPException, OSError) as error:
                raise SmtpUncertain(
                    "The line broke while the mail was handed over", detail=type(error).__name__
                ) from error
            with contextlib.suppress(SMTPException, OSError):
                await client.quit(timeout=min(5.0, self._timeout))  # taken is taken, however the farewell goes
        finally:
            client.close()
        location = f"smtp://{server.host}:{server.port} {answer.code} {answer.message[:200]}"
        return Receipt("smtp", mail.message_id, location, datetime.now(UTC), tuple(mail.recipients))

    async def _log_in(self, client: SMTP) -> None:
        server = self._server
        if server.username is None:
            return
        if client.get_transport_info("sslcontext") is None and not _is_loopback(server.host):
            raise SmtpRefused(
                f"The mail server {server.host} offers no encryption, so the password was not sent",
                hint="Use smtps:// in STEWARD_SMTP_URL, or a server that offers STARTTLS.",
            )
        await client.login(server.username, server.password or "")

    async def _name_parties(self, client: SMTP, mail: OutgoingMail) -> None:
        """Sender and recipients; when one recipient is refused, the mail goes to none."""
        await client.ehlo()
        if mail.needs_smtputf8 and not client.supports_extension("smtputf8"):
            raise SmtpRefused(
                "An address has letters outside ASCII before the @, and the mail server does not take those"
            )
        options, encoding = (["SMTPUTF8"], "utf-8") if mail.needs_smtputf8 else ([], "ascii")
        await client.mail(wire_address("from", mail.from_address), options=options, encoding=encoding)
        refused: list[tuple[int, str]] = []
        for address in mail.recipients:
            try:
                await client.rcpt(wire_address("to", address), encoding=encoding)
            except SMTPResponseException as error:
                refused.append((error.code, f"{address}: {error.code} {error.message}"))
                if error.code == 421:
                    break
        if refused:
            with contextlib.suppress(SMTPException, OSError):
                await client.rset()  # nothing was sent; a line that breaks now changes nothing
            final = [(code, text) for code, text in refused if code >= 500]
            raise _by_code((final or refused)[0][0], "; ".join(text for _, text in final or refused), "recipient")


def _before_data(error: Exception) -> StewardError:
    if isinstance(error, SMTPAuthenticationError) and error.code >= 500:
        return SmtpRefused("The mail server does not accept the name and password", hint="Check STEWARD_SMTP_URL.")
    if isinstance(error, SMTPResponseException):
        return _by_code(error.code, f"{error.code} {error.message}")
    return SmtpTemporary("The mail server cannot be reached", detail=str(error)[:200] or type(error).__name__)


def _by_code(code: int, detail: str, what: str = "mail") -> StewardError:
    if 400 <= code < 500:
        return SmtpTemporary(f"The mail server asks to wait with the {what}", detail=detail[:300])
    return SmtpRefused(f"The mail server refused the {what}", detail=detail[:300])


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_url(url: str) -> _Server:
    """Never tells the URL itself: it holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid(f"STEWARD_SMTP_URL has a wrong host or port; it has the form {FORM}") from error
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or port == 0:
        raise Invalid(f"STEWARD_SMTP_URL does not have the form {FORM}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise Invalid(
            "STEWARD_SMTP_URL has something behind the host",
            hint="Write / ? # and @ in the password as %2F %3F %23 and %40.",
        )
    return _Server(
        parts.hostname,
        port or (465 if parts.scheme == "smtps" else 587),
        parts.scheme == "smtps",
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )
