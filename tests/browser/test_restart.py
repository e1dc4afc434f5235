"""`steward run` is killed with a plan under way and started again: the open page goes on where it was."""

import re
import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.async_api import Browser, Request, expect

from tests.conftest import free_port
from tests.forked import Forked
from tests.in_memory import passing_folder, remove_database
from tests.integration.cli.conftest import Steward, a_steward

pytestmark = pytest.mark.browser
SECONDS = 60_000


@pytest.fixture
def steward() -> Generator[Steward]:
    """The program with nothing configured: it brings its own database, which outlives a kill and is gone afterwards."""
    with passing_folder() as folder:
        yield a_steward(folder, STEWARD_PORT=str(free_port()), STEWARD_NOW="")
        remove_database(folder / "house")


@contextmanager
def running(steward: Steward) -> Generator[tuple[Forked, str]]:
    """`steward run`, and the link it prints; asked to end afterwards if it still lives."""
    process = steward.leave_running("run", "--no-browser")
    try:
        assert process.stdout
        link = re.search(r"http\S+", process.stdout.readline())
        assert link, process.stderr.read() if process.stderr else ""
        yield process, link[0]
    finally:
        process.terminate()
        process.communicate(timeout=30)


def chain(length: int) -> dict[str, Any]:
    parts = [
        {
            "key": f"step {n}",
            "title": f"step {n}",
            "execution_type": "fully_automated",
            "tool": "delay" if n % 2 else "noop",
            "tool_input": {"seconds": 1.5} if n % 2 else {},
            "depends_on": [f"step {n - 1}"] if n else [],
        }
        for n in range(length)
    ]
    return {"title": "A long way", "execution_type": "fully_automated", "children": parts}


async def last_id(request: Request) -> int:
    """What a stream says that it has seen: the browser's own header, or the parameter of a stream opened anew."""
    given = (await request.all_headers()).get("last-event-id") or parse_qs(urlsplit(request.url).query).get(
        "after", [""]
    )[0]
    return int(given or 0)


async def test_the_open_page_goes_on_where_it_was_after_a_kill(steward: Steward, chromium: Browser) -> None:
    base = f"http://127.0.0.1:{steward.environment['STEWARD_PORT']}"
    page = await chromium.new_page()
    streams: list[Request] = []
    page.on("request", lambda request: streams.append(request) if "/api/events" in request.url else None)
    with running(steward) as (process, link):
        token = steward("token").stdout.strip()
        async with httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {token}"}) as client:
            tree = (await client.post("/api/tasks/tree", json=chain(9))).json()
            await client.post("/api/tasks/execute", json={"taskId": tree["id"], "wait": False})
        await page.goto(link)
        await page.goto(f"{base}/tasks/{tree['id']}")
        await page.click("#order summary")
        await page.evaluate("window.opened = 'before the kill'")
        await expect(page.locator(".tree .badge.completed").nth(1)).to_be_visible(timeout=SECONDS)
        await expect(page.locator("#offline")).to_be_hidden()
        process.send_signal(signal.SIGKILL)
        process.wait()
        await expect(page.locator("#offline")).to_be_visible(timeout=SECONDS)
        await expect(page.locator("#offline")).to_have_text("Reconnecting …")
        await page.click(".buttons button:text-is('Pause')")
        await expect(page.locator("#offline")).to_contain_text("nothing was sent")
        await expect(page.locator("h1")).to_have_text("A long way")
        before = len(streams)
    with running(steward):
        await expect(page.locator("#offline")).to_be_hidden(timeout=SECONDS)
        await expect(page.locator("h1 + .meta .badge")).to_have_text("done", timeout=SECONDS)
        await expect(page.locator(".tree .badge.completed")).to_have_count(9)
        assert await page.evaluate("window.opened") == "before the kill"  # nobody reloaded it
        await expect(page.locator("#order")).to_have_attribute("open", "")
        begun = [await last_id(request) for request in streams[before:] if await request.response()]
        assert begun
        assert all(begun), [request.url for request in streams[before:]]
        async with httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {token}"}) as client:
            events = (await client.get(f"/api/tasks/{tree['id']}/events")).json()["items"]
        done = [event["data"]["title"] for event in events if event["message"] == "completed"]
        assert sorted(done) == sorted([*(f"step {n}" for n in range(9)), "A long way"])  # each once
