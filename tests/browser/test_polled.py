"""Where nothing can be streamed (Lambda), an open page asks again and again, shows what is new, and says nothing of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from playwright.async_api import Browser, Request, expect

from app import aws_lambda
from app.house import House
from app.main import create_app
from cli.serving import QuietServer, listening_socket, load_keys, serve, server_config, sign_in_link
from tasks.functions import create_tasks

pytestmark = pytest.mark.browser
AGAIN = b"retry: 200\nevent: polled\ndata: {}\n\n"


@asynccontextmanager
async def serving(house: House) -> AsyncGenerator[None]:
    """The application as the function of AWS has it, on loopback."""
    listening = listening_socket(house.settings.host, house.settings.port)
    app = create_app(replace(house, hub=aws_lambda.PastHub()), load_keys(house))
    one_host = aws_lambda.OneHost(app, f"{house.settings.host}:{house.settings.port}")
    server = QuietServer(server_config(house.settings, cast("Any", one_host)))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await running
        listening.close()


async def test_a_page_that_polls_shows_what_is_new(
    house: House, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_lambda, "POLLED", AGAIN)
    page = await chromium.new_page()
    streams: list[Request] = []
    page.on("request", lambda request: streams.append(request) if "/api/events" in request.url else None)
    async with serving(house):
        await page.goto(sign_in_link(house, load_keys(house)))
        await page.goto(f"http://{house.settings.host}:{house.settings.port}/tasks")
        await page.evaluate(
            """() => {
              window.shown = 0;
              const notice = document.getElementById("offline");
              new MutationObserver(() => { if (!notice.hidden) window.shown += 1; }).observe(notice, {attributes: true});
            }"""
        )
        seen = len(streams)
        while len(streams) < seen + 3:  # it asks again by itself
            await asyncio.sleep(0.05)
        parts = await page.evaluate(
            "performance.getEntriesByType('resource').filter(e => e.name.includes('/tasks')).length"
        )
        await create_tasks(house.caller, [{"title": "Came in meanwhile"}])
        await expect(page.get_by_text("Came in meanwhile")).to_be_visible(timeout=20_000)
        again = await page.evaluate(
            "performance.getEntriesByType('resource').filter(e => e.name.includes('/tasks')).length"
        )
        assert again > parts
        ids = [(await one.all_headers()).get("last-event-id") for one in streams]
        assert any(ids)
        assert await page.evaluate("window.shown") == 0
    await expect(page.locator("#offline")).to_be_visible(timeout=20_000)  # nobody is there any more: that is said
    async with serving(house):
        await expect(page.locator("#offline")).to_be_hidden(timeout=20_000)
    await page.context.close()


async def test_a_page_whose_stream_is_refused_asks_now_and_then_until_there_is_room(
    house: House, chromium: Browser
) -> None:
    narrow = replace(house, settings=house.settings.model_copy(update={"streams_per_person": 1}))
    ready, context = asyncio.Event(), await chromium.new_context()
    running = asyncio.create_task(serve(narrow, web=True, worker=False, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 20)
    first, second = await context.new_page(), await context.new_page()
    await first.goto(sign_in_link(narrow, load_keys(narrow)))
    while not house.hub.clients:
        await asyncio.sleep(0.05)
    await second.goto(f"http://{house.settings.host}:{house.settings.port}/tasks")
    await expect(second.locator("#offline")).to_be_visible(timeout=20_000)
    await create_tasks(house.caller, [{"title": "Came in meanwhile"}])
    await expect(second.get_by_text("Came in meanwhile")).to_be_visible(timeout=20_000)
    await expect(second.locator("#offline")).to_be_visible()
    await first.close()
    await expect(second.locator("#offline")).to_be_hidden(timeout=40_000)
    await context.close()
    running.cancel()
    await asyncio.wait([running])
