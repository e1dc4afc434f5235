"""What the walk walks through: a house, the line to Google, the mailbox there, Slack, a browser and a script of the owner's."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.demo.gmail_line import GmailLine, gmail_line
from tests.demo.house import StewardProcess
from tests.demo.mailbox import OwnersMailbox
from tests.demo.report import WalkFailed, must
from tests.emulators import slack as slack_server
from tests.emulators.outside_servers import (
    GOOGLE_CLIENT,
    GOOGLE_TOKENS,
    ROBIN,
    SLACK_SIGNING_SECRET,
    OutsideServers,
    google_seed,
)
from tests.emulators.slack import SlackSender, SlackServer

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1
OWN_TOKEN = next(token for token, address in GOOGLE_TOKENS.items() if address == ROBIN)
PUSH_TOKEN = "only-for-this-walk"


@dataclass
class World:
    """All its parts; `browser` is signed in by cookie, `api` by token."""

    steward: StewardProcess
    line: GmailLine
    mailbox: OwnersMailbox
    slack: SlackServer
    browser: httpx.AsyncClient
    api: httpx.AsyncClient

    @property
    def sender(self) -> SlackSender:
        """Sends to the house what Slack would send, signed as Slack signs."""
        return SlackSender(self.browser, self.slack)

    async def get(self, path: str) -> dict[str, Any]:
        """What the API answers."""
        answer = await self.api.get(path)
        must(answer.status_code == 200, f"GET {path} answers {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """The first that is there. Raises WalkFailed when it takes too long."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if found := await look():
                return found
            await asyncio.sleep(LOOK_SECONDS)
        raise WalkFailed(f"Waited {PATIENCE_SECONDS:.0f} seconds for {what}")


@asynccontextmanager
async def prepared(outside: OutsideServers, logs: Path) -> AsyncGenerator[World]:
    """Everything in its place, Steward not yet started; at the end of the block it is gone again."""
    async with AsyncExitStack() as held:
        line = held.enter_context(gmail_line(outside.google, "drafts/send"))
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="steward-walk-")))
        steward = StewardProcess(folder / "house", {}, logs / "steward.log")
        await asyncio.to_thread(
            outside.reset, google=google_seed(oauth_clients=[client_of(steward)]), slack=slack_server.SEED
        )
        slack = SlackServer(f"{outside.slack}/api/")
        slack.team = str((await slack.web().read("auth.test"))["team_id"])
        slack.users = {one["name"]: one["id"] for one in (await slack.web().read("users.list"))["members"]}
        listed = await slack.web().read("conversations.list", types="public_channel")
        slack.channels = {one["name"]: one["id"] for one in listed["channels"]}
        steward.settings = settings_of(line, slack)
        own = {"Authorization": f"Bearer {OWN_TOKEN}"}
        google = await held.enter_async_context(httpx.AsyncClient(base_url=outside.google, headers=own, timeout=30))
        browser = await held.enter_async_context(httpx.AsyncClient(base_url=steward.url, timeout=60))
        api = await held.enter_async_context(httpx.AsyncClient(base_url=steward.url, timeout=60))
        held.callback(steward.end)
        held.callback(line.release)
        yield World(steward, line, OwnersMailbox(google), slack, browser, api)


def client_of(steward: StewardProcess) -> dict[str, Any]:
    """What is registered at Google for this house."""
    back = f"{steward.url}/api/integrations/google/callback"
    client_id, secret = GOOGLE_CLIENT
    return {"client_id": client_id, "client_secret": secret, "name": "Steward", "redirect_uris": [back]}


def settings_of(line: GmailLine, slack: SlackServer) -> dict[str, str]:
    """The settings that a person would set; those that name another server than the real one are for tests."""
    return {
        "STEWARD_OWNER_EMAIL": ROBIN,
        "STEWARD_OWNER_NAME": "Robin Vega",
        "STEWARD_TIMEZONE": "UTC",
        "STEWARD_GOOGLE_CLIENT_ID": GOOGLE_CLIENT[0],
        "STEWARD_GOOGLE_CLIENT_SECRET": GOOGLE_CLIENT[1],
        "STEWARD_GOOGLE_PUSH_TOKEN": PUSH_TOKEN,
        "STEWARD_GOOGLE_BASE_URL": line.url,
        "STEWARD_SLACK_BOT_TOKEN": slack_server.BOT_TOKEN,
        "STEWARD_SLACK_SIGNING_SECRET": SLACK_SIGNING_SECRET,
        "STEWARD_SLACK_API_URL": slack.api_url,
    }
