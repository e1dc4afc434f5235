"""The walk of agents: two programs of other people share a plan; one is killed half-way, and the other takes its work up.

The house is the real program with a database of its own and no model; the agents are processes that run the example of
docs/agents. The pages that they read are served here. See docs/guide/walk.md.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.demo.house import KEPT, StewardProcess
from tests.demo.report import Report, WalkFailed, must
from tests.demo.world import LOOK_SECONDS, PATIENCE_SECONDS
from tests.emulators.served import Answer, Got, Served, serving

SCRIPT = Path(__file__).parents[2] / "docs" / "agents" / "examples" / "prospecting_agent.py"
LEASE_SECONDS = 10
CAROL = "carol@dogs.example"
BREEDERS: dict[str, list[dict[str, Any]]] = {
    "north": [
        {"name": "Bram", "mail": "bram@dogs.example", "breed": "Kooiker", "litters_a_year": 1, "website": None},
        {
            "name": "Elke",
            "mail": "elke@dogs.example",
            "breed": "Collie",
            "litters_a_year": 4,
            "website": "elke.example",
        },
    ],
    "east": [{"name": "Carol", "mail": CAROL, "breed": "Barbet", "litters_a_year": 3, "website": None}],
    "south": [{"name": "Dirk", "mail": "dirk@dogs.example", "breed": "Borzoi", "litters_a_year": 2, "website": None}],
}
NEEDS = ["photographs of every litter", "a waiting list", "papers of the parents"]


@dataclass(frozen=True)
class AgentsOutcome:
    """What was there at the end; `holds` only if all of it is as it has to be. `doubled` counts what was done twice."""

    tasks: int
    completed: int
    claims: int
    killed: int
    taken_over: int
    mails_sent: int
    doubled: int
    seconds: float

    @property
    def holds(self) -> bool:
        is_done = self.completed == self.tasks > 0
        return is_done and (self.killed, self.mails_sent, self.doubled) == (1, 1, 0) and self.taken_over >= 1

    def as_json(self) -> str:
        """The last line."""
        return json.dumps({**asdict(self), "seconds": round(self.seconds, 1)})


@dataclass
class Web:
    """The pages that the agents read. The second region that is asked for is slow until `goes_on`, the needs until Larry hangs."""

    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    is_stuck: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list[str])
    carol_says: str | None = None
    looks: int = 0

    def answer(self, got: Got) -> Answer:
        match got.path.strip("/").split("/"):
            case ["regions"]:
                return Answer(200, [*BREEDERS])
            case ["breeders", region]:
                self.asked.append(region)
                if len(self.asked) == 2:
                    self.is_stuck.set()
                    return Answer(200, BREEDERS[region], wait=self.goes_on)
                return Answer(200, BREEDERS[region])
            case ["needs"]:
                return Answer(200, NEEDS, wait=self.goes_on)
            case ["answers", _]:
                self.looks += 1
                return Answer(200, json.dumps(self.carol_says), headers={"Content-Type": "application/json"})
            case _:
                return Answer(404)


@dataclass
class AgentProcess:
    """An agent of somebody else: its row here, and its process."""

    name: str
    id: str
    token: str
    log: Path
    url: str
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run the example."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment = {**kept, "STEWARD_URL": self.url, "STEWARD_AGENT_TOKEN": self.token}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, str(SCRIPT)], env=environment, stdout=log, stderr=log)

    def end(self, *, at_once: bool = False) -> int:
        """By SIGTERM, or SIGKILL; the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.kill() if at_once else self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@dataclass
class AgentsWalk:
    """The steps, and what is known so far."""

    report: Report
    steward: StewardProcess
    api: httpx.AsyncClient
    web: Served
    pages: Web
    logs: Path
    root: str = ""
    agents: list[AgentProcess] = field(default_factory=list[AgentProcess])

    async def all(self) -> AgentsOutcome:
        """From the registration to the summary. Raises WalkFailed."""
        larry = await self.registered("Larry", ["prospecting"])
        rosa = await self.registered("Rosa", ["email", "writing", "prospecting"])
        await self.planned()
        for agent in (larry, rosa):
            agent.start()
        await self.killed_half_way(larry)
        await self.mail_approved()
        await self.answer_waited_for()
        tree = await self.until("the end of the execution", self.ended, 90)
        code = await asyncio.to_thread(rosa.end)
        must(code == 0, f"Rosa ended with {code}")
        self.report.say("Rosa is told to end (SIGTERM), and ends in order", f"exit code {code}")
        return await self.counted(tree, larry, rosa)

    async def get(self, path: str) -> Any:
        answer = await self.api.get(path)
        must(answer.status_code == 200, f"GET {path} answers {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    async def post(self, path: str, body: Any) -> Any:
        answer = await self.api.post(path, json=body)
        must(answer.is_success, f"POST {path} answers {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    async def until(self, what: str, look: Callable[[], Awaitable[Any]], seconds: float = PATIENCE_SECONDS) -> Any:
        """The first that is there. Raises WalkFailed when it takes too long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := await look():
                return found
            await asyncio.sleep(LOOK_SECONDS)
        raise WalkFailed(f"Waited {seconds:.0f} seconds for {what}")

    # Section: the steps

    async def registered(self, name: str, capabilities: list[str]) -> AgentProcess:
        """A new agent with a short lease."""
        wish = {"name": name, "capabilities": capabilities, "lease_seconds": LEASE_SECONDS}
        made = await self.post("/api/agents", wish)
        agent_id = str(made["details"]["id"])
        self.report.say(f"{name} is registered", f"can: {', '.join(capabilities)}; may be silent {LEASE_SECONDS} s")
        agent = AgentProcess(name, agent_id, made["token"], self.logs / f"{name.lower()}.log", self.steward.url)
        self.agents.append(agent)
        return agent

    async def planned(self) -> None:
        """The plan, made and executed; both tasks that can begin are offered."""
        web = {"web": self.web.url}
        parts = [
            _for_agent("find", "Find the breeder to begin with", "writing", web, priority="high"),
            _for_agent("needs", "Learn what breeders want of a website", "writing", web),
            _for_agent(
                "write",
                "Write to the breeder",
                "email",
                {**web, "breeder": "{{find.output}}", "needs": "{{needs.output}}"},
                "find",
                "needs",
            ),
            _for_agent(
                "answer",
                "Wait for the breeder's answer",
                "email",
                {**web, "breeder": "{{find.output}}"},
                "write",
                "find",
            ),
            _for_agent("summary", "Sum up", "writing", web, "find", "answer"),
        ]
        tree = {"title": "Build custom website for dog breeders", "key": "plan", "children": parts}
        self.root = str((await self.post("/api/tasks/tree", tree))["id"])
        made = await self.post("/api/executions", {"task_id": self.root})
        await self.until("the first offers", partial(self.offered, 2))
        self.report.say(f"“{made['title']}” is executed", *(f"{one['key']}: {one['title']}" for one in parts))

    async def offered(self, count: int) -> bool:
        return sum(one["blocked_on"] == "agent" for one in await self.tasks()) == count

    async def tasks(self) -> list[dict[str, Any]]:
        """All below the root."""
        return _flat((await self.get(f"/api/tasks/{self.root}/tree"))["children"])

    async def killed_half_way(self, larry: AgentProcess) -> None:
        """Larry has one region, and is killed in the second; Rosa does the rest."""
        await asyncio.wait_for(self.pages.is_stuck.wait(), PATIENCE_SECONDS)
        held = await self.until("what Larry holds", partial(self.holding, larry))
        assert larry.process
        larry.end(at_once=True)
        self.report.say(
            f"Larry is killed (SIGKILL), process {larry.process.pid}",
            f"it was at: {held[0]['title']}",
            f"done by then: {', '.join(one['title'] for one in await self.tasks() if one['execution_status'] == 'completed')}",
        )
        self.pages.goes_on.set()
        task_id = held[0]["task_id"]
        freed = await self.until("the end of the lease", partial(self.lost, task_id))
        self.report.say("Its lease has run out, the work is offered to others", freed)
        done = await self.until("the work that Larry left", partial(self.done, task_id))
        self.report.say(f"{done['title']}: done after all")

    async def holding(self, agent: AgentProcess) -> Any:
        return (await self.get(f"/api/agents/{agent.id}"))["working_on"]

    async def lost(self, task_id: str) -> str | None:
        leases = (await self.get(f"/api/tasks/{task_id}"))["execution_log"]
        found = [one["reason"] for one in leases if "last heard" in str(one.get("reason"))]
        return found[0] if found else None

    async def done(self, task_id: str) -> Any:
        task = await self.get(f"/api/tasks/{task_id}")
        return task if task["execution_status"] == "completed" else None

    async def mail_approved(self) -> None:
        """Rosa's mail waits for a person, who says yes."""
        draft = await self.until("the mail to Carol", self.waiting_draft)
        must(not self.mails(), "A mail has left before anybody said yes")
        self.report.say("Rosa asks for a mail; it waits at the gate", f"{draft['subject']} → {CAROL}", draft["body"])
        await self.post(f"/api/drafts/{draft['id']}/approve", {"digest": draft["digest"]})
        await self.until("the mail in the outbox", self.has_left)
        self.report.say("It is approved, and has left", *self.mails())

    async def waiting_draft(self) -> Any:
        found = (await self.get("/api/drafts?state=draft"))["items"]
        return found[0] if found else None

    def mails(self) -> list[str]:
        """What lies in the local outbox."""
        return sorted(one.name for one in self.steward.home.rglob("*.eml"))

    async def has_left(self) -> bool:
        return bool(self.mails())

    async def answer_waited_for(self) -> None:
        """Carol has not answered when Rosa looks first; then she has."""
        obstacle = await self.until("the obstacle", self.obstacle)
        self.report.say("Rosa waits for something outside", obstacle)
        self.pages.carol_says = "Yes, gladly. Call me on Thursday."
        self.report.say("Carol answers", self.pages.carol_says)

    async def obstacle(self) -> str | None:
        found = [
            str(one["blocked_reason"]) for one in await self.tasks() if "not answered" in str(one["blocked_reason"])
        ]
        return found[0] if found else None

    async def ended(self) -> Any:
        tree = await self.get(f"/api/tasks/{self.root}/tree")
        must(tree["execution_status"] not in {"failed", "cancelled"}, f"The execution is {tree['execution_status']}")
        return tree if tree["execution_status"] == "completed" else None

    # Section: what there is in the end

    async def counted(self, tree: dict[str, Any], *agents: AgentProcess) -> AgentsOutcome:
        """Everything counted from what the house keeps, and from the outbox."""
        tasks = [tree, *_flat(tree["children"])]
        outcomes: dict[str, list[tuple[str, str]]] = defaultdict(list[tuple[str, str]])
        for agent in agents:
            for lease in (await self.get(f"/api/agents/{agent.id}/leases?limit=200"))["items"]:
                outcomes[lease["task_id"]].append((agent.name, lease["outcome"]))
        taken_over = sum(("Larry", "silent") in found and ("Rosa", "completed") in found for found in outcomes.values())
        completions = [sum(what == "completed" for _, what in found) for found in outcomes.values()]
        titles = Counter((one["parent_task_id"], one["title"]) for one in tasks)
        doubled = sum(max(0, n - 1) for n in (*completions, *titles.values(), len(self.mails())))
        looks = f"{self.pages.looks} looks for Carol's answer"
        said = next(one["result"]["output"] for one in tasks if one["title"] == "Sum up")
        self.report.say("The execution is completed", said, looks)
        return AgentsOutcome(
            tasks=len(tasks),
            completed=sum(one["execution_status"] == "completed" for one in tasks),
            claims=sum(len(found) for found in outcomes.values()),
            killed=sum(one.process is not None and one.process.returncode == -9 for one in agents),
            taken_over=taken_over,
            mails_sent=len(self.mails()),
            doubled=doubled,
            seconds=self.report.seconds,
        )


def _for_agent(
    step: str, title: str, capability: str, given: dict[str, Any], *depends_on: str, priority: str = "medium"
) -> dict[str, Any]:
    """A task that waits for an outside agent."""
    return {
        "key": step,
        "title": title,
        "tool": "outside_agent",
        "execution_type": "fully_automated",
        "priority": priority,
        "depends_on": [*depends_on],
        "tool_input": {"capabilities": [capability], "input": {"step": step, **given}},
    }


def _flat(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for task in tasks for one in (task, *_flat(task["children"]))]


async def walk_agents(report: Report, logs: Path) -> AgentsOutcome:
    """Start what stands in for the world, and walk. Raises WalkFailed, NotStarted."""
    async with _world(report, logs) as walk:
        return await walk.all()


@asynccontextmanager
async def _world(report: Report, logs: Path) -> AsyncGenerator[AgentsWalk]:
    async with AsyncExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="steward-agents-")))
        settings = {
            "STEWARD_OWNER_EMAIL": "robin@vega.example",
            "STEWARD_OWNER_NAME": "Robin Vega",
            "STEWARD_TIMEZONE": "UTC",
        }
        steward = StewardProcess(folder / "house", settings, logs / "steward.log")
        held.callback(steward.end)
        pages = Web()
        web = await held.enter_async_context(serving(pages.answer))
        api = await held.enter_async_context(httpx.AsyncClient(base_url=steward.url, timeout=60))
        await steward.start()
        api.headers["Authorization"] = f"Bearer {await steward.token()}"
        report.say("Steward runs without a model, with a new database", steward.url)
        walk = AgentsWalk(report, steward, api, web, pages, logs)
        held.callback(lambda: [one.end(at_once=True) for one in walk.agents])
        yield walk
