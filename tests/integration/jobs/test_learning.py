"""Learning through the real house: three edits make a proposal, tried on the past; switched on, the next draft needs no edit."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.budget import metered
from agents.learning.measuring import halves
from agents.redrafting import redraft_by
from app.house import House
from core.errors import Conflict
from core.postgres import pool_of
from jobs.learning import learn, learn_all, switch_on, try_preference
from jobs.worker import Worker, working
from tasks import capture, functions, preferences, review
from tasks.drafts import Draft
from tasks.events import list_task_events
from tests.conftest import NOW
from tests.emulators.model_server import ModelServer, model_server, thinking_on
from tests.integration.agents.test_engine_with_model import requests_about, thinking_house
from tests.integration.agents.test_sending import becomes, settled

__all__ = ["model_server"]
LATER = NOW + timedelta(days=1)


async def drafted(house: House, title: str) -> Draft:
    """A mail that the house wrote from a line of chat."""
    item = {"title": title, "execution_type": "semi_automated", "kind": "email", "source": "chat"}
    (task,) = await functions.create_tasks(house.caller, [item])
    await functions.queue_task_execution(house.caller, task.id)
    task = await settled(house, task.id, "blocked")
    assert task.open_draft_id, task.blocked_reason
    return await review.get_draft(house.caller, task.open_draft_id)


def as_i_like_it(body: str) -> str:
    return body.replace("Hello ", "Hi ").replace("Best regards,\nRobin Vega", "Best,\nRobin")


async def edited(house: House, title: str) -> Draft:
    draft = await drafted(house, title)
    return await review.revise_draft(house.caller, draft.id, {"body": as_i_like_it(draft.body)})


async def test_three_edits_become_a_preference_and_the_next_draft_needs_none(house: House) -> None:
    async with working(Worker(house.database, house.equipment)):
        for name, why in (("john", "the meeting"), ("ana", "the slides"), ("john", "the lunch")):
            assert await learn(house.caller, at=NOW) == []  # two are not enough
            await edited(house, f"Draft email to {name}@example.com thanking for {why}")
        made = await learn(house.caller, at=NOW)
        assert {one.statement for one in made} == {
            "Begin with “Hi (first name),” in English",
            "End with “Best, / Robin” in English",
        }
        assert {(one.state, one.scope_type, one.origin, one.sources_count) for one in made} == {
            ("proposed", "everyone", "edit", 3)
        }
        shown = await preferences.get_preference(house.caller, made[0].id)
        assert shown.trial is not None
        assert (shown.trial.count, shown.trial.closer, shown.trial.right_before) == (3, 3, 0)
        assert await learn(house.caller, at=NOW) == []
        for one in made:
            await try_preference(house.caller, one.id, at=LATER)
            await preferences.decide_preference(house.caller, one.id, "active", at=LATER)
        assert (await preferences.get_preference(house.caller, made[0].id)).trial is not None
        draft = await drafted(house, "Draft email to ben@example.com thanking for the report")
        assert draft.body == as_i_like_it(draft.body)
        assert draft.body.startswith("Hi Ben,")
        assert draft.body.endswith("Best,\nRobin\n")
        events = await list_task_events(house.caller, task_id=draft.task_id)
        (told,) = [one for one in events if one.kind == "preference"]
        assert set(told.message.split("; ")) == {"Greeting as you like it", "Sign-off as you like it"}
        assert {one["id"] for one in draft.provenance["preferences"]} == {str(one.id) for one in made}
        assert [one.hits for one in await preferences.list_preferences(house.caller)] == [1, 1]
        await review.approve_draft(house.caller, draft.id, draft.digest)
        older, newer = halves(await preferences.list_draft_edits(house.caller))
        assert (older.edited, newer.edited) == (2, 1)
        await preferences.delete_preference(house.caller, made[0].id, at=LATER)
        assert await learn(house.caller, at=LATER) == []  # not from the same evidence
        await preferences.decide_preference(house.caller, made[1].id, "off", at=LATER)
        draft = await drafted(house, "Draft email to tom@example.com thanking for the call")
        assert draft.body.startswith("Hello Tom,")


async def test_a_model_is_told_in_few_words_and_tries_what_only_it_can_follow(
    house: House, model_server: ModelServer
) -> None:
    words = {"statement": "Write as one writes to friends", "scope_type": "person", "scope_value": "kim@example.com"}
    typed = {"rule": {"type": "sign_off", "text": "Best,\nRobin"}, "statement": "End with Best, Robin"}
    known = [await preferences.save_preference(house.caller, one, at=NOW) for one in (words, typed)]
    with pytest.raises(Conflict, match="needs a language model"):
        await switch_on(house.caller, known[0].id, at=NOW)
    async with thinking_on(model_server) as thinking:
        redraft = redraft_by(metered(thinking, house.caller, house.clock))
        for one in known:
            await switch_on(house.caller, one.id, at=NOW, redraft=redraft)
    before = requests_about(model_server, "- Write as one writes to friends.")
    async with thinking_house(house, model_server):
        draft = await drafted(house, "Draft email to kim@example.com about the autumn fair")
    assert requests_about(model_server, "- Write as one writes to friends.") - before == 1
    assert draft.body == "Hello Kim,\n\nSee you at the fair. Kind regards to all.\n\nBest,\nRobin\n"
    assert [one["id"] for one in draft.provenance["preferences"]] == [str(known[1].id)]
    body = "Hi Kim,\n\nsee you at the fair!\n\nBest,\nRobin\n"
    revised = await review.revise_draft(house.caller, draft.id, {"body": body})
    async with thinking_house(house, model_server):
        await review.approve_draft(house.caller, revised.id, revised.digest)
        await becomes(house, revised.id, "sent")
        await drafted(house, "Draft email to kim@example.com about the autumn fair, again")
    assert requests_about(model_server, "An earlier mail of the sender's to the same person") == 1
    (again,) = await functions.create_tasks(
        house.caller, [{"title": "Mail Leo about the fair", "execution_type": "manual"}]
    )
    find = preferences.find_similar_drafts
    assert [one.body for one in await find(house.caller, again.id, ["KIM@example.com"])] == [body]
    assert await find(house.caller, again.id, ["leo@example.com"]) == []  # what was written to Kim is Kim's
    async with thinking_on(model_server) as thinking:
        redraft = redraft_by(metered(thinking, house.caller, house.clock))
        tried = await try_preference(house.caller, known[0].id, at=LATER, redraft=redraft)
    assert tried.trial
    assert (tried.trial.count, tried.trial.right_before, tried.trial.right_after) == (1, 0, 1)
    (asked,) = [one for one in await calls_of(house) if one["purpose"] == "revision"]
    assert (asked["task_id"], asked["error"]) == (None, None)


async def calls_of(house: House) -> list[dict[str, Any]]:
    """The requests to models, as they are recorded."""
    async with pool_of(house.database).connection() as connection:
        cursor = await connection.execute("select purpose, task_id, error from public.llm_interactions")
        return [{"purpose": row[0], "task_id": row[1], "error": row[2]} for row in await cursor.fetchall()]


async def test_a_copy_that_was_switched_on_is_asked_about_like_anybody(house: House) -> None:
    rule = {"type": "cc", "address": "leo@vega.example"}
    copy = await preferences.save_preference(house.caller, {"rule": rule, "statement": "Copy to Leo"}, at=NOW)
    await switch_on(house.caller, copy.id, at=NOW)
    async with working(Worker(house.database, house.equipment)):
        draft = await drafted(house, "Draft email to john@example.com thanking for the meeting")
    assert draft.cc_recipients == ["leo@vega.example"]
    assert draft.state == "draft"
    assert draft.provenance["destinations"]["leo@vega.example"]["origin"] != "user"


async def test_by_night_every_tenant_learns_for_itself(house: House) -> None:
    async with working(Worker(house.database, house.equipment)):
        for why in ("the meeting", "the slides", "the lunch"):
            await edited(house, f"Draft email to john@example.com thanking for {why}")
    assert await learn_all(house.database, NOW + timedelta(days=900)) == 0  # nothing was done lately
    made = await learn_all(house.database, datetime.now(UTC))
    assert made == 2
    assert await learn_all(house.database, datetime.now(UTC)) == 0
    mails = [
        {
            "account": "local",
            "message_id": f"{number}@vega.example",
            "thread_key": str(number),
            "from_address": "robin@vega.example",
            "to_addresses": ["kim@example.com"],
            "subject": "Hi",
            "text_body": f"Moin Kim,\n\nthis is number {number}. Fine with me.\n\nCheers\nRobin\n\nOn 2 March 2026 Eve wrote:\n> Dear Robin,\n> bye\n> Yours, Eve\n",
            "sent_at": (NOW - timedelta(hours=number)).isoformat(),
            "is_from_me": True,
        }
        for number in range(5)
    ]
    await capture.import_mail(house.caller, mails, [])
    came_in = [
        {**one, "account": "robin@vega.example", "labels": ["inbox"], "message_id": f"in-{one['message_id']}"}
        for one in mails
    ]
    await capture.import_mail(house.caller, came_in, [])  # it says it is Robin's, and did not leave from there
    assert len(await preferences.list_own_mail(house.caller)) == 5
    style = await learn(house.caller, at=LATER)
    assert {one.statement for one in style if one.origin == "sent_mail"} >= {
        "Begin with “Moin (first name),” in English in mails to kim@example.com",
        "End with “Cheers / Robin” in English in mails to kim@example.com",
    }
