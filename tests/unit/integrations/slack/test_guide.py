"""The manifest in the guide is one that Slack takes, and asks for exactly what the app needs."""

import re
from pathlib import Path
from typing import Any

import yaml

from integrations.slack.blocks import MAKE_TASK
from integrations.slack.oauth import BOT_SCOPES

GUIDE = (Path(__file__).parents[4] / "docs" / "guide" / "slack.md").read_text()


def manifest() -> dict[str, Any]:
    return yaml.safe_load(re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[0])


def test_the_manifest_asks_for_what_the_app_needs() -> None:
    found = manifest()
    assert tuple(found["oauth_config"]["scopes"]["bot"]) == BOT_SCOPES
    assert found["settings"]["socket_mode_enabled"] is True


def test_the_manifest_names_what_the_app_listens_to() -> None:
    found = manifest()
    assert [one["callback_id"] for one in found["features"]["shortcuts"]] == [MAKE_TASK]
    assert [one["command"] for one in found["features"]["slash_commands"]] == ["/steward"]
    heard = {"app_mention", "message.im", "app_home_opened", "app_uninstalled", "tokens_revoked"}
    assert set(found["settings"]["event_subscriptions"]["bot_events"]) == heard
