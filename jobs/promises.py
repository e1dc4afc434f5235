"""Promises in mail that comes in, and in other words: kept once, linked to their tasks, settled by what came later."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from core.database import Caller
from core.outside.mail import believable
from jobs.answered import close_answered
from jobs.apart import problem_of
from tasks import commitments
from tasks.commitments import Commitment, CommitmentFilter, NewCommitment

if TYPE_CHECKING:
    from agents.rules.commitments.settling import LaterMail, Settled
    from agents.rules.mail_people import Owner
    from agents.rules.mail_records import TriagedMail

log = structlog.get_logger()
A_CALL = 200


async def keep_promises(
    caller: Caller, triaged: Sequence["TriagedMail"], owner: "Owner", now: datetime
) -> list[Commitment]:
    """Keep the promises in mails before the mails themselves: cut off between the two, nothing is lost. Twice is once."""
    found = await asyncio.to_thread(_found, triaged, owner, now)
    made: list[Commitment] = []
    for start in range(0, len(found), A_CALL):
        made += await commitments.record_commitments(caller, found[start : start + A_CALL])
    return made


def _found(triaged: Sequence["TriagedMail"], owner: "Owner", now: datetime) -> list[NewCommitment]:
    """The promises in all mails but those that the rules cannot read."""
    from agents.rules.commitments.mail import promises_in

    found: list[NewCommitment] = []
    for one in triaged:
        try:
            found += list(promises_in(one, owner, now))
        except Exception as error:  # of whatever others wrote, one mail stops no mailbox
            log.warning("mail_not_read_for_promises", message_id=one.mail.message_id[:200], error=problem_of(error))
    return found


async def settle_promises(caller: Caller, zone: ZoneInfo, reached: Sequence["TriagedMail"] | None = None) -> int:
    """Link promises to their tasks, close or move those that later mail settles, and close the tasks of answered mail; how many.

    `reached`: only those that these mails may be about; None: all that are open. What was settled stays so.
    """
    linked = await commitments.link_commitments(caller)
    waiting = await commitments.all_commitments(caller, CommitmentFilter(state="open"))
    if reached is not None:
        threads = {one.mail.thread_key for one in reached} | {one.mail.in_reply_to for one in reached}
        people = {one.mail.from_address.casefold() for one in reached}
        people |= {address.casefold() for one in reached for address in (*one.mail.to, *one.mail.cc)}
        ids = {one.mail.message_id for one in reached}
        waiting = [
            one for one in waiting if one.thread_key in threads or one.message_id in ids or one.person_address in people
        ]
    changed = linked
    for start in range(0, len(waiting), A_CALL):
        part = waiting[start : start + A_CALL]
        rows = await commitments.list_later_mail(caller, [one.id for one in part])
        settled = await asyncio.to_thread(_settled, part, rows, zone)
        changed += await commitments.settle_commitments(caller, [one.as_row() for one in settled])
    return changed + await close_answered(caller, zone)


def _settled(waiting: Sequence[Commitment], rows: Sequence[dict[str, Any]], zone: ZoneInfo) -> list["Settled"]:
    """What the mails in these rows settle; those that say they are of a year in which no mail was do nothing."""
    from agents.rules.commitments.settling import settle

    return settle(
        waiting, [later_mail(row, zone) for row in rows if believable(datetime.fromisoformat(row["sent_at"]))]
    )


def later_mail(row: dict[str, Any], zone: ZoneInfo) -> "LaterMail":
    """A row of `list_later_mail` as the rules read it."""
    from agents.rules.commitments.settling import LaterMail
    from agents.rules.mail_signs import is_bulk
    from integrations.mail.quotes import split_quoted

    headers: dict[str, Any] = row["headers"]
    text = split_quoted(row["text"])[0]
    bulk = is_bulk(
        row["from_address"],
        text,
        has_unsubscribe=bool(headers.get("list_unsubscribe")),
        precedence=str(headers.get("precedence", "")),
    )
    return LaterMail(
        message_id=row["message_id"],
        thread_key=row["thread_key"],
        sender=row["from_address"].casefold(),
        sender_name=row["from_name"],
        to=frozenset(address.casefold() for address in (*row["to_addresses"], *row["cc_addresses"])),
        subject=row["subject"],
        text=text,
        sent_at=datetime.fromisoformat(row["sent_at"]).astimezone(zone),
        is_from_me=row["is_from_me"],
        is_automatic=bool(headers.get("auto_submitted")),
        is_bulk=bulk and not row["is_from_me"],
        named_since=datetime.fromisoformat(row["named_since"]) if row["named_since"] else None,
        files=tuple(str(name) for name in row["files"]),
        helps=frozenset(UUID(one) for one in row["helps"]),
    )
