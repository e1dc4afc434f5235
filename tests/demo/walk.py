"""One walk through everything, from outside: a mail becomes a task, is answered in its thread after a yes in Slack, once.

The house is the real program; Google and Slack are emulators; the walk is the person, Slack, and whoever writes the mail.
At the worst moment, when Gmail has sent the mail and Steward does not know it yet, Steward is killed. See docs/guide/walk.md.
"""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.demo.mailbox import SentMail, letter
from tests.demo.report import Outcome, Report, must
from tests.demo.world import PATIENCE_SECONDS, PUSH_TOKEN, World, prepared
from tests.emulators.google_sign_in import allow_at_google
from tests.emulators.outside_servers import ROBIN, running_outside_servers

MESSAGE_ID = "<workshop@example.com>"
SUBJECT = "The workshop in Lisbon"
APPROVE = "steward_approve"
SETTLED = {"sent", "failed", "uncertain"}
ENDED = {"completed", "failed", "cancelled"}


@dataclass
class Walk:
    """The steps, and what is known so far."""

    report: Report
    world: World
    thread: str = ""
    task_id: str = ""
    draft: dict[str, Any] = field(default_factory=dict[str, Any])

    async def all(self) -> Outcome:
        """From the first step to the last. Raises WalkFailed."""
        say = self.report.say
        link = await self.world.steward.start()
        say("Steward runs, with a new database", f"{self.world.steward.url}, process {self.pid}")
        await self.sign_in(link)
        await self.connect_google()
        await self.link_slack()
        await self.mail_arrives()
        await self.execute()
        card, channel = await self.shown_in_slack()
        await self.approve_and_kill(card, channel)
        await self.start_again(card, channel)
        return await self.look_at_everything()

    @property
    def pid(self) -> int:
        assert self.world.steward.process is not None
        return self.world.steward.process.pid

    # Section: connecting

    async def sign_in(self, link: str) -> None:
        """The link makes a session; a token is for the API."""
        page = await self.world.browser.get(link, follow_redirects=True)
        must(page.status_code == 200, f"The link does not sign in: {page.status_code}")
        self.world.api.headers["Authorization"] = f"Bearer {await self.world.steward.token()}"
        self.report.say("Signed in by the printed link; `steward token` made a token for the API")

    async def connect_google(self) -> None:
        """Through the pages of Google's sign-in."""
        permissions = {"permission": ["mail_read", "mail_send"]}
        begun = await self.world.browser.get("/api/integrations/google/connect", params=permissions)
        must(begun.status_code == 303, f"Connecting does not begin: {begun.text[:300]}")
        back = await allow_at_google(self.world.line.url, begun.headers["location"], ROBIN)
        came = await self.world.browser.get(back)
        must("connected=" in came.headers.get("location", ""), f"The sign-in failed: {came.headers.get('location')}")
        account = (await self.world.get("/api/integrations/google"))["accounts"][0]
        self.report.say(
            "Robin allows Steward at Google: read mail, write drafts and send them",
            f"{account['address']}: {account['state']}; {', '.join(one.rpartition('/')[2] for one in account['scopes'])}",
        )

    async def link_slack(self) -> None:
        """A code of the settings page, said in Slack."""
        made = await self.world.api.post("/api/integrations/slack/links")
        said = await self.world.sender.command(made.json()["say"].removeprefix("/steward "))
        must(said.text.startswith("Now I know you"), f"Slack is not linked: {said.text[:300]}")
        self.report.say("Robin writes `/steward link CODE` in Slack", said.text.splitlines()[0])

    # Section: from the mail to the question

    async def mail_arrives(self) -> None:
        """Somebody writes; Gmail tells Steward that there is news; a task is made."""
        day = datetime.now(UTC) + timedelta(days=3)
        text = f"Hi Robin,\n\ncould you let me know by {day:%A} whether you can join the workshop in Lisbon?\n\nBest regards,\nAna\n"
        mail = letter("Ana Lind <ana@example.com>", f"Robin Vega <{ROBIN}>", MESSAGE_ID, SUBJECT, text)
        ref, self.thread = await self.world.mailbox.deliver(mail)
        self.report.say(f"A mail arrives in Gmail: message {ref}, thread {self.thread}", mail["From"], SUBJECT, text)
        news = base64.b64encode(json.dumps({"emailAddress": ROBIN, "historyId": 1}).encode()).decode()
        path = f"/api/integrations/google/push?token={PUSH_TOKEN}"
        told = await self.world.browser.post(path, json={"message": {"data": news, "messageId": "1"}})
        must(told.status_code == 200, f"The push was refused: {told.text[:300]}")

        async def made() -> dict[str, Any] | None:
            items = (await self.world.get("/api/tasks"))["items"]
            return next((one for one in items if one["source"] == "mail"), None)

        task = await self.world.until("a task of the mail", made)
        self.task_id = task["id"]
        self.report.say(
            "Steward has read it and made a task of it",
            f"“{task['title']}”, {task['execution_type']}, due {task['due_at']}",
            f"because of: {task['source_ref']['quote']}",
        )

    async def execute(self) -> None:
        """Robin presses Execute; the answer is a draft that waits for a yes."""
        answer = await self.world.api.post("/api/tasks/execute", json={"taskId": self.task_id})
        told = answer.json()
        must(answer.status_code == 200 and bool(told.get("draft_id")), f"Nothing was drafted: {answer.text[:500]}")
        self.draft = await self.world.get(f"/api/drafts/{told['draft_id']}")
        target = self.draft["target"]
        must(target.get("thread_id") == self.thread, f"The draft does not name the thread of the mail: {target}")
        must(target.get("in_reply_to") == MESSAGE_ID, f"The draft does not answer the mail: {target}")
        self.report.say(
            f"Executed: {told['message']}",
            f"a draft from {target['from_address']} to {', '.join(self.draft['to_recipients'])}, in answer to {MESSAGE_ID}",
            f"Subject: {self.draft['subject']}",
            self.draft["body"],
        )
        must(await self.world.mailbox.sent() == [], "Something was sent before anybody said yes")

    async def shown_in_slack(self) -> tuple[dict[str, Any], str]:
        """The message with the draft, and the channel in which it stands."""
        opened = await self.world.slack.web().act("conversations.open", users=self.world.slack.users["robin"])
        channel = str(opened["channel"]["id"])

        async def shown() -> dict[str, Any] | None:
            return next((one for one in await self.world.slack.messages(channel) if APPROVE in json.dumps(one)), None)

        card = await self.world.until("a message in Slack with the draft", shown)
        words = json.dumps(card["blocks"], ensure_ascii=False)
        must(self.draft["id"] in words, "The message in Slack is about another draft")
        buttons = [
            one["text"]["text"] for block in card["blocks"] if block["type"] == "actions" for one in block["elements"]
        ]
        self.report.say("Slack shows the draft to Robin", card["text"], f"buttons: {', '.join(buttons)}")
        return card, channel

    # Section: the yes, and what goes wrong after it

    async def approve_and_kill(self, card: dict[str, Any], channel: str) -> None:
        """Approve, and again; once Gmail has sent the mail, and before Steward hears of it, Steward is killed."""
        await self.press(card, channel)
        self.report.say("Robin presses Approve in Slack", "Steward answers 200")
        await asyncio.wait_for(asyncio.to_thread(self.world.line.taken.wait, PATIENCE_SECONDS), PATIENCE_SECONDS + 1)
        must(self.world.line.taken.is_set(), "Gmail was never asked to send the draft")
        state = (await self.world.get(f"/api/drafts/{self.draft['id']}"))["state"]
        sent = await self.world.mailbox.sent()
        self.report.say(
            "Gmail has sent the draft; its answer is held back", f"in Sent: {len(sent)}; here the draft is {state}"
        )
        must((len(sent), state) == (1, "sending"), "This is not the moment between the effect and its record")
        await self.press(card, channel)
        self.report.say("Robin presses Approve a second time", "Steward answers 200")
        killed = await asyncio.to_thread(self.world.steward.kill)
        self.world.line.release()
        self.report.say(f"Process {killed} is killed (SIGKILL): the answer of Gmail never arrives")

    async def start_again(self, card: dict[str, Any], channel: str) -> None:
        """Steward comes back, is pressed once more, and finds out what became of the mail."""
        before = len(self.world.line.asked)
        await self.world.steward.start()
        self.report.say(f"Steward is started again, process {self.pid}")
        await self.press(card, channel)
        self.report.say("Robin presses Approve a third time", "Steward answers 200")

        async def settled() -> dict[str, Any] | None:
            draft = await self.world.get(f"/api/drafts/{self.draft['id']}")
            return draft if draft["state"] in SETTLED else None

        draft = await self.world.until("the draft to be sent", settled)
        seen = [f"the draft is {draft['state']}"]
        seen += [f"receipt: {draft['receipt']['location']}"] if draft["receipt"] else [str(draft["failure_reason"])]
        asked = [unquote(one).replace("/gmail/v1/users/me", "") for one in self.world.line.asked[before:]]
        changes = [one for one in asked if not one.startswith("GET") and ("/drafts" in one or "/messages" in one)]
        must(not changes, f"Steward did not only look: {', '.join(changes)}")
        self.report.say("Steward looked into Gmail for what the killed one had begun", *asked, *seen)

        async def told() -> str | None:
            messages = await self.world.slack.messages(channel)
            shown = next(json.dumps(one["blocks"], ensure_ascii=False) for one in messages if one["ts"] == card["ts"])
            return shown if "Sent." in shown and APPROVE not in shown else None

        await self.world.until("Slack to say that it was sent", told)
        others = [one["text"] for one in await self.world.slack.messages(channel) if one["ts"] != card["ts"]]
        self.report.say("The message in Slack says “Sent.”; its buttons are gone", *others)

    async def press(self, card: dict[str, Any], channel: str) -> None:
        """Slack sends a click on Approve, signed as Slack signs."""
        answer = await self.world.sender.click(card, channel, APPROVE)
        must(answer.status_code == 200, f"The click was refused: {answer.status_code} {answer.text[:300]}")

    async def look_at_everything(self) -> Outcome:
        """What lies in Gmail, and what the tasks say."""

        async def ended() -> list[dict[str, Any]] | None:
            own = await self.world.get(f"/api/tasks/{self.task_id}")
            below = await self.world.get(f"/api/tasks?parent={self.task_id}")
            found: list[dict[str, Any]] = [own, *below["items"]]
            return found if all(one["execution_status"] in ENDED for one in found) else None

        task, *children = await self.world.until("the tasks to end", ended)
        sent = await self.look_into_sent()
        for title, one in [("The task", task), *(("The task that sent it", child) for child in children)]:
            evidence: list[dict[str, Any]] = one["evidence"] or []
            must(bool(evidence), f"{title} has no evidence")
            self.report.say(
                f"{title}: {one['execution_status']}, {one['verification']}",
                *(f"{piece['kind']}: {piece['what']}, {piece['where']}" for piece in evidence),
            )
        must(len(children) == 1, f"{len(children)} tasks were made to send it")
        in_thread = bool(sent) and all(self.is_answer(one) for one in sent)
        return Outcome(len(sent), in_thread, task["execution_status"], task["verification"], self.report.seconds)

    async def look_into_sent(self) -> list[SentMail]:
        """What lies in Gmail's Sent: what was approved, and nothing else."""
        mailbox, line = self.world.mailbox, self.world.line
        sent, drafts = await mailbox.sent(), await mailbox.drafts()
        self.report.say(
            f"In Gmail's Sent: {len(sent)}",
            *(f"{one.id} in thread {one.thread}, In-Reply-To {one.header('In-Reply-To')}" for one in sent),
            *(f"To: {one.header('To')}\nSubject: {one.header('Subject')}\n{one.text}" for one in sent),
            f"Gmail was asked to send {line.count('drafts/send')} time; drafts left there: {drafts}",
        )
        must(
            (line.count("drafts/send"), drafts) == (1, 0), "Gmail was asked to send more than once, or a draft is left"
        )
        for one in sent:
            must(one.header("To") == ", ".join(self.draft["to_recipients"]), "It went to somebody else")
            must(one.text.split() == self.draft["body"].split(), "What was sent is not what was approved")
        must(
            {one.id for one in sent} <= set(await mailbox.thread(self.thread)), "The thread does not hold what was sent"
        )
        return sent

    def is_answer(self, sent: SentMail) -> bool:
        return sent.thread == self.thread and sent.header("In-Reply-To") == MESSAGE_ID


async def walk(report: Report, logs: Path) -> Outcome:
    """Start what stands in for Google and Slack, and walk. Raises WalkFailed, NotStarted."""
    with running_outside_servers(logs / "emulators.log") as outside:
        report.say("Google and Slack are there, as emulators", outside.google, outside.slack)
        async with prepared(outside, logs) as world:
            return await Walk(report, world).all()
