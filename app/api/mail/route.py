"""GET /api/mail: what was read, newest first."""

from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime

from app.api.mail._shapes import MailList, MailSummary
from app.dependencies import CurrentCaller
from app.router import responds
from core.errors import Invalid
from core.outside.mail import MailQuery
from tasks.mail import search_mail

Words = Annotated[str | None, Query(max_length=500)]


@responds(summary="Mail that was read, newest first; every parameter that is given must fit", response_model=MailList)
async def get(
    caller: CurrentCaller,
    sender: Words = None,
    to: Words = None,
    subject: Words = None,
    words: Words = None,
    after: Annotated[AwareDatetime | None, Query(description="Sent at this time or later")] = None,
    before: Annotated[AwareDatetime | None, Query(description="Sent before this time")] = None,
    unread: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> MailList:
    for name, value in (("sender", sender), ("to", to), ("subject", subject), ("words", words)):
        if value is not None and "\x00" in value:
            raise Invalid(f"{name} holds a NUL character", errors=[{"field": name, "message": "no NUL is allowed"}])
    query = MailQuery(sender, to, subject, words, after, before, unread)
    return MailList(items=[MailSummary.of(mail) for mail in await search_mail(caller, query, limit=limit)])
