"""The walk of an agenda, from outside: an event in Google's calendar, an agenda, a yes, one mail; then a second one without a person.

The house is the real program and Google the emulator, as in the walk from a mail to its answer. See docs/guide/walk.md.
"""

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.demo.mailbox import SentMail
from tests.demo.report import Report, WalkFailed, must
from tests.demo.walk import Walk
from tests.demo.world import OWN_TOKEN, World, prepared
from tests.emulators.google_sign_in import allow_at_google
from tests.emulators.outside_servers import ALEX, ROBIN, OutsideServers, running_outside_servers

FIRST, SECOND = "Budget round", "Summer fair"
POINT = "Choose the venue for the summer fair"
EVENTS = "/calendar/v3/calendars/primary/events"


@dataclass(frozen=True)
class AgendaOutcome:
    """How many mails left, and who decided each; `holds` only if a person decided the first and a permission the second."""

    sent: int
    decided: list[str]
    seconds: float

    @property
    def holds(self) -> bool:
        return (self.sent, self.decided) == (2, ["person", "permission"])

    def as_json(self) -> str:
        """The last line."""
        return json.dumps({**asdict(self), "seconds": round(self.seconds, 1)})


@dataclass
class AgendaWalk:
    """The steps, and what is known so far."""

    report: Report
    world: World
    outside: OutsideServers
    decided: list[str] = field(default_factory=list[str])

    async def all(self) -> AgendaOutcome:
        """From the first step to the last. Raises WalkFailed."""
        link = await self.world.steward.start()
        self.report.say("Steward runs, with a new database", self.world.steward.url)
        await Walk(self.report, self.world).sign_in(link)
        await self.connect()
        await self.with_a_yes()
        await self.without_one()
        sent = await self.world.mailbox.sent()
        self.report.say(
            f"In Gmail's Sent: {len(sent)}", *(f"To: {one.header('To')}\n{one.header('Subject')}" for one in sent)
        )
        return AgendaOutcome(len(sent), self.decided, self.report.seconds)

    async def connect(self) -> None:
        """Mail and calendar, through the pages of Google's sign-in."""
        permissions = {"permission": ["mail_read", "mail_send", "calendar"]}
        begun = await self.world.browser.get("/api/integrations/google/connect", params=permissions)
        must(begun.status_code == 303, f"Connecting does not begin: {begun.text[:300]}")
        back = await allow_at_google(self.world.line.url, begun.headers["location"], ROBIN)
        came = await self.world.browser.get(back)
        must("connected=" in came.headers.get("location", ""), f"The sign-in failed: {came.headers.get('location')}")
        self.report.say("Robin allows Steward at Google: read mail, send it, read and change the calendar")

    async def with_a_yes(self) -> None:
        """The first meeting: its agenda asks, and leaves after the yes."""
        await self.invite(FIRST, 3)
        task, draft = await self.drafted(FIRST)
        must(await self.world.mailbox.sent() == [], "Something left before the yes")
        said = str(task["result"]["output"])
        self.report.say(
            "Steward has made an agenda and asks", said, f"Mail to {', '.join(draft['to_recipients'])}:", draft["body"]
        )
        await self.says("POST", f"/api/drafts/{draft['id']}/approve", {"digest": draft["digest"]})
        await self.left(draft["id"], 1)
        self.report.say("After Robin's yes one mail is in Sent")

    async def without_one(self) -> None:
        """The second: Robin permits agendas to Alex; it is made of Robin's own words and goes alone."""
        until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
        terms = {
            "action": "email_send", "targets": [ALEX], "task_kinds": ["agenda"], "max_per_hour": 5, "max_per_day": 20,
            "hold_seconds": 0, "expires_at": until, "is_enabled": True,
        }  # fmt: skip
        await self.says("PUT", "/api/policies", terms)
        await self.says("POST", "/api/tasks", {"title": POINT, "execution_type": "manual"})
        self.report.say("Robin permits agendas to Alex, and has a task", POINT)
        await self.invite(SECOND, 5)
        _, draft = await self.drafted(SECOND)
        must(draft["state"] != "draft", f"It asks: {draft['approval']['decision']}")
        await self.left(draft["id"], 2)
        (mail,) = [one for one in await self.world.mailbox.sent() if SECOND in one.header("Subject")]
        self.report.say("Nobody was asked; it has gone, with a line for the digest", mail.text)
        must(POINT in mail.text, "The agenda does not hold the task")

    # Section: what Robin does, and what comes of it

    async def says(self, method: str, path: str, body: dict[str, Any]) -> None:
        """What a person says in the browser: signed in, and with the word that only the pages know."""
        page = await self.world.browser.get("/")
        word = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        must(word is not None, "The page has no form")
        headers = {"X-CSRF-Token": word[1] if word else "", "Origin": self.world.steward.url}
        told = await self.world.browser.request(method, path, json=body, headers=headers)
        must(told.is_success, f"{method} {path} answers {told.status_code}: {told.text[:300]}")

    async def invite(self, title: str, hours: int) -> None:
        """Robin makes an event of an hour with Alex, so many hours from now."""
        start = datetime.now(UTC) + timedelta(hours=hours)
        guests = [
            {"email": ROBIN, "organizer": True, "self": True, "responseStatus": "accepted"},
            {"email": ALEX, "displayName": "Alex Moreno"},
        ]
        body = {
            "summary": title,
            "start": {"dateTime": start.isoformat()},
            "end": {"dateTime": (start + timedelta(hours=1)).isoformat()},
            "attendees": guests,
        }
        headers = {"Authorization": f"Bearer {OWN_TOKEN}"}
        async with httpx.AsyncClient(base_url=self.outside.google, headers=headers) as google:
            made = await google.post(EVENTS, json=body)
        must(made.is_success, f"The event was not made: {made.text[:300]}")
        self.report.say(f"In Google's calendar: {title} with Alex, {start:%H:%M} UTC, no agenda")

    async def drafted(self, title: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The task that nobody asked for, and its draft; the calendar is read by the clock."""

        async def ended() -> dict[str, Any] | None:
            items = (await self.world.get("/api/tasks?source=proactive&status=completed"))["items"]
            return next((one for one in items if one["title"] == f"Draft meeting agenda: {title}"), None)

        for _ in range(4):  # Google is asked once a minute, and the rules look once a minute
            with suppress(WalkFailed):
                found = await self.world.until(f"the agenda of {title}", ended)
                task = await self.world.get(f"/api/tasks/{found['id']}")
                return task, await self.world.get(f"/api/drafts/{task['result']['draft_id']}")
        raise WalkFailed(f"Nobody drafted the agenda of {title}")

    async def left(self, draft_id: str, count: int) -> None:
        """The draft is sent, once, and who decided it is known."""

        async def sent() -> dict[str, Any] | None:
            draft = await self.world.get(f"/api/drafts/{draft_id}")
            must(draft["state"] not in {"failed", "uncertain", "rejected"}, f"The draft is {draft['state']}")
            return draft if draft["state"] == "sent" else None

        draft = await self.world.until("the mail to leave", sent)
        self.decided.append(str(draft["approval"]["decided_how"]))
        found: list[SentMail] = await self.world.mailbox.sent()
        must(len(found) == count, f"In Sent are {len(found)} mails, and not {count}")


async def walk_agenda(report: Report, logs: Path) -> AgendaOutcome:
    """Start what stands in for Google, and walk. Raises WalkFailed, NotStarted."""
    with running_outside_servers(logs / "emulators.log") as outside:
        report.say("Google is there, as an emulator", outside.google)
        async with prepared(outside, logs) as world:
            settings = {"STEWARD_GOOGLE_POLL_MINUTES": "1", "STEWARD_QUIET_HOURS": "off"}
            world.line.taken.set()  # nothing is held back on this walk
            world.steward.settings = {**world.steward.settings, **settings}
            return await AgendaWalk(report, world, outside).all()
