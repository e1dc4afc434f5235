"""A mail that the person answered themselves needs no draft any more: its task is done."""

import asyncio
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from core.database import Caller
from core.outside.mail import believable
from tasks.answered import close_answered_tasks, list_own_answers

if TYPE_CHECKING:
    from uuid import UUID

    from tasks.answered import OwnAnswer

LONGEST_SUBJECT = 300
BY_PROGRAMS = frozenset({"auto_reply", "bulk", "junk", "list"})  # of the header Precedence


async def close_answered(caller: Caller, zone: ZoneInfo) -> int:
    """Close the open tasks that the person's own mail has answered, in whatever order the mails were read; how many."""
    rows = await list_own_answers(caller)
    return await close_answered_tasks(caller, await asyncio.to_thread(_answered, rows, zone)) if rows else 0


def _answered(rows: list["OwnAnswer"], zone: ZoneInfo) -> list[tuple["OwnAnswer", str]]:
    """The first mail that answers, for each task that has one, with what to say of it."""
    from agents.rules.commitments.answered import answers
    from integrations.mail.quotes import split_quoted

    found: dict[UUID, tuple[OwnAnswer, str]] = {}
    for one in rows:
        if one.task_id in found or not believable(one.sent_at):
            continue
        at = one.sent_at.astimezone(zone)
        if answers(split_quoted(one.text)[0], at, has_files=one.files, is_automatic=_is_automatic(one)):
            subject = one.subject.strip()[:LONGEST_SUBJECT] or "without a subject"
            found[one.task_id] = (one, f"You answered it yourself: {subject}, {at.day} {at:%B %Y %H:%M}")
    return list(found.values())


def _is_automatic(mail: "OwnAnswer") -> bool:
    """Was it written by a program in the person's name, as an answer of their absence is?"""
    from agents.rules.mail_signs import AWAY

    is_said = mail.auto_submitted.casefold() not in {"", "no", "false"} or mail.precedence.casefold() in BY_PROGRAMS
    return is_said or AWAY.search(mail.subject) is not None
