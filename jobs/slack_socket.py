"""Socket Mode: Slack's events over a WebSocket that we open, for machines that have no public address.

The library keeps the line open and opens it anew; what is here begins it, as often as it takes, and ends it in order.
Slack wants each envelope answered, as it wants each request answered; one without an answer comes again.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import structlog

from integrations.slack.web import make_client

if TYPE_CHECKING:
    from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
    from slack_bolt.async_app import AsyncApp

log = structlog.get_logger()
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
FAREWELL_SECONDS = 2.0


@asynccontextmanager
async def slack_socket(bolt: "AsyncApp", app_token: str, api_url: str) -> AsyncGenerator[None]:
    """Slack's events reach the app as long as the block runs. Out of reach, Slack is tried again; the block runs on."""
    from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

    handler = AsyncSocketModeHandler(bolt, app_token, web_client=make_client(app_token, api_url))
    if make_client(None, api_url).proxy is None:
        handler.client.proxy = None
    connecting = asyncio.create_task(_connect(handler), name="slack socket")
    try:
        yield
    finally:
        connecting.cancel()
        with suppress(asyncio.CancelledError):
            await connecting
        await _close(handler)


async def _close(handler: "AsyncSocketModeHandler") -> None:
    """End the line. Its reader goes first: the library would wait ten seconds for a farewell that the reader swallows."""
    client = cast("Any", handler.client)
    client.closed, client.auto_reconnect_enabled = True, False
    readers = [one for one in (client.message_receiver, client.current_session_monitor) if one is not None]
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    with suppress(TimeoutError):
        await asyncio.wait_for(client.close(), FAREWELL_SECONDS)
    client.message_processor.cancel()
    await client.aiohttp_client_session.close()


async def _connect(handler: "AsyncSocketModeHandler") -> None:
    from slack_sdk.errors import SlackApiError, SlackClientError

    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            client = cast("Any", handler.client)
            # Asked here: `connect` would ask for ever, with a traceback each time.
            client.wss_uri = await client.issue_new_wss_url()
            await client.connect()
        except SlackApiError as error:
            code = str(cast("Any", error).response.get("error"))
            await log.awarning("slack_socket_refused", error=code, hint="Check STEWARD_SLACK_APP_TOKEN (xapp-...).")
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            await log.awarning("slack_socket_out_of_reach", error=type(error).__name__)
        else:
            await log.ainfo("slack_socket_open")
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
