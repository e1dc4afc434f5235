"""Slack at the door: what it sends is checked, kept once, worked on by a worker, and answered to the right person."""

import asyncio
import json
from collections.abc import AsyncGenerator

import httpx
import pytest

from app.house import House
from app.main import create_app
from core.keys import Keys
from core.settings import Settings
from jobs.worker import working
from tasks import functions, review
from tests.emulators.outside_servers import SLACK_SIGNING_SECRET, OutsideServers, outside
from tests.emulators.slack import BOT_TOKEN, SlackSender, SlackServer, fresh_slack

__all__ = ["outside"]


@pytest.fixture
async def slack(outside: OutsideServers) -> SlackServer:
    return await fresh_slack(outside)


@pytest.fixture
def settings(settings: Settings, slack: SlackServer) -> Settings:
    """Settings of a house whose owner is robin in Slack."""
    given = settings.model_dump() | {
        "slack_bot_token": BOT_TOKEN,
        "slack_signing_secret": SLACK_SIGNING_SECRET,
        "slack_user": slack.users["robin"],
        "slack_api_url": slack.api_url,
    }
    return Settings.model_validate(given)


@pytest.fixture
async def sender(house: House, slack: SlackServer) -> AsyncGenerator[SlackSender]:
    """What Slack would send, to this house."""
    await house.slack.workspaces.link_owner(house.owner)
    transport = httpx.ASGITransport(create_app(house, Keys.load(house.settings.home)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
        yield SlackSender(client, slack)


async def test_a_mention_becomes_tasks_once(house: House, sender: SlackSender) -> None:
    assert (await sender.mention("Call Ana tomorrow at 3pm", event_id="Ev1")).status_code == 200
    again = await sender.mention("Call Ana tomorrow at 3pm", event_id="Ev1", headers={"X-Slack-Retry-Num": "1"})
    assert again.status_code == 200
    assert await house.slack.drain() == 1
    (task,) = (await functions.list_tasks(house.caller)).items
    assert (task.source, task.flags, task.created_by) == ("slack", [], house.owner.user_id)
    assert "Ana" in task.title


async def test_a_draft_is_shown_approved_by_a_button_and_said_so(
    house: House, sender: SlackSender, slack: SlackServer
) -> None:
    async with working(house.worker()):
        (task,) = await functions.create_tasks(
            house.caller,
            [
                {
                    "title": "Tell the team",
                    "execution_type": "fully_automated",
                    "tool": "slack_notification",
                    "tool_input": {"channel": "#general", "text": "Lunch at noon, @alex. <!channel>"},
                }
            ],
        )
        await functions.queue_task_execution(house.caller, task.id)
        (shown,) = await slack.eventually(1)
        direct = (await slack.web().act("conversations.open", users=slack.users["robin"]))["channel"]["id"]
        assert "Lunch at noon" in json.dumps(shown["blocks"])
        assert await slack.messages() == []
        answered = await sender.click(shown, direct, "steward_approve")
        assert answered.status_code == 200
        for _ in range(200):
            posted = await slack.messages()
            if posted:
                break
            await asyncio.sleep(0.05)
    (posted,) = await slack.messages()
    assert posted["text"] == f"Lunch at noon, <@{slack.users['alex']}>. &lt;!channel&gt;"
    (shown,) = await slack.direct()
    assert "steward_approve" not in json.dumps(shown["blocks"])
    (draft,) = (await review.list_drafts(house.caller)).items
    assert draft.state == "sent"
