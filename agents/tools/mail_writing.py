"""A mail that a plan asks for becomes a draft: from the right mailbox, in its thread, with its files and signature."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from agents.equipment import Run
from agents.gate import deliver
from agents.recipients import Answered, Recipients, wants_all, whom_to_answer
from agents.senders import sender_of
from agents.services.mail import Mailbox, Mailboxes
from core.errors import Invalid, NotFound, TooLarge
from core.outside.mail import LARGEST_MAIL_BYTES, IncomingMail
from tasks import accounts
from tasks import mail as stored
from tasks.artifacts import Artifact, describe_artifact, find_artifact

MOST_REFERENCES = 50
MOST_ANSWERED = 100


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
        "from_name": sender.name or (await sender_of(run)).name,
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
    reply_all: bool = False,
    message: str = "A mail is ready",
) -> None:
    """Deliver a mail as the draft of this task, for a person to approve; `reply_all` answers everybody it went to.

    `message` says in the task's result what was made.

    Raises Invalid for a mail that is answered and not known, and for a file that is not there; TooLarge.
    """
    original = await _answered(run, answers)
    target = await target_of(run, account_id)
    if original is not None:
        reply_all = reply_all or _asks_for_all(run)
        own = await own_addresses(run, account_id) | {str(target["from_address"])}
        to, cc = _recipients(whom_to_answer(headers_of(original), own, reply_all=reply_all), to, cc, bcc, reply_all)
        subject = subject.strip() or _answer_subject(original.subject)
        references = dict.fromkeys([*original.references, original.message_id])
        target |= {"in_reply_to": original.message_id, "references": list(references)[-MOST_REFERENCES:]}
    if not (to or cc or bcc):
        raise Invalid(
            "There is nobody to answer: the mail that is answered has no sender beside a mailing list",
            hint="Set reply_all to answer the list, or give to.",
            detail=answers,
        )
    content = {
        "channel": "mail",
        "to_recipients": list(to),
        "cc_recipients": list(cc),
        "bcc_recipients": list(bcc),
        "subject": subject,
        "body": await _signed(run, body, target["from_address"], account_id),
        "attachments": [_attachment(file) for file in await _files(run, files)],
        "target": target,
        "why": run.task.description,
    }
    result = {"strategy": "immediate", "output": {"to": list(to), "subject": subject}, "message": message}
    await deliver(run, content, result, written=body)


async def _answered(run: Run, message_id: str | None) -> IncomingMail | None:
    if message_id is None:
        return None
    known = await stored.find_mail(run.caller, message_id)
    if known is None:
        raise Invalid("The mail that is to be answered is not known here", detail=f"reply_to_message_id {message_id}")
    return known


async def own_addresses(run: Run, account_id: UUID | None = None) -> frozenset[str]:
    """The addresses that mail to this task's person comes to: the aliases of the mailbox, and their other accounts."""
    mailbox = await mailbox_named(run, account_id)
    known = await accounts.list_accounts(run.caller)
    connected = [one.address for one in known if one.user_id == run.task.created_by and "@" in one.address]
    return frozenset([one.address for one in await mailbox.addresses()] + connected)


def _asks_for_all(run: Run) -> bool:
    from agents.strategist import OWN_WORDS  # thinking brings heavy libraries with it

    return run.task.source in OWN_WORDS and wants_all(run.task.title)


def headers_of(mail: IncomingMail) -> Answered:
    """What the mail says of whom to answer."""
    return Answered(
        mail.sender.address,
        [one.address for one in mail.reply_to],
        [one.address for one in mail.to],
        [one.address for one in mail.cc],
        mail.list_post,
    )


def _recipients(
    answered: Recipients, to: Sequence[str], cc: Sequence[str], bcc: Sequence[str], reply_all: bool
) -> tuple[Sequence[str], Sequence[str]]:
    """To and Cc: those that were given come before those that the mail itself names."""
    if not reply_all:
        return to or answered.to, cc
    named = {one.casefold() for one in [*to, *cc, *bcc]}
    more = [one for one in [*answered.to, *answered.cc] if one.casefold() not in named]
    first = list(to) or [one for one in more if one in answered.to]
    everybody = [*cc, *(one for one in more if one not in first)]
    if len(first) + len(everybody) > MOST_ANSWERED:
        count = len(first) + len(everybody)
        raise Invalid(f"An answer to all would go to {count} recipients; {MOST_ANSWERED} are allowed")
    return first, everybody


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
            found.append(await describe_artifact(run.caller, UUID(name)) if _is_id(name) else await _by_name(run, name))
        except NotFound as error:
            raise Invalid(
                f"The attachment {name[:100]!r} is not there", detail=error.detail or error.message
            ) from error
    size = sum(file.size_bytes for file in found)
    if size > LARGEST_MAIL_BYTES:
        raise TooLarge(f"The attachments have {size:,} bytes; {LARGEST_MAIL_BYTES:,} are allowed")
    return found


async def _by_name(run: Run, name: str) -> Artifact:
    return await find_artifact(run.caller, run.task.id, name, with_content=False)


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
