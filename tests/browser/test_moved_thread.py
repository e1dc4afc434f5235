"""An approval that a new message in the thread voids, as a person sees it: nothing leaves, and the page says why."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from app.house import House
from cli.serving import serve
from core.postgres import postgres
from jobs.worker import working
from tasks import functions, review
from tests.browser.axe import violations
from tests.integration.cli.conftest import a_steward

OpenPage = Callable[..., Awaitable[Page]]
pytestmark = pytest.mark.browser
QUESTION, ANSWER = "<friday-1@example.com>", "<friday-2@example.com>"


@pytest.fixture
async def served(house: House) -> AsyncGenerator[str]:
    """The pages alone: no worker is at work yet, so that what is approved has not left."""
    ready = asyncio.Event()
    running = asyncio.create_task(serve(house, web=True, worker=False, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 20)
    yield f"http://127.0.0.1:{house.settings.port}"
    running.cancel()
    await asyncio.wait([running])


async def imported(house: House, folder: Path, message_id: str, text: str, answers: str | None = None) -> None:
    """A mail of Ana's comes in by `steward import`."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ana Alves <ana@example.com>", house.settings.owner_email, "Friday"
    mail["Message-ID"], mail["Date"] = message_id, "Wed, 04 Mar 2026 08:00:00 +0000"
    if answers:
        mail["In-Reply-To"] = mail["References"] = answers
    mail.set_content(text)
    file = folder / f"{message_id.strip('<>')}.eml"
    file.write_bytes(mail.as_bytes())
    steward = a_steward(
        folder,
        STEWARD_HOME=str(house.settings.home),
        STEWARD_DATABASE_URL=postgres(house.database).url,
        STEWARD_OWNER_EMAIL=house.settings.owner_email,
        STEWARD_NOW=house.clock.now().isoformat(),
    )
    done = await asyncio.to_thread(steward, "import", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def left(house: House) -> list[str]:
    """The texts of what left the house."""
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in outbox(house)]
    return [str(mail.get_content()) for mail in mails]


def outbox(house: House) -> list[Path]:
    return sorted((house.settings.home / "outbox").glob("*.eml"))


async def test_a_new_message_voids_the_approval_and_the_new_draft_leaves_once(
    signed_in: OpenPage, served: str, house: House, tmp_path: Path
) -> None:
    await imported(house, tmp_path, QUESTION, "Does Friday suit you?")
    item = {"title": "Answer Ana about Friday", "execution_type": "semi_automated"}
    task = (await functions.create_tasks(house.caller, [item]))[0]
    target = {"from_address": house.settings.owner_email, "in_reply_to": QUESTION, "references": [QUESTION]}
    words = {"subject": "Re: Friday", "body": "Hello Ana,\n\nFriday suits me.\n\nRobin"}
    draft = await review.create_draft(
        house.caller, task.id, {**words, "to_recipients": ["ana@example.com"], "target": target}
    )
    page = await signed_in()
    await page.goto(f"{served}/review")
    await page.click("text=Approve and send")
    await expect(page.locator(".badge", has_text="approved, will be sent")).to_be_visible()

    await imported(house, tmp_path, ANSWER, "Sorry, not Friday! <b>Monday</b> at ten?", QUESTION)
    # The page of the approved draft says so by itself.
    await expect(page.get_by_text("replaced by a newer version")).to_be_visible()
    await page.click("text=Open the newer version")
    moved = page.locator(".moved")
    await expect(moved.get_by_role("heading")).to_have_text("The thread has moved since this was written")
    await expect(moved).to_contain_text("The yes to version 1 is void, and nothing was sent")
    await expect(moved.locator("blockquote")).to_have_text("Sorry, not Friday! <b>Monday</b> at ten?")
    await expect(moved).to_contain_text("Ana Alves")
    await expect(moved.get_by_role("button", name="Write it anew")).to_be_visible()

    async with working(await house.worker()):
        await page.click("summary:has-text('Edit')")
        await page.fill("textarea[name=body]", "Hello Ana,\n\nMonday at ten it is.\n\nRobin")
        await page.click("button:has-text('Save as version 3')")
        await expect(moved.locator("del")).to_contain_text("Friday suits me.")
        await expect(moved.locator("ins")).to_contain_text("Monday at ten it is.")
        assert await violations(page) == []
        assert left(house) == []  # a worker was at work all the while
        approvals = await review.list_approvals(house.caller)
        assert [one.state for one in approvals.items if one.draft_id == draft.id] == ["voided"]
        await page.click("text=Approve and send")
        await expect(page.locator(".badge", has_text="sent").first).to_be_visible(timeout=15_000)
        await expect(page.get_by_text("Receipt:")).to_be_visible(timeout=15_000)
    (text,) = left(house)
    assert "Monday at ten it is." in text


async def test_an_answer_is_written_anew_with_one_click(
    signed_in: OpenPage, served: str, house: House, tmp_path: Path
) -> None:
    await imported(house, tmp_path, QUESTION, "Does Friday suit you?")
    task = (await functions.create_tasks(house.caller, [{"title": "Answer", "execution_type": "semi_automated"}]))[0]
    target = {"from_address": house.settings.owner_email, "in_reply_to": QUESTION, "references": [QUESTION]}
    content = {"subject": "Re: Friday", "body": "Friday suits me.", "to_recipients": ["ana@example.com"]}
    await review.create_draft(house.caller, task.id, {**content, "target": target})
    await imported(house, tmp_path, ANSWER, "Sorry, not Friday!", QUESTION)
    page = await signed_in(javascript=False, width=390)
    await page.goto(f"{served}/review")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await page.get_by_role("button", name="Write it anew").click()
    tree = await functions.get_task_tree(house.caller, task.id)
    assert [one.tool for one in tree.children] == ["revise_draft"]
    child = await functions.get_task(house.caller, tree.children[0].id)
    assert "write the answer anew" in child.tool_input["feedback"]
    assert "not Friday" not in child.tool_input["feedback"]  # others' words are not said in the person's name
