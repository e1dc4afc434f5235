"""The client for agents, against a house that is served: work, cut lines, pause and stop, a refused token, restarts."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.house import House
from cli import steward_agent
from cli.serving import load_keys, serve
from cli.steward_agent import Agent, Handler, Paused, Refused, Stopped, TokenRefused, Work, interrupt_form
from tasks.agent_work import list_agent_reports, list_leases

SECONDS = 30


@dataclass
class Served:
    """A house at work on loopback, and its owner's line to it."""

    house: House
    api: httpx.AsyncClient

    @property
    def url(self) -> str:
        return str(self.api.base_url)

    async def post(self, path: str, body: Any = None) -> Any:
        answer = await self.api.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def agent(self, name: str, **more: Any) -> str:
        """A new agent's token."""
        wish = {"name": name, "capabilities": ["echo"], "lease_seconds": 60, **more}
        return str((await self.post("/api/agents", wish))["token"])

    async def offer(self, *titles: str) -> str:
        """A tree with a task for agents for each title, carried out; its id."""
        tool_input = {"capabilities": ["echo"], "input": {"city": "Ghent"}}
        parts = [
            {
                "key": title,
                "title": title,
                "tool": "outside_agent",
                "execution_type": "fully_automated",
                "tool_input": tool_input,
            }
            for title in titles
        ]
        tree = await self.post("/api/tasks/tree", {"title": "A plan", "key": "plan", "children": parts})
        await self.post("/api/tasks/execute", {"taskId": tree["id"], "wait": False})
        return str(tree["id"])

    async def until(self, look: Callable[[], Any]) -> Any:
        """The first answer that is true."""
        async with asyncio.timeout(SECONDS):
            while not (found := await look()):
                await asyncio.sleep(0.05)
        return found

    async def ended(self, task_id: str) -> Any:
        """The task, where it is over."""
        task = (await self.api.get(f"/api/tasks/{task_id}")).json()
        return task if task["execution_status"] in {"completed", "failed", "cancelled"} else None


@asynccontextmanager
async def working(agent: Agent, handle: Handler) -> AsyncGenerator[None]:
    """The agent runs in a thread, for as long as the block runs."""
    running = asyncio.create_task(asyncio.to_thread(agent.run, handle, at_once=2, wait_seconds=1))
    try:
        yield
    finally:
        agent.end()
        await running


GETS_STUCK = """
import time
from pathlib import Path
from steward_agent import Agent, Work

def handle(work: Work) -> object:
    if not work.is_resumed:
        Path("begun").touch()
        time.sleep(600)
    return {"lease": work.lease_id, "attempts": work.earlier["attempts"]}

Agent.from_env().run(handle, wait_seconds=5)
"""


ENDS = """
import time
from pathlib import Path
from steward_agent import Agent, Work

def handle(work: Work) -> object:
    Path("begun").touch()
    while True:
        work.check()
        time.sleep(0.02)

Agent.from_env().run(handle, wait_seconds=5)
"""


@asynccontextmanager
async def a_process(
    url: str, token: str, folder: Path, program: str | None = None
) -> AsyncGenerator[subprocess.Popen[bytes]]:
    """`python steward_agent.py echo`, the file alone in a folder; or a program beside it."""
    file = shutil.copy(steward_agent.__file__, folder)
    command = [sys.executable, file, "echo"]
    if program is not None:
        (folder / "program.py").write_text(program)
        command = [sys.executable, str(folder / "program.py")]
    environment = {**os.environ, "STEWARD_URL": url, "STEWARD_AGENT_TOKEN": token}
    with subprocess.Popen(command, env=environment, cwd=folder) as process:
        try:
            yield process
        finally:
            process.kill()


@asynccontextmanager
async def serving(house: House) -> AsyncGenerator[None]:
    """The house is open for as long as the block runs."""
    ready = asyncio.Event()
    running = asyncio.create_task(serve(house, web=True, worker=True, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 20)
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
async def line(house: House) -> AsyncGenerator[Served]:
    assert house.owner.user_id
    headers = {"Authorization": f"Bearer {load_keys(house).bearer_token(house.owner.user_id)}"}
    url = f"http://127.0.0.1:{house.settings.port}"
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as api:
        yield Served(house, api)


class CutLine(httpx.HTTPTransport):
    """Every request reaches the house; of the first claim, the first question and each kind of event the answer is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []
        self.lost = ["work", "interrupts"]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        whole = request.url.path.rsplit("/", 1)[-1]
        if whole in self.lost and answer.is_success and answer.status_code != 204:
            self.lost.remove(whole)
            answer.close()
            raise httpx.ReadError("cut off")
        if not request.url.path.endswith("/events"):
            return answer
        event = json.loads(request.read())
        self.sent.append(event)
        if sum(one["type"] == event["type"] for one in self.sent) > 1:
            return answer
        answer.read()
        answer.close()
        raise httpx.ReadError("cut off")


MALFORMED = [{"title": ""}]
PARTS = [{"key": "look", "title": "Look"}, {"title": "Not mine", "who": "steward", "tool": "noop"}]


async def test_a_lost_answer_is_no_second_event_and_parts_come_back(line: Served, tmp_path: Path) -> None:
    seen: list[Any] = []
    resumed: list[str] = []

    def handle(work: Work) -> object:
        if work.is_resumed:
            resumed.append(work.title)
        if work.title == "Look":
            return {"city": "Ghent"}
        if not work.parts:
            assert work.progress(50, "Half way") == "continue"
            with pytest.raises(Refused, match=r"subtasks\.0\.title") as refused:
                work.split(MALFORMED, 0.9)
            assert (refused.value.status, refused.value.errors[0]["field"]) == (422, "data.subtasks.0.title")
            return work.split(PARTS, 0.9)
        seen.extend((work.title, work.input, work.output_of("look"), work.part("nothing")))
        return work.output_of("look")

    cut = CutLine()
    async with serving(line.house):
        agent = Agent(line.url, await line.agent("Larry"), transport=cut, first_pause_seconds=0.05)
        [asked] = await asyncio.to_thread(agent.interrupt, interrupt_form("send", {"to": "Carol"}))
        assert await asyncio.to_thread(partial(agent.answer_to, asked, within_seconds=0)) is None
        root = await line.offer("Right")
        async with working(agent, handle):
            plan = await line.until(lambda: line.ended(root))
        owner = line.house.database.acting_as(line.house.owner)
        assert [one["task_id"] for one in (await line.api.get("/api/approvals")).json()["items"]] == [asked]
        reports = await list_agent_reports(owner, UUID(root))
        # A process that dies in the middle of its work, and begins again within its lease.
        stuck, token = await line.offer("Stuck"), await line.agent("Bob")
        async with a_process(line.url, token, tmp_path, GETS_STUCK) as process:
            await line.until(lambda: _there((tmp_path / "begun").exists()))
            process.kill()
        async with a_process(line.url, token, tmp_path, GETS_STUCK):
            assert (await line.until(lambda: line.ended(stuck)))["execution_status"] == "completed"
        (lease,) = await list_leases(owner, root_task_id=UUID(stuck))
        (part,) = (await line.api.get(f"/api/tasks/{stuck}/tree")).json()["children"]
        told = Counter((one.kind, one.outcome) for one in await list_agent_reports(owner, UUID(stuck)))
    assert (part["result"]["output"], lease.outcome) == ({"lease": str(lease.id), "attempts": 0}, "completed")
    assert told == {("task_started", "applied"): 2, ("task_complete", "applied"): 1}
    assert resumed == ["Right"]
    assert plan["execution_status"] == "completed"
    assert seen == ["Right", {"city": "Ghent"}, {"city": "Ghent"}, None]
    sent = [one for one in cut.sent if one["data"].get("subtasks") != MALFORMED]
    assert max(Counter(one["event_id"] for one in sent).values()) == 2
    assert {one.event_id for one in reports} == {one["event_id"] for one in sent}
    assert {one.outcome for one in reports} == {"applied"}


async def test_it_hears_of_pause_and_stop_and_outlives_the_house(
    line: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(steward_agent, "LONGEST_HEARTBEAT_SECONDS", 0.2)
    heard: list[tuple[str, type[BaseException]]] = []
    begun: list[str] = []
    go_on = threading.Event()

    def handle(work: Work) -> object:
        begun.append(work.title)
        if work.title == "Wrong":
            raise ValueError("no such city: Ghent")
        if work.title == "Held":
            assert go_on.wait(SECONDS)
            return "done while the house was away"
        if work.title == "Paused" and begun.count("Paused") > 1:
            return work.input
        while True:
            try:
                work.check()
            except (Paused, Stopped) as error:
                heard.append((work.title, type(error)))
                raise
            time.sleep(0.02)

    async with serving(line.house):
        token = await line.agent("Larry")
        agent = Agent(line.url, token, first_pause_seconds=0.05, longest_pause_seconds=0.2)
        running = asyncio.create_task(asyncio.to_thread(agent.run, handle, wait_seconds=1))
        try:
            paused = await line.offer("Paused")
            await line.until(lambda: _there("Paused" in begun))
            await line.post(f"/api/tasks/{paused}/pause")
            await line.until(lambda: _there(heard))
            await line.post(f"/api/tasks/{paused}/resume")
            assert (await line.until(lambda: line.ended(paused)))["execution_status"] == "completed"
            wrong = await line.offer("Wrong")
            stopped = await line.offer("Stopped")
            await line.until(lambda: _there("Stopped" in begun))
            await line.post(f"/api/tasks/{stopped}/cancel")
            await line.until(lambda: _there(len(heard) == 2))

            async def failure() -> str | None:
                (part,) = (await line.api.get(f"/api/tasks/{wrong}/tree")).json()["children"]
                return part["failure_reason"]

            assert await line.until(failure) == "Larry: ValueError: no such city: Ghent"
            held = await line.offer("Held")
            await line.until(lambda: _there("Held" in begun))
        except BaseException:
            agent.end()
            raise
    # The house is away when the work is done; then it is there again.
    assert heard == [("Paused", Paused), ("Stopped", Stopped)]
    go_on.set()
    await asyncio.sleep(0.1)
    assert not running.done()
    async with serving(line.house):
        assert (await line.until(lambda: line.ended(held)))["execution_status"] == "completed"
        echoed = await line.offer("Echoed")
        async with a_process(line.url, await line.agent("Echo", capabilities=["echo"]), tmp_path) as echo:
            await line.post(f"/api/agents/{(await line.api.get('/api/agents')).json()['items'][1]['id']}/token")
            with pytest.raises(TokenRefused, match="401"):
                await running
            plan = await line.until(lambda: line.ended(echoed))
            echo.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(echo.wait, SECONDS) == 0
        assert plan["execution_status"] == "completed"


async def test_a_program_ends_with_one_line_and_gives_back_what_it_holds(line: Served, tmp_path: Path) -> None:
    def script(file: Path, *words: str, token: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "STEWARD_URL": line.url, "STEWARD_AGENT_TOKEN": token}
        command = [sys.executable, str(file), *words]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    client = Path(steward_agent.__file__)  # where it lies: what is beside it must not hide a module of Python's
    examples = client.parents[1] / "docs" / "agents" / "examples"
    (tmp_path / "program.py").write_text(ENDS)
    async with serving(line.house):
        token = await line.agent("Larry")
        me = await asyncio.to_thread(script, client, "me", token=token)
        assert json.loads(me.stdout)["name"] == "Larry"
        shutil.copy(client, tmp_path)
        for file, wrong, words in [
            (client, "sta_wrong", "error: 401 "),
            (tmp_path / "program.py", "sta_" + "x" * 43, "error: 401 "),
            (examples / "generic_agent.py", "", "error: STEWARD_AGENT_TOKEN is not set"),
        ]:
            said = await asyncio.to_thread(script, file, *["me"][: file is client], token=wrong)
            assert (said.returncode, said.stdout, len(said.stderr.splitlines())) == (2, "", 1), said.stderr
            assert said.stderr.startswith(words)
        root = await line.offer("Long")
        for _ in range(2):
            async with a_process(line.url, token, tmp_path, ENDS) as process:
                await line.until(lambda: _there((tmp_path / "begun").exists()))
                process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, SECONDS) == 0
            (tmp_path / "begun").unlink()
        (part,) = (await line.api.get(f"/api/tasks/{root}/tree")).json()["children"]
        leases = await list_leases(line.house.database.acting_as(line.house.owner), root_task_id=UUID(root))
    assert (part["execution_status"], part["blocked_on"], part["retry_count"]) == ("blocked", "agent", 0)
    assert part["blocked_reason"] == "Larry gave it back: This agent ends"
    assert [lease.outcome for lease in leases] == ["taken_back"] * 2


async def _there(found: object) -> object:
    return found
