"""Requests that are said to be from Slack: checked, then handed to Bolt.

The signature is over the raw body and the time (docs.slack.dev, "Verifying requests from Slack"): whoever cannot make it
gets 401, and so do requests that are older than five minutes, or that came before word for word. Retries of Slack are
signed anew; an event that comes twice is known by its id.
"""

import asyncio
import hashlib
import hmac
import re
import time
from typing import TYPE_CHECKING, cast

from fastapi import Request
from starlette.responses import Response

from app.house import House
from core.errors import Unauthorized
from core.outside.errors import NotConnected
from tasks import slack

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp

MOST_SECONDS = 5 * 60
STAMP = re.compile(r"[0-9]{1,12}")
SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


async def answer(request: Request) -> Response:
    """What Bolt answers. Raises Unauthorized for what is not Slack's, NotConnected where Slack is not set up."""
    house = cast(House, request.app.state.house)
    secret = house.settings.slack_signing_secret
    if secret is None:
        raise NotConnected(
            "Slack is not set up here", hint="Set STEWARD_SLACK_SIGNING_SECRET: see docs/guide/slack.md."
        )
    raw = await request.body()
    signature = request.headers.get("x-slack-signature", "")
    text = check_signature(
        secret.get_secret_value(), request.headers.get("x-slack-request-timestamp", ""), signature, raw, time.time()
    )
    if not await slack.see_slack_request(house.slack.service, hashlib.sha256(signature.encode()).hexdigest()):
        raise Unauthorized("This request came before")
    from slack_bolt.request.async_request import AsyncBoltRequest

    asked = AsyncBoltRequest(body=text, query=request.url.query, headers=dict(request.headers))
    answered = await (await _bolt(request, house, secret.get_secret_value())).async_dispatch(asked)
    return Response(answered.body, answered.status, {name: value[0] for name, value in answered.headers.items()})


def check_signature(secret: str, stamp: str, signature: str, raw: bytes, now: float) -> str:
    """The body as text, where it was signed with this secret in the last five minutes. Raises Unauthorized."""
    if not STAMP.fullmatch(stamp) or not SIGNATURE.fullmatch(signature):
        raise Unauthorized("The request is not signed as Slack signs")
    if abs(now - int(stamp)) > MOST_SECONDS:
        raise Unauthorized("The request is too old, or a clock is wrong")
    wanted = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + raw, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"v0={wanted}", signature):
        raise Unauthorized("The signature is not Slack's")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Unauthorized("The body is not text") from error


async def _bolt(request: Request, house: House, secret: str) -> "AsyncApp":
    """The one app of this process, made when Slack first calls."""
    state = request.app.state
    if getattr(state, "slack", None) is None:
        from app.slack import slack_app

        state.slack = await asyncio.to_thread(slack_app, house, secret)  # its library takes a while to import
    return cast("AsyncApp", state.slack)
