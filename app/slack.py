"""Steward's Slack app: Bolt with its handlers. What it hears it keeps, then answers; the work is done by a worker.

Whoever speaks is resolved to a person of Steward (a link), and what they do is done with that person's rights alone.
Decisions are made before Slack is answered: one call of the database, sealed to the digest of what was shown.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from app._slack.brought_up import BroughtUpButtons
from app._slack.commands import Commands
from app._slack.decisions import Decisions
from app._slack.door import SlackDoor
from app._slack.hearing import Hearing
from app.house import House
from integrations.slack.blocks import APPROVE, EDIT, EDITED, MAKE_TASK, MUTE, OPEN, REJECT, REJECTED, USEFUL, USELESS

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp


def slack_app(house: House, signing_secret: str) -> "AsyncApp":
    """The app with every handler on it; it asks nothing of Slack by itself."""
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult

    from integrations.slack.web import log as quiet
    from integrations.slack.web import make_client

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        """Handlers take the token of whoever speaks, once they know who that is."""
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)

    bolt = AsyncApp(
        name="steward",
        logger=quiet,
        signing_secret=signing_secret,
        client=make_client(None, house.settings.slack_api_url),
        authorize=authorize,
        process_before_response=True,  # else events are answered before they are kept
        ssl_check_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
    )
    quiet.setLevel(logging.ERROR)
    handlers = cast("Any", bolt)  # the library's decorators are typed in part
    door = SlackDoor(house, house.slack)
    hearing, commands, decisions, brought_up = Hearing(door), Commands(door), Decisions(door), BroughtUpButtons(door)
    for name, handler in (
        ("app_mention", hearing.on_mention),
        ("message", hearing.on_direct),
        ("app_home_opened", hearing.on_home),
        ("app_uninstalled", hearing.on_uninstalled),
        ("tokens_revoked", hearing.on_uninstalled),
    ):
        handlers.event(name)(handler)
    handlers.command("/steward")(commands.on_command)
    handlers.shortcut(MAKE_TASK)(hearing.on_shortcut)
    for name, handler in (
        (APPROVE, decisions.on_approve),
        (EDIT, decisions.on_edit),
        (REJECT, decisions.on_reject),
        (USEFUL, brought_up.on_useful),
        (USELESS, brought_up.on_useless),
        (MUTE, brought_up.on_mute),
    ):
        handlers.action(name)(handler)
    handlers.action(OPEN)(decisions.on_open)
    handlers.view(EDITED)(decisions.on_edited)
    handlers.view(REJECTED)(decisions.on_rejected)
    return bolt


@asynccontextmanager
async def slack_listening(house: House) -> AsyncGenerator[None]:
    """Socket Mode for as long as the block runs, where STEWARD_SLACK_APP_TOKEN is set; else nothing."""
    token = house.settings.slack_app_token
    if token is None:
        yield
        return
    from jobs.slack_socket import slack_socket

    bolt = await asyncio.to_thread(slack_app, house, "")  # what comes over this line is not signed
    async with slack_socket(bolt, token.get_secret_value(), house.settings.slack_api_url):
        yield
