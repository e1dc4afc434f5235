"""Learning through the real house: three edits make a proposal, tried on the past; switched on, the next draft needs no edit."""

from datetime import timedelta

from agents.learning.measuring import halves
from app.house import House
from jobs.learning import learn, try_preference
from jobs.worker import Worker, working
from tasks import functions, preferences, review
from tasks.models import Draft
from tests.conftest import NOW
from tests.integration.agents.test_sending import settled

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
        events = await functions.list_task_events(house.caller, task_id=draft.task_id)
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
