"""What people write later settles their promises: kept, moved to another day, or put off while somebody is away. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.rules.commitments.absence import away_until, is_absence
from agents.rules.commitments.finding import due_in, find_promises
from agents.rules.commitments.topics import topic_words
from agents.rules.mail_signs import CALENDAR_REPLY, DELIVERY
from agents.rules.mail_tasks import RE, speaks_of_before
from agents.rules.mail_text import MailText, read_mail_text
from tasks.commitments import ClosedState, Commitment

LONGEST_QUOTE = 160
FEW_WORDS = 14
COURTESY = re.compile(
    r"^\W*(?:(?:many\s+|thank|thanks|thx|ok|okay|great|perfect|super|cool|fine|good|noted|got\s+it|received|understood|sounds\s+good|no\s+problem|no\s+worries|sure|yes|you['’]?re\s+welcome|welcome|"
    r"danke|vielen\s+dank|alles\s+klar|gut|prima|passt|verstanden|erhalten|kein\s+problem|gern\w*|ja|klar|in\s+ordnung)\b[\s,.!]*(?:you|so\s+much|very\s+much|a\s+lot|for\s+(?:the|your)\s+\w+(?:\s+\w+)?|dir|ihnen|schön|sehr|für\s+\w+\s+\w+)?[\s,.!]*)+$",
    re.IGNORECASE,
)
PUT_OFF = re.compile(
    r"\b(?:delay\w*|late\b|later\b|postpone\w*|push(?:ed)?\b|instead|need\s+(?:more|another|a\s+(?:bit|little))|more\s+time|takes?\s+(?:a\s+(?:bit|little)\s+)?longer|not\s+(?:yet|ready|done|before|until)|won['’]?t\s+(?:be\s+(?:able|ready)|make)|will\s+not\s+(?:be\s+(?:able|ready)|make)|"
    r"can['’]?t\s+(?:make|send|finish)|still\s+(?:working|waiting|checking|need)|reminder|behind\b|rather|verspät\w*|verzöger\w*|später|statt(?:dessen)?|erst\b|noch\s+(?:nicht|etwas|ein\s+(?:bisschen|wenig)|dabei)|schaffe\w*\s+(?:ich\s+)?(?:es\s+)?nicht|länger|verschieb\w*)",
    re.IGNORECASE,
)
DELIVERS = re.compile(
    r"\b(?:here\s+(?:is|are|it|you|['’]s)|here['’]s|attached|enclosed|as\s+(?:promised|agreed|discussed)|(?:have|has|['’]ve|was|were|is|are|been)\s+(?:just\s+|now\s+)?(?:sent|uploaded|shared|signed|shipped|done|ready|finished|paid|fixed)|"
    r"link|please\s+find|anbei|im\s+anhang|hier\s+(?:ist|sind|kommt|kommen|der|die|das)|wie\s+(?:versprochen|besprochen)|hochgeladen|fertig|erledigt|verschickt|unterschrieben|überwiesen)\b",
    re.IGNORECASE,
)
HANDS_OVER = re.compile(
    r"\b(?:here\s+(?:is|are)|here['’]s|attached|enclosed|please\s+find|anbei|im\s+anhang|beigefügt|hier\s+(?:ist|sind|kommt|kommen))\b",
    re.IGNORECASE,
)
DENIED = re.compile(r"\b(?:not|no|isn['’]?t|aren['’]?t|nothing|nicht|kein\w*|nichts)\b", re.IGNORECASE)
LINK = re.compile(r"https?://\S", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class LaterMail:
    """A mail after a promise. `text` is its new part; addresses are in lower case; `files` the names of attachments."""

    message_id: str
    thread_key: str
    sender: str
    sender_name: str = ""
    to: frozenset[str] = frozenset()
    subject: str = ""
    text: str = ""
    sent_at: datetime
    is_from_me: bool = False
    is_automatic: bool = False
    is_bulk: bool = False
    named_since: datetime | None = None
    """Since when the writer is known by that name at that address, where one goes by the name."""
    files: tuple[str, ...] = ()
    helps: frozenset[UUID] = frozenset()
    """The promises of others that the writer may keep: they were written to in that thread by those whom it concerns."""


@dataclass(frozen=True)
class Settled:
    """What becomes of a promise: closed, moved, or its person is away."""

    commitment_id: UUID
    state: ClosedState | None = None
    closed_at: datetime | None = None
    closed_because: str | None = None
    due_at: datetime | None = None
    due_is_all_day: bool = True
    away_until: datetime | None = None

    def as_row(self) -> dict[str, Any]:
        """As `settle_commitments` takes it."""
        times = {name: getattr(self, name) for name in ("closed_at", "due_at", "away_until")}
        row: dict[str, Any] = {name: moment.isoformat() for name, moment in times.items() if moment}
        if self.closed_at:
            row |= {"state": self.state, "closed_because": self.closed_because}
        return {"id": str(self.commitment_id), "due_is_all_day": self.due_is_all_day, **row}


def settle(commitments: Sequence[Commitment], mails: Sequence[LaterMail]) -> list[Settled]:
    """What later mail says of open promises. `mails` in any order, with times in the person's zone.

    A later mail of the one who promised closes it: in the thread, or to the same person about the same thing. So does
    whoever else hands it over in the thread before it is due. Where only
    the name is known, it has to come from an address that was known by that name before. One that
    only thanks, only asks, or only names another day does not; the other day becomes the due date.
    """
    ordered = sorted(mails, key=lambda mail: (mail.sent_at, mail.message_id))
    waiting = sorted((one for one in commitments if one.state == "open"), key=lambda one: (one.said_at, str(one.id)))
    found: dict[UUID, Settled] = {}
    for promise in waiting:
        if promise.id in found:
            continue
        settled, movers = _settle(promise, ordered)
        for again in waiting:
            if again.message_id in movers and again.id != promise.id and again.is_mine == promise.is_mine:
                found[again.id] = _same_as(promise, again)
        if settled:
            found[promise.id] = settled
    return list(found.values())


def _same_as(promise: Commitment, again: Commitment) -> Settled:
    """What only moves an earlier promise is no second one."""
    because = f"It only moved an earlier promise: “{promise.quote[:LONGEST_QUOTE]}”"
    return Settled(again.id, "dropped", again.said_at, because)


def _settle(promise: Commitment, mails: Sequence[LaterMail]) -> tuple[Settled | None, set[str]]:
    """What becomes of it, and the ids of mails that only moved it."""
    since = max(promise.said_at, promise.reopened_at or promise.said_at)
    movers: set[str] = set()
    due: tuple[datetime, bool] | None = None
    away: datetime | None = None
    for mail in mails:
        if mail.sent_at <= since or mail.message_id == promise.message_id:
            continue
        if not _is_by_promiser(promise, mail):
            if _is_kept_by_another(promise, mail):
                return _kept(promise, mail, read_mail_text(mail.text)), movers
            continue
        if is_absence(mail.subject, mail.text, auto_submitted=mail.is_automatic):
            back = away_until(mail.subject, mail.text, mail.sent_at, auto_submitted=mail.is_automatic)
            away = max(filter(None, (away, back)), default=None) if not promise.is_mine else None
            continue
        if mail.is_automatic or mail.is_bulk or CALENDAR_REPLY.match(mail.subject) or DELIVERY.search(mail.subject):
            continue
        if not _is_about(promise, mail):
            continue
        text = read_mail_text(mail.text)
        if moved := _moved_to(text, mail, promise):
            due = moved
            movers.add(mail.message_id)
        elif not _says_nothing(text, mail):
            return _kept(promise, mail, text), movers
    if due and (due[0] != promise.due_at or due[1] != promise.due_is_all_day):
        return Settled(promise.id, due_at=due[0], due_is_all_day=due[1], away_until=away), movers
    return (Settled(promise.id, away_until=away) if away and away != promise.away_until else None), movers


def _is_by_promiser(promise: Commitment, mail: LaterMail) -> bool:
    """Did the one who promised write this, to the one it was promised to?"""
    if promise.is_mine:
        return mail.is_from_me and (not promise.person_address or promise.person_address in mail.to)
    if mail.is_from_me:
        return False
    if promise.person_address:
        return mail.sender == promise.person_address
    if mail.named_since is None or mail.named_since >= promise.said_at:
        return False  # anybody can call themselves so
    return bool(promise.person_name) and mail.sender_name.strip().casefold() == promise.person_name.strip().casefold()


def _kept(promise: Commitment, mail: LaterMail, text: MailText) -> Settled:
    return Settled(promise.id, "kept", mail.sent_at, _because(promise, mail, text))


def _is_kept_by_another(promise: Commitment, mail: LaterMail) -> bool:
    """Does somebody else hand over in the thread, before it is due, what was promised there? Mere talk about it does not."""
    if promise.id not in mail.helps or mail.is_automatic or mail.is_bulk:
        return False
    if promise.due_at is None or mail.sent_at > promise.due_at:
        return False
    meant = topic_words(promise.title)
    if not meant:
        return False
    said = [one.text for one in read_mail_text(mail.text).sentences]
    told = " ".join([*said, *(name.replace("_", " ").replace("-", " ") for name in mail.files)])
    if not meant & topic_words(told[:2_000]):
        return False
    hands_over = any(
        HANDS_OVER.search(one) and not DENIED.search(one) and not one.rstrip("\"'”) ").endswith("?") for one in said
    )
    return hands_over or bool(mail.files)


def _is_about(promise: Commitment, mail: LaterMail) -> bool:
    """In the thread; or elsewhere about the same thing: one of its words at the head, or two anywhere, and something handed over."""
    if promise.thread_key and mail.thread_key == promise.thread_key:
        return True
    meant = topic_words(f"{promise.title} {promise.subject or ''}")
    if not meant:
        return False
    at_head = topic_words(
        f"{RE.sub('', mail.subject)} {' '.join(name.replace('_', ' ').replace('-', ' ') for name in mail.files)}"
    )
    text = mail.text[:2_000]
    if topic_words(promise.title) & at_head and (LINK.search(text) or DELIVERS.search(text)):
        return True
    if meant & at_head and mail.files:
        return True
    return len(meant & (at_head | topic_words(text))) > 1 and DELIVERS.search(text) is not None


def _moved_to(text: MailText, mail: LaterMail, promise: Commitment) -> tuple[datetime, bool] | None:
    """The other day that a mail names and does nothing else."""
    if mail.files:
        return None
    said = " ".join(one.text for one in text.sentences)
    if len(said.split()) > 4 * FEW_WORDS:
        return None
    again = [one for one in find_promises(mail.text, mail.sent_at) if one.due_at]
    if again and not _may_be_same(promise, again[0].quote):
        return None
    if again and (PUT_OFF.search(said) or len(text.sentences) <= 2):
        found = again[0]
        return (found.due_at, found.due_is_all_day) if found.due_at else None
    if PUT_OFF.search(said) and len(said.split()) <= 2 * FEW_WORDS:
        return due_in(said, mail.sent_at) or (
            (promise.due_at, promise.due_is_all_day) if promise.due_at else (mail.sent_at, True)
        )
    return None


def _may_be_same(promise: Commitment, said: str) -> bool:
    """Is it not plainly about something else? "The invoice on Tuesday" moves no contract."""
    meant, told = topic_words(promise.title), topic_words(said)
    return not meant or not told or bool(meant & told) or speaks_of_before(said)


def _says_nothing(text: MailText, mail: LaterMail) -> bool:
    """Does a mail only thank, agree or ask back?"""
    if mail.files:
        return False
    said = [one.text for one in text.sentences]
    if not said or all(one.rstrip("\"'”) ").endswith("?") for one in said):
        return True
    words = " ".join(said)
    if len(words.split()) <= FEW_WORDS and COURTESY.match(words):
        return True
    return bool(find_promises(mail.text, mail.sent_at)) and len(said) <= 2


def _because(promise: Commitment, mail: LaterMail, text: MailText) -> str:
    who = "You" if mail.is_from_me else mail.sender_name or mail.sender
    first = text.sentences[0].text[:LONGEST_QUOTE] if text.sentences else ", ".join(mail.files)[:LONGEST_QUOTE]
    return f"{who} wrote on {mail.sent_at.day} {mail.sent_at:%B}: “{first}”"
