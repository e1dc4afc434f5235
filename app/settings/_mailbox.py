"""The form for a mailbox on servers of its own: what was typed, as the URLs that are tried, and what is wrong beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import quote

from app.api.mail.accounts._connect import connect_mailbox
from app.house import House
from core.database import Caller
from core.errors import Invalid, StewardError
from core.outside.addresses import CONTROL
from core.outside.errors import SignInExpired
from tasks.accounts import Account

Kind = Literal["imap", "smtp"]
PLACE = re.compile(
    r"(?:(?P<scheme>[a-z]+)://)?(?P<host>[^\s\[\]:/@?#]{1,253}|\[[0-9a-f:.]{2,45}\])(?::(?P<port>\d{1,5}))?/?",
    re.IGNORECASE,
)
USUAL_PORT: Mapping[Kind, int] = {"imap": 993, "smtp": 465}
ENCRYPTED_LATER = frozenset({25, 143, 587, 2525})  # these begin in the clear and switch (STARTTLS)
LONGEST = 320
FIELD_OF = {"imap_url": "imap_server", "smtp_url": "smtp_server"}
NO_SIGN_IN = "the name and the password were not accepted; many providers want an app password"


@dataclass(frozen=True)
class MailboxForm:
    """What was typed, but for the password, which is never shown again; `errors` is {field: what is wrong}."""

    address: str = ""
    name: str = ""
    imap_server: str = ""
    smtp_server: str = ""
    user: str = ""
    errors: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "MailboxForm":
        """Without spaces around what was typed."""
        names = ("address", "name", "imap_server", "smtp_server", "user")
        return cls(**{name: form.get(name, "").strip()[: LONGEST + 1] for name in names})  # pyright: ignore[reportArgumentType]

    def lacks(self, password: str) -> dict[str, str]:
        """{field: what is wrong} of what can be told without asking a server."""
        values = vars(self) | {"password": password}
        wanted = ("address", "imap_server", "smtp_server", "password")
        found = {one: "it is empty" for one in wanted if not values[one]}
        for one in ("address", "name", "imap_server", "smtp_server", "user", "password"):
            if len(values[one]) > LONGEST:
                found[one] = f"it is longer than {LONGEST} characters"
            elif CONTROL.search(values[one]):
                found[one] = "it has a line break or another control character"
        for one, kind in (("imap_server", "imap"), ("smtp_server", "smtp")):
            if one not in found:
                try:
                    server_url(values[one], kind, "user", "password")  # pyright: ignore[reportArgumentType]
                except Invalid as error:
                    found[one] = error.message
        return found


def server_url(typed: str, kind: Kind, user: str, password: str) -> str:
    """The URL of what was typed: a name, with a port or scheme where it is another than usual. Raises Invalid."""
    match = PLACE.fullmatch(typed)
    scheme = (match["scheme"] or "").casefold() if match else ""
    port = int(match["port"] or USUAL_PORT[kind]) if match else 0
    if match is None or scheme not in {"", kind, f"{kind}s"} or not 0 < port < 65536:
        raise Invalid(
            f"it is no server; write its name, like {kind}.example.org or {kind}.example.org:{USUAL_PORT[kind]}"
        )
    if not scheme:
        scheme = kind if port in ENCRYPTED_LATER else f"{kind}s"
    elif match["port"] is None:
        port = USUAL_PORT[kind] if scheme.endswith("s") else {"imap": 143, "smtp": 587}[kind]
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{match['host']}:{port}"


async def connect_typed(house: House, caller: Caller, typed: Mapping[str, str]) -> Account | MailboxForm:
    """The account that was connected, or the form with what is wrong beside each field."""
    form, password = MailboxForm.of(typed), typed.get("password", "")
    if lacks := form.lacks(password):
        return replace(form, errors=lacks)
    user = form.user or form.address
    try:
        return await connect_mailbox(
            house.given,
            caller,
            address=form.address,
            name=form.name,
            signature="",
            imap_url=server_url(form.imap_server, "imap", user, password),
            smtp_url=server_url(form.smtp_server, "smtp", user, password),
        )
    except StewardError as error:
        return replace(form, errors=_beside(error))


def _beside(error: StewardError) -> dict[str, str]:
    named = {FIELD_OF.get(one["field"], one["field"]): one["message"] for one in error.errors}
    if isinstance(error, SignInExpired):
        which = "reading (IMAP)" if "imap_server" in named else "sending (SMTP)"
        return {"password": f"at the server for {which} {NO_SIGN_IN}"}
    if named and error.detail:
        return {one: f"{message} ({error.detail[:200]})" for one, message in named.items()}
    return named or {"": error.message}
