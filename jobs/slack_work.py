"""What Slack delivered becomes tasks, and what waits for a person is shown in Slack: each once, whoever dies on the way.

The rows in the database are the truth: an event is done in the transaction that makes its tasks, and a message that
was begun is looked for by its key before it is posted again. A job only wakes; every minute one comes by the clock.
"""

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from functools import cached_property
from typing import Any

import procrastinate
import structlog

from agents.budget import metered
from agents.extractor import extract
from agents.rules.commitments.chat import promises_in_chat
from agents.thinking import Thinking
from core.database import Caller, Identity
from core.errors import Conflict, NotFound, StewardError
from core.outside.chat import ChatPost
from core.outside.errors import NotConnected, SignInExpired, Temporary, Uncertain
from integrations.slack.blocks import Card, HomeTask, card_blocks, home_view
from integrations.slack.text import escape
from integrations.slack.workspace import EVENT_TYPE, SlackWorkspace
from jobs.addresses import web_address
from jobs.outside.slack import Workspaces, says
from jobs.outside.world import Given
from jobs.periodic import QUEUE
from jobs.slack_brought_up import BroughtUpMessages
from jobs.slack_cards import Cards
from tasks import commitments, digests, functions, nudges, review, slack
from tasks.functions import TaskFilter, task_item
from tasks.models import ExecutionStatus, ExtractedTask, Task
from tasks.own_hours import clock_of
from tasks.slack import SlackEvent, SlackLink, SlackNotice

log = structlog.get_logger()
NAME = "slack_work"
LEASE_SECONDS = 90.0
HANDS_OFF_SECONDS = 30.0  # held up for longer, the attempt is left to the next one: somebody else may be at it
LONGEST_WAIT_SECONDS = 3600.0
KEEP_DAYS = 30
OPEN: list[ExecutionStatus] = ["pending", "queued", "in_progress", "paused", "blocked", "failed"]
BY_OTHERS = "written by somebody else in Slack"
STAMP = re.compile(r"\d{9,11}\.\d{1,6}")


@dataclass(frozen=True)
class SlackWork:
    """Works off events and messages. Any number may run side by side."""

    given: Given
    thinking: Thinking

    @cached_property
    def workspaces(self) -> Workspaces:
        return Workspaces(self.given)

    @cached_property
    def cards(self) -> Cards:
        return Cards(web_address(self.given.settings))

    @cached_property
    def brought_up(self) -> BroughtUpMessages:
        return BroughtUpMessages(web_address(self.given.settings))

    @property
    def service(self) -> Caller:
        """The worker, for every tenant."""
        return self.given.database.acting_as(Identity.service())

    def person(self, link: SlackLink) -> Caller:
        """The database as the linked person sees it."""
        return self.given.database.acting_as(Identity(link.user_id, organization_id=link.organization_id))

    async def drain(self) -> int:
        """Work off everything that is due; how many."""
        done = 0
        while event := await slack.take_slack_event(self.service, LEASE_SECONDS):
            await self._work_on(event)
            done += 1
        while notice := await slack.take_slack_notice(self.service, LEASE_SECONDS):
            await self._show(notice)
            done += 1
        return done

    # Section: events

    async def _work_on(self, event: SlackEvent) -> None:
        try:
            chat = await self.workspaces.of_link(event.link)
            if event.kind == "home":
                await self.publish_home(event.link, chat)
                await slack.end_slack_event(self.service, event.id)
                return
            tasks, reply = await self._find_tasks(event, chat)
        except (Conflict, NotFound) as error:
            await log.ainfo("slack_event_left", reason=error.message)  # another worker was faster, or it was unlinked
        except StewardError as error:
            await log.awarning("slack_event_failed", kind=event.kind, error=error.message)
            again = _again_after(error, event.attempts)
            await slack.end_slack_event(self.service, event.id, error.message, retry_after_seconds=again)
            if again is None and event.kind != "home":
                await self._reply(event, f"I could not work on this. {says(error)}")
        else:
            await self._reply(event, _made(tasks, self.cards.address) if tasks else reply)
            await self._refresh_home(event.link)

    async def _find_tasks(self, event: SlackEvent, chat: SlackWorkspace) -> tuple[list[Task], str]:
        """Make the tasks of an event; what to say where there are none."""
        payload = event.payload
        text = (await chat.say_names(str(payload.get("text") or ""))).strip()
        author = str(payload.get("author") or event.link.slack_user_id)
        is_own = author == event.link.slack_user_id
        if not text:
            await slack.end_slack_event(self.service, event.id)
            return [], "There is nothing in it to make a task of. `/steward help` says what I do."
        person = self.person(event.link)
        clock = await clock_of(person, self.given.clock)
        found = await extract(text, now=clock.now(), thinking=metered(self.thinking, person, clock))
        wanted = found.tasks
        if not wanted and event.kind in {"shortcut", "command"}:
            wanted = [_as_it_stands(text)]
        reference: dict[str, Any] = {
            "team": event.link.team_id,
            "channel": payload.get("channel"),
            "ts": payload.get("ts"),
            "thread_ts": payload.get("thread_ts"),
            "author": author,
            "in_own_words": is_own,
        }
        flags = [] if is_own else [BY_OTHERS]
        items = [
            task_item(
                one,
                source_ref={**reference, "quote": one.quote},
                source_key=f"slack:{event.key}:{number}",
                flags=flags,
            )
            for number, one in enumerate(wanted)
        ]
        made = await slack.keep_slack_tasks(person, event.id, items)
        if event.kind == "shortcut":  # else it was said to Steward, and promised to nobody
            await self._keep_promises(event, chat, text, made, clock.now())
        return made, found.reply

    async def _keep_promises(
        self, event: SlackEvent, chat: SlackWorkspace, text: str, made: list[Task], now: datetime
    ) -> None:
        """What the author of a message promises in it, with the day seen from when it was said."""
        payload = event.payload
        author = str(payload.get("author") or event.link.slack_user_id)
        stamp = str(payload.get("ts") or "")
        said_at = datetime.fromtimestamp(float(stamp), now.tzinfo) if STAMP.fullmatch(stamp) else now
        found = promises_in_chat(
            text,
            min(said_at, now),
            is_own=author == event.link.slack_user_id,
            author=(await chat.say_names(f"<@{author}>")).removeprefix("@"),
            place=f"slack:{event.link.team_id}:{payload.get('channel')}:{stamp or event.key}",
            task_id=made[0].id if made else None,
        )
        await commitments.record_commitments(self.person(event.link), found)

    async def _reply(self, event: SlackEvent, text: str) -> None:
        """Tell the person, and nobody else, what came of it; once at most."""
        payload = event.payload
        try:
            chat = await self.workspaces.of_link(event.link)
            if event.kind in {"mention", "shortcut", "command"} and payload.get("channel"):
                with suppress(StewardError):
                    await chat.web.act(
                        "chat.postEphemeral",
                        channel=payload["channel"],
                        user=event.link.slack_user_id,
                        text=text,
                        thread_ts=payload.get("thread_ts"),
                    )
                    return
            await chat.web.act("chat.postMessage", channel=await self._direct(event.link, chat), text=text)
        except StewardError as error:
            await log.awarning("slack_reply_failed", error=error.message)

    # Section: the Home tab

    async def publish_home(self, link: SlackLink, chat: SlackWorkspace) -> None:
        """Show somebody what waits for them, and today's tasks."""
        person = self.person(link)
        now = (await clock_of(person, self.given.clock)).now()
        end = datetime.combine(now.date() + timedelta(days=1), clock_time(), now.tzinfo)
        due = await functions.list_tasks(person, TaskFilter(status=OPEN, due_before=end), sort="due", limit=40)
        done = await functions.list_tasks(
            person, TaskFilter(status=["completed"], parent="none"), sort="updated", limit=50
        )
        approvals = await review.list_approvals(person, states=["open"], limit=20)
        waiting = [
            (
                one.title,
                f"{self.cards.address}/review/{one.draft_id}" if one.draft_id else f"{self.cards.address}/review",
            )
            for one in approvals.items
        ]
        today = [
            HomeTask(
                task.title,
                task.execution_status.replace("_", " "),
                f"{self.cards.address}/tasks/{task.id}",
                task.due_at.astimezone(now.tzinfo) if task.due_at else None,
            )
            for task in due.items
            if not review.belongs_to_draft(task)
        ]
        finished = [
            task
            for task in done.items
            if task.completed_at
            and task.completed_at.astimezone(now.tzinfo).date() == now.date()
            and not review.belongs_to_draft(task)
        ]
        view = home_view(waiting, today, len(finished), self.cards.address)
        await chat.web.act("views.publish", user_id=link.slack_user_id, view=view)

    async def _refresh_home(self, link: SlackLink) -> None:
        with suppress(StewardError):
            await self.publish_home(link, await self.workspaces.of_link(link))

    # Section: messages

    async def _show(self, notice: SlackNotice) -> None:
        """Post a message or bring it up to date; an attempt that broke off is looked for first."""
        begun = time.monotonic()
        try:
            chat = await self.workspaces.of_link(notice.link)
            message = await self._message(notice)
            if notice.message_ts and notice.channel:
                place, stamp = notice.channel, notice.message_ts
                await chat.web.act("chat.update", channel=place, ts=stamp, **message)
            else:
                place = await self._direct(notice.link, chat)
                found = await chat.find(_looked_for(notice, place)) if notice.attempt_unknown else None
                if time.monotonic() - begun > HANDS_OFF_SECONDS:
                    raise Temporary("The worker was held up before it could post")
                stamp = found.message_id if found else await _post(chat, notice, place, message)
                if found:
                    await chat.web.act("chat.update", channel=place, ts=stamp, **message)
            await slack.keep_slack_notice(self.service, notice.id, place, stamp, notice.state)
        except NotFound:
            await slack.put_off_slack_notice(self.service, notice.id, "What it showed is gone")
        except StewardError as error:
            await log.awarning("slack_notice_failed", error=error.message, attempts=notice.attempts)
            is_lost = isinstance(error, Uncertain)
            await slack.put_off_slack_notice(
                self.service,
                notice.id,
                error.message,
                retry_after_seconds=_again_after(error, notice.attempts) if not is_lost else 5.0 * notice.attempts,
                nothing_left=not is_lost and not notice.attempt_unknown,
            )
        else:
            await self._refresh_home(notice.link)

    async def _message(self, notice: SlackNotice) -> dict[str, Any]:
        """What a message says now: a nudge, a digest, or the card of a draft or question."""
        person = self.person(notice.link)
        if notice.nudge_id is not None:
            return self.brought_up.of_nudge(await nudges.get_nudge(person, notice.nudge_id), notice.state)
        if notice.digest_id is not None:
            told = await nudges.list_nudges(person, digest_id=notice.digest_id)
            return self.brought_up.of_digest(await digests.find_digest(person, notice.digest_id), told.items)
        card = await self._card(person, notice)
        return {"text": card.fallback, "blocks": card_blocks(card), "unfurl_links": False}

    async def _card(self, person: Caller, notice: SlackNotice) -> Card:
        if notice.approval_id is None:
            raise NotFound("The message shows nothing")
        approval = await review.get_approval(person, notice.approval_id)
        approval = approval.model_copy(update={"state": notice.state})
        if approval.draft_id is not None:
            return self.cards.of_draft(await review.get_draft(person, approval.draft_id), notice.state)
        return self.cards.of_approval(approval, await functions.get_task(person, approval.task_id))

    async def _direct(self, link: SlackLink, chat: SlackWorkspace) -> str:
        """The channel in which somebody is written to directly."""
        if link.direct_channel:
            return link.direct_channel
        place = (await chat.find_place(link.slack_user_id)).id
        await slack.keep_slack_channel(self.service, link.id, place)
        return place


def register_slack(app: procrastinate.App, work: SlackWork, owner: Identity) -> None:
    """Put the job on a worker's app: woken by the database, and every minute for what was put off."""

    async def drain_slack() -> None:
        await work.drain()

    async def look_at_slack(timestamp: int) -> None:
        try:
            await work.workspaces.link_owner(owner)
        except StewardError as error:
            await log.awarning("slack_owner_not_linked", error=error.message)
        await work.drain()
        if timestamp % 3600 < 60:
            await slack.clean_up_slack(work.service, KEEP_DAYS)

    app.task(name=NAME, queue=QUEUE)(drain_slack)
    every_minute = app.task(name="slack_minute", queue=QUEUE, queueing_lock="slack_minute", pass_context=False)
    app.periodic(cron="* * * * *", periodic_id="slack")(every_minute(look_at_slack))


def _looked_for(notice: SlackNotice, place: str) -> ChatPost:
    return ChatPost(key=str(notice.id), channel=place, text="", not_before=notice.begun_at)


async def _post(chat: SlackWorkspace, notice: SlackNotice, place: str, message: dict[str, Any]) -> str:
    metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": str(notice.id)}}
    answer = await chat.web.act("chat.postMessage", channel=place, metadata=metadata, **message)
    return str(answer.get("ts") or "")


def _again_after(error: StewardError, attempts: int) -> float | None:
    """In how many seconds another try may help; None when it never will."""
    if isinstance(error, SignInExpired | NotConnected):
        return 600.0
    if not error.is_retryable:
        return None
    return min(max(float(error.retry_after_seconds or 0), 2.0**attempts), LONGEST_WAIT_SECONDS)


def _as_it_stands(text: str) -> ExtractedTask:
    """A task that the person asked for, where no rule found one in the text."""
    first = next(line.strip() for line in text.splitlines() if line.strip())
    return ExtractedTask(
        title=first[:300],
        description=text if text != first else "",
        execution_type="manual",
        confidence=0.5,
        why="You asked for a task of this message",
        due_at=None,
        recurrence=None,
        recipient=None,
        quote=first[:500],
    )


def _made(tasks: list[Task], address: str) -> str:
    lines = [
        f"• <{address}/tasks/{task.id}|{escape(' '.join(task.title.split())[:200]).replace('|', '¦')}>"
        for task in tasks[:20]
    ]
    more = [f"and {len(tasks) - 20} more"] if len(tasks) > 20 else []
    heading = "I made a task of it:" if len(tasks) == 1 else f"I made {len(tasks)} tasks of it:"
    return "\n".join([heading, *lines, *more])
