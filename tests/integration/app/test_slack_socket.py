"""Socket Mode: the same handlers over a WebSocket; refused or cut, the line is opened anew."""

from typing import Any

from pydantic import SecretStr

from app.house import House
from app.slack import slack_listening
from tasks import functions
from tests.emulators.slack import SlackServer
from tests.emulators.slack_house import outside, sender, settings, slack, until
from tests.emulators.slack_socket import APP_TOKEN, SocketSlack, socket_slack

__all__ = ["outside", "sender", "settings", "slack"]


def mention(slack: SlackServer, text: str, event_id: str) -> dict[str, Any]:
    event = {
        "type": "app_mention",
        "user": slack.users["robin"],
        "text": f"<@{slack.users['steward']}> {text}",
        "channel": slack.channels["general"],
        "ts": "1772612345.000100",
    }
    return {"type": "event_callback", "team_id": slack.team, "api_app_id": "A1", "event_id": event_id, "event": event}


async def answered(fake: SocketSlack, count: int) -> list[dict[str, Any]]:
    async def enough() -> bool:
        return len(fake.answers) >= count

    await until(enough)
    return fake.answers


async def test_events_and_commands_come_over_the_line(house: House, slack: SlackServer, monkeypatch: Any) -> None:
    await house.slack.workspaces.link_owner(house.owner)
    monkeypatch.setattr("jobs.slack_socket.FIRST_PAUSE_SECONDS", 0.05)
    async with socket_slack() as fake:
        fake.refusals = ["invalid_auth"]
        object.__setattr__(house.settings, "slack_app_token", SecretStr(APP_TOKEN))
        reads = house.settings.slack_api_url
        object.__setattr__(house.settings, "slack_api_url", fake.api_url)
        async with slack_listening(house):

            async def is_open() -> bool:
                return fake.opened == 1

            assert await until(is_open)
            object.__setattr__(house.settings, "slack_api_url", reads)
            await fake.send("events_api", mention(slack, "Call Ana tomorrow", "Ev1"), "e1")
            await fake.send("events_api", mention(slack, "Call Ana tomorrow", "Ev1"), "e2")
            command = {
                "command": "/steward",
                "text": "list",
                "team_id": slack.team,
                "user_id": slack.users["robin"],
                "trigger_id": "t1",
            }
            await fake.send("slash_commands", command, "e3")
            answers = await answered(fake, 3)
            assert {one["envelope_id"] for one in answers} == {"e1", "e2", "e3"}
            listed = next(one for one in answers if one["envelope_id"] == "e3")
            assert "Nothing is open" in listed["payload"]["text"]
    await house.slack.drain()
    (task,) = (await functions.list_tasks(house.caller)).items
    assert "Ana" in task.title


async def test_without_an_app_token_there_is_no_line(house: House) -> None:
    async with slack_listening(house):
        pass
