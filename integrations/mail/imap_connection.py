"""Connecting to an IMAP server and signing in, safely; what goes wrong there, in the words of the house."""

import contextlib
import imaplib
import re
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from imap_tools.errors import ImapToolsError, MailboxLoginError, UnexpectedCommandStatusError
from imap_tools.mailbox import BaseMailBox

from core.errors import Invalid
from core.outside.errors import Malformed, NotConnected, Refused, SignInExpired, Temporary
from integrations.mail.imap_session import ImapSession, server_words

TIMEOUT_SECONDS = 30.0
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
FORM = "imaps://user:password@host:port or imap://user:password@host:port"
LATER = re.compile(rb"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|CONTACTADMIN)\b|too many|try again|temporar", re.IGNORECASE)


@dataclass(frozen=True)
class ImapAddress:
    """Where the server is, and who signs in there. `at` are the checked addresses of the host, where it had to be checked."""

    host: str
    port: int
    use_tls: bool
    username: str
    password: str = field(repr=False)
    at: tuple[str, ...] = ()

    @classmethod
    def from_url(cls, url: str, at: tuple[str, ...] = ()) -> "ImapAddress":
        """Raises Invalid; never tells the URL itself, since it holds a password."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Invalid(f"STEWARD_IMAP_URL has a wrong host or port; it has the form {FORM}") from error
        if parts.scheme not in {"imap", "imaps"} or not parts.hostname or port == 0 or not parts.username:
            raise Invalid(f"STEWARD_IMAP_URL does not have the form {FORM}")
        if parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise Invalid(
                "STEWARD_IMAP_URL has something behind the host",
                hint="Write / ? # and @ in the password as %2F %3F %23 and %40.",
            )
        use_tls = parts.scheme == "imaps"
        return cls(
            parts.hostname,
            port or (993 if use_tls else 143),
            use_tls,
            unquote(parts.username),
            unquote(parts.password or ""),
            at,
        )


@contextmanager
def signed_in(address: ImapAddress, timeout_seconds: float = TIMEOUT_SECONDS) -> Generator[ImapSession]:
    """Connect, sign in, and sign out behind the block.

    Raises SignInExpired for a wrong password, NotConnected where it could not be sent safely, Temporary when the
    server cannot be reached or the line breaks, Malformed for an answer that is no IMAP, Refused for a plain no.
    """
    box: BaseMailBox | None = None
    try:
        with translated(address):
            box = _connect(address, timeout_seconds)
            try:
                if address.username.isascii() and address.password.isascii():
                    box.login(address.username, address.password, initial_folder=None)
                else:
                    box.login_utf8(address.username, address.password, initial_folder=None)
            except MailboxLoginError as error:
                raise _not_signed_in(address, error) from error
            yield ImapSession(box)
    finally:
        if box is not None:
            with contextlib.suppress(ImapToolsError, imaplib.IMAP4.error, OSError):
                box.logout()
            with contextlib.suppress(OSError):
                box.client.shutdown()


@contextmanager
def translated(address: ImapAddress) -> Generator[None]:
    """Errors of the library as those of the house."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise NotConnected(
            f"The certificate of {address.host} cannot be trusted",
            detail=error.verify_message,
            hint="SSL_CERT_FILE names certificates of your own that are trusted.",
        ) from error
    except imaplib.IMAP4.abort as error:
        raise Temporary("The line to the mail server broke", detail=str(error)[:200]) from error
    except OSError as error:
        said = str(error)[:200] or type(error).__name__
        raise Temporary(f"The mail server {address.host} cannot be reached", detail=said) from error
    except ImapToolsError as error:
        raise Refused("The mail server refused a request", detail=str(error)[:300]) from error
    except imaplib.IMAP4.error as error:
        raise Malformed("The mail server answered something else than IMAP", detail=str(error)[:200]) from error
    except UnicodeError as error:
        raise Malformed("The mail server answered in letters that cannot be read") from error


class _CheckedBox(BaseMailBox):
    """A mailbox of the library at a checked address. A name may mean another machine the next time it is looked up."""

    def __init__(self, address: ImapAddress, timeout_seconds: float, context: ssl.SSLContext | None) -> None:
        self._address = address
        self._timeout = timeout_seconds
        self._context = context
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        address, context = self._address, self._context

        def create_socket(_self: imaplib.IMAP4, timeout: float | None) -> socket.socket:
            plain = _first_open(address, timeout)
            return plain if context is None else context.wrap_socket(plain, server_hostname=address.host)

        kind: type[imaplib.IMAP4] = type("CheckedIMAP4", (imaplib.IMAP4,), {"_create_socket": create_socket})
        return kind(address.host, address.port, timeout=self._timeout)


def _first_open(address: ImapAddress, timeout: float | None) -> socket.socket:
    places = address.at or (address.host,)
    for place in places[:-1]:
        with contextlib.suppress(OSError):
            return socket.create_connection((place, address.port), timeout)
    return socket.create_connection((places[-1], address.port), timeout)


def _connect(address: ImapAddress, timeout_seconds: float) -> BaseMailBox:
    # Without a context of our own imaplib checks no certificate.
    if address.use_tls:
        context = ssl.create_default_context()
        return _CheckedBox(address, timeout_seconds, context)
    box = _CheckedBox(address, timeout_seconds, None)
    client: Any = box.client
    try:
        if "STARTTLS" in client.capabilities:
            client.starttls(ssl.create_default_context())
        elif address.host not in LOOPBACK:
            raise NotConnected(
                f"The mail server {address.host} offers no encryption, so the password was not sent",
                hint="Use imaps:// in STEWARD_IMAP_URL.",
            )
    except BaseException:
        with contextlib.suppress(OSError):
            client.shutdown()
        raise
    return box


def _not_signed_in(address: ImapAddress, error: UnexpectedCommandStatusError) -> Exception:
    said = server_words(error)
    if LATER.search(said.encode()):
        return Temporary(f"The mail server {address.host} asks to wait", detail=said)
    return SignInExpired(
        f"The mail server {address.host} does not accept the name and password",
        hint="Check STEWARD_IMAP_URL, or connect the account again; many providers want an app password.",
    )
