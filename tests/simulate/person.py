"""The person of the month: acts on what they wanted to hear of, says no to the rest, and has a way of writing."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from agents.budget import metered
from agents.extractor import extract
from app.house import House
from jobs.learning import switch_on
from tasks import capture, functions, nudges, preferences, review
from tasks.models import Draft
from tasks.nudges import Nudge
from tests.simulate.month import COLLEAGUES, OUTSIDE, SUBJECTS, Somebody, Want

IGNORED_SHARE = 0.2  # of what is not wanted, the person says nothing at all
SAYINGS = (
    "Draft email to {address} telling them that {topic} is ready",
    "Write an email to {address} thanking them for {topic}",
    "Draft email to {address} asking whether {topic} is final",
)
GREETING = re.compile(r"^(?:Hello|Dear|Good morning|Hi)\b[^,\n]*,", re.MULTILINE)
CLOSING = re.compile(r"(?:Best regards|Kind regards|Best),?\n(?:Robin Vega|Robin)\s*$")
NEVER_WRITTEN = "Please let me know if you have any questions."


def in_own_words(body: str, first_name: str) -> str:
    """The draft as the person would have written it: their greeting and closing, without a sentence they never write."""
    body = GREETING.sub(f"Hi {first_name}," if first_name else "Hi,", body, count=1)
    body = CLOSING.sub("Best,\nRobin\n", body)
    return re.sub(rf" ?{re.escape(NEVER_WRITTEN)}", "", body)


@dataclass
class Robin:
    """Looks at what is there a few times a day. `wants` is what the month says is worth a notice."""

    house: House
    wants: list[Want]
    random: Random
    met: dict[int, Nudge] = field(default_factory=dict[int, Nudge])  # position in wants -> the nudge that told it
    judged: set[UUID] = field(default_factory=set[UUID])
    right: int = 0
    told: int = 0
    edits: list[bool] = field(
        default_factory=list[bool]
    )  # of each draft that was let go, in order: had it to be changed?
    switched_on: int = 0

    async def look(self, now: datetime) -> None:
        """Decide everything that was told and not decided, then look through the drafts."""
        caller = self.house.caller
        for nudge in reversed((await nudges.list_nudges(caller, states=["told", "lapsed"], limit=200)).items):
            if nudge.id not in self.judged and nudge.told_at is not None:
                self.judged.add(nudge.id)
                await self._judge(nudge, now)
        for draft in reversed((await review.list_drafts(caller, states=["draft"], limit=200)).items):
            await self._let_go(draft)

    async def _judge(self, nudge: Nudge, now: datetime) -> None:
        caller = self.house.caller
        if nudge.kind == "preference":
            await self._look_at_preferences(now)
            if nudge.state == "told":
                await nudges.decide_nudge(caller, nudge.id, "acted", now, "Looked at")
            return
        self.told += 1
        wanted = self._wanted(nudge)
        if wanted is not None:
            self.right += 1
            self.met.setdefault(wanted, nudge)
            if nudge.state == "told":
                await nudges.decide_nudge(caller, nudge.id, "acted", now)
        elif nudge.state == "told" and self.random.random() >= IGNORED_SHARE:
            await nudges.decide_nudge(caller, nudge.id, "dismissed", now)

    def _wanted(self, nudge: Nudge) -> int | None:
        """Which of the wants this nudge meets; None where the person did not want to hear of it."""
        said = f"{nudge.source_ref} {nudge.thread_key}"
        for position, want in enumerate(self.wants):
            is_it = all(part in said for part in want.about.split("+"))
            if want.kind == nudge.kind and is_it and nudge.found_at <= want.ends:
                return position
        return None

    async def _let_go(self, draft: Draft) -> None:
        """Approve a draft, changed first where it does not read like the person."""
        caller = self.house.caller
        wished = in_own_words(draft.body, _first_name(draft.to_recipients))
        self.edits.append(wished != draft.body)
        if wished != draft.body:
            draft = await review.revise_draft(caller, draft.id, {"body": wished})
        await review.approve_draft(caller, draft.id, draft.digest)

    async def _look_at_preferences(self, now: datetime) -> None:
        """Switch on what was learned; each was tried on the past."""
        for one in await preferences.list_preferences(self.house.caller, states=["proposed"]):
            await switch_on(self.house.caller, one.id, at=now)
            self.switched_on += 1

    async def ask(self) -> None:
        """Say something in chat, and have it drafted."""
        house = self.house
        somebody: Somebody = self.random.choice(COLLEAGUES + OUTSIDE)
        message = self.random.choice(SAYINGS).format(address=somebody.address, topic=self.random.choice(SUBJECTS))
        thinking = metered(house.thinking, house.caller, house.clock)
        found = await extract(message, now=house.clock.now(), history=[], thinking=thinking)
        for task in (await capture.save_chat_turn(house.caller, message, found)).tasks:
            await functions.queue_task_execution(house.caller, task.id)

    def missed(self, until: datetime) -> list[Want]:
        """What was wanted by then, and never told."""
        over = until - timedelta(days=1)
        return [want for place, want in enumerate(self.wants) if place not in self.met and want.begins <= over]


def _first_name(recipients: list[str]) -> str:
    """Of the one who is written to; "" for several."""
    if len(recipients) != 1:
        return ""
    address = recipients[0].casefold()
    return next((one.first for one in COLLEAGUES + OUTSIDE if one.address == address), "")
