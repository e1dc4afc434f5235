"""Warnings on Today about mail that tries to command the assistant: how long they stand there, and which were put away.

What was put away is kept in a cookie, as the theme is: it is about what one person sees, and the mail keeps its mark.
"""

from datetime import datetime, timedelta
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view.forms import back_to
from core.errors import Invalid
from tasks.capture import StoredMail

COOKIE = "steward_put_away"
SHOWN = timedelta(days=2)
KEPT_SECONDS = 60 * 60 * 24 * 30
MOST = 40  # in one cookie


def is_new_mail(mail: StoredMail, now: datetime) -> bool:
    """Did it come here in the last two days? The sender says when it was sent: that counts only where ours is no use."""
    came = mail.created_at if mail.created_at <= now else mail.sent_at or mail.created_at
    return came > now - SHOWN


def put_away(request: Request) -> set[UUID]:
    """The mails whose warning this person put away; what is no id in the cookie is passed over."""
    return set(_ids(request))


def answer_put_away(request: Request, mail_id: str) -> Response:
    """Put the warning about a mail away. Raises Invalid for what is no id."""
    try:
        added = UUID(mail_id)
    except ValueError as error:
        raise Invalid(
            "There is no such message",
            errors=[{"field": "put_away", "message": f"{mail_id[:40]!r} is no id of a mail"}],
        ) from error
    kept = [added, *(one for one in _ids(request) if one != added)][:MOST]
    answer = back_to("/")
    words = ".".join(one.hex for one in kept)
    answer.set_cookie(COOKIE, words, max_age=KEPT_SECONDS, httponly=True, samesite="lax", path="/")
    return answer


def _ids(request: Request) -> list[UUID]:
    words = request.cookies.get(COOKIE, "").split(".")[:MOST]
    return [UUID(one) for one in words if len(one) == 32 and all(letter in "0123456789abcdef" for letter in one)]
