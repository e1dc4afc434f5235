"""Sending through an SMTP server, with an outcome that says whether the mail left."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException

from core.errors import Invalid, StewardError
from core.outside.addresses import wire_address
from core.outside.errors import NotConnected, Refused, SignInExpired, Temporary, Uncertain
from core.outside.mail import HandOver, OutgoingMail, Receipt
from integrations.mail.compose import compose

TIMEOUT_SECONDS = 30.0
FORM = "smtp://user:password@host:port or smtps://user:password@host:port"


@dataclass(frozen=True)
class _Server:
    host: str
    port: int
    use_tls: bool
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)


class SmtpServer:
    """An SMTP server at smtp://user:password@host:port (STARTTLS where it is offered) or smtps://.

    `at` are the checked addresses of the host, where it had to be checked: they are connected to, and nothing else.
    """

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS, at: tuple[str, ...] = ()) -> None:
        self._server = _read_url(url)
        self._timeout = timeout_seconds
        self._at = at

    @property
    def provider(self) -> str:
        return "smtp"

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        return self._server.host, self._server.port

    async def prepare(self, mail: OutgoingMail) -> str | None:
        """Nothing is kept at the server. Raises Invalid for a mail that cannot be composed."""
        compose(mail)
        return None

    async def find(self, message_id: str, provider_ref: str | None) -> Receipt | None:
        """Raises Uncertain: an SMTP server keeps no list of what it took."""
        raise Uncertain("An earlier attempt to send broke off, and the mail server cannot be asked what became of it")

    @asynccontextmanager
    async def sending(self, mail: OutgoingMail, provider_ref: str | None = None) -> AsyncGenerator[HandOver]:
        """Connect, sign in, name sender and recipients; what is entered hands over the text, to everybody or nobody.

        Entering raises Invalid for a mail that cannot be composed, NotConnected, Refused or Temporary: nothing left.
        The text is the only thing that has an effect: see `HandOver`.
        """
        content = compose(mail).as_bytes()
        server = self._server
        client = SMTP(hostname=server.host, use_tls=server.use_tls, timeout=self._timeout)
        try:
            try:
                await self._connect(client)
                await self._log_in(client)
                await self._name_parties(client, mail)
            except (SMTPException, OSError, UnicodeError) as error:
                raise _before_data(error) from error

            async def hand_over() -> Receipt:
                return await self._hand_over(client, mail, content)

            yield hand_over
            with contextlib.suppress(SMTPException, OSError):
                await client.quit(timeout=min(5.0, self._timeout))  # taken is taken, however the farewell goes
        finally:
            client.close()

    async def check(self) -> str:
        """Connect and sign in, and send nothing: where that worked. Raises as `sending`."""
        server = self._server
        client = SMTP(hostname=server.host, use_tls=server.use_tls, timeout=self._timeout)
        try:
            await self._connect(client)
            await self._log_in(client)
            await client.quit()
        except (SMTPException, OSError, UnicodeError) as error:
            raise _before_data(error) from error
        finally:
            client.close()
        who = f" as {server.username}" if server.username else ""
        return f"SMTP at {server.host}:{server.port} takes mail{who}"

    async def _hand_over(self, client: SMTP, mail: OutgoingMail, content: bytes) -> Receipt:
        if not client.is_connected:
            raise Temporary("The mail server hung up before the mail was begun")
        try:
            answer = await client.data(content)
        except SMTPResponseException as error:
            raise _by_code(error.code, f"{error.code} {error.message}") from error
        except (SMTPException, OSError) as error:
            raise Uncertain("The line broke while the mail was handed over", detail=type(error).__name__) from error
        server = self._server
        location = f"smtp://{server.host}:{server.port} {answer.code} {answer.message[:200]}"
        return Receipt("smtp", mail.message_id, location, datetime.now(UTC))

    async def _connect(self, client: SMTP) -> None:
        if not self._at:
            await client.connect(port=self._server.port)
            return
        async with asyncio.timeout(self._timeout):
            opened = await self._first_open()
        try:
            await client.connect(sock=opened)
        except BaseException:
            opened.close()
            raise

    async def _first_open(self) -> socket.socket:
        last: OSError | None = None
        for place in self._at:
            opened = socket.socket(socket.AF_INET6 if ":" in place else socket.AF_INET, socket.SOCK_STREAM)
            opened.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(opened, (place, self._server.port))
            except BaseException as error:
                opened.close()
                if not isinstance(error, OSError):
                    raise
                last = error
            else:
                return opened
        raise last or OSError("The mail server has no address")

    async def _log_in(self, client: SMTP) -> None:
        server = self._server
        if server.username is None:
            return
        if client.get_transport_info("sslcontext") is None and not _is_loopback(server.host):
            raise NotConnected(
                f"The mail server {server.host} offers no encryption, so the password was not sent",
                hint="Use smtps:// in STEWARD_SMTP_URL, or a server that offers STARTTLS.",
            )
        await client.login(server.username, server.password or "")

    async def _name_parties(self, client: SMTP, mail: OutgoingMail) -> None:
        """Sender and recipients; when one recipient is refused, the mail goes to none."""
        await client.ehlo()
        if mail.needs_smtputf8 and not client.supports_extension("smtputf8"):
            raise Refused("An address has letters outside ASCII before the @, and the mail server does not take those")
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
        return SignInExpired("The mail server does not accept the name and password", hint="Check STEWARD_SMTP_URL.")
    if isinstance(error, SMTPResponseException):
        return _by_code(error.code, f"{error.code} {error.message}")
    return Temporary("The mail server cannot be reached", detail=str(error)[:200] or type(error).__name__)


def _by_code(code: int, detail: str, what: str = "mail") -> StewardError:
    if 400 <= code < 500:
        return Temporary(f"The mail server asks to wait with the {what}", detail=detail[:300])
    return Refused(f"The mail server refused the {what}", detail=detail[:300])


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
