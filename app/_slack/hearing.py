"""What Slack tells of by itself: mentions, direct messages, the Home tab, messages that are to become tasks."""

from dataclasses import dataclass
from typing import Any, cast

import structlog

from app._slack.door import STRANGER, Ack, Body, SlackDoor, team_of
from core.errors import StewardError
from tasks import accounts, slack
from tasks.slack import EventKind

log = structlog.get_logger()


@dataclass(frozen=True)
class Hearing:
    """Keeps what is heard, once, before Slack is answered; a worker makes tasks of it."""

    door: SlackDoor

    async def on_mention(self, ack: Ack, body: Body, event: Body) -> None:
        await self._hear("mention", body, event)
        await ack()

    async def on_direct(self, ack: Ack, body: Body, event: Body) -> None:
        if event.get("channel_type") == "im" and not event.get("subtype"):
            await self._hear("direct", body, event)
        await ack()

    async def on_home(self, ack: Ack, body: Body, event: Body) -> None:
        if event.get("tab") in {None, "home"}:
            await self._hear("home", body, event)
        await ack()

    async def _hear(self, kind: EventKind, body: Body, event: Body) -> None:
        """Keep an event; told to a stranger, politely, once."""
        user = str(event.get("user") or "")
        team, event_id = team_of(body), str(body.get("event_id") or "")
        if event.get("bot_id") or not user or not event_id:
            return
        home = str(event.get("user_team") or event.get("source_team") or team)
        payload = {
            "text": _without_call(str(event.get("text") or "")) if kind == "mention" else str(event.get("text") or ""),
            "channel": event.get("channel"),
            "ts": event.get("ts"),
            "thread_ts": event.get("thread_ts"),
            "author": user,
        }
        key = f"{team}:{event_id}"
        await self.door.link(team, user, home)
        told = await slack.receive_slack_event(self.door.work.service, key[:300], home, user, kind, payload)
        if told.is_new and not told.is_known and kind in {"mention", "direct"}:
            self.door.later(self._greet_stranger(team, user, event))

    async def _greet_stranger(self, team: str, user: str, event: Body) -> None:
        try:
            chat = await self.door.work.workspaces.of_team(team)
            where = {"channel": event.get("channel"), "text": STRANGER}
            if event.get("channel_type") == "im":
                await chat.web.act("chat.postMessage", **where)
            else:
                await chat.web.act("chat.postEphemeral", user=user, thread_ts=event.get("thread_ts"), **where)
        except StewardError as error:
            await log.ainfo("slack_stranger_not_told", reason=error.message)

    async def on_uninstalled(self, ack: Ack, body: Body) -> None:
        """The app was taken out of a workspace: its accounts have ended."""
        for organization_id, account_id in await slack.list_slack_accounts(self.door.work.service, team_of(body)):
            caller = accounts.service_of(self.door.work.service, organization_id)
            await accounts.expire_account(caller, account_id, "Steward's app was removed from this Slack workspace")
        await ack()

    async def on_shortcut(self, ack: Ack, body: Body) -> None:
        """“Make a task” at a message."""
        link = await self.door.clicker(body)
        if link is None:
            await ack()
            self.door.later(self.door.say(body, STRANGER))
            return
        message = cast("dict[str, Any]", body.get("message") or {})
        payload = {
            "text": str(message.get("text") or ""),
            "channel": cast("dict[str, Any]", body.get("channel") or {}).get("id"),
            "ts": message.get("ts") or body.get("message_ts"),
            "thread_ts": message.get("thread_ts"),
            "author": str(message.get("user") or message.get("bot_id") or "somebody"),
        }
        key = f"{link.team_id}:{body.get('trigger_id') or payload['ts']}"
        await slack.receive_slack_event(
            self.door.work.service, key[:300], link.team_id, link.slack_user_id, "shortcut", payload
        )
        await ack()


def _without_call(text: str) -> str:
    """A mention without the name that called us at its beginning."""
    head, _, rest = text.strip().partition(">")
    return rest.strip() if head.startswith("<@") else text.strip()
