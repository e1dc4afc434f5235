"""`make screenshots`: the pictures of the README, taken of a house with the sample mail and calendar, light and dark.

The house is the real program in a folder that is gone afterwards; nothing leaves this machine, no model is asked.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, async_playwright

from cli.testing import ensure_chromium
from tests.demo.house import PROGRAM, StewardProcess

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "data" / "samples"
IMAGES = ROOT / "docs" / "images"
SETTINGS = {
    "STEWARD_NOW": "2026-03-04T09:30:00+01:00",
    "STEWARD_TIMEZONE": "Europe/Berlin",
    "STEWARD_OWNER_EMAIL": "robin@vega.example",
    "STEWARD_OWNER_NAME": "Robin Vega",
    "STEWARD_DIGEST_AT": "08:00",
}
SIZE = {"width": 1200, "height": 800}
MOST_BYTES = 250_000
MAIL = "Draft email to john@example.com thanking him for the meeting"
OBJECTIVE = "Launch feature X across three teams"
GRAPH = "What waits for what"
SECONDS = 60.0


async def main() -> int:
    """The exit code; 1 where a picture is too large."""
    with tempfile.TemporaryDirectory(prefix="steward-pictures-") as folder:
        steward = StewardProcess(Path(folder) / "home", SETTINGS, Path(folder) / "log")
        try:
            taken = await _walk(steward)
        finally:
            steward.end()
    too_large = [file.name for file in taken if file.stat().st_size > MOST_BYTES]
    print(
        json.dumps(
            {"pictures": len(taken), "bytes": sum(file.stat().st_size for file in taken), "too_large": too_large}
        )
    )
    return 1 if too_large else 0


async def _walk(steward: StewardProcess) -> list[Path]:
    link = await steward.start()
    await _import(steward)
    headers = {"Authorization": f"Bearer {await steward.token()}"}
    async with httpx.AsyncClient(base_url=steward.url, headers=headers, timeout=SECONDS) as api:
        draft = await _draft(api)
        plan = (await _post(api, "/api/plans/execute", {"objective": OBJECTIVE, "start": False}))["planId"]
        await _until(api, f"/api/plans/{plan}", _is_planned)
    pages = {"today": "/", "review": f"/review/{draft}", "plan": f"/plans/{plan}", "digest": "/digest"}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(ensure_chromium()))
        taken = await _photograph(browser, steward.url, link, pages)
        await browser.close()
    return taken


async def _import(steward: StewardProcess) -> None:
    files = [str(SAMPLES / name) for name in ("inbox.mbox", "calendar.ics")]
    done = await asyncio.to_thread(
        subprocess.run, [str(PROGRAM), "import", *files], env=steward.environment, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace"))


async def _draft(api: httpx.AsyncClient) -> str:
    """A mail is asked for and drafted; the id of the draft."""
    said = await _post(api, "/api/chat", {"message": MAIL})
    task = said["tasks"][0]["id"]
    await _post(api, "/api/tasks/execute", {"taskId": task})

    def is_there(told: Any) -> bool:
        return any(one["task_id"] == task for one in told["items"])

    told = await _until(api, "/api/drafts", is_there)
    return next(str(one["id"]) for one in told["items"] if one["task_id"] == task)


def _is_planned(told: Any) -> bool:
    return len(told.get("tasks", [])) > 5


async def _post(api: httpx.AsyncClient, path: str, body: Any) -> Any:
    answer = await api.post(path, json=body)
    answer.raise_for_status()
    return answer.json()


async def _until(api: httpx.AsyncClient, path: str, is_so: Callable[[Any], bool]) -> Any:
    """What stands at the path, as soon as it is so."""
    async with asyncio.timeout(SECONDS):
        while True:
            told = (await api.get(path)).raise_for_status().json()
            if is_so(told):
                return told
            await asyncio.sleep(0.2)


async def _photograph(browser: Browser, url: str, link: str, pages: dict[str, str]) -> list[Path]:
    IMAGES.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []
    state: Any = None
    for scheme in ("light", "dark"):
        context = await browser.new_context(
            viewport=SIZE,  # pyright: ignore[reportArgumentType]
            color_scheme=scheme,
            reduced_motion="reduce",
            storage_state=state,
            device_scale_factor=1,
        )
        page = await context.new_page()
        if state is None:
            await page.goto(link)
            state = await context.storage_state()
        for name, path in pages.items():
            await page.goto(f"{url}{path}")
            if name == "plan":
                await page.get_by_role("heading", name=GRAPH).evaluate("e => e.scrollIntoView({block: 'start'})")
            await page.wait_for_timeout(300)  # a stream may bring the last word
            taken.append(IMAGES / f"{name}-{scheme}.png")
            await page.screenshot(path=taken[-1], animations="disabled")
        await context.close()
    return taken


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
