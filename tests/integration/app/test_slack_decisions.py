"""Drafts and questions in Slack: shown once, decided by buttons for exactly what was shown, and said so afterwards."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from app.house import House
from core.database import Identity
from core.postgres import pool_of
from integrations.slack.blocks import answer_modal, edit_modal, reject_modal
from tasks import agents, functions, interrupts, review
from tasks.drafts import Draft
from tasks.models import Task
from tests.conftest import sign_up
from tests.emulators.outside_servers import OutsideServers
from tests.emulators.slack import SlackSender, SlackServer, faulty_slack
from tests.emulators.slack_house import at_work, outside, sender, settings, settled, slack, tool_task, until

__all__ = ["at_work", "outside", "sender", "settings", "slack"]
MAIL: dict[str, Any] = {
    "channel": "mail",
    "to_recipients": ["ana@example.com"],
    "subject": "Lunch <!here>",
    "body": "Dear Ana,\n\nnoon? <!channel> *now* <@U123> & all\n",
    "target": {"from_address": "robin@vega.example", "from_name": "Robin Vega"},
}


async def a_draft(house: House, **more: Any) -> Draft:
    """A draft that waits for robin."""
    (task,) = await functions.create_tasks(house.caller, [{"title": "Ask Ana", "execution_type": "semi_automated"}])
    return await review.create_draft(house.caller, task.id, {**MAIL, **more})


async def direct_of(slack: SlackServer, user: str = "robin") -> str:
    return str((await slack.web().act("conversations.open", users=slack.users[user]))["channel"]["id"])


def words(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


async def click(
    sender: SlackSender, message: dict[str, Any], action: str, user: str = "robin", value: str | None = None
) -> None:
    answer = await sender.click(message, await direct_of(sender.slack), action, user, value)
    assert answer.status_code == 200


async def calm(house: House) -> None:
    """Everything that is begun beside answers has ended, and every message is up to date."""
    await asyncio.sleep(0.3)
    await house.slack.drain()


# Section: showing


async def test_a_draft_is_shown_once_however_many_look(house: House, sender: SlackSender, slack: SlackServer) -> None:
    draft = await a_draft(house)
    await asyncio.gather(*(house.slack.drain() for _ in range(4)))
    (shown,) = await slack.direct()
    assert shown["metadata"]["event_payload"]["key"]
    texts = [block for block in shown["blocks"] if block.get("text", {}).get("type") == "plain_text"]
    assert any(MAIL["body"].strip() in block["text"]["text"] for block in texts)
    assert "<!here>" not in shown["text"]
    markdown = [block["text"]["text"] for block in shown["blocks"] if block.get("text", {}).get("type") == "mrkdwn"]
    assert all("<!" not in text and "<@" not in text for text in markdown)
    assert str(draft.id) in words(shown)


async def test_only_the_person_of_the_task_is_shown_it(house: House, sender: SlackSender, slack: SlackServer) -> None:
    """Another member of the same organization, linked too, sees nothing of it."""
    other = await sign_up(house.database, "kim@vega.example")
    profile = await house.caller.call("get_profile")
    async with pool_of(house.database).connection() as connection:
        await connection.execute(
            "insert into public.members (organization_id, user_id) values (%s, %s)",
            (profile["organization"]["id"], other.user_id),
        )
        await connection.execute(
            "insert into public.slack_links (organization_id, user_id, team_id, slack_user_id) values (%s, %s, %s, %s)",
            (profile["organization"]["id"], other.user_id, slack.team, slack.users["kim"]),
        )
    await a_draft(house)
    await house.slack.drain()
    assert len(await slack.direct("robin")) == 1
    assert await slack.direct("kim") == []


async def test_a_worker_that_died_between_post_and_record_posts_no_second_time(
    house: House, sender: SlackSender, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As SIGKILL leaves it: nothing after the post is done."""

    async def die(*_: object, **__: object) -> None:
        raise Killed

    await a_draft(house)
    with monkeypatch.context() as patched:
        patched.setattr("jobs.slack_work.slack.keep_slack_notice", die)
        with pytest.raises(Killed):
            await house.slack.drain()
    assert len(await slack.direct()) == 1
    await expire_leases(house)
    await house.slack.drain()
    assert len(await slack.direct()) == 1
    (shown,) = await slack.direct()
    await click(sender, shown, "steward_reject")


async def expire_leases(house: House) -> None:
    async with pool_of(house.database).connection() as connection:
        await connection.execute(
            "update private.slack_notices set leased_until = now() - interval '1 second', not_before = now()"
        )


async def test_a_line_that_breaks_after_the_post_is_looked_up(
    house: House, sender: SlackSender, slack: SlackServer, outside: OutsideServers
) -> None:
    async with faulty_slack(outside) as faulty:
        object.__setattr__(house.settings, "slack_api_url", faulty.api_url)
        faulty.faults = {"chat.postMessage": ["cut_after"]}
        await a_draft(house)
        await house.slack.drain()
        assert len(await slack.direct()) == 1
        await expire_leases(house)
        await house.slack.drain()
        assert faulty.calls.count("chat.postMessage") == 1
    assert len(await slack.direct()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        (429, {"Retry-After": "7", "Content-Type": "application/json"}, '{"ok": false, "error": "ratelimited"}'),
        (200, {"Content-Type": "application/json"}, '{"ok": false, "error": "token_revoked"}'),
    ],
)
async def test_what_cannot_be_shown_now_is_shown_later(
    house: House, sender: SlackSender, slack: SlackServer, outside: OutsideServers, fault: Any
) -> None:
    async with faulty_slack(outside) as faulty:
        object.__setattr__(house.settings, "slack_api_url", faulty.api_url)
        faulty.faults = {"chat.postMessage": [fault]}
        await a_draft(house)
        await house.slack.drain()
        assert await slack.direct() == []
        async with pool_of(house.database).connection() as connection:
            cursor = await connection.execute(
                "select not_before > now() + interval '5 seconds', is_over, begun_at from private.slack_notices"
            )
            assert await cursor.fetchone() == (True, False, None)
        await expire_leases(house)
        await house.slack.drain()
    assert len(await slack.direct()) == 1


async def test_what_was_decided_before_it_was_shown_is_not_shown(
    house: House, sender: SlackSender, slack: SlackServer
) -> None:
    draft = await a_draft(house)
    await review.reject_draft(house.caller, draft.id)
    await house.slack.drain()
    assert await slack.direct() == []


async def test_a_decision_on_the_page_is_told_in_slack(house: House, sender: SlackSender, slack: SlackServer) -> None:
    draft = await a_draft(house)
    await house.slack.drain()
    await review.reject_draft(house.caller, draft.id)
    await house.slack.drain()
    (shown,) = await slack.direct()
    assert "Rejected." in words(shown)
    assert "steward_approve" not in words(shown)


async def test_a_draft_that_does_not_fit_is_not_approved_here(
    house: House, sender: SlackSender, slack: SlackServer
) -> None:
    await a_draft(house, body="Dear Ana,\n" + "x" * 40_000)
    await house.slack.drain()
    (shown,) = await slack.direct()
    assert "steward_approve" not in words(shown)
    assert "steward_edit" not in words(shown)
    assert "read all of it on the review page" in words(shown)
    assert len(words(shown)) < 13_000


# Section: deciding


async def test_yes_sends_exactly_what_was_shown_once(
    house: House, sender: SlackSender, slack: SlackServer, at_work: None
) -> None:
    draft = await a_draft(house)
    (shown,) = await slack.eventually(1)
    await asyncio.gather(*(click(sender, shown, "steward_approve") for _ in range(3)))

    async def sent() -> bool:
        return (await review.get_draft(house.caller, draft.id)).state == "sent"

    assert await until(sent)
    outbox = list((house.settings.home / "outbox").rglob("*.eml"))
    assert len(outbox) == 1

    async def told() -> bool:
        messages = await slack.direct()
        return '"Sent. ' in words(messages[0]) or '"Sent."' in words(messages[0])

    assert await until(told)
    assert [m["text"] for m in (await slack.direct())[1:] if "changed meanwhile" in m["text"]] == []


async def test_what_became_of_an_approved_draft_is_told(house: House, sender: SlackSender, slack: SlackServer) -> None:
    draft = await a_draft(house)
    await house.slack.drain()
    await review.approve_draft(house.caller, draft.id, draft.digest)
    await house.slack.drain()
    assert "is being sent" in words((await slack.direct())[0])
    worker = house.database.acting_as(Identity.service(draft.organization_id))
    await review.begin_sending(worker, draft.id, "<1@vega.example>")
    await house.slack.drain()
    await review.finish_sending(worker, draft.id, "uncertain", reason="The line broke")
    await house.slack.drain()
    assert "Nobody knows whether it was sent: The line broke" in words((await slack.direct())[0])
    await review.resolve_draft(house.caller, draft.id, was_sent=False)
    await house.slack.drain()
    (shown,) = await slack.direct()
    assert "It was not sent" in words(shown)
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute("select is_over, shown from private.slack_notices")
        assert await cursor.fetchone() == (True, "failed")


async def test_a_draft_that_changed_meanwhile_is_not_approved_and_the_new_one_is_shown(
    house: House, sender: SlackSender, slack: SlackServer
) -> None:
    draft = await a_draft(house)
    await house.slack.drain()
    (old,) = await slack.direct()
    newer = await review.revise_draft(house.caller, draft.id, {"body": "Tea instead?"})
    await click(sender, old, "steward_approve")
    await calm(house)
    first, *rest = await slack.direct()
    assert "not the newest version" in words(first)
    assert any("changed meanwhile" in message["text"] for message in rest)
    shown = next(message for message in rest if "Tea instead?" in json.dumps(message.get("blocks", [])))
    assert str(newer.id) in words(shown)
    assert (await review.get_draft(house.caller, newer.id)).state == "draft"


async def test_a_button_that_is_not_ours_does_nothing(house: House, sender: SlackSender, slack: SlackServer) -> None:
    draft = await a_draft(house)
    await house.slack.drain()
    (shown,) = await slack.direct()
    for value in ("", "{}", "[]", "null", '{"draft": "x"}', '{"approval": 1}', "x" * 2000):
        for action in ("steward_approve", "steward_edit"):
            await click(sender, shown, action, value=value)
    await calm(house)
    assert (await review.get_draft(house.caller, draft.id)).state == "draft"


async def test_another_digest_or_tenant_does_nothing(house: House, sender: SlackSender, slack: SlackServer) -> None:
    draft = await a_draft(house)
    await house.slack.drain()
    (shown,) = await slack.direct()
    await click(sender, shown, "steward_approve", value=json.dumps({"draft": str(draft.id), "digest": "0" * 64}))
    await click(sender, shown, "steward_approve", value=json.dumps({"draft": str(uuid4()), "digest": draft.digest}))
    await click(sender, shown, "steward_approve", user="kim")
    mallory = await sign_up(house.database, "mallory@example.net")
    theirs = house.database.acting_as(mallory)
    (task,) = await functions.create_tasks(theirs, [{"title": "x", "execution_type": "semi_automated"}])
    foreign = await review.create_draft(theirs, task.id, MAIL)
    await click(
        sender, shown, "steward_approve", value=json.dumps({"draft": str(foreign.id), "digest": foreign.digest})
    )
    await calm(house)
    assert (await review.get_draft(house.caller, draft.id)).state == "draft"
    assert (await review.get_draft(theirs, foreign.id)).state == "draft"


async def test_an_edit_is_a_new_version_which_needs_its_own_yes(
    house: House, sender: SlackSender, slack: SlackServer
) -> None:
    draft = await a_draft(house)
    await house.slack.drain()
    (shown,) = await slack.direct()
    await click(sender, shown, "steward_edit")
    value = {"draft": str(draft.id), "digest": draft.digest}
    form = edit_modal(
        value,
        [
            ("to", "To", "", False),
            ("cc", "Cc", "", False),
            ("subject", "Subject", "", False),
            ("body", "Text", "", True),
        ],
    )
    wrong = await sender.submit(form, {"to": "nobody", "subject": "S", "body": "B"})
    assert wrong.json()["response_action"] == "errors"
    stranger = await sender.submit(form, {"to": "ana@example.com", "body": "B"}, user="kim")
    assert stranger.json()["response_action"] == "errors"
    given = {
        "to": "ana@example.com; bo@example.com",
        "cc": "",
        "subject": "Tea\r\nBcc: evil@example.net",
        "body": "Tea?",
    }
    assert (await sender.submit(form, given)).text == ""
    again = await sender.submit(form, given)
    assert "changed meanwhile" in again.json()["errors"]["body"]
    await calm(house)
    newest = (await review.list_drafts(house.caller, states=["draft"])).items
    assert [(one.version, one.to_recipients, one.subject, one.body) for one in newest] == [
        (2, ["ana@example.com", "bo@example.com"], "Tea Bcc: evil@example.net", "Tea?")
    ]

    async def both() -> list[dict[str, Any]] | None:
        found = await slack.direct()
        return found if len(found) == 2 and "not the newest version" in words(found[0]) else None

    _, second = await until(both)
    assert "Tea?" in words(second)


async def test_no_with_feedback_has_it_written_anew(house: House, sender: SlackSender, slack: SlackServer) -> None:
    draft = await a_draft(house)
    await house.slack.drain()
    (shown,) = await slack.direct()
    await click(sender, shown, "steward_reject")
    form = reject_modal({"draft": str(draft.id), "digest": draft.digest}, can_revise=True)
    assert (await sender.submit(form, {"feedback": "make it shorter"})).text == ""
    await calm(house)
    rejected = await review.get_draft(house.caller, draft.id)
    assert (rejected.state, rejected.feedback) == ("rejected", "make it shorter")
    assert "make it shorter" in words((await slack.direct())[0])
    revisions = [t for t in (await functions.list_tasks(house.caller)).items if t.tool == "revise_draft"]
    assert len(revisions) == 1


async def test_a_question_of_a_plan_is_answered_by_a_button(
    house: House, sender: SlackSender, slack: SlackServer, at_work: None
) -> None:
    gate = await tool_task(
        house.caller, "approval_gate", {"question": "Ship it <!channel>?", "build": "42", "expires_in_seconds": 600}
    )
    (shown,) = await slack.eventually(1)
    assert "build: 42" in words(shown)
    assert "Ship it &lt;!channel&gt;?" in words(shown)
    assert "Decide by" in words(shown)
    await click(sender, shown, "steward_approve")
    done = await settled(house.caller, gate)
    assert done.execution_status in {"completed", "blocked"}

    async def finished() -> Task | None:
        now = await functions.get_task(house.caller, gate.id)
        return now if now.execution_status == "completed" else None

    assert (await until(finished)).result["approved"] is True


async def test_a_question_is_not_answered_with_another_digest(
    house: House, sender: SlackSender, slack: SlackServer, at_work: None
) -> None:
    await tool_task(house.caller, "approval_gate", {"question": "Ship it?"})
    (shown,) = await slack.eventually(1)
    (approval,) = (await review.list_approvals(house.caller, states=["open"])).items
    await click(sender, shown, "steward_approve", value=json.dumps({"approval": str(approval.id), "digest": "0" * 64}))
    await click(sender, shown, "steward_approve", value=json.dumps({"approval": str(approval.id)}))
    assert [one.id for one in (await review.list_approvals(house.caller, states=["open"])).items] == [approval.id]


async def test_review_shows_cards_with_buttons(house: House, sender: SlackSender) -> None:
    for _ in range(5):
        await a_draft(house)
    answer = (await sender.command("review")).json()
    assert answer["text"] == "5 wait for your review"
    assert json.dumps(answer["blocks"]).count('"steward_approve"') == 3


# Section: messages to others


async def test_a_slack_message_waits_for_a_yes_and_is_posted_once(
    house: House, sender: SlackSender, slack: SlackServer, at_work: None
) -> None:
    text = "Lunch at noon, @alex. <!channel> see #orders & <@U123>"
    await tool_task(house.caller, "slack_notification", {"channel": "#general", "text": text})
    (shown,) = await slack.eventually(1)
    assert await slack.messages() == []
    assert f"@alex ({slack.users['alex']})" in words(shown)
    await asyncio.gather(*(click(sender, shown, "steward_approve") for _ in range(3)))
    (posted,) = await until(slack.messages)
    orders = slack.channels["orders"]
    assert (
        posted["text"]
        == f"Lunch at noon, <@{slack.users['alex']}>. &lt;!channel&gt; see <#{orders}> &amp; &lt;@U123&gt;"
    )

    async def sent() -> list[Draft]:
        return (await review.list_drafts(house.caller, states=["sent"])).items

    (draft,) = await until(sent)
    assert draft.receipt["message_id"] == posted["ts"]
    assert len(await slack.messages()) == 1


async def test_an_edit_in_slack_resolves_new_mentions(
    house: House, sender: SlackSender, slack: SlackServer, at_work: None
) -> None:
    await tool_task(house.caller, "slack_notification", {"channel": "#general", "text": "Hello @alex"})
    (shown,) = await slack.eventually(1)
    (draft,) = (await review.list_drafts(house.caller)).items
    await click(sender, shown, "steward_edit")
    form = edit_modal({"draft": str(draft.id), "digest": draft.digest}, [("body", "Text", draft.body, True)])
    assert (await sender.submit(form, {"body": "Hello @kim"})).text == ""

    async def resolved() -> list[Draft]:
        found = (await review.list_drafts(house.caller, states=["draft"])).items
        return [one for one in found if one.target["mentions"] == {"@kim": slack.users["kim"]}]

    (newest,) = await until(resolved)
    assert (newest.body, newest.target["channel"]) == ("Hello @kim", slack.channels["general"])


async def test_slack_rows_are_their_owners(house: House, sender: SlackSender, mallory: Any) -> None:
    from core.errors import NotFound

    await a_draft(house)
    (approval,) = (await review.list_approvals(house.caller)).items
    assert (await review.get_approval(house.caller, approval.id)).id == approval.id
    with pytest.raises(NotFound):
        await review.get_approval(mallory, approval.id)


async def test_the_review_page_shows_and_edits_a_message(
    house: House, sender: SlackSender, slack: SlackServer, at_work: None
) -> None:
    from app.person_session import COOKIE
    from core.keys import Keys

    await tool_task(house.caller, "slack_notification", {"channel": "#general", "text": "Hello @alex <b>"})
    await slack.eventually(1)
    (draft,) = (await review.list_drafts(house.caller)).items
    assert house.owner.user_id
    sender.client.cookies.set(COOKIE, Keys.load(house.settings.home).session_token(house.owner.user_id))
    page = (await sender.client.get(f"/review/{draft.id}")).text
    assert "#general in Slack" in page
    assert "@alex" in page
    assert "Hello @alex &lt;b&gt;" in page
    assert 'name="to"' not in page
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"action": "edit", "csrf_token": token, "body": "Hello\r\nall"}
    answer = await sender.client.post(f"/review/{draft.id}", data=form)
    assert answer.status_code == 303
    (newest,) = (await review.list_drafts(house.caller, states=["draft"])).items
    assert (newest.version, newest.body, newest.target) == (2, "Hello\nall", draft.target)
    assert (await sender.client.get("/review")).status_code == 200


async def test_what_an_outside_agent_asks_is_accepted_or_answered_here(
    house: House, sender: SlackSender, slack: SlackServer
) -> None:
    made = await agents.register_agent(house.caller, {"name": "Larry <!channel>"})
    [task] = await functions.create_tasks(house.caller, [{"title": "Of ours", "execution_type": "manual"}])
    larry = house.database.acting_as(Identity.agent(made.details.id, task.organization_id))
    request = {"action": "send_mail", "args": {"to": "carol@example.org", "more": [1, {"a": "<!here>"}]}}
    allowed = {"allow_accept": True, "allow_respond": True, "allow_ignore": True}
    asked = interrupts.NewInterrupt.model_validate(
        {"action_request": request, "config": allowed, "description": "*So*"}
    )
    accepted, answered = await interrupts.open_interrupts(larry, made.details.id, [asked, asked])
    await calm(house)
    shown = await slack.direct()
    for one in shown:
        assert "Larry &lt;!channel&gt; asks: send_mail" in words(one)
        assert '\\"<!here>\\"' in words(one)
        assert "Steward does nothing of it" in words(one)
        assert "/review/interrupts/" in words(one)
    by_task = {one.task_id: one for one in (await review.list_approvals(house.caller, states=["open"])).items}
    first = next(one for one in shown if str(by_task[accepted.id].id) in words(one))
    await click(sender, first, "steward_approve")
    got = await interrupts.get_interrupt(larry, made.details.id, accepted.id)
    assert got.response == interrupts.HumanResponse(type="accept", args=request)
    other = by_task[answered.id]
    form = answer_modal({"approval": str(other.id), "digest": other.digest}, asked.config.answers)
    assert (await sender.submit(form, {"feedback": "Call her first"})).text == ""
    got = await interrupts.get_interrupt(larry, made.details.id, answered.id)
    assert got.response == interrupts.HumanResponse(type="response", args="Call her first")
