"""`/mail`: the last mail of others by what it needs, with what was made of it; a category is put right with one press.

Mail is shown as text alone: no HTML of others, no picture from elsewhere.
"""

from datetime import datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from app._view import words
from app._view.forms import back_to, form_of
from app.cursors import decode_cursor, encode_cursor
from app.dependencies import CurrentCaller
from app.seen import house_of
from app.templating import render
from core.errors import Invalid, NotFound
from tasks import commitments
from tasks.commitments import MAIL_CATEGORIES, MailCategory, MailShelf, SortedMail

WORDS = {
    "needs_reply": "Needs a reply",
    "needs_action": "Needs action",
    "information": "Information",
    "noise": "Noise",
    "suspicious": "Suspicious",
}
A_PAGE = 30
COUNTED = timedelta(days=30)


async def get(
    request: Request, caller: CurrentCaller, category: str = "", mail: UUID | None = None, cursor: str | None = None
) -> Response:
    """`mail` shows one mail by itself: where a promise or a task leads."""
    shelf = _shelf(category)
    now: datetime = house_of(request).clock.now()
    chosen: list[SortedMail] = []
    after: list[Any] | None = None
    if mail is not None:
        chosen = [await commitments.get_triaged_mail(caller, mail)]
    else:
        page = await commitments.list_triaged_mail(
            caller, shelf, after=decode_cursor(cursor) if cursor else None, limit=A_PAGE
        )
        chosen, after = page.items, page.after
    more = {"category": shelf or "", "cursor": encode_cursor(after)} if after else {}
    return render(
        request,
        "mail/page.html",
        mails=chosen,
        shelf=shelf,
        is_one=mail is not None,
        counts=await commitments.count_triaged_mail(caller, now - COUNTED),
        words=words,
        words_of=WORDS,
        categories=MAIL_CATEGORIES,
        more=urlencode({key: value for key, value in more.items() if value}),
    )


async def post(request: Request, caller: CurrentCaller) -> Response:
    form = await form_of(request)
    try:
        mail_id = UUID(form.get("id", ""))
    except ValueError as error:
        raise NotFound("There is no such mail") from error
    category: MailCategory | None = next((one for one in MAIL_CATEGORIES if one == form.get("category")), None)
    if category is None:
        allowed = f"allowed: {', '.join(MAIL_CATEGORIES)}"
        raise Invalid("There is no such category", errors=[{"field": "category", "message": allowed}])
    await commitments.correct_mail(caller, mail_id, category, house_of(request).clock.now())
    back = form.get("back", "")
    return back_to(f"{back if back.startswith('/mail') else '/mail'}#mail-{mail_id}")


def _shelf(text: str) -> MailShelf | None:
    if not text:
        return None
    found = next((one for one in get_args(MailShelf) if one == text), None)
    if found is None:
        allowed = f"allowed: {', '.join(WORDS)}"
        raise Invalid("There is no such category", errors=[{"field": "category", "message": allowed}])
    return found
