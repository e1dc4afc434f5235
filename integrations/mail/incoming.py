"""Bytes of a mail as an `IncomingMail` of a mailbox."""

from collections.abc import Iterable

from core.errors import Invalid, TooLarge
from core.outside.errors import Malformed
from core.outside.mail import AttachedFile, IncomingMail, MailAddress
from integrations.mail.parse import LARGEST_MAIL_BYTES, Mailbox, MailMessage, parse_message

UNREADABLE = "(This mail cannot be read: it is broken.)"


def incoming_mail(
    raw: bytes, *, ref: str, thread: str | None = None, labels: Iterable[str] = (), is_cut: bool = False
) -> IncomingMail:
    """The mail in these bytes; `thread` is the provider's name of its thread, else the Message-ID that it began with.

    `is_cut` says that the bytes are only its beginning. Raises Malformed where there is nothing of a mail in it.
    """
    is_cut = is_cut or len(raw) > LARGEST_MAIL_BYTES
    try:
        mail = parse_message(raw[:LARGEST_MAIL_BYTES], name=ref)
    except (Invalid, TooLarge) as error:
        raise Malformed(f"The mail {ref} cannot be read", detail=error.message) from error
    return as_incoming(mail, ref=ref, thread=thread, labels=labels, is_cut=is_cut)


def as_incoming(
    mail: MailMessage, *, ref: str, thread: str | None = None, labels: Iterable[str] = (), is_cut: bool = False
) -> IncomingMail:
    """A mail that was read already."""
    return IncomingMail(
        ref=ref,
        message_id=mail.message_id,
        thread=thread or mail.thread_key,
        sender=MailAddress(mail.from_address, mail.from_name),
        to=_people(mail.to),
        cc=_people(mail.cc),
        reply_to=_people(mail.reply_to),
        subject=mail.subject,
        sent_at=mail.sent_at,
        text=mail.text,
        html=mail.html_sanitized,
        hidden_text=mail.hidden_text,
        attachments=tuple(AttachedFile(one.part, one.name, one.media_type, one.size_bytes) for one in mail.attachments),
        in_reply_to=mail.in_reply_to,
        references=mail.references,
        labels=frozenset(labels),
        list_unsubscribe=mail.list_unsubscribe,
        is_list=mail.is_list,
        list_post=mail.list_post,
        auto_submitted=mail.auto_submitted,
        precedence=mail.precedence,
        is_calendar_reply=mail.is_calendar_reply,
        delivery_report=mail.delivery_report,
        is_cut=is_cut,
    )


def broken_mail(ref: str, labels: Iterable[str] = ()) -> IncomingMail:
    """What stands for a mail that cannot be read, so that one broken mail does not hide those behind it."""
    return IncomingMail(
        ref=ref,
        message_id=f"<{ref.encode().hex()[:100]}@unreadable.invalid>",
        thread=ref,
        sender=MailAddress(""),
        text=UNREADABLE,
        labels=frozenset(labels),
        auto_submitted=True,
        is_cut=True,
    )


def _people(found: Iterable[Mailbox]) -> tuple[MailAddress, ...]:
    return tuple(MailAddress(one.address, one.name) for one in found)
