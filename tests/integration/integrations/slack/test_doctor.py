"""steward doctor on Slack: what is connected, what is missing, what does not work."""

from typing import Any

import pytest

from cli.doctor_outside import check_slack
from core.settings import Settings
from tests.emulators.outside_servers import OutsideServers
from tests.emulators.slack import BOT_TOKEN, SlackServer, faulty_slack, fresh_slack
from tests.emulators.slack_house import outside, slack_settings

__all__ = ["outside"]


@pytest.fixture
async def slack(outside: OutsideServers) -> SlackServer:
    return await fresh_slack(outside)


def settings(slack: SlackServer, **more: object) -> Settings:
    return Settings.model_validate({**slack_settings(slack), **more})


async def test_what_is_there_and_what_is_missing(slack: SlackServer) -> None:
    assert (await check_slack(Settings.model_validate({}))).said == "not connected"
    whole = await check_slack(settings(slack))
    assert (whole.state, whole.said) == ("ok", f"steward in Vega ({slack.team}), by signed requests")
    assert "Socket Mode" in (await check_slack(settings(slack, slack_app_token="xapp-x"))).said
    deaf = await check_slack(settings(slack, slack_signing_secret=None))
    assert (deaf.state, "hears nothing" in deaf.said) == ("note", True)
    unknown = await check_slack(settings(slack, slack_user=None))
    assert "STEWARD_SLACK_USER" in unknown.hint


async def test_what_does_not_work(slack: SlackServer, outside: OutsideServers) -> None:
    async with faulty_slack(outside) as faulty:
        given = settings(slack, slack_api_url=faulty.api_url)
        faults: list[tuple[Any, str]] = [
            ((200, {"Content-Type": "application/json"}, '{"ok": false, "error": "invalid_auth"}'), "invalid_auth"),
            ((500, {}, ""), "HTTP 500"),
            ("cut", "broke"),
        ]
        for fault, said in faults:
            faulty.faults = {"auth.test": [fault]}
            found = await check_slack(given)
            assert found.state == "broken"
            assert said in found.said
            assert BOT_TOKEN not in f"{found}"
    away = await check_slack(settings(slack, slack_api_url="http://127.0.0.1:9/api/"))
    assert away.state == "broken"


@pytest.mark.parametrize("value", ["robin", "u012ab3cd", "C012AB3CD", ""])
def test_a_member_id_is_checked(value: str) -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match="member id"):
        Settings.model_validate({"slack_user": value})


def test_an_address_gets_its_slash() -> None:
    assert Settings.model_validate({"slack_api_url": "http://127.0.0.1:1/api"}).slack_api_url.endswith("/api/")
