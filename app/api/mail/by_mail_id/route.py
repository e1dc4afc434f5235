"""GET and PATCH /api/mail/{mail_id}."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from app.api.mail._shapes import Mail
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.commitments import MailCategory, SortedMail, correct_mail, get_triaged_mail
from tasks.mail import get_mail


class Correction(BaseModel):
    """What the mail needs, by the person's word."""

    model_config = ConfigDict(extra="forbid")

    category: MailCategory


@responds(summary="One mail", response_model=Mail, problems=(404,))
async def get(caller: CurrentCaller, mail_id: UUID) -> Mail:
    return Mail.of(await get_mail(caller, str(mail_id)))


@responds(summary="Say what a mail needs; what triage had said is kept", response_model=SortedMail, problems=(404,))
async def patch(request: Request, caller: CurrentCaller, mail_id: UUID, body: Correction) -> SortedMail:
    await correct_mail(caller, mail_id, body.category, house_of(request).clock.now())
    return await get_triaged_mail(caller, mail_id)
