"""What is brought up in Slack: a message for each nudge and each digest, once; its buttons, and what became of it."""

import asyncio
import json
from typing import Any

from app._attention.rules import rules_of
from app.house import House
from core.database import Identity
from integrations.slack.blocks import MUTE, USEFUL, USELESS
from tasks.digests import make_digest
from tasks.nudges import decide_nudge, get_nudge
from tests.conftest import NOW, sign_up
from tests.emulators.outside_servers import OutsideServers
from tests.emulators.slack import SlackSender, SlackServer
from tests.emulators.slack_house import outside, sender, settings, slack
from tests.integration.app.test_nudges_api import brought_up
from tests.integration.app.test_slack_decisions import calm, click

__all__ = ["OutsideServers", "outside", "sender", "settings", "slack"]
HOSTILE = "Ask <!channel> *now* <https://evil.example|here>"


def values_of(message: dict[str, Any]) -> list[str]:
    return [one["action_id"] for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]


async def test_a_nudge_is_told_once_and_its_buttons_decide_it(
    house: House, sender: SlackSender, slack: SlackServer
) -> None:
    first, second, third = await brought_up(house, HOSTILE, "b", "c", why=HOSTILE)
    await asyncio.gather(*(house.slack.drain() for _ in range(3)))
    messages = await slack.direct()
    assert len(messages) == 3
    hostile = next(
        one for one in messages if "evil" in one["blocks"][0]["text"]["text"]
    )  # by its title: all say why so
    assert all(block["text"]["type"] == "plain_text" for block in hostile["blocks"] if block["type"] == "section")
    assert "<!channel>" not in hostile["text"]
    by_title = {one["blocks"][0]["text"]["text"]: one for one in messages}
    await click(sender, by_title["Draft b"], USEFUL)
    await click(sender, by_title["Draft c"], USELESS)
    await calm(house)
    assert [(await get_nudge(house.caller, one.id)).state for one in (second, third)] == ["acted", "dismissed"]
    await click(sender, by_title["Draft c"], USEFUL)  # of what is shown there no more
    other = await sign_up(house.database, "kim@vega.example")
    await click(sender, hostile, USELESS, user="kim")
    await calm(house)
    assert (await get_nudge(house.caller, first.id)).state == "told"
    assert other != Identity(None)
    await click(sender, hostile, MUTE)
    await calm(house)
    assert (await get_nudge(house.caller, first.id)).state == "dismissed"
    shown = {one["blocks"][0]["text"]["text"]: one for one in await slack.direct() if len(one.get("blocks") or []) > 1}
    assert all(not values_of(one) for one in shown.values())
    assert "useful" in json.dumps(shown["Draft b"]["blocks"])


async def test_what_is_prepared_or_held_comes_as_its_draft_or_in_the_digest(
    house: House, sender: SlackSender, slack: SlackServer
) -> None:
    task = {"title": "Agenda", "execution_type": "fully_automated", "kind": "agenda"}
    await brought_up(house, "prepared", task=task, executes=True)
    (gone,) = await brought_up(house, "gone")
    await decide_nudge(house.caller, gone.id, "acted", NOW)
    await house.slack.drain()
    assert await slack.direct() == []  # decided before it was ever shown
    await brought_up(house, *(f"n{n}" for n in range(6)))
    rules = rules_of(house)
    await asyncio.gather(*(make_digest(house.caller, NOW, rules) for _ in range(3)))
    await asyncio.gather(*(house.slack.drain() for _ in range(3)))
    messages = await slack.direct()
    (digest,) = [one for one in messages if "Digest of Wednesday, 4 March" in one["text"]]
    assert len(messages) == 4  # three were left of the day's budget
    assert json.dumps(digest["blocks"]).count("Draft n") == 3
    assert "/digest?day=2026-03-04" in json.dumps(digest["blocks"])
