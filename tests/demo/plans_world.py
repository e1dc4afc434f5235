"""What the walk through plans walks through: a house, the services its plans use, a browser and a script of the owner's."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from standardwebhooks.webhooks import Webhook

from tests.demo.house import StewardProcess
from tests.demo.report import WalkFailed, must
from tests.demo.world import LOOK_SECONDS, PATIENCE_SECONDS
from tests.emulators import slack as slack_server
from tests.emulators.cicd_receiver import SECRET, FakePipeline, running_pipeline, signed
from tests.emulators.github_rest import FakeGitHub, review, run, running_github
from tests.emulators.jira_cloud import FakeJira, running_jira
from tests.emulators.outside_servers import ROBIN, SLACK_SIGNING_SECRET, OutsideServers
from tests.emulators.served import Answer, Got, Served, serving
from tests.emulators.slack import SlackServer, fresh_slack

T = TypeVar("T")
RESEND_KEY = "re_only_for_this_walk"
CHANNEL = "general"


@dataclass
class PlansWorld:
    """All its parts; `api` is signed in by token. `site` is the service that is launched, and takes callbacks."""

    steward: StewardProcess
    jira: FakeJira
    github: FakeGitHub
    pipeline: FakePipeline
    site: Served
    slack: SlackServer
    resend: httpx.AsyncClient
    api: httpx.AsyncClient

    async def get(self, path: str) -> Any:
        """What the API answers."""
        answer = await self.api.get(path)
        must(answer.status_code == 200, f"GET {path} answers {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    async def curl(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """POST it as a person does at a prompt; status and answer."""
        words = ["-sS", "-X", "POST", f"{self.steward.url}{path}", "-H", "Content-Type: application/json", "-H", "@-"]
        words += ["-d", json.dumps(body), "-w", "\n%{http_code}"]
        process = await asyncio.create_subprocess_exec(
            "curl",
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, wrong = await process.communicate(f"Authorization: {self.api.headers['Authorization']}\n".encode())
        must(process.returncode == 0, f"curl: {wrong.decode(errors='replace')}")
        text, _, status = said.decode().rpartition("\n")
        return int(status), json.loads(text) if text else None

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]], seconds: float = PATIENCE_SECONDS) -> T:
        """The first that is there. Raises WalkFailed when it takes too long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := await look():
                return found
            await asyncio.sleep(LOOK_SECONDS)
        raise WalkFailed(f"Waited {seconds:.0f} seconds for {what}")

    async def mails(self) -> list[dict[str, Any]]:
        """What Resend has sent, oldest first."""
        answer = await self.resend.get("/emails")
        answer.raise_for_status()
        rows: list[dict[str, Any]] = answer.json()["data"]
        return sorted(rows, key=lambda one: one["created_at"])

    async def in_channel(self) -> list[str]:
        """What the bot wrote into the channel."""
        bot = self.slack.users["steward"]
        return [str(one["text"]) for one in await self.slack.messages(CHANNEL) if one.get("user") == bot]

    async def report_runs(self, reported: set[str]) -> None:
        """The pipeline reports each of its runs once, signed, where it was told to."""
        for message_id, asked in self.pipeline.runs.items():
            if message_id in reported:
                continue
            reported.add(message_id)
            body, headers = signed({"type": "pipeline.ended", "data": {"status": "success"}}, f"report-{message_id}")
            async with httpx.AsyncClient(timeout=30) as outside:
                answer = await outside.post(str(asked["report_to"]), content=body, headers=headers)
            must(answer.status_code == 200, f"The report of the pipeline was refused: {answer.text[:300]}")

    def callbacks(self, secret: str) -> list[dict[str, Any]]:
        """What was sent to the callback address, oldest first, its signatures checked."""
        got = [one for one in self.site.got if one.path == "/callback"]
        return [Webhook(secret).verify(one.body, one.headers) for one in got]

    async def sign_in(self) -> None:
        """A token for the script."""
        self.api.headers["Authorization"] = f"Bearer {await self.steward.token()}"


def _answer(got: Got) -> Answer:
    """The service that is launched: healthy."""
    return Answer(204) if got.method == "POST" else Answer(200, {"ok": True})


@asynccontextmanager
async def plans_world(outside: OutsideServers, logs: Path) -> AsyncGenerator[PlansWorld]:
    """Everything in its place, Steward not yet started; at the end of the block it is gone again."""
    async with AsyncExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="steward-plans-")))
        steward = StewardProcess(folder / "house", {}, logs / "steward.log")
        slack = await fresh_slack(outside)
        await slack.web().act("conversations.join", channel=slack.channels[CHANNEL])
        world = PlansWorld(
            steward,
            await held.enter_async_context(running_jira()),
            await held.enter_async_context(running_github()),
            await held.enter_async_context(running_pipeline()),
            await held.enter_async_context(serving(_answer)),
            slack,
            await held.enter_async_context(
                httpx.AsyncClient(
                    base_url=outside.resend, headers={"Authorization": f"Bearer {RESEND_KEY}"}, timeout=30
                )
            ),
            await held.enter_async_context(httpx.AsyncClient(base_url=steward.url, timeout=60)),
        )
        world.github.runs = [run("test"), run("lint")]
        world.github.reviews = [review("bo", "APPROVED")]
        steward.settings = settings_of(world, outside)
        held.callback(steward.end)
        yield world


def settings_of(world: PlansWorld, outside: OutsideServers) -> dict[str, str]:
    """The settings that a person would set; those that name another server than the real one are for tests."""
    return {
        "STEWARD_OWNER_EMAIL": ROBIN,
        "STEWARD_OWNER_NAME": "Robin Vega",
        "STEWARD_TIMEZONE": "UTC",
        "STEWARD_PRIVATE_HOSTS": f"127.0.0.1:{world.site.port}",
        "RESEND_API_KEY": RESEND_KEY,
        "RESEND_BASE_URL": outside.resend,
        "STEWARD_SLACK_BOT_TOKEN": slack_server.BOT_TOKEN,
        "STEWARD_SLACK_SIGNING_SECRET": SLACK_SIGNING_SECRET,
        "STEWARD_SLACK_API_URL": world.slack.api_url,
        "STEWARD_JIRA_URL": world.jira.url,
        "STEWARD_JIRA_EMAIL": "ana@example.com",
        "STEWARD_JIRA_TOKEN": "jira-token",
        "STEWARD_GITHUB_URL": world.github.url,
        "STEWARD_GITHUB_TOKEN": "github-token",
        "STEWARD_CICD_URL": world.pipeline.url,
        "STEWARD_CICD_SECRET": SECRET,
    }


def connected(world: PlansWorld) -> dict[str, Any]:
    """`context.resources` that connect the fourth plan with everything there is."""
    return {
        "jira_project": "OPS",
        "repository": "acme/shop",
        "pull_request": 7,
        "pipeline": "deploy",
        "smoke_url": f"{world.site.url}/smoke",
        "health_url": f"{world.site.url}/health",
        "slack_channel": f"#{CHANNEL}",
    }


def listed(words: Sequence[str]) -> str:
    """The words as one line; `nothing` where there are none."""
    return ", ".join(words) or "nothing"
