"""POST /api/integrations/google/push: Pub/Sub says that a mailbox has news."""

import hmac
from functools import cache
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from app.router import responds
from core.database import Identity
from core.errors import Forbidden, Unauthorized
from core.settings import Settings
from integrations.google.places import GooglePlaces
from integrations.google.push import GoogleKeys, pushed_address
from jobs.outside.google import GOOGLE
from tasks.accounts import request_reading

PATH = "/api/integrations/google/push"


class Push(BaseModel):
    """What Pub/Sub posts: the notification in `message.data`, as base64."""

    model_config = ConfigDict(extra="ignore")

    message: dict[str, Any]
    subscription: str = Field(default="", max_length=1000)


class Taken(BaseModel):
    """How many accounts are read now; those that wait to be read already do not count."""

    accounts: int


@responds(summary="News of a Gmail mailbox, pushed by Pub/Sub", response_model=Taken)
async def post(request: Request, body: Push, token: Annotated[str, Query(max_length=500)] = "") -> Taken:
    house = request.app.state.house
    await _check(request, house.settings, token)
    address = pushed_address(body.model_dump())
    service = house.database.acting_as(Identity.service())
    return Taken(accounts=await request_reading(service, GOOGLE, address))


async def _check(request: Request, settings: Settings, token: str) -> None:
    """Only our subscription may say so: by a shared token in the address, else by its signed identity."""
    shared = settings.google_push_token.get_secret_value() if settings.google_push_token else ""
    if shared and token:
        if not hmac.compare_digest(shared.encode(), token.encode()):
            raise Unauthorized("This is not pushed by the subscription of this installation")
        return
    if settings.google_push_account is None or settings.public_url is None:
        if shared:
            raise Unauthorized("This is not pushed by the subscription of this installation")
        raise Forbidden("Nothing is pushed to this installation", hint="docs/guide/google.md shows how to set it up.")
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "bearer":
        raise Unauthorized("This is not pushed by the subscription of this installation")
    await _keys(settings.google_base_url).check(
        bearer.strip(), settings.public_url + PATH, settings.google_push_account
    )


@cache
def _keys(base_url: str | None) -> GoogleKeys:
    return GoogleKeys(GooglePlaces.at(base_url))
