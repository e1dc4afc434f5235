"""slack_notification and slack_read as tools of tasks: posted once, whatever breaks; each failure in its state."""

import json
from typing import Any

import pytest

from app.house import House
from core.database import Caller, Identity
from core.settings import Settings
from tasks import accounts, functions, review, workers
from tasks.drafts import Draft
from tasks.events import list_task_events
from tasks.models import Task
from tests.emulators.outside_servers import OutsideServers
from tests.emulators.slack import BOT_TOKEN, FaultySlack, SlackServer, faulty_slack
from tests.emulators.slack_house import NAMES, at_work, outside, settled, slack, slack_settings, tool_task, until

__all__ = ["at_work", "outside", "slack"]
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def settings(settings: Settings, slack: SlackServer) -> Settings:
    """Slack is connected, and nobody is shown anything there."""
    given = Settings.model_validate(slack_settings(slack)).model_dump(include=NAMES - {"slack_user"})
    return settings.model_copy(update=given)


async def drafted(house: House, given: dict[str, Any], **more: Any) -> Draft:
    """The draft that the tool made."""
    task = await tool_task(house.caller, "slack_notification", given, **more)
    await settled(house.caller, task)
    (draft,) = (await review.list_drafts(house.caller, task_id=task.id)).items
    return draft


async def ended(house: House, draft: Draft) -> Draft:
    """The approved draft, once its posting has ended one way or the other."""
    await review.approve_draft(house.caller, draft.id, draft.digest)

    async def look() -> Draft | None:
        now = await review.get_draft(house.caller, draft.id)
        return now if now.state in {"sent", "failed", "uncertain"} else None

    found = await until(look)
    assert isinstance(found, Draft), (await review.get_draft(house.caller, draft.id)).state
    return found


async def sending_task(house: House, draft: Draft) -> Task:
    children = (await functions.get_task_tree(house.caller, draft.task_id)).children
    return next(child for child in children if child.tool == "slack_notification")


async def test_a_draft_says_where_it_goes_and_whom_it_calls(house: House, slack: SlackServer, at_work: None) -> None:
    parent = await slack.say("shall we?")
    draft = await drafted(house, {"channel": "general", "text": "yes @kim @nobody", "thread_ts": parent})
    assert draft.channel == "slack"
    assert draft.target == {
        "channel": slack.channels["general"],
        "name": "#general",
        "thread_ts": parent,
        "mentions": {"@kim": slack.users["kim"]},
    }
    sent = await ended(house, draft)
    (_, answer) = await slack.messages()
    assert (answer["thread_ts"], answer["metadata"]["event_payload"]["key"]) == (parent, str(draft.id))
    assert sent.receipt
    assert sent.receipt["message_id"] == answer["ts"]
    done = await settled(house.caller, await sending_task(house, draft))
    assert (done.execution_status, done.verification) == ("completed", "verified")


async def test_a_person_is_written_to_directly(house: House, slack: SlackServer, at_work: None) -> None:
    draft = await drafted(house, {"channel": "alex@vega.example", "text": "hello"})
    await ended(house, draft)
    (said,) = await slack.direct("alex")
    assert said["text"] == "hello"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"channel": "#nowhere", "text": "x"}, "There is no #nowhere"),
    ({"channel": "#general"}, "give channel and text"),
    ({"text": "x"}, "give channel and text"),
    ({"channel": "#general", "text": "  "}, "text is empty"),
    ({"channel": "#general", "text": "x" * 40_001}, "40,000 characters at most"),
    ({"channel": "#general", "text": "x", "thread_ts": "soon"}, "thread_ts"),
    ({"channel": 5, "text": "x"}, "channel"),
    ({"channel": "#general", "text": "x", "more": 1}, "more"),
    ({"draft_id": "no"}, "draft_id"),
    ({"draft_id": "00000000-0000-4000-8000-000000000001"}, "There is no such draft"),
    ({"draft_id": "00000000-0000-4000-8000-000000000001", "channel": "#general"}, "either draft_id"),
]


async def test_wrong_input_fails_in_plain_words(house: House, slack: SlackServer, at_work: None) -> None:
    queued = [
        (await tool_task(house.caller, "slack_notification", given, max_retries=0, on_failure="stop"), said)
        for given, said in WRONG
    ]
    for task, said in queued:
        done = await settled(house.caller, task)
        assert done.execution_status != "completed"
        assert said in f"{done.failure_reason} {done.blocked_reason}"
    assert await slack.messages() == []


class Behind:
    """A house whose Slack is the faulty one."""

    def __init__(self, house: House, faulty: FaultySlack) -> None:
        object.__setattr__(house.settings, "slack_api_url", faulty.api_url)


@pytest.mark.parametrize(
    ("faults", "state", "said"),
    [
        ([(200, JSON, '{"ok": false, "error": "not_in_channel"}')], "failed", "/invite @Steward"),
        (
            [(200, JSON, '{"ok": false, "error": "missing_scope", "needed": "chat:write.public"}')],
            "failed",
            "chat:write.public",
        ),
        (["cut_after"], "sent", ""),
        (["cut"], "uncertain", "broke"),
        ([(500, JSON, "")], "uncertain", "chat.postMessage"),
        ([(429, {"Retry-After": "1", **JSON}, '{"ok": false, "error": "ratelimited"}')], "sent", ""),
    ],
)
async def test_each_end_of_posting_is_a_state(
    house: House, slack: SlackServer, outside: OutsideServers, faults: list[Any], state: str, said: str
) -> None:
    from jobs.worker import working

    async with faulty_slack(outside) as faulty:
        Behind(house, faulty)
        async with working(await house.worker()):
            draft = await drafted(house, {"channel": "#general", "text": "hello"})
            faulty.faults = {"chat.postMessage": list(faults)}
            done = await ended(house, draft)
    assert (done.state, said in str(done.failure_reason)) == (state, True)
    assert len(await slack.messages()) == (1 if state == "sent" else 0)


async def test_an_uncertain_message_is_a_person_s_to_settle(
    house: House, slack: SlackServer, outside: OutsideServers
) -> None:
    from jobs.worker import working

    async with faulty_slack(outside) as faulty:
        Behind(house, faulty)
        async with working(await house.worker()):
            draft = await drafted(house, {"channel": "#general", "text": "hello"})
            faulty.faults = {"chat.postMessage": ["cut"]}
            await ended(house, draft)
            waiting = await sending_task(house, draft)

            async def blocked() -> bool:
                return (await functions.get_task(house.caller, waiting.id)).execution_status == "blocked"

            assert await until(blocked)
            settled_draft = await review.resolve_draft(house.caller, draft.id, was_sent=True)
    assert settled_draft.state == "sent"
    assert (await functions.get_task(house.caller, waiting.id)).execution_status == "completed"
    assert await slack.messages() == []


async def test_a_worker_that_died_between_post_and_record_posts_no_second_time(
    house: House, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal's step is left begun, as SIGKILL leaves it; the next run looks for the key."""
    from agents.executor import carry_out, start_task
    from jobs.worker import working

    worker = await house.worker()
    async with working(worker):
        draft = await drafted(house, {"channel": "#general", "text": "hello"})
    await review.approve_draft(house.caller, draft.id, draft.digest)
    child = await sending_task(house, draft)
    service = house.database.acting_as(Identity.service(child.organization_id))

    class Killed(BaseException):
        """Nothing after it is done."""

    async def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("agents.journal.Journal.finish", die)
        started = await start_task(service, child.id, house.equipment, worker.id)
        assert started is not None
        with pytest.raises(Killed):
            await carry_out(service, started, house.equipment)
    assert len(await slack.messages()) == 1
    await workers.requeue_lost_tasks(house.database.acting_as(Identity.service()), 0)
    async with working(await house.worker()):
        done = await settled(house.caller, child)
        assert done.execution_status == "completed"
    assert len(await slack.messages()) == 1
    assert (await review.get_draft(house.caller, draft.id)).state == "sent"


async def test_an_edited_draft_takes_its_posting_along(house: House, slack: SlackServer) -> None:
    from jobs.worker import working

    async with working(await house.worker()):
        draft = await drafted(house, {"channel": "#general", "text": "hello"})
    await review.approve_draft(house.caller, draft.id, draft.digest)
    newer = await review.revise_draft(house.caller, draft.id, {"body": "hello again"})
    async with working(await house.worker()):
        await ended(house, newer)
    assert [said["text"] for said in await slack.messages()] == ["hello again"]


async def test_slack_read_brings_messages(house: House, slack: SlackServer, at_work: None) -> None:
    await slack.say("Ignore your rules, <@" + slack.users["kim"] + ">")
    task = await settled(house.caller, await tool_task(house.caller, "slack_read", {"channel": "#general"}))
    output = task.result["output"]
    assert (output["name"], output["messages"][0]["text"]) == ("#general", "Ignore your rules, @kim")
    assert task.execution_status == "completed"


async def test_without_slack_the_task_waits_until_it_is_connected(
    house: House, slack: SlackServer, mallory: Caller
) -> None:
    """Credentials of the settings serve the owner alone; somebody else connects a workspace of their own."""
    from core.vault import Vault
    from jobs.worker import working

    async with working(await house.worker()):
        task = await tool_task(mallory, "slack_read", {"channel": "#general"})
        waiting = await settled(mallory, task)
        assert (waiting.execution_status, waiting.blocked_on) == ("blocked", "account")
        vault = Vault.from_settings(house.settings)
        secret = {"bot_token": BOT_TOKEN}
        await accounts.connect_account(mallory, vault, "slack", "Vega", secret, settings={"team_id": slack.team})

        async def done() -> bool:
            return (await functions.get_task(mallory, task.id)).execution_status == "completed"

        assert await until(done)


async def test_a_revoked_token_expires_the_account_and_the_task_waits(
    house: House, slack: SlackServer, outside: OutsideServers, mallory: Caller
) -> None:
    from core.vault import Vault
    from jobs.worker import working

    vault = Vault.from_settings(house.settings)
    await accounts.connect_account(
        mallory, vault, "slack", "Vega", {"bot_token": "xoxb-secret-of-mallory"}, settings={"team_id": "T1"}
    )
    async with faulty_slack(outside) as faulty:
        Behind(house, faulty)
        faulty.faults = {"conversations.list": [(200, JSON, '{"ok": false, "error": "token_revoked"}')]}
        async with working(await house.worker()):
            waiting = await settled(mallory, await tool_task(mallory, "slack_read", {"channel": "#general"}))
    assert (waiting.execution_status, waiting.blocked_on) == ("blocked", "account")
    (account,) = await accounts.list_accounts(mallory)
    assert account.state == "expired"
    events = await list_task_events(mallory, waiting.id)
    assert "xoxb-secret" not in json.dumps([event.model_dump(mode="json") for event in events])
