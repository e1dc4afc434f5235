"""Reading a folder of an IMAP server: where a message lies, what it says, and what a query is in IMAP's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.errors import Invalid, NotFound
from core.outside.errors import Malformed
from core.outside.mail import FLAGGED, UNREAD, IncomingMail, MailQuery
from integrations.mail.imap_session import ImapSession
from integrations.mail.incoming import broken_mail, incoming_mail

READ_WHOLE_BYTES = 5 * 1024 * 1024  # of a larger mail only this much is read; its files are fetched by themselves
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Place:
    """Where a message lies. Its text form is the `ref`: validity.uid.folder."""

    folder: str
    validity: int
    uid: int

    def __str__(self) -> str:
        return f"{self.validity}.{self.uid}.{self.folder}"

    @classmethod
    def parse(cls, ref: str) -> "Place":
        """Raises NotFound for what is no ref of an IMAP mailbox."""
        parts = ref.split(".", 2)
        if len(parts) != 3 or not (parts[0].isdecimal() and parts[1].isdecimal() and parts[2]):
            raise NotFound("There is no such mail", detail=ref[:100])
        return cls(parts[2], int(parts[0]), int(parts[1]))


def read_mails(session: ImapSession, folder: str, validity: int, uids: Sequence[int]) -> list[IncomingMail]:
    """The messages that are there, one at a time so that memory holds one; a broken one stands as such."""
    kind = next((name for name, own in session.folders().items() if own == folder), folder)
    found: list[IncomingMail] = []
    for uid in uids:
        for one in session.fetch([uid], f"BODY.PEEK[]<0.{READ_WHOLE_BYTES}>"):
            ref = str(Place(folder, validity, one.uid))
            labels = _labels(one.flags, kind)
            try:
                is_cut = one.size_bytes > READ_WHOLE_BYTES
                found.append(incoming_mail(one.content, ref=ref, labels=labels, is_cut=is_cut))
            except Malformed:
                found.append(broken_mail(ref, labels))
    return found


def _labels(flags: frozenset[str], kind: str) -> frozenset[str]:
    lower = {flag.lower() for flag in flags}
    own = {flag for flag in flags if not flag.startswith("\\")}
    states = [name for name, on in ((UNREAD, "\\seen" not in lower), (FLAGGED, "\\flagged" in lower)) if on]
    return frozenset({kind, *own, *states})


def criteria_of(query: MailQuery) -> list[str]:
    """The query in IMAP's words. Days are as wide as the server may count them; `_fits` makes them exact."""
    found: list[str] = []
    for key, value in (("FROM", query.from_address), ("TO", query.to_address), ("SUBJECT", query.subject)):
        if value:
            found.append(f"{key} {quoted(value)}" if key != "TO" else f"OR TO {quoted(value)} CC {quoted(value)}")
    found += [f"TEXT {quoted(word)}" for word in (query.words or "").split()]
    if query.after:
        found.append(f"SENTSINCE {imap_date(query.after - timedelta(days=1))}")
    if query.before:
        found.append(f"SENTBEFORE {imap_date(query.before + timedelta(days=2))}")
    if query.is_unread is not None:
        found.append("UNSEEN" if query.is_unread else "SEEN")
    return found or ["ALL"]


def fits(mail: IncomingMail, query: MailQuery) -> bool:
    if query.after and (mail.sent_at is None or mail.sent_at < query.after):
        return False
    return not (query.before and (mail.sent_at is None or mail.sent_at >= query.before))


def sent_when(mail: IncomingMail) -> datetime:
    return mail.sent_at or datetime.min.replace(tzinfo=UTC)


def imap_date(moment: datetime) -> str:
    return f"{moment.day:02d}-{MONTHS[moment.month - 1]}-{moment.year:04d}"


def quoted(text: str) -> str:
    """A quoted string of IMAP. Raises Invalid for line breaks, which would begin another command."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text) or len(text) > 1000:
        raise Invalid("What is looked for has a line break or a control character, or is too long", detail=text[:50])
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
