"""Steward's Slack app: Bolt with its handlers. What it hears it keeps, then answers; the work is done by a worker.

Whoever speaks is resolved to a person of Steward (a link), and what they do is done with that person's rights alone.
Decisions are made before Slack is answered: one call of the database, sealed to the digest of what was shown.
"""

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import structlog

from app.house import House
from app.review.by_draft_id.page import ADDRESS
from core.database import Caller
from core.errors import Conflict, Invalid, NotFound, StewardError
from integrations.slack.blocks import (
    APPROVE,
    EDIT,
    EDITED,
    LONGEST_INPUT,
    MAKE_TASK,
    OPEN,
    REJECT,
    REJECTED,
    card_blocks,
    edit_modal,
    list_blocks,
    reject_modal,
)
from integrations.slack.text import escape
from jobs.outside.slack import says
from jobs.slack_work import OPEN as OPEN_STATES
from jobs.slack_work import PLUMBING, SlackWork
from tasks import accounts, functions, review, slack
from tasks.functions import TaskFilter
from tasks.models import Draft, Task
from tasks.slack import EventKind, SlackLink

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp

log = structlog.get_logger()
Body = Mapping[str, Any]
Ack = Callable[..., Awaitable[Any]]
PATIENCE_SECONDS = 1.5  # Slack waits three for an answer
STRANGER = (
    "I do not know you yet. Sign in to Steward, make a code on its settings page, and write `/steward link CODE` here."
)
HELP = "\n".join(
    [
        "*What I do here*",
        "• `/steward add TEXT` makes tasks of what you write, like `/steward add call Ana tomorrow 3pm`",
        "• `/steward list` shows what is open, `/steward run 2f3a` executes a task by the beginning of its id",
        "• `/steward review` shows what waits for your yes",
        "• `/steward link CODE` and `/steward unlink` say who you are",
        "• Mention me, write to me directly, or choose “Make a task” at a message",
    ]
)
CHANGED = "This has changed meanwhile, nothing was done. The newest version is shown below."


def slack_app(house: House, signing_secret: str) -> "AsyncApp":
    """The app with every handler on it; it asks nothing of Slack by itself."""
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult

    from integrations.slack.web import log as quiet
    from integrations.slack.web import make_client

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        """Handlers take the token of whoever speaks, once they know who that is."""
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)

    bolt = AsyncApp(
        name="steward",
        logger=quiet,
        signing_secret=signing_secret,
        client=make_client(None, house.settings.slack_api_url),
        authorize=authorize,
        process_before_response=True,  # else events are answered before they are kept
        ssl_check_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
    )
    quiet.setLevel(logging.ERROR)
    door = SlackDoor(house, house.slack)
    for name, handler in (
        ("app_mention", door.on_mention),
        ("message", door.on_direct),
        ("app_home_opened", door.on_home),
        ("app_uninstalled", door.on_uninstalled),
        ("tokens_revoked", door.on_uninstalled),
    ):
        bolt.event(name)(handler)
    bolt.command("/steward")(door.on_command)
    bolt.shortcut(MAKE_TASK)(door.on_shortcut)
    for name, handler in ((APPROVE, door.on_approve), (EDIT, door.on_edit), (REJECT, door.on_reject)):
        bolt.action(name)(handler)
    bolt.action(OPEN)(door.on_open)
    bolt.view(EDITED)(door.on_edited)
    bolt.view(REJECTED)(door.on_rejected)
    return bolt


@dataclass(frozen=True)
class SlackDoor:
    """The handlers: parse, call, answer."""

    house: House
    work: SlackWork
    _running: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside the answer, which does not wait for it; what is lost on the way is made up for by the worker."""
        task = asyncio.create_task(work, name="slack")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    # Section: who speaks

    async def _link(self, team_id: str, user_id: str, user_team: str | None = None) -> SlackLink | None:
        """The person that a Slack user of this very workspace is."""
        if user_team and user_team != team_id:
            return None  # of another workspace, in a shared channel
        known = await slack.resolve_slack_user(self.work.service, team_id, user_id)
        if known is None and user_id == self.house.settings.slack_user:
            with suppress(StewardError, TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self.work.workspaces.link_owner(self.house.owner)
                known = await slack.resolve_slack_user(self.work.service, team_id, user_id)
        return known

    async def _clicker(self, body: Body) -> SlackLink | None:
        user = cast("dict[str, Any]", body.get("user") or {})
        return await self._link(_team_of(body), str(user.get("id") or ""), user.get("team_id"))

    # Section: events

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
        team, event_id = _team_of(body), str(body.get("event_id") or "")
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
        await self._link(team, user, home)
        told = await slack.receive_slack_event(self.work.service, key[:300], home, user, kind, payload)
        if told.is_new and not told.is_known and kind in {"mention", "direct"}:
            self.later(self._greet_stranger(team, user, event))

    async def _greet_stranger(self, team: str, user: str, event: Body) -> None:
        try:
            chat = await self.work.workspaces.of_team(team)
            where = {"channel": event.get("channel"), "text": STRANGER}
            if event.get("channel_type") == "im":
                await chat.web.act("chat.postMessage", **where)
            else:
                await chat.web.act("chat.postEphemeral", user=user, thread_ts=event.get("thread_ts"), **where)
        except StewardError as error:
            await log.ainfo("slack_stranger_not_told", reason=error.message)

    async def on_uninstalled(self, ack: Ack, body: Body) -> None:
        """The app was taken out of a workspace: its accounts have ended."""
        for organization_id, account_id in await slack.list_slack_accounts(self.work.service, _team_of(body)):
            caller = accounts.service_of(self.work.service, organization_id)
            await accounts.expire_account(caller, account_id, "Steward's app was removed from this Slack workspace")
        await ack()

    async def on_shortcut(self, ack: Ack, body: Body) -> None:
        """“Make a task” at a message."""
        link = await self._clicker(body)
        if link is None:
            await ack()
            self.later(self._say(body, STRANGER))
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
            self.work.service, key[:300], link.team_id, link.slack_user_id, "shortcut", payload
        )
        await ack()

    # Section: /steward

    async def on_command(self, ack: Ack, body: Body) -> None:
        word, _, rest = str(body.get("text") or "").strip().partition(" ")
        team, user, rest = str(body.get("team_id") or ""), str(body.get("user_id") or ""), rest.strip()
        link = await self._link(team, user)
        try:
            if word == "link":
                await ack(await self._use_code(team, user, rest))
            elif word in {"", "help"}:
                await ack(HELP if link else f"{STRANGER}\n\n{HELP}")
            elif link is None:
                await ack(STRANGER)
            else:
                await ack(**await self._commanded(link, word, rest, body))
        except StewardError as error:
            await ack(escape(says(error)))

    async def _commanded(self, link: SlackLink, word: str, rest: str, body: Body) -> dict[str, Any]:
        person, cards = self.work.person(link), self.work.cards
        match word:
            case "add" if rest:
                payload = {"text": rest, "channel": body.get("channel_id"), "author": link.slack_user_id}
                key = f"{link.team_id}:{body.get('trigger_id')}"[:300]
                await slack.receive_slack_event(
                    self.work.service, key, link.team_id, link.slack_user_id, "command", payload
                )
                return {"text": "I am on it."}
            case "list":
                page = await functions.list_tasks(person, TaskFilter(status=OPEN_STATES, parent="none"), limit=20)
                tasks = [task for task in page.items if task.tool not in PLUMBING]
                rows = [(task.title, f"{cards.address}/tasks/{task.id}", self._said_of(task)) for task in tasks]
                heading = f"{len(rows)} open" if rows else "Nothing is open."
                return {"text": heading, "blocks": list_blocks(heading, rows)}
            case "run" if rest:
                task = await self._named(person, rest)
                await functions.queue_task_execution(person, task.id)
                return {"text": f"“{escape(task.title)}” runs: {cards.address}/tasks/{task.id}"}
            case "review":
                return await self._review(person)
            case "unlink":
                await slack.unlink_slack_user(self.work.service, link.id)
                return {"text": "I have forgotten who you are."}
            case _:
                return {"text": HELP}

    def _said_of(self, task: Task) -> str:
        due = task.due_at.astimezone(self.house.clock.timezone) if task.due_at else None
        when = f", due {due:%a %d %b}" if due else ""
        return f"`{str(task.id)[:8]}` {task.execution_status.replace('_', ' ')}{when}"

    async def _named(self, person: Caller, words: str) -> Task:
        """The one open task of that id or title. Raises NotFound, Invalid."""
        prefix = words.strip("`").replace("-", "").casefold()
        if 4 <= len(prefix) <= 32 and all(sign in "0123456789abcdef" for sign in prefix):
            found = await functions.find_tasks(person, prefix)
        else:
            page = await functions.list_tasks(person, TaskFilter(status=OPEN_STATES, text=words[:500]), limit=5)
            same = [task for task in page.items if task.title.casefold() == words.casefold()]
            found = same or page.items
        if not found:
            raise NotFound(f"No open task is called “{words[:80]}”")
        if len(found) > 1:
            names = "; ".join(f"{str(task.id)[:8]} {task.title[:60]}" for task in found[:5])
            raise Invalid(f"Several tasks fit: {names}")
        return found[0]

    async def _review(self, person: Caller) -> dict[str, Any]:
        """What waits for a yes: the first few with their buttons, the others by name."""
        page = await review.list_approvals(person, states=["open"], limit=30)
        if not page.items:
            return {"text": "Nothing waits for your review."}
        blocks: list[dict[str, Any]] = []
        for approval in page.items[:3]:
            blocks += [*card_blocks(await self._card(person, approval.id)), {"type": "divider"}]
        if len(page.items) > 3:
            address = f"{self.work.cards.address}/review"
            blocks += list_blocks("And also", [(one.title, address, "") for one in page.items[3:]])
        count = len(page.items)
        return {"text": f"{count} {'waits' if count == 1 else 'wait'} for your review", "blocks": blocks[:45]}

    async def _use_code(self, team: str, user: str, code: str) -> str:
        used = await slack.use_slack_code(self.work.service, code_hash(code), team, user)
        if used.state == "unknown":
            return "This code is wrong, used or too old. Make a new one in Steward."
        if used.state == "taken":
            return "You are linked to somebody else in Steward already. `/steward unlink` comes first."
        return f"Now I know you. {HELP}"

    # Section: decisions

    async def on_open(self, ack: Ack) -> None:
        """The browser opens the page; nothing is to be done here."""
        await ack()

    async def on_approve(self, ack: Ack, body: Body, action: Body) -> None:
        link = await self._clicker(body)
        if link is None:
            await ack()
            self.later(self._say(body, STRANGER))
            return
        try:
            await self._decide(link, _value_of(action.get("value")), approved=True)
            said = ""
        except StewardError as error:
            said = CHANGED if isinstance(error, Conflict) else says(error)
        await ack()
        self.later(self._after(body, said))

    async def _decide(self, link: SlackLink, value: Body, *, approved: bool, notes: str | None = None) -> None:
        """A yes or no to exactly what was shown. Raises Conflict when that is not what stands there now."""
        person = self.work.person(link)
        if "draft" in value:
            draft_id = _uuid(value["draft"])
            if approved:
                await review.approve_draft(person, draft_id, str(value.get("digest")))
            else:
                await review.reject_draft(person, draft_id, notes)
            return
        approval_id = _uuid(value.get("approval"))
        approval = await slack.get_approval(person, approval_id)
        if approval.digest != value.get("digest"):
            raise Conflict("This is not what was shown")
        await review.decide_approval(person, approval_id, approved=approved, notes=notes)

    async def on_edit(self, ack: Ack, body: Body, action: Body) -> None:
        """Open the form; it shows the draft as it is, and is for exactly that."""
        await ack()
        link = await self._clicker(body)
        if link is None:
            self.later(self._say(body, STRANGER))
            return
        value = _value_of(action.get("value"))
        try:
            draft = await review.get_draft(self.work.person(link), _uuid(value.get("draft")))
            if draft.state not in {"draft", "approved", "failed"} or draft.digest != value.get("digest"):
                raise Conflict("This draft cannot be edited any more")
            fields = [("body", "Text", draft.body, True)]
            if draft.channel == "mail":
                fields = [
                    ("to", "To", ", ".join(draft.to_recipients), False),
                    ("cc", "Cc", ", ".join(draft.cc_recipients), False),
                    ("subject", "Subject", draft.subject, False),
                    *fields,
                ]
            if any(len(text) > LONGEST_INPUT for _, _, text, _ in fields):
                raise Invalid("This draft is longer than Slack's forms take", hint="Edit it on the review page.")
        except StewardError as error:
            self.later(self._after(body, CHANGED if isinstance(error, Conflict) else says(error)))
        else:
            self.later(self._open(link, body, edit_modal(value, fields)))

    async def on_reject(self, ack: Ack, body: Body, action: Body) -> None:
        await ack()
        link = await self._clicker(body)
        if link is None:
            self.later(self._say(body, STRANGER))
            return
        value = _value_of(action.get("value"))
        self.later(self._open(link, body, reject_modal(value, can_revise="draft" in value)))

    async def on_edited(self, ack: Ack, body: Body, view: Body) -> None:
        """A form was sent: a new version, which needs its own yes."""
        link, value = await self._clicker(body), _value_of(view.get("private_metadata"))
        if link is None:
            await ack(response_action="errors", errors={"body": STRANGER})
            return
        try:
            revised = await self._revise(link, value, _inputs_of(view))
        except StewardError as error:
            said = CHANGED if isinstance(error, Conflict) else says(error)
            await ack(response_action="errors", errors={"body": said[:300]})
            return
        await ack()
        self.later(self._resolve_mentions(link, revised))

    async def _revise(self, link: SlackLink, value: Body, given: Mapping[str, str]) -> Draft:
        person = self.work.person(link)
        draft = await review.get_draft(person, _uuid(value.get("draft")))
        if draft.digest != value.get("digest"):
            raise Conflict("This is not the draft that was shown")
        changes: dict[str, Any] = {"body": given.get("body", "")}
        if draft.channel == "mail":
            changes |= {
                "subject": " ".join(given.get("subject", "").splitlines()),
                "to_recipients": _addresses(given.get("to", "")),
                "cc_recipients": _addresses(given.get("cc", "")),
            }
        return await review.revise_draft(person, draft.id, changes)

    async def _resolve_mentions(self, link: SlackLink, draft: Draft) -> None:
        """Names that an edit brought into a Slack message become mentions: a newer version, where there are any."""
        try:
            if draft.channel == "slack":
                chat = await self.work.workspaces.of_link(link)
                mentions = dict(await chat.find_mentions(draft.body))
                if mentions != draft.target.get("mentions"):
                    target = {**draft.target, "mentions": mentions}
                    await review.revise_draft(self.work.person(link), draft.id, {"target": target})
        except StewardError as error:
            await log.ainfo("slack_mentions_left", reason=error.message)  # they stay plain text
        await self.drain()

    async def on_rejected(self, ack: Ack, body: Body, view: Body) -> None:
        link, value = await self._clicker(body), _value_of(view.get("private_metadata"))
        if link is None:
            await ack(response_action="errors", errors={"feedback": STRANGER})
            return
        notes = _inputs_of(view).get("feedback", "").strip() or None
        try:
            await self._decide(link, value, approved=False, notes=notes)
        except StewardError as error:
            said = CHANGED if isinstance(error, Conflict) else says(error)
            await ack(response_action="errors", errors={"feedback": said[:300]})
            return
        await ack()
        self.later(self.drain())

    # Section: answers

    async def drain(self) -> None:
        """Bring messages up to date now; what fails is tried again by the worker."""
        try:
            await self.work.drain()
        except StewardError as error:
            await log.awarning("slack_not_drained", error=error.message)

    async def _card(self, person: Caller, approval_id: UUID) -> Any:
        approval = await slack.get_approval(person, approval_id)
        if approval.draft_id is not None:
            return self.work.cards.of_draft(await review.get_draft(person, approval.draft_id), approval.state)
        return self.work.cards.of_approval(approval, await functions.get_task(person, approval.task_id))

    async def _after(self, body: Body, said: str) -> None:
        """Say what went wrong, if anything did, and bring every message up to date."""
        if said:
            await self._say(body, said)
        await self.drain()

    async def _open(self, link: SlackLink, body: Body, view: Mapping[str, Any]) -> None:
        try:
            chat = await self.work.workspaces.of_link(link)
            await chat.web.act("views.open", trigger_id=str(body.get("trigger_id") or ""), view=view)
        except StewardError as error:
            await self._say(body, f"The form did not open. {says(error)}")

    async def _say(self, body: Body, text: str) -> None:
        """Tell whoever clicked, and nobody else."""
        user = str(cast("dict[str, Any]", body.get("user") or {}).get("id") or "")
        channel = str(cast("dict[str, Any]", body.get("channel") or {}).get("id") or "")
        try:
            chat = await self.work.workspaces.of_team(_team_of(body))
            if channel.startswith("D") or not channel:
                place = channel or (await chat.find_place(user)).id
                await chat.web.act("chat.postMessage", channel=place, text=escape(text))
            else:
                await chat.web.act("chat.postEphemeral", channel=channel, user=user, text=escape(text))
        except StewardError as error:
            await log.ainfo("slack_not_said", reason=error.message)


def code_hash(code: str) -> str:
    """How a linking code is kept."""
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()


def _team_of(body: Body) -> str:
    team = body.get("team")
    if isinstance(team, dict):
        return str(cast("dict[str, Any]", team).get("id") or "")
    return str(body.get("team_id") or "")


def _without_call(text: str) -> str:
    """A mention without the name that called us at its beginning."""
    head, _, rest = text.strip().partition(">")
    return rest.strip() if head.startswith("<@") else text.strip()


def _value_of(text: object) -> dict[str, Any]:
    try:
        value = json.loads(str(text))
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _uuid(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise Invalid("This button belongs to nothing that is here") from error


def _addresses(text: str) -> list[str]:
    found = [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]
    for address in found:
        if not ADDRESS.fullmatch(address):
            raise Invalid(f"{address[:80]} is not an address")
    return list(dict.fromkeys(found))


def _inputs_of(view: Body) -> dict[str, str]:
    """What was entered in a form, by block."""
    state = cast("dict[str, Any]", view.get("state") or {})
    values = cast("dict[str, dict[str, dict[str, Any]]]", state.get("values") or {})
    return {block: str(one.get("value") or "") for block, fields in values.items() for one in fields.values()}
