"""Useful, not useful, nothing more of the kind: the buttons of what was brought up, with the person's own rights."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app._slack.door import STRANGER, Ack, Body, SlackDoor, uuid_of, value_of
from core.database import Caller
from core.errors import Conflict, StewardError
from jobs.outside.slack import says
from tasks.nudges import decide_nudge, mute_nudge


@dataclass(frozen=True)
class BroughtUpButtons:
    """Decides what a nudge was worth, before Slack is answered."""

    door: SlackDoor

    async def on_useful(self, ack: Ack, body: Body, action: Body) -> None:
        async def decide(person: Caller, nudge_id: UUID) -> None:
            await decide_nudge(person, nudge_id, "acted", self._now(), "Pressed in Slack")

        await self._press(ack, body, action, decide)

    async def on_useless(self, ack: Ack, body: Body, action: Body) -> None:
        async def decide(person: Caller, nudge_id: UUID) -> None:
            await decide_nudge(person, nudge_id, "dismissed", self._now(), "Pressed in Slack")

        await self._press(ack, body, action, decide)

    async def on_mute(self, ack: Ack, body: Body, action: Body) -> None:
        async def decide(person: Caller, nudge_id: UUID) -> None:
            await mute_nudge(person, nudge_id, "kind", self._now())

        await self._press(ack, body, action, decide)

    def _now(self) -> datetime:
        return self.door.work.given.clock.now()

    async def _press(
        self, ack: Ack, body: Body, action: Body, decide: Callable[[Caller, UUID], Awaitable[None]]
    ) -> None:
        link = await self.door.clicker(body)
        if link is None:
            await ack()
            self.door.later(self.door.say(body, STRANGER))
            return
        said = ""
        try:
            await decide(self.door.work.person(link), uuid_of(value_of(action.get("value")).get("nudge")))
        except Conflict as error:
            said = f"{error.message}. Nothing was done."
        except StewardError as error:
            said = says(error)
        await ack()
        self.door.later(self.door.after(body, said))
