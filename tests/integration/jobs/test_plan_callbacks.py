"""Messages to the callback address of a plan: a real receiver checks them with the library of the specification's authors."""

from typing import Any

from standardwebhooks.webhooks import Webhook

from app._plans.forms import ObjectiveRequest
from app._plans.making import Made, make_objective_plan
from app.house import House
from core.database import Identity
from jobs.outside.world import Given
from jobs.plan_callbacks import RETRIES_SECONDS, deliver_callbacks
from tasks import plans
from tasks.functions import cancel_task
from tasks.plans import CallbackState
from tasks.runs import start_task_execution
from tests.conftest import house_with
from tests.emulators.served import Answer, Got, Served, serving


def given(house: House, hosts: str = "127.0.0.1") -> Given:
    return Given(house.settings.model_copy(update={"private_hosts": hosts}), house.database, house.clock)


async def a_plan(house: House, url: str) -> Made:
    """A plan of two messages: it was started, it was cancelled."""
    request = ObjectiveRequest.model_validate({"objective": "Launch", "callbackUrl": f"{url}/hook"})
    settings = house.settings.model_copy(update={"private_hosts": "127.0.0.1"})
    made = await make_objective_plan(house_with(house, settings=settings), house.caller, request)
    service = house.database.acting_as(Identity.service(made.plan.organization_id))
    await start_task_execution(service, made.plan.id, None)
    task = {"title": "Look", "execution_type": "manual"}
    await plans.save_plan_tasks(service, made.plan.id, [task], "One task", 1)
    await cancel_task(house.caller, made.plan.id)
    return made


async def callbacks_of(house: House, made: Made) -> CallbackState:
    found = (await plans.get_plan(house.caller, made.plan.id)).callbacks
    assert found
    return found


def checked(got: Got, made: Made) -> dict[str, Any]:
    """The body, once its signature is found right. Raises what the library raises."""
    assert made.callback_secret
    return Webhook(made.callback_secret).verify(got.body, got.headers)


def types(receiver: Served, made: Made) -> list[str]:
    return [checked(got, made)["type"] for got in receiver.got]


async def test_messages_are_signed_keep_their_order_and_come_again_under_the_same_id(house: House) -> None:
    async with serving(lambda got: Answer(200)) as receiver:
        made = await a_plan(house, receiver.url)
        receiver.once = [Answer(500, "not now"), Answer(404)]
        taken = await deliver_callbacks(given(house), (0, 0, 0))
        said = types(receiver, made)
        assert said == [said[0]] * 3 + said[3:]
        assert said[-1] == "plan.cancelled"
        assert len({got.headers["webhook-id"] for got in receiver.got[:3]}) == 1
        assert len({got.headers["webhook-id"] for got in receiver.got}) == len(receiver.got) - 2 == taken
        last = checked(receiver.got[-1], made)
        assert (last["data"]["planId"], last["data"]["status"]) == (str(made.plan.id), "cancelled")
        assert made.callback_secret
        assert all(made.callback_secret.encode() not in got.body for got in receiver.got)
        stands = await callbacks_of(house, made)
        assert (stands.waiting, stands.sent, stands.given_up) == (0, taken, 0)
        assert await deliver_callbacks(given(house)) == 0


async def test_what_is_not_taken_waits_and_is_given_up_at_last(house: House) -> None:
    async with serving(lambda got: Answer(503, headers={"Retry-After": "3600"})) as receiver:
        made = await a_plan(house, receiver.url)
        assert await deliver_callbacks(given(house)) == 0
        assert await deliver_callbacks(given(house)) == 0
        assert len(receiver.got) == 1, "the next try comes later, and the others wait for it"
        assert (await callbacks_of(house, made)).sent == 0
    async with serving(lambda got: Answer(500)) as receiver:
        made = await a_plan(house, receiver.url)
        await deliver_callbacks(given(house), (0,))
        stands = await callbacks_of(house, made)
        assert (stands.waiting, stands.sent) == (0, 0)
        assert len(receiver.got) == 2 * stands.given_up > 2
        assert "500" in str(stands.last_error)
    assert len(RETRIES_SECONDS) == 7


async def test_an_address_of_this_network_is_refused_and_asked_nothing(house: House) -> None:
    async with serving(lambda got: Answer(200)) as receiver:
        made = await a_plan(house, receiver.url)
        assert await deliver_callbacks(given(house, "")) == 0
        stands = await callbacks_of(house, made)
        assert (stands.waiting, stands.sent, receiver.got) == (0, 0, [])
        assert "127.0.0.1" in str(stands.last_error)


async def test_a_worker_delivers_them_and_another_key_opens_no_secret(house: House, tmp_path: Any) -> None:
    assert "plan_callbacks" in (await house.worker()).app.tasks
    async with serving(lambda got: Answer(200)) as receiver:
        made = await a_plan(house, receiver.url)
        other = house_with(house, settings=house.settings.model_copy(update={"home": tmp_path / "other"}))
        other.settings.home.mkdir()
        assert await deliver_callbacks(given(other), ()) == 0
        assert receiver.got == []
        assert isinstance((await callbacks_of(house, made)).last_error, str)
