"""Mail as it lies in the database: one thin typed call per SQL function."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from core.database import Caller
from core.errors import Invalid, NotFound
from core.outside.mail import (
    SENT,
    AttachedFile,
    DeliveryReport,
    IncomingMail,
    MailAddress,
    MailQuery,
    SyncPage,
)
from tasks.models import Record, Task

LOCAL = "local"


async def get_mail(caller: Caller, ref: str) -> IncomingMail:
    """One mail by its id. Raises NotFound."""
    try:
        mail_id = UUID(ref)
    except ValueError as error:
        raise NotFound("There is no such mail", detail=ref[:100]) from error
    return stored_mail(await caller.call("get_mail", mail_id=mail_id))


async def find_mail(caller: Caller, message_id: str) -> IncomingMail | None:
    """The mail with this Message-ID, in whichever account."""
    row = await caller.call("find_mail", message_id=message_id)
    return stored_mail(row) if row else None


async def search_mail(
    caller: Caller, query: MailQuery, *, account: str | None = None, limit: int = 50
) -> list[IncomingMail]:
    """What fits, newest first."""
    wanted = {key: value for key, value in vars(query).items() if value is not None}
    wanted |= {key: value.isoformat() for key, value in wanted.items() if isinstance(value, datetime)}
    if account is not None:
        wanted["account"] = account
    rows = await caller.call("search_mail", query=wanted, page_size=limit)
    return [stored_mail(row) for row in rows]


async def list_thread(caller: Caller, thread_key: str) -> list[IncomingMail]:
    """The mails of a thread, oldest first."""
    rows = await caller.call("list_mail", thread_key=thread_key, page_size=200)
    return [stored_mail(row) for row in reversed(rows)]


async def list_new_mail(caller: Caller, account: str, cursor: str | None, limit: int) -> SyncPage:
    """Mail in the order it was kept, behind a cursor."""
    try:
        after = orjson.loads(cursor) if cursor else None
    except orjson.JSONDecodeError as error:
        raise Invalid("This is no cursor of the local mailbox", detail=str(cursor)[:100]) from error
    page = await caller.call("list_new_mail", account=account, after=after, page_size=limit)
    messages = tuple(stored_mail(row) for row in page["items"])
    upto = orjson.dumps(page["after"]).decode() if messages else cursor or ""
    return SyncPage(upto, messages, has_more=len(messages) == limit)


async def label_mail(caller: Caller, ref: str, add: Sequence[str], remove: Sequence[str]) -> None:
    """Put labels on and take labels off. Raises NotFound."""
    mail = await get_mail(caller, ref)
    await caller.call("label_mail", mail_id=UUID(mail.ref), add_labels=list(add), remove_labels=list(remove))


class MailCursor(Record):
    """How far a mailbox was read, and why the last reading failed."""

    account: str
    cursor: str | None = None
    problem: str | None = None
    synced_at: datetime


async def get_mail_cursor(caller: Caller, account: str) -> MailCursor | None:
    """How far a mailbox of the settings was read; None when never."""
    row = await caller.call("get_mail_cursor", account=account)
    return MailCursor.model_validate(row) if row else None


async def save_mail_cursor(
    caller: Caller, account: str, expected: str | None, cursor: str | None, problem: str | None = None
) -> bool:
    """Move the mark on (worker only); False when somebody else has read on meanwhile."""
    return bool(
        await caller.call("save_mail_cursor", account=account, expected=expected, cursor=cursor, problem=problem)
    )


async def serves_owner(caller: Caller, owner_email: str) -> bool:
    """Is this the organization of the local owner, whom the credentials of the settings serve? (worker only)"""
    return bool(await caller.call("serves_owner", owner_email=owner_email))


class Bounce(Record):
    """A draft whose mail came back, and the task that tells the person; `made` is None when it was known already."""

    draft_id: UUID
    task_id: UUID
    recorded: int
    made: Task | None = None


async def record_bounce(caller: Caller, report: DeliveryReport) -> Bounce | None:
    """Match a delivery report to the draft that was sent (worker only). None when it is about no mail of ours."""
    failures = [{"address": one.address, "status": one.status, "said": one.said[:1000]} for one in report.failed]
    if not failures or report.message_id is None:
        return None
    row = await caller.call("record_bounce", message_id=report.message_id, failures=failures)
    return Bounce.model_validate(row) if row else None


def stored_mail(row: Mapping[str, Any]) -> IncomingMail:
    """A row of `mail_messages` as a mail; its `ref` is the row's id, its files have no content here."""
    headers = row["headers"]
    files = (
        AttachedFile(str(one.get("id") or number), one["name"], one["media_type"], one["size_bytes"])
        for number, one in enumerate(row["attachments"])
    )
    return IncomingMail(
        ref=str(row["id"]),
        message_id=row["message_id"],
        thread=row["thread_key"],
        sender=MailAddress(row["from_address"], row["from_name"]),
        to=tuple(MailAddress(address) for address in row["to_addresses"]),
        cc=tuple(MailAddress(address) for address in row["cc_addresses"]),
        reply_to=tuple(MailAddress(address) for address in headers.get("reply_to", ())),
        subject=row["subject"],
        sent_at=datetime.fromisoformat(row["sent_at"]) if row["sent_at"] else None,
        text=row["text_body"],
        html=row["html_body"],
        attachments=tuple(files),
        in_reply_to=row["in_reply_to"],
        references=tuple(headers.get("references", ())),
        labels=frozenset(row["labels"]),
        list_unsubscribe=bool(headers.get("list_unsubscribe")),
        is_list=bool(headers.get("is_list")),
        list_post=tuple(headers.get("list_post", ())),
        auto_submitted=bool(headers.get("auto_submitted")),
        precedence=str(headers.get("precedence", "")),
        is_calendar_reply=bool(headers.get("is_calendar_reply")),
    )


def mail_row(
    mail: IncomingMail, account: str, own: frozenset[str], *, category: str | None = None, suspicious: str | None = None
) -> dict[str, Any]:
    """A mail as a row of `mail_messages`; `own` are the addresses of the person, in lower case."""
    return {
        "account": account,
        "ref": mail.ref,
        "message_id": mail.message_id,
        "thread_key": mail.thread_key,
        "in_reply_to": mail.in_reply_to,
        "from_name": mail.sender.name,
        "from_address": mail.sender.address,
        "to_addresses": [one.address for one in mail.to],
        "cc_addresses": [one.address for one in mail.cc],
        "subject": mail.subject,
        "sent_at": mail.sent_at.isoformat() if mail.sent_at else None,
        "text_body": mail.text,
        "html_body": mail.html,
        "attachments": [vars(one) for one in mail.attachments],
        # Anybody can write the person's address: what lies in an account is theirs only where they sent it from there.
        "is_from_me": mail.sender.address in own and (account == LOCAL or SENT in mail.labels),
        "category": category,
        "suspicious": suspicious,
        "labels": sorted(mail.labels),
        "headers": {
            "references": list(mail.references),
            "reply_to": [one.address for one in mail.reply_to],
            "list_unsubscribe": mail.list_unsubscribe,
            "is_list": mail.is_list,
            "list_post": list(mail.list_post),
            "auto_submitted": mail.auto_submitted,
            "precedence": mail.precedence,
            "is_calendar_reply": mail.is_calendar_reply,
        },
    }
