"""What is said to /steward."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from app._slack.door import STRANGER, Ack, Body, SlackDoor, code_hash
from core.database import Caller
from core.errors import Invalid, NotFound, StewardError
from integrations.slack.blocks import card_blocks, list_blocks
from integrations.slack.text import escape
from jobs.outside.slack import says
from jobs.slack_work import OPEN as OPEN_STATES
from tasks import functions, review, slack
from tasks.functions import TaskFilter
from tasks.models import Task
from tasks.slack import SlackLink

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


@dataclass(frozen=True)
class Commands:
    """Answers with words that only the person sees."""

    door: SlackDoor

    async def on_command(self, ack: Ack, body: Body) -> None:
        word, _, rest = str(body.get("text") or "").strip().partition(" ")
        team, user, rest = str(body.get("team_id") or ""), str(body.get("user_id") or ""), rest.strip()
        link = await self.door.link(team, user)
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
        person, cards = self.door.work.person(link), self.door.work.cards
        match word:
            case "add" if rest:
                payload = {"text": rest, "channel": body.get("channel_id"), "author": link.slack_user_id}
                key = f"{link.team_id}:{body.get('trigger_id')}"[:300]
                await slack.receive_slack_event(
                    self.door.work.service, key, link.team_id, link.slack_user_id, "command", payload
                )
                return {"text": "I am on it."}
            case "list":
                page = await functions.list_tasks(person, TaskFilter(status=OPEN_STATES, parent="none"), limit=20)
                tasks = [task for task in page.items if not review.belongs_to_draft(task)]
                zone = (await self.door.house.clocks.of(person)).timezone
                rows = [(task.title, f"{cards.address}/tasks/{task.id}", _said_of(task, zone)) for task in tasks]
                heading = f"{len(rows)} open" if rows else "Nothing is open."
                return {"text": heading, "blocks": list_blocks(heading, rows)}
            case "run" if rest:
                task = await self._named(person, rest)
                await functions.queue_task_execution(person, task.id)
                return {"text": f"“{escape(task.title)}” runs: {cards.address}/tasks/{task.id}"}
            case "review":
                return await self._review(person)
            case "unlink":
                await slack.unlink_slack_user(self.door.work.service, link.id)
                return {"text": "I have forgotten who you are."}
            case _:
                return {"text": HELP}

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
            blocks += [*card_blocks(await self.door.card(person, approval.id)), {"type": "divider"}]
        if len(page.items) > 3:
            address = f"{self.door.work.cards.address}/review"
            blocks += list_blocks("And also", [(one.title, address, "") for one in page.items[3:]])
        count = len(page.items)
        return {"text": f"{count} {'waits' if count == 1 else 'wait'} for your review", "blocks": blocks[:45]}

    async def _use_code(self, team: str, user: str, code: str) -> str:
        used = await slack.use_slack_code(self.door.work.service, code_hash(code), team, user)
        if used.state == "unknown":
            return "This code is wrong, used or too old. Make a new one in Steward."
        if used.state == "taken":
            return "You are linked to somebody else in Steward already. `/steward unlink` comes first."
        return f"Now I know you. {HELP}"


def _said_of(task: Task, zone: ZoneInfo) -> str:
    due = task.due_at.astimezone(zone) if task.due_at else None
    when = f", due {due:%a %d %b}" if due else ""
    return f"`{str(task.id)[:8]}` {task.execution_status.replace('_', ' ')}{when}"
