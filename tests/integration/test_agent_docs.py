"""What stands in docs/agents is what happens: every block of its pages runs against a served house, in order.

A block of HTTP is a request, or the answer that is expected: status, the headers that it names, and a part of the JSON.
`$NAME` in an answer takes a value, or has to be the value it has; "..." is any text. A comment before a block says what
the page takes for granted: `offered` work for the agent, or `new work` that it has claimed.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest

from app.house import House
from cli import steward_agent
from cli.serving import load_keys, serve
from cli.steward_agent import Agent
from core.settings_agents import AgentSettings

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "agents"
BLOCK = re.compile(r"(?:<!-- (?P<before>[a-z ]+) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)```", re.DOTALL)
LOOP = PAGES / "examples" / "person_in_the_loop_agent.py"
SECONDS = 20
SOME_INPUT = {"text": "two words"}
CITY = [("response", "Ghent")]


@dataclass
class Reader:
    """Reads a page and does what it says."""

    house: House
    api: httpx.AsyncClient
    known: dict[str, str]
    database_url: str
    agents: list[Agent] = field(default_factory=list[Agent])
    answer: httpx.Response | None = None

    async def post(self, path: str, body: Any) -> Any:
        answer = await self.api.post(path, json=body, headers={"Authorization": f"Bearer {self.known['PERSON']}"})
        assert answer.is_success, answer.text
        return answer.json()

    async def get(self, path: str) -> Any:
        answer = await self.api.get(path, headers={"Authorization": f"Bearer {self.known['PERSON']}"})
        assert answer.is_success, answer.text
        return answer.json()

    async def register(self, capability: str) -> dict[str, str]:
        """A new agent that can this alone."""
        wish = {"name": f"It can {capability} {uuid4().hex}", "capabilities": [capability], "max_concurrent": 20}
        made = await self.post("/api/agents", wish)
        return {"TOKEN": made["token"], "AGENT": made["details"]["id"]}

    async def offer(self, count: int, capability: str, given: Mapping[str, Any] = SOME_INPUT) -> str:
        """So many works for agents that can this, in an execution; its id."""
        work = {"tool": "outside_agent", "execution_type": "fully_automated"}
        tool_input = {"capabilities": [capability], "input": given}
        parts = [{**work, "key": f"w{n}", "title": "Work", "tool_input": tool_input} for n in range(count)]
        root = str((await self.post("/api/tasks/tree", {"title": "A plan", "key": "plan", "children": parts}))["id"])
        await self.post("/api/executions", {"task_id": root})
        async with asyncio.timeout(SECONDS):
            while any(one["blocked_on"] != "agent" for one in (await self.get(f"/api/tasks/{root}/tree"))["children"]):
                await asyncio.sleep(0.05)
        return root

    async def page(self, text: str) -> None:
        """Every block, in order."""
        self.known = {"PERSON": self.known["PERSON"]}
        blocks = [*BLOCK.finditer(text)]
        prepared = sum(one["before"] is not None for one in blocks)
        if prepared:
            self.known |= await self.register("words")
            await self.offer(prepared, "words")
        for at, block in enumerate(blocks):
            if block["before"]:
                for name in ("TASK", "LEASE", "EXECUTION"):
                    self.known.pop(name, None)
            if block["before"] == "new work":
                await self.claim()
            match block["kind"]:
                case "http" if block["text"].startswith("HTTP/"):
                    self.compare(block["text"])
                case "http":
                    await self.request(block["text"], blocks[at + 1]["text"])
                case "python":
                    await self.run(block["text"])
                case "bash":
                    await asyncio.to_thread(self.shell, block["text"])
                case other:
                    raise AssertionError(f"a block of {other!r} is not tested")

    async def claim(self) -> None:
        """Work under lease, for the next blocks."""
        path = f"/api/agents/{self.known['AGENT']}/work?wait=5"
        answer = await self.api.get(path, headers={"Authorization": f"Bearer {self.known['TOKEN']}"})
        work = answer.json()
        self.known |= {"TASK": work["task"]["id"], "LEASE": work["lease"]["id"], "EXECUTION": work["execution"]["id"]}

    # Section: HTTP

    async def request(self, text: str, expected: str) -> None:
        """Send it; again for a while, where what it is about is still being offered."""
        head, _, body = Template(text).substitute(self.known).partition("\n\n")
        first, *lines = head.splitlines()
        method, path = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        status = int(expected.split()[1])
        async with asyncio.timeout(SECONDS):
            while True:
                self.answer = await self.api.request(method, path, headers=headers, content=body.strip() or None)
                if self.answer.status_code == status or self.answer.status_code != 404:
                    return
                await asyncio.sleep(0.1)

    def compare(self, text: str) -> None:
        """What came is what stands there."""
        assert self.answer is not None, text
        head, _, body = text.partition("\n\n")
        first, *lines = head.splitlines()
        assert self.answer.status_code == int(first.split()[1]), f"{self.answer.request.url}: {self.answer.text}"
        for line in lines:
            name, value = line.split(": ", 1)
            assert self.answer.headers[name] == value
        if body.strip():
            self.fits(json.loads(body), self.answer.json(), str(self.answer.request.url))

    def fits(self, said: Any, came: Any, where: str) -> None:
        """All that is said has come."""
        match said:
            case dict():
                assert isinstance(came, dict), f"{where}: {came!r}"
                for name, value in cast("dict[str, Any]", said).items():
                    assert name in came, f"{where}: there is no {name} in {came!r}"
                    self.fits(value, came[name], f"{where} {name}")
            case list():
                wanted = cast("list[Any]", said)
                assert len(wanted) == len(came), f"{where}: {came!r}"
                for at, value in enumerate(wanted):
                    self.fits(value, came[at], f"{where} {at}")
            case str() if said.startswith("$"):
                assert self.known.setdefault(said[1:], came) == came, where
            case "...":
                assert isinstance(came, str), f"{where}: {came!r}"
            case _:
                assert said == came, where

    # Section: programs

    async def run(
        self, source: str, given: Mapping[str, Any] = SOME_INPUT, answers: Sequence[tuple[str, str | None]] = CITY
    ) -> Any:
        """A program does the work that is offered, and a person answers what it asks; what it gave."""
        left = [*answers]
        root = await self.offer(1, "python", given)
        running = asyncio.create_task(asyncio.to_thread(self.execute, source))
        async with asyncio.timeout(SECONDS), self.ending():
            while (await self.get(f"/api/tasks/{root}"))["execution_status"] != "completed":
                assert not running.done() or not running.exception(), running.exception()
                for asked in (await self.get("/api/approvals?state=open"))["items"]:
                    if asked["asked_by"] is not None:
                        kind, args = left.pop(0)
                        said = {"type": kind, "args": args, "digest": asked["digest"]}
                        await self.post(f"/api/approvals/{asked['id']}/answer", said)
                await asyncio.sleep(0.1)
        await running
        return (await self.get(f"/api/tasks/{root}/tree"))["children"][0]["result"]["output"]

    @asynccontextmanager
    async def ending(self) -> AsyncGenerator[None]:
        """What was begun ends, whatever happens."""
        try:
            yield
        finally:
            for agent in self.agents:
                agent.end()

    def execute(self, source: str) -> None:
        exec(compile(source, "docs", "exec"), {"__name__": "docs", "__file__": str(LOOP)})

    def shell(self, source: str) -> None:
        """A block for a terminal, in the checkout."""
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "STEWARD_HOME": str(self.house.settings.home),
            "STEWARD_DATABASE_URL": self.database_url,
        }
        done = subprocess.run(
            ["bash", "-euc", source], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@asynccontextmanager
async def reading(house: House, database_url: str, patched: pytest.MonkeyPatch) -> AsyncGenerator[Reader]:
    """A served house with its owner and an agent, and the client at hand as the pages have it."""
    assert house.owner.user_id
    url = f"http://127.0.0.1:{house.settings.port}"
    ready = asyncio.Event()
    running = asyncio.create_task(serve(house, web=True, worker=True, ready=ready.set))
    await asyncio.wait_for(ready.wait(), SECONDS)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=60) as api:
            person = {"PERSON": load_keys(house).bearer_token(house.owner.user_id)}
            reader = Reader(house, api, person, database_url)
            token = (await reader.register("python"))["TOKEN"]

            def from_env() -> Agent:
                reader.agents.append(Agent(url, token))
                return reader.agents[-1]

            patched.setenv("STEWARD_URL", url)
            patched.setenv("STEWARD_AGENT_TOKEN", token)
            patched.setitem(sys.modules, "steward_agent", steward_agent)
            patched.setattr(Agent, "from_env", from_env)
            patched.setattr(steward_agent, "WAIT_SECONDS", 0.2)
            yield reader
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_every_block_of_the_pages_does_what_it_says(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading(house, database_url, monkeypatch) as reader:
        for name in ("setup", "polling", "reporting", "reference", "examples"):
            await reader.page((PAGES / f"{name}.md").read_text())
        await the_reference_is_whole(reader)
        # A task that says no more than its title is enough for the ten lines, and for the example to begin with.
        (ten_lines,) = re.findall(r"```python\n(.*?)```", (PAGES / "setup.md").read_text(), re.DOTALL)
        assert await reader.run(ten_lines, {}) == {"shouted": "WORK"}
        generic = (PAGES / "examples" / "generic_agent.py").read_text()
        assert await reader.run(f"{generic}\nAgent.from_env().run(count_words)", {}) == {
            "words": 1,
            "counts": {"work": 1},
        }
        answers = [("response", "About 250 euros"), ("response", "Say it more kindly"), ("accept", None)]
        gave = await reader.run(f"{LOOP.read_text()}\nAgent.from_env().run(quote)", {"customer": "Carol"}, answers)
        note = {"customer": "Carol", "price": 250.0, "note": "Say it more kindly"}
        assert gave == {"sent": True, "quotation": note}


def a_repository(place: Path) -> Path:
    """One with a file whose words are checked: no line may hold a tab."""

    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=Robin", "-c", "user.email=robin@vega.example", *words], cwd=place, check=True
        )

    place.mkdir()
    git("init", "--quiet", "--initial-branch", "main")
    git("config", "user.name", "Robin")
    git("config", "user.email", "robin@vega.example")
    (place / "words.txt").write_text("one\n", encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "One")
    return place


CHECK = f"{sys.executable} -c \"assert chr(9) not in open('words.txt').read(), 'a tab'\""
GOOD = f"{sys.executable} -c \"open('words.txt', 'a').write('two' + chr(10))\""
BAD = f"{sys.executable} -c \"open('words.txt', 'a').write(chr(9))\""


async def test_a_repository_is_kept_in_small_tested_steps_that_a_person_merges(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = a_repository(tmp_path / "site")
    keeper = (PAGES / "examples" / "repository_agent.py").read_text()
    script = f"{keeper}\nAgent.from_env().run(Keeper(Path({str(place)!r}), {[CHECK]!r}, {[GOOD, BAD]!r}).keep)"
    async with reading(house, database_url, monkeypatch) as reader:
        refused = await reader.run(script, {}, [("ignore", None)])
        assert refused == {"merged": False, "why": "A person did not want it"}
        assert (place / "words.txt").read_text() == "one\n"
        merged = await reader.run(script, {}, [("accept", None)])
    assert merged["merged"] is True
    assert (place / "words.txt").read_text() == "one\ntwo\n"
    left = subprocess.run(["git", "branch", "--format", "%(refname:short)"], cwd=place, check=True, capture_output=True)
    assert left.stdout.split() == [b"main"]


async def the_reference_is_whole(reader: Reader) -> None:
    """It names each endpoint that there is, and each setting with its default."""
    text = (PAGES / "reference.md").read_text()
    paths: dict[str, dict[str, Any]] = (await reader.get("/openapi.json"))["paths"]
    served = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    events = "POST /api/executions/{execution_id}/events"
    named = set(re.findall(r"\| `([A-Z]+ /api/[^`]+)` \|", text))
    assert named == {one for one in served if one.split()[1].startswith("/api/agents")} | {events}
    rows = {name.lower(): int(value) for name, value in re.findall(r"\| `STEWARD_(\w+)` \| (\d+) \|", text)}
    assert rows == {name: one.default for name, one in AgentSettings.model_fields.items()}


def test_every_link_of_the_pages_leads_somewhere() -> None:
    for page in PAGES.glob("*.md"):
        for link in re.findall(r"\]\((?!http)([^)#]*)(?:#[^)]*)?\)", page.read_text()):
            assert not link or (page.parent / link).exists(), f"{page.name} leads to {link}"
