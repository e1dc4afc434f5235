"""What others wrote, shown in a real browser: nothing of it runs, and nobody but us is asked for anything."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, Response

from agents.executor import STEWARD_AGENT_ID
from app.house import House
from app.security import CONTENT_SECURITY_POLICY
from app.templating import markdown
from cli.serving import load_keys, serve, sign_in_link
from core.database import Caller, Identity
from integrations.mail.html import sanitize_html
from tasks import artifacts, calendar, functions, review, runs
from tests.browser.hostile import EVIL, HTML, MARKDOWN, REFRESH

pytestmark = pytest.mark.browser
ALL_HTML, ALL_MARKDOWN = "\n".join([*HTML, REFRESH]), "\n\n".join(MARKDOWN)
# What stands on a page that could ask or run something: elements that we never write there, and addresses of others.
FOREIGN = r"""[...document.querySelectorAll('main *')].flatMap(element => [
  ...(element.matches('script, style, iframe, object, embed, image, use, link:not([href^="/static/"]), meta, base, math, video, audio') ? [element.outerHTML] : []),
  ...[...element.attributes].filter(one => /^on|^style$/.test(one.name)
    || /^(src|srcset|action|formaction|data|poster|background|ping|hx-.*|xlink:href|href)$/.test(one.name)
      && /evil/.test(one.value) && !(element.localName === 'a' && one.name === 'href'))
    .map(one => element.outerHTML.slice(0, 200))])"""


BROWSERS_OWN = ("google.com", "googleapis.com", "gvt1.com", "gstatic.com")  # asked for by Chromium itself


@dataclass
class Onlooker:
    """A page, and what it asked of others than us: the rest of the world stands behind a proxy that answers nothing."""

    page: Page
    base: str
    where: str = ""
    said: list[str] = field(default_factory=list[str])
    went_out: list[str] = field(default_factory=list[str])
    unguarded: list[str] = field(default_factory=list[str])

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The proxy: notes who is asked for, and hangs up."""
        first = (await reader.readline()).decode("latin-1").strip()
        host = first.partition(" ")[2].partition("//")[2] or first.partition(" ")[2]
        if first and not host.partition("/")[0].partition(":")[0].partition(" ")[0].endswith(BROWSERS_OWN):
            self.went_out.append(f"{self.where}: {first}")
        writer.close()

    async def sees(self, where: str, *, body: str | None = None, policy: str | None = None) -> None:
        """Open a page of ours, or in its place such a body; all that was asked, run or said is noted."""
        self.where = where
        if body is not None:
            headers = {"Content-Type": "text/html; charset=utf-8"} | (
                {"Content-Security-Policy": policy} if policy else {}
            )
            whole = f"<!doctype html><title>x</title><main>{body}"
            await self.page.route("**/as-it-is", lambda route: route.fulfill(headers=headers, body=whole))
        await self.page.goto(self.base + ("/as-it-is" if body is not None else where), wait_until="load")
        await self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        for link in await self.page.locator("#run, #send").all():
            await link.click(timeout=1000, no_wait_after=True, force=True)
        await self.page.wait_for_timeout(50)
        if await self.page.evaluate("window.hacked"):
            self.said.append(f"{where}: a script ran")
        if body is not None:
            await self.page.unroute("**/as-it-is")


@pytest.fixture
async def served(house: House) -> AsyncGenerator[str]:
    """The house on loopback, with nobody at work in it."""
    ready = asyncio.Event()
    running = asyncio.create_task(serve(house, web=True, worker=False, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 20)
    yield f"http://127.0.0.1:{house.settings.port}"
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture
async def onlooker(house: House, served: str, chromium: Browser) -> AsyncGenerator[Onlooker]:
    world = await asyncio.start_server(lambda reader, writer: made.take(reader, writer), "127.0.0.1", 0)  # noqa: PLW0108 - `made` comes below
    proxy: Any = {"server": f"http://127.0.0.1:{world.sockets[0].getsockname()[1]}", "bypass": "127.0.0.1"}
    context = await chromium.new_context(proxy=proxy)
    page = await context.new_page()
    made = Onlooker(page, served)

    async def dismissed(dialog: Any) -> None:
        made.said.append(f"{made.where}: a dialog said {dialog.message}")
        await dialog.dismiss()

    def asked(url: str) -> None:
        if not url.startswith((served, "about:", "data:", "chrome-error:")):
            made.said.append(f"{made.where}: asked {url}")

    def answered(response: Response) -> None:
        is_ours = response.url.startswith(served) and "/as-it-is" not in response.url
        if is_ours and "default-src 'none'" not in response.headers.get("content-security-policy", ""):
            made.unguarded.append(response.url)

    page.on("dialog", dismissed)
    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda one: asked(one.url))
    page.on("response", answered)
    await page.goto(sign_in_link(house, load_keys(house)))
    yield made
    await context.close()
    world.close()


async def fill(house: House) -> list[str]:
    """Hostile texts wherever others' texts are shown; the pages that show them."""
    text = f"{ALL_HTML}\n\n{ALL_MARKDOWN}"
    profile = await house.caller.call("get_profile")
    service = house.database.acting_as(Identity.service(UUID(profile["organization"]["id"])))
    item = {"title": HTML[1][:280], "description": text, "labels": ["<img src=x>"], "kind": "email"}
    tasks = await functions.create_tasks(house.caller, [item | {"execution_type": "semi_automated"} for _ in range(3)])
    pages = ["/", "/tasks", "/review", "/review?tab=all", "/docs", "/settings"]
    for task, form in zip(tasks, ("markdown", "csv", "draft"), strict=True):
        await functions.queue_task_execution(house.caller, task.id)
        await runs.start_task_execution(service, task.id, STEWARD_AGENT_ID)
        pages.append(f"/tasks/{task.id}")
        if form == "draft":
            content = {"to_recipients": ["a@xn--80ak6aa92e.com"], "subject": HTML[1], "body": text}
            draft = await review.deliver_draft(service, task.id, content, {"strategy": "immediate", "output": "x"})
            pages.append(f"/review/{draft.id}")
            continue
        output = text if form == "markdown" else "\n".join(f'"{one.replace(chr(34), chr(34) * 2)}",x' for one in HTML)
        result = {"strategy": "immediate", "output": output, "format": form, "message": HTML[1]}
        await review.request_review(service, task.id, HTML[1][:200], result)
    await _event_and_file(house.caller, tasks[0].id, text, pages)
    return pages


async def _event_and_file(caller: Caller, task_id: UUID, text: str, pages: list[str]) -> None:
    start, end = "2026-03-04T10:00:00+01:00", "2026-03-04T11:00:00+01:00"
    event = {"uid": "e", "title": HTML[1][:400], "description": text, "location": HTML[9][:400], "url": f"{EVIL}/join"}
    await calendar.add_calendar_event(caller, event | {"starts_at": start, "ends_at": end, "timezone": "Europe/Berlin"})
    file = await artifacts.save_artifact(caller, task_id, "x.html", "text/html", text.encode())
    pages += [
        "/calendar",
        "/calendar?view=day",
        f"/tasks/{'<img src=x>'}",
        "/nothing",
        f"/api/artifacts/{file.id}#file",
    ]


async def test_nothing_that_others_wrote_runs_or_asks_anybody(onlooker: Onlooker, house: House) -> None:
    pages = await fill(house)
    for where in pages:
        if where.endswith("#file"):
            answer = await onlooker.page.request.get(onlooker.base + where)
            assert answer.headers["content-disposition"].startswith("attachment")
            assert "sandbox" in answer.headers["content-security-policy"]
            continue
        await onlooker.sees(where)
        assert await onlooker.page.evaluate(FOREIGN) == [], where
    assert (onlooker.said, onlooker.went_out, onlooker.unguarded) == ([], [], [])


async def test_what_is_cleaned_is_harmless_by_itself_and_our_policy_holds_by_itself(onlooker: Onlooker) -> None:
    await onlooker.sees("mail", body=sanitize_html(ALL_HTML))
    again = "const main = document.querySelector('main'); for (let n = 0; n < 3; n++) main.innerHTML = main.innerHTML"
    await onlooker.page.evaluate(
        f"() => {{ {again} }}"
    )  # what changes its meaning when it is read again (mutation XSS)
    await onlooker.sees(
        "mail, each by itself", body="".join(f"<section>{sanitize_html(one)}</section>" for one in (*HTML, REFRESH))
    )
    await onlooker.page.evaluate(f"() => {{ {again} }}")
    await onlooker.sees("markdown", body=str(markdown(ALL_MARKDOWN)) + "".join(str(markdown(one)) for one in MARKDOWN))
    for where in ("login", "xn--80ak6aa92e", "auto"):
        link = onlooker.page.locator(f"a[href*='{where}']").first
        assert await link.evaluate("e => e.nextElementSibling?.localName") == "bdi"
        assert await link.get_attribute("rel") == "noopener noreferrer nofollow"
    assert onlooker.said == []
    for at in range(0, len(HTML), 4):
        await onlooker.sees(f"policy {at}", body="".join(HTML[at : at + 4]), policy=CONTENT_SECURITY_POLICY)
    assert onlooker.went_out == []
    assert [line for line in onlooker.said if "ran" in line or "dialog" in line] == []
    await onlooker.sees("neither cleaned nor under a policy", body="".join(HTML[:8]))
    assert len(onlooker.went_out) > 5  # whoever looks on would have seen it
    assert "ran" in onlooker.said[-1]
