"""Agents that wait for work, without a database connection and without asking the database again and again.

All that wait in one organization share a room, which listens to its events. An offer rings the one of those it fits who has
waited longest; who does not get it (another was faster, or it holds as much as it may) passes it on to the next. What
no event tells of, such as an agent that may take work again, is found by looking every few seconds.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from app.live import EventHub
from app.subscription import End
from core.database import Caller, Identity
from core.errors import Forbidden, StewardError
from tasks.agent_work import AgentRules, Work, claim_work
from tasks.agents import Agent, get_agent
from tasks.events import TaskEvent, get_last_event_id

log = structlog.get_logger()
LOOK_SECONDS = 5.0  # for what no event tells of
PAUSE_SECONDS = 1.0  # before the database is asked again, where it was out of reach


@dataclass(eq=False)
class Offer:
    """Work that was just offered, and who has looked at it. `capabilities`: all of them are needed."""

    task_id: UUID | None
    capabilities: frozenset[str]
    whom: str
    asked: set["Place"] = field(default_factory=set["Place"])

    @classmethod
    def told_by(cls, event: TaskEvent) -> "Offer":
        """As an event of kind `offered` has it."""
        data = event.data
        return cls(event.task_id, frozenset(data.get("capabilities") or ()), str(data.get("whom") or "").casefold())

    def fits(self, agent: Agent | None) -> bool:
        """May this agent have it, as far as the event says? Whoever is not known yet looks for itself."""
        if agent is None:
            return True
        if self.whom:
            return self.whom in {agent.name.casefold(), str(agent.id)}
        return self.capabilities <= set(agent.capabilities)


class Place:
    """Where one request waits."""

    def __init__(self) -> None:
        self.agent: Agent | None = None
        self.offer: Offer | None = None
        self._bell = asyncio.Event()

    def ring(self, offer: Offer | None = None) -> None:
        """Have the request look for work, because of this offer."""
        self.offer = offer or self.offer
        self._bell.set()

    def answer(self) -> Offer | None:
        """The offer that rang, if one did. What rings from now on is heard next time."""
        self._bell.clear()
        offer, self.offer = self.offer, None
        return offer

    async def rung(self, seconds: float) -> None:
        """Return when it rings, or after so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()


class Room:
    """Everybody who waits in one organization."""

    def __init__(self, hub: EventHub, service: Caller) -> None:
        self._hub = hub
        self._service = service
        self.places: dict[Place, None] = {}  # in the order in which they came
        self.is_closed = False
        self._listening = asyncio.create_task(self._listen(), name="waiting agents")

    def pass_on(self, offer: Offer) -> None:
        """Ring the next whom it fits, who has not looked at it and is not about to look."""
        for place in self.places:
            if place.offer is None and place not in offer.asked and offer.fits(place.agent):
                offer.asked.add(place)
                place.ring(offer)
                return

    def leave(self, place: Place) -> None:
        """Nobody waits there any more; an offer that rang in vain goes on."""
        del self.places[place]
        if (offer := place.answer()) is not None:
            self.pass_on(offer)

    def close(self) -> None:
        """Nobody is told of anything any more: whoever waits is answered now."""
        self.is_closed = True
        self._listening.cancel()
        self._ring_all()

    def _ring_all(self) -> None:
        for place in self.places:
            place.ring()

    async def _listen(self) -> None:
        ended = End.SLOW
        while ended is End.SLOW:
            try:
                # A room that closes must not tear a pooled connection down in the middle of a query.
                newest = await asyncio.shield(get_last_event_id(self._service))
                async with self._hub.subscribed(self._service, None, newest) as subscription:
                    self._ring_all()  # what was offered before is found by looking
                    async for batch in subscription.batches():
                        for told in batch:
                            if told.event.kind == "offered":
                                self.pass_on(Offer.told_by(told.event))
                ended = subscription.ended.result()
            except StewardError as error:
                await log.awarning("waiting_agents_hear_nothing", error=error.message)
                await asyncio.sleep(PAUSE_SECONDS)
        self.is_closed = True
        self._ring_all()


class WaitingAgents:
    """The rooms of this process; one is there for as long as somebody is in it."""

    def __init__(self, hub: EventHub) -> None:
        self._hub = hub
        self._rooms: dict[UUID, Room] = {}

    @property
    def count(self) -> int:
        """How many requests wait."""
        return sum(len(room.places) for room in self._rooms.values())

    @asynccontextmanager
    async def place_of(self, caller: Caller) -> AsyncGenerator[tuple[Room, Place]]:
        """A place among those that wait in the agent's organization."""
        organization_id = caller.identity.organization_id
        assert organization_id is not None  # nosec B101 # an agent always has one
        room = self._rooms.get(organization_id)
        if room is None or room.is_closed:
            service = caller.database.acting_as(Identity.service(organization_id))
            room = self._rooms[organization_id] = Room(self._hub, service)
        place = Place()
        room.places[place] = None
        try:
            yield room, place
        finally:
            room.leave(place)
            if not room.places:
                room.close()
                if self._rooms.get(organization_id) is room:
                    del self._rooms[organization_id]

    @staticmethod
    async def _claimed(
        caller: Caller, agent_id: UUID, rules: AgentRules, still_valid: Callable[[], Awaitable[object]]
    ) -> Work | None:
        try:
            return await claim_work(caller, agent_id, rules)
        except Forbidden:
            await still_valid()  # its token was taken away a moment ago: then that is what is told
            raise

    async def work_for(
        self,
        caller: Caller,
        agent_id: UUID,
        rules: AgentRules,
        wait_seconds: float,
        gone: asyncio.Future[None],
        still_valid: Callable[[], Awaitable[object]],
    ) -> Work | None:
        """Work under a lease as soon as there is some; None after so long, when the agent is `gone`, or the house closes.

        `still_valid` is asked before each further claim, and raises Unauthorized once the agent's token works no more.
        """
        time = asyncio.get_running_loop().time
        until = time() + wait_seconds
        async with self.place_of(caller) as (room, place):
            gone.add_done_callback(lambda _: place.ring())
            while True:
                offer = place.answer()
                work = await self._claimed(caller, agent_id, rules, still_valid)
                if offer is not None and (work is None or work.task.id != offer.task_id):
                    room.pass_on(offer)
                left = until - time()
                if work is not None or left <= 0 or room.is_closed:
                    return work
                if place.agent is None:
                    place.agent = await get_agent(caller, agent_id)
                await place.rung(min(left, LOOK_SECONDS))
                await still_valid()
                if gone.done():
                    return None  # before anything is claimed for nobody
