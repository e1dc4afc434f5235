"""Fixtures of a house whose owner is robin in the Slack emulator; imported by the tests that need them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from app.house import House
from app.main import create_app
from core.database import Caller
from core.keys import Keys
from core.settings import Settings
from jobs.worker import working
from tasks import functions
from tasks.models import Task
from tests.emulators.outside_servers import SLACK_SIGNING_SECRET, OutsideServers, outside
from tests.emulators.slack import BOT_TOKEN, SlackSender, SlackServer, fresh_slack

__all__ = ["outside"]
PATIENCE_SECONDS = 20.0


@pytest.fixture
async def slack(outside: OutsideServers) -> SlackServer:
    """A workspace, begun anew."""
    return await fresh_slack(outside)


@pytest.fixture
def settings(settings: Settings, slack: SlackServer) -> Settings:
    """Settings that name the workspace, and who the owner is there."""
    return settings.model_copy(update=Settings.model_validate(slack_settings(slack)).model_dump(include=NAMES))


NAMES = {"slack_bot_token", "slack_signing_secret", "slack_user", "slack_api_url"}


def slack_settings(slack: SlackServer) -> dict[str, Any]:
    """The settings of Slack, as a person would set them."""
    return {
        "slack_bot_token": BOT_TOKEN,
        "slack_signing_secret": SLACK_SIGNING_SECRET,
        "slack_user": slack.users["robin"],
        "slack_api_url": slack.api_url,
    }


@pytest.fixture
async def sender(house: House, slack: SlackServer) -> AsyncGenerator[SlackSender]:
    """What Slack would send, to this house; its owner is known."""
    await house.slack.workspaces.link_owner(house.owner)
    transport = httpx.ASGITransport(create_app(house, Keys.load(house.settings.home)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
        yield SlackSender(client, slack)


@pytest.fixture
async def at_work(house: House) -> AsyncGenerator[None]:
    """A worker works."""
    async with working(await house.worker()):
        yield


async def until(answer: Callable[[], Awaitable[Any]]) -> Any:
    """The first answer that is true, or the last one."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_SECONDS
    while True:
        got = await answer()
        if got or loop.time() > end:
            return got
        await asyncio.sleep(0.05)


async def settled(caller: Caller, task: Task) -> Task:
    """The task once it neither waits in the queue nor runs."""

    async def look() -> Task | None:
        now = await functions.get_task(caller, task.id)
        return now if now.execution_status not in {"queued", "in_progress", "pending"} else None

    found = await until(look)
    assert isinstance(found, Task), (await functions.get_task(caller, task.id)).model_dump()
    return found


async def tool_task(caller: Caller, tool: str, given: Mapping[str, Any], **more: Any) -> Task:
    """A queued task that uses a tool."""
    item = {"title": "Use it", "execution_type": "fully_automated", "tool": tool, "tool_input": dict(given), **more}
    (task,) = await functions.create_tasks(caller, [item])
    return await functions.queue_task_execution(caller, task.id)
