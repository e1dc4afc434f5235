"""GET /api/mail/{mail_id}."""

from uuid import UUID

from app.api.mail._shapes import Mail
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.mail import get_mail


@responds(summary="One mail", response_model=Mail, problems=(404,))
async def get(caller: CurrentCaller, mail_id: UUID) -> Mail:
    return Mail.of(await get_mail(caller, str(mail_id)))
