"""The person of the month: acts on what they wanted to hear of, says no to the rest, and has a way of writing."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from agents.budget import metered
from agents.extractor import extract
from agents.learning.trying import is_for_model
from app.house import House
from jobs.learning import switch_on
from tasks import capture, functions, nudges, preferences, review
from tasks.drafts import Draft
from tasks.nudges import Nudge
from tests.simulate.making import Want
from tests.simulate.people import EVERYBODY, SUBJECTS

IGNORED_SHARE = 0.2  # of what is not wanted, the person says nothing at all
SAYINGS = (
    "Draft email to {address} telling them that {topic} is ready",
    "Write an email to {address} thanking them for {topic}",
    "Draft email to {address} asking whether {topic} is final",
    "Draft email to {address} and {other} telling them that {topic} is ready",
)
GREETING = re.compile(r"^(?P<word>Hello|Dear|Good morning|Hi|Hallo|Guten Tag)(?P<names>\s[^\n]*?)?,$", re.MULTILINE)
CLOSING = re.compile(r"(?:Best regards|Kind regards|Best),?\n(?:Robin Vega|Robin)\s*$")
CLOSING_DE = re.compile(r"(?:Viele Grüße|Mit freundlichen Grüßen|Gruß),?\n(?:Robin Vega|Robin)\s*$")
NEVER_WRITTEN = "Please let me know if you have any questions."


def in_own_words(body: str, names: str) -> str:
    """The draft as the person would have written it: their greeting and closing, without a sentence they never write.

    `names`: the first names of those it goes to ("Ben, Jonas and Lena"); "" where nobody knows them.
    """

    def greeting(found: re.Match[str]) -> str:
        hi = "Hallo" if found["word"] in {"Hallo", "Guten Tag"} else "Hi"
        called = (found["names"] or "").strip() or (names if hi == "Hi" else names.replace(" and ", " und "))
        return f"{hi} {called}," if called else f"{hi},"

    body = GREETING.sub(greeting, body, count=1)
    body = CLOSING_DE.sub("Gruß\nRobin\n", CLOSING.sub("Best,\nRobin\n", body))
    return re.sub(rf" ?{re.escape(NEVER_WRITTEN)}", "", body)


@dataclass
class Robin:
    """Looks at what is there a few times a day. `wants` is what the month says is worth a notice; `learns`: looks at what
    was learned, and switches it on."""

    house: House
    wants: list[Want]
    random: Random
    learns: bool = True
    met: dict[int, Nudge] = field(default_factory=dict[int, Nudge])  # position in wants -> the nudge that told it
    judged: set[UUID] = field(default_factory=set[UUID])
    right: Counter[str] = field(default_factory=Counter[str])  # by kind
    told: Counter[str] = field(default_factory=Counter[str])
    wrong: list[Nudge] = field(default_factory=list[Nudge])
    edits: list[bool] = field(default_factory=list[bool])  # of each draft let go, in order: had it to be changed?
    switched_on: int = 0

    async def look(self, now: datetime) -> None:
        """Decide everything that was told and not decided, then look through the drafts."""
        caller = self.house.caller
        for nudge in reversed((await nudges.list_nudges(caller, states=["told", "lapsed"], limit=200)).items):
            if nudge.id not in self.judged and nudge.told_at is not None:
                self.judged.add(nudge.id)
                await self._judge(nudge, now)
        for draft in sorted((await review.list_drafts(caller, states=["draft"], limit=200)).items, key=_order):
            await self._let_go(draft)

    async def _judge(self, nudge: Nudge, now: datetime) -> None:
        caller = self.house.caller
        if nudge.kind == "preference":
            if self.learns:
                await self._look_at_preferences(now)
            if nudge.state == "told":
                await nudges.decide_nudge(caller, nudge.id, "acted" if self.learns else "dismissed", now)
            return
        wanted = self._wanted(nudge)
        if wanted is not None and self.wants[wanted].is_open:
            if nudge.state == "told":
                await nudges.decide_nudge(caller, nudge.id, "acted", now)
            return
        self.told[nudge.kind] += 1
        if wanted is not None:
            self.right[nudge.kind] += 1
            self.met[wanted] = nudge
            if nudge.state == "told":
                await nudges.decide_nudge(caller, nudge.id, "acted", now)
            return
        self.wrong.append(nudge)
        if nudge.state == "told" and self.random.random() >= IGNORED_SHARE:
            await nudges.decide_nudge(caller, nudge.id, "dismissed", now)

    def _wanted(self, nudge: Nudge) -> int | None:
        """Which of the wants this nudge meets, in its span and for the first time; None where nobody wanted to hear of it."""
        said, told_at = f"{nudge.source_ref} {nudge.thread_key}", nudge.told_at
        for position, want in enumerate(self.wants):
            is_it = want.kind == nudge.kind and all(part in said for part in want.about.split("+"))
            if is_it and told_at and want.begins <= told_at <= want.ends and position not in self.met:
                return position
        return None

    async def _let_go(self, draft: Draft) -> None:
        """Approve a draft, changed first where it does not read like the person."""
        caller = self.house.caller
        wished = in_own_words(draft.body, _first_names(draft.to_recipients))
        self.edits.append(wished != draft.body)
        if wished != draft.body:
            draft = await review.revise_draft(caller, draft.id, {"body": wished})
        await review.approve_draft(caller, draft.id, draft.digest)

    async def _look_at_preferences(self, now: datetime) -> None:
        """Switch on what was learned; each was tried on the past."""
        for one in await preferences.list_preferences(self.house.caller, states=["proposed"]):
            if is_for_model(one):
                continue  # nobody here could follow it
            await switch_on(self.house.caller, one.id, at=now)
            self.switched_on += 1

    async def ask(self) -> None:
        """Say something in chat, and have it drafted."""
        house = self.house
        somebody, other = self.random.sample(EVERYBODY, 2)
        saying = self.random.choice(SAYINGS)
        message = saying.format(address=somebody.address, other=other.address, topic=self.random.choice(SUBJECTS))
        thinking = metered(house.thinking, house.caller, house.clock)
        found = await extract(message, now=house.clock.now(), history=[], thinking=thinking)
        for task in (await capture.save_chat_turn(house.caller, message, found)).tasks:
            await functions.queue_task_execution(house.caller, task.id)

    def missed(self, until: datetime, with_tasks: set[tuple[str, str]]) -> list[Want]:
        """What was wanted by then, and never told. Promises and proposed times that have a task of their mail are told by that."""
        over = until - timedelta(days=1)
        return [
            want
            for place, want in enumerate(self.wants)
            if place not in self.met
            and want.begins <= over
            and not want.is_open
            and (want.kind, want.about) not in with_tasks
        ]


def _order(draft: Draft) -> tuple[str, str]:
    return draft.subject, ",".join(draft.to_recipients)


def _first_names(recipients: list[str]) -> str:
    """ "Ana", "Ana and Ben", "Ana, Ben and Cem"; "" where one of them is not known."""
    known = {one.address: one.first for one in EVERYBODY}
    names = [known.get(address.casefold(), "") for address in recipients]
    if not names or not all(names):
        return ""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
