"""POST /api/mail/accounts: connect a mailbox on an IMAP server."""

from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from app.api.mail.accounts._connect import connect_mailbox
from app.dependencies import CurrentCaller
from app.router import responds
from app.seen import house_of
from tasks.accounts import AccountState

Url = Annotated[SecretStr, Field(max_length=1000)]


class NewMailAccount(BaseModel):
    """A mailbox: imaps://user:password@host:993 to read it, smtps://user:password@host:465 (or smtp://...:587) to send."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(min_length=3, max_length=320)
    imap_url: Url
    smtp_url: Url
    name: str = Field(default="", max_length=200)
    signature: str = Field(default="", max_length=2000)


class MailAccount(BaseModel):
    """A connected mailbox; its passwords are told to nobody."""

    id: UUID
    address: str
    state: AccountState
    connected_at: AwareDatetime


@responds(
    summary="Connect a mailbox; both servers are tried first",
    status_code=201,
    response_model=MailAccount,
    problems=(409, 422, 503),
)
async def post(request: Request, caller: CurrentCaller, given: NewMailAccount) -> MailAccount:
    kept = await connect_mailbox(
        house_of(request).given,
        caller,
        address=given.address,
        name=given.name,
        signature=given.signature,
        imap_url=given.imap_url.get_secret_value(),
        smtp_url=given.smtp_url.get_secret_value(),
    )
    return MailAccount(id=kept.id, address=kept.address, state=kept.state, connected_at=kept.connected_at)
