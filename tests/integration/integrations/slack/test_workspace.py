"""The workspace against the Slack emulator; faults come from a small fake in front of it."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.outside.chat import LONGEST_TEXT, ChatPost
from core.outside.errors import Malformed, Refused, SignInExpired, Temporary, Uncertain
from integrations.slack.workspace import SlackWorkspace
from tests.emulators.outside_servers import OutsideServers
from tests.emulators.slack import (
    ALEX_TOKEN,
    BOT_TOKEN,
    WEAK_TOKEN,
    FaultySlack,
    SlackServer,
    faulty_slack,
    fresh_slack,
)
from tests.emulators.slack_house import outside

__all__ = ["outside"]
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def slack(outside: OutsideServers) -> SlackServer:
    return await fresh_slack(outside)


@pytest.fixture
def chat(slack: SlackServer) -> SlackWorkspace:
    return SlackWorkspace(BOT_TOKEN, api_url=slack.api_url)


@pytest.fixture
async def faulty(outside: OutsideServers, slack: SlackServer) -> AsyncGenerator[FaultySlack]:
    async with faulty_slack(outside) as made:
        yield made


def post(slack: SlackServer, **more: Any) -> ChatPost:
    given: dict[str, Any] = {"key": "k1", "channel": slack.channels["general"], "text": "hello", **more}
    return ChatPost(**given)


# Section: places and names


async def test_places_by_every_name(chat: SlackWorkspace, slack: SlackServer) -> None:
    general = slack.channels["general"]
    for name in ("#general", "general", "#General", general, " #general "):
        assert (await chat.find_place(name)).id == general
    places = {
        (await chat.find_place(name)).id
        for name in ("@alex", "@Alex Moreno", "@alex.moreno", "alex@vega.example", slack.users["alex"])
    }
    assert len(places) == 1
    place = await chat.find_place("@alex")
    assert (place.name, place.is_direct) == ("@alex", True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("#nowhere", "There is no #nowhere"),
        ("@nobody", "There is no @nobody"),
        ("nobody@vega.example", "Nobody in this workspace"),
        ("C99999999", "no such channel"),
        ("U99999999", "no such person"),
        ("<!channel>", "There is no #<!channel>"),
    ],
)
async def test_places_that_are_not_there(chat: SlackWorkspace, name: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        await chat.find_place(name)
    assert said in refused.value.message


async def test_a_name_that_several_have_is_nobody_s(outside: OutsideServers) -> None:
    from tests.emulators.slack import SEED

    twins = [*SEED["users"], {"name": "alex2", "real_name": "Alex Moreno", "email": "alex2@vega.example"}]
    slack = await fresh_slack(outside, users=twins)
    chat = SlackWorkspace(BOT_TOKEN, api_url=slack.api_url)
    with pytest.raises(Refused, match="Several are called"):
        await chat.find_place("@Alex Moreno")
    assert await chat.find_mentions("hi @alex and @Alex.Moreno") == {"@alex": slack.users["alex"]}


async def test_mentions(chat: SlackWorkspace, slack: SlackServer) -> None:
    found = await chat.find_mentions("@alex @nobody @channel #orders #nowhere a@vega.example")
    assert found == {"@alex": slack.users["alex"], "#orders": slack.channels["orders"]}
    assert await chat.find_mentions("nothing") == {}


async def test_an_archived_channel_is_refused(chat: SlackWorkspace, slack: SlackServer) -> None:
    await slack.web().act("conversations.archive", channel=slack.channels["old"])
    with pytest.raises(Refused, match="archived"):
        await chat.find_place("#old")
    with pytest.raises(Refused, match="archived"):
        await chat.post(post(slack, channel=slack.channels["old"]))


# Section: posting


async def test_a_message_is_posted_in_its_thread_and_found_again(chat: SlackWorkspace, slack: SlackServer) -> None:
    parent = await slack.say("shall we?")
    message = post(slack, thread=parent, text="yes, @alex", mentions={"@alex": slack.users["alex"]})
    assert await chat.find(message) is None
    posted = await chat.post(message)
    assert await chat.find(message) == posted
    assert posted.link
    (_, answer) = await slack.messages()
    assert (answer["thread_ts"], answer["text"]) == (parent, f"yes, <@{slack.users['alex']}>")
    assert await chat.find(post(slack, key="k2", thread=parent)) is None


async def test_nothing_but_the_mentions_is_markup(chat: SlackWorkspace, slack: SlackServer) -> None:
    await chat.post(post(slack, text="<!channel> <@U1> @here & *x*"))
    (said,) = await slack.messages()
    assert said["text"] == "&lt;!channel&gt; &lt;@U1&gt; @here &amp; *x*"
    assert said["parse"] == "none"
    assert said["link_names"] is False


async def test_long_and_empty_messages(chat: SlackWorkspace, slack: SlackServer) -> None:
    await chat.post(post(slack, text="家" * LONGEST_TEXT))
    (said,) = await slack.messages()
    assert said["text"] == "家" * LONGEST_TEXT
    for text in ("x" * (LONGEST_TEXT + 1), "&" * 10_000, "", " \n "):
        with pytest.raises(Refused):
            await chat.post(post(slack, text=text))
    assert len(await slack.messages()) == 1


async def test_a_message_is_found_among_many(chat: SlackWorkspace, slack: SlackServer) -> None:
    wanted = await chat.post(post(slack, key="wanted"))
    for number in range(230):
        await slack.say(f"noise {number}")
    assert await chat.find(post(slack, key="wanted")) == wanted
    assert await chat.find(post(slack, key="missing", not_before=datetime.now(UTC) - timedelta(hours=1))) is None


# Section: what goes wrong


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ((429, {"Retry-After": "30", **JSON}, '{"ok": false, "error": "ratelimited"}'), Temporary, "wait"),
        ((200, JSON, '{"ok": false, "error": "ratelimited"}'), Temporary, "wait"),
        ((200, JSON, '{"ok": false, "error": "missing_scope", "needed": "chat:write"}'), Refused, "chat:write"),
        ((200, JSON, '{"ok": false, "error": "channel_not_found"}'), Refused, "no such channel"),
        ((200, JSON, '{"ok": false, "error": "is_archived"}'), Refused, "archived"),
        ((200, JSON, '{"ok": false, "error": "a_new_one"}'), Refused, "a_new_one"),
        ((200, JSON, '{"ok": false, "error": "token_revoked"}'), SignInExpired, "sign-in"),
        ((200, JSON, '{"ok": false, "error": "invalid_auth"}'), SignInExpired, "sign-in"),
        ((500, JSON, "oops"), Uncertain, ""),
        ((200, JSON, '{"ok": false, "error": "fatal_error"}'), Uncertain, "failed"),
        ((200, JSON, '{"ok": tr'), Uncertain, ""),
        ((200, {"Content-Type": "text/html"}, "<html>"), Uncertain, ""),
        ((200, JSON, "[]"), Uncertain, ""),
        ((200, JSON, '{"ok": true}'), Uncertain, "under which id"),
        ("cut", Uncertain, "broke"),
    ],
)
async def test_each_fault_of_posting_has_its_kind(
    slack: SlackServer, faulty: FaultySlack, fault: Any, kind: type[Exception], said: str
) -> None:
    chat = SlackWorkspace(BOT_TOKEN, api_url=faulty.api_url)
    faulty.faults = {"chat.postMessage": [fault]}
    with pytest.raises(kind) as raised:
        await chat.post(post(slack))
    assert type(raised.value) is kind
    assert said in str(raised.value)
    assert BOT_TOKEN not in repr(raised.value.__dict__)
    assert faulty.calls.count("chat.postMessage") == 1
    assert await slack.messages() == []


async def test_retry_after_is_carried(slack: SlackServer, faulty: FaultySlack) -> None:
    chat = SlackWorkspace(BOT_TOKEN, api_url=faulty.api_url)
    for given, seconds in (("30", 30), ("0", 1), ("soon", None), ("-5", None), ("99999999999999", None), ("1.5", None)):
        faulty.faults = {"chat.postMessage": [(429, {"Retry-After": given, **JSON}, '{"ok": false}')]}
        with pytest.raises(Temporary) as raised:
            await chat.post(post(slack))
        assert raised.value.retry_after_seconds == seconds


async def test_a_line_that_breaks_after_the_post_is_looked_up(slack: SlackServer, faulty: FaultySlack) -> None:
    chat = SlackWorkspace(BOT_TOKEN, api_url=faulty.api_url)
    faulty.faults = {"chat.postMessage": ["cut_after"]}
    posted = await chat.post(post(slack))
    (said,) = await slack.messages()
    assert posted.message_id == said["ts"]
    faulty.faults = {"chat.postMessage": ["cut_after"], "conversations.history": ["cut"]}
    with pytest.raises(Uncertain):
        await chat.post(post(slack, key="k2"))


async def test_out_of_reach_is_temporary(slack: SlackServer) -> None:
    chat = SlackWorkspace(BOT_TOKEN, api_url="http://127.0.0.1:9/api/")
    for call in (chat.post(post(slack)), chat.read("C1"), chat.find_place("#general")):
        with pytest.raises(Temporary):
            await call


async def test_reads_that_go_wrong(slack: SlackServer, faulty: FaultySlack) -> None:
    chat = SlackWorkspace(BOT_TOKEN, api_url=faulty.api_url)
    general = slack.channels["general"]
    for fault, kind in (
        ("cut", Temporary),
        ((502, JSON, ""), Temporary),
        ((200, JSON, "nonsense"), Malformed),
        ((200, JSON, '{"ok": true, "messages": 5}'), Malformed),
        ((200, JSON, '{"ok": false, "error": "not_in_channel"}'), Refused),
    ):
        faulty.faults = {"conversations.history": [fault]}
        with pytest.raises(kind):
            await chat.read(general)
    faulty.faults = {"conversations.history": [(200, JSON, '{"ok": false, "error": "missing_scope"}')]}
    with pytest.raises(Uncertain):
        await chat.find(post(slack))
    endless = (200, JSON, '{"ok": true, "messages": [], "response_metadata": {"next_cursor": "x"}}')
    faulty.faults = {"conversations.history": [endless] * 60}
    with pytest.raises(Uncertain):
        await chat.find(post(slack))


async def test_a_revoked_token_is_told(slack: SlackServer, faulty: FaultySlack) -> None:
    """The emulator takes any token."""
    told: list[SignInExpired] = []

    async def tell(error: SignInExpired) -> None:
        told.append(error)

    chat = SlackWorkspace(BOT_TOKEN, api_url=faulty.api_url, on_expired=tell)
    faulty.faults = {"auth.test": [(200, JSON, '{"ok": false, "error": "token_revoked"}')]}
    with pytest.raises(SignInExpired):
        await chat.whoami()
    assert len(told) == 1


async def test_a_missing_permission_is_named(slack: SlackServer) -> None:
    chat = SlackWorkspace(WEAK_TOKEN, api_url=slack.api_url)
    with pytest.raises(Refused) as refused:
        await chat.post(post(slack))
    assert "chat:write" in refused.value.message
    assert "OAuth & Permissions" in str(refused.value.hint)


# Section: reading


async def test_messages_are_read_as_people_read_them(chat: SlackWorkspace, slack: SlackServer) -> None:
    first = await slack.say(f"<@{slack.users['kim']}> &lt;b&gt; <https://x.example|look>", token=ALEX_TOKEN)
    await slack.say("an answer", thread_ts=first)
    last = await slack.say("later")
    general = slack.channels["general"]
    one, two = await chat.read(general)
    assert (one.text, one.author, one.replies, two.id) == ("@kim <b> look (https://x.example)", "alex", 1, last)
    assert [m.text for m in await chat.read(general, thread=first)][1] == "an answer"
    assert [m.id for m in await chat.read(general, limit=1)] == [last]
    with pytest.raises(Refused):
        await chat.read(general, thread="1; drop")
    with pytest.raises(Refused):
        await chat.read("C99999999")
