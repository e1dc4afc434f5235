"""A mail that a plan asks for becomes a draft: from the right mailbox, in its thread, with its files and signature."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from agents.equipment import Run
from agents.journal import insist
from agents.services.mail import Mailbox, Mailboxes
from core.errors import Invalid, NotFound, TooLarge
from core.outside.mail import LARGEST_MAIL_BYTES, IncomingMail
from tasks import mail as stored
from tasks import review
from tasks.artifacts import Artifact, find_artifact, get_artifact

MOST_REFERENCES = 50
LONGEST_TAIL = 4000


async def mailbox_named(run: Run, account_id: UUID | None) -> Mailbox:
    """The mailbox of that account; None is the person's usual one."""
    if account_id is None:
        return await run.reach(Mailbox)
    return await (await run.reach(Mailboxes)).open(str(account_id))


async def target_of(run: Run, account_id: UUID | None = None) -> dict[str, Any]:
    """What a draft says of its sender: the address, name and account of the mailbox that it will be sent from."""
    named = str(account_id) if account_id else await (await run.reach(Mailboxes)).usual_account()
    mailbox = await mailbox_named(run, account_id)
    sender = (await mailbox.addresses())[0]
    return {
        "from_address": sender.address,
        "from_name": sender.name or run.equipment.from_name,
        **({"account_id": named} if named else {}),
    }


async def deliver_mail(
    run: Run,
    *,
    to: Sequence[str],
    cc: Sequence[str],
    bcc: Sequence[str],
    subject: str,
    body: str,
    answers: str | None,
    files: Sequence[str],
    account_id: UUID | None,
) -> None:
    """Deliver a mail as the draft of this task, for a person to approve.

    Raises Invalid for a mail that is answered and not known, and for a file that is not there; TooLarge.
    """
    original = await _answered(run, answers)
    target = await target_of(run, account_id)
    if original is not None:
        to = to or _whom_to_answer(original, target["from_address"])
        subject = subject.strip() or _answer_subject(original.subject)
        references = dict.fromkeys([*original.references, original.message_id])
        target |= {"in_reply_to": original.message_id, "references": list(references)[-MOST_REFERENCES:]}
    if not (to or cc or bcc):
        raise Invalid("There is nobody to answer: the mail that is answered has no sender", detail=answers)
    content = {
        "channel": "mail",
        "to_recipients": list(to),
        "cc_recipients": list(cc),
        "bcc_recipients": list(bcc),
        "subject": subject,
        "body": await _signed(run, body, target["from_address"], account_id),
        "attachments": [_attachment(file) for file in await _files(run, files)],
        "target": target,
        "thread_tail": original.text[:LONGEST_TAIL] if original else None,
        "why": run.task.description,
    }
    result = {"strategy": "immediate", "output": {"to": list(to), "subject": subject}, "message": "A mail is ready"}
    await insist(lambda: review.deliver_draft(run.caller, run.task.id, content, result))


async def _answered(run: Run, message_id: str | None) -> IncomingMail | None:
    if message_id is None:
        return None
    known = await stored.find_mail(run.caller, message_id)
    if known is None:
        raise Invalid("The mail that is to be answered is not known here", detail=f"reply_to_message_id {message_id}")
    return known


def _whom_to_answer(original: IncomingMail, own: str) -> list[str]:
    """Whoever it asks to be answered, else its sender; those it went to, where it is one's own mail."""
    if original.sender.address == own.casefold():
        return [one.address for one in original.to]
    asked = [one.address for one in original.reply_to]
    return asked or ([original.sender.address] if original.sender.address else [])


def _answer_subject(subject: str) -> str:
    plain = subject.strip()
    return plain if plain.casefold().startswith(("re:", "aw:")) else f"Re: {plain}".strip()


async def _signed(run: Run, body: str, address: str, account_id: UUID | None) -> str:
    signature = (await (await mailbox_named(run, account_id)).signature(address)).strip()
    if not signature or signature in body:
        return body
    return f"{body.rstrip()}\n\n-- \n{signature}\n"


async def _files(run: Run, named: Sequence[str]) -> list[Artifact]:
    found: list[Artifact] = []
    for name in dict.fromkeys(named):
        try:
            found.append(await get_artifact(run.caller, UUID(name)) if _is_id(name) else await _by_name(run, name))
        except NotFound as error:
            raise Invalid(
                f"The attachment {name[:100]!r} is not there", detail=error.detail or error.message
            ) from error
    size = sum(file.size_bytes for file in found)
    if size > LARGEST_MAIL_BYTES:
        raise TooLarge(f"The attachments have {size:,} bytes; {LARGEST_MAIL_BYTES:,} are allowed")
    return found


async def _by_name(run: Run, name: str) -> Artifact:
    return await find_artifact(run.caller, run.task.id, name)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _attachment(file: Artifact) -> dict[str, Any]:
    return {
        "name": file.name,
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "artifact_id": str(file.id),
    }
