"""What every handler of the Slack app stands on: whose Slack user speaks, and how they alone are answered."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import structlog

from app.house import House
from core.database import Caller
from core.errors import Invalid, StewardError
from integrations.slack.blocks import Card
from integrations.slack.text import escape
from jobs.outside.slack import says
from jobs.slack_work import SlackWork
from tasks import functions, review, slack
from tasks.slack import SlackLink

log = structlog.get_logger()
Body = Mapping[str, Any]
Ack = Callable[..., Awaitable[Any]]
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that look alike
PATIENCE_SECONDS = 1.5  # Slack waits three for an answer
STRANGER = (
    "I do not know you yet. Sign in to Steward, make a code on its settings page, and write `/steward link CODE` here."
)


@dataclass(frozen=True)
class SlackDoor:
    """Resolves people, and answers them. `later` is for what an answer does not wait for."""

    house: House
    work: SlackWork
    _running: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside the answer, which does not wait for it; what is lost on the way is made up for by the worker."""
        task = asyncio.create_task(work, name="slack")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def link(self, team_id: str, user_id: str, user_team: str | None = None) -> SlackLink | None:
        """The person that a Slack user of this very workspace is."""
        if user_team and user_team != team_id:
            return None  # of another workspace, in a shared channel
        known = await slack.resolve_slack_user(self.work.service, team_id, user_id)
        if known is None and user_id == self.house.settings.slack_user and self.house.owner.user_id:
            with suppress(StewardError, TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self.work.workspaces.link_owner(self.house.owner)
                known = await slack.resolve_slack_user(self.work.service, team_id, user_id)
        return known

    async def clicker(self, body: Body) -> SlackLink | None:
        user = cast("dict[str, Any]", body.get("user") or {})
        return await self.link(team_of(body), str(user.get("id") or ""), user.get("team_id"))

    async def drain(self) -> None:
        """Bring messages up to date now; what fails is tried again by the worker."""
        try:
            await self.work.drain()
        except StewardError as error:
            await log.awarning("slack_not_drained", error=error.message)

    async def card(self, person: Caller, approval_id: UUID) -> Card:
        """An approval as a card."""
        approval = await review.get_approval(person, approval_id)
        if approval.draft_id is not None:
            return self.work.cards.of_draft(await review.get_draft(person, approval.draft_id), approval.state)
        return self.work.cards.of_approval(approval, await functions.get_task(person, approval.task_id))

    async def after(self, body: Body, said: str) -> None:
        """Say what went wrong, if anything did, and bring every message up to date."""
        if said:
            await self.say(body, said)
        await self.drain()

    async def open_form(self, link: SlackLink, body: Body, view: Mapping[str, Any]) -> None:
        """Open a form where somebody clicked."""
        try:
            chat = await self.work.workspaces.of_link(link)
            await chat.web.act("views.open", trigger_id=str(body.get("trigger_id") or ""), view=view)
        except StewardError as error:
            await self.say(body, f"The form did not open. {says(error)}")

    async def say(self, body: Body, text: str) -> None:
        """Tell whoever clicked, and nobody else."""
        user = str(cast("dict[str, Any]", body.get("user") or {}).get("id") or "")
        channel = str(cast("dict[str, Any]", body.get("channel") or {}).get("id") or "")
        try:
            chat = await self.work.workspaces.of_team(team_of(body))
            if channel.startswith("D") or not channel:
                place = channel or (await chat.find_place(user)).id
                await chat.web.act("chat.postMessage", channel=place, text=escape(text))
            else:
                await chat.web.act("chat.postEphemeral", channel=channel, user=user, text=escape(text))
        except StewardError as error:
            await log.ainfo("slack_not_said", reason=error.message)


async def new_code(caller: Caller) -> str:
    """A code that links whoever says it in Slack to the caller; the earlier one is void."""
    drawn = "".join(secrets.choice(LETTERS) for _ in range(12))
    code = "-".join(drawn[at : at + 4] for at in (0, 4, 8))
    await slack.create_slack_code(caller, code_hash(code))
    return code


def code_hash(code: str) -> str:
    """How a linking code is kept."""
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()


def team_of(body: Body) -> str:
    """The workspace that a request of Slack is about."""
    team = body.get("team")
    if isinstance(team, dict):
        return str(cast("dict[str, Any]", team).get("id") or "")
    return str(body.get("team_id") or "")


def value_of(text: object) -> dict[str, Any]:
    """What goes with a button or form; empty where it is not ours."""
    try:
        value = json.loads(str(text))
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def uuid_of(value: object) -> UUID:
    """An id out of a button. Raises Invalid."""
    try:
        return UUID(str(value))
    except ValueError as error:
        raise Invalid("This button belongs to nothing that is here") from error
