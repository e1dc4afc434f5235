"""A real Chromium on pages served here: what a page may reach and send, and what comes of using it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from core.outside.browser import FormChanged, NoSuchElement, PageFile, Target, WouldSend
from core.outside.errors import Refused, Temporary, Uncertain
from integrations.browser.session import Session
from integrations.browser.sessions import Sessions, sessions_of_this_process
from integrations.web.guard import Guard
from tests.browser_pages import close_pages
from tests.emulators.site import Site, running_site


@dataclass
class Outside:
    """The site that may be reached, one on another address that may not, and a session."""

    site: Site
    other: Site
    session: Session

    async def at(self, path: str) -> Session:
        await self.session.navigate(f"{self.site.url}/{path}")
        return self.session


@pytest.fixture
async def outside() -> AsyncGenerator[Outside]:
    sessions = sessions_of_this_process(None)
    async with running_site("127.0.0.2") as other, running_site(other_port=other.port) as site:
        guard = Guard(frozenset({site.name}))
        session = await sessions.of_task(uuid4(), [site.name], guard.vetted)
        yield Outside(site, other, session)
        await close_pages(sessions)


async def refused(work: Awaitable[object]) -> str:
    """How something was refused: kind and words."""
    try:
        await work
    except Refused as error:
        return f"{type(error).__name__}: {error.message}"
    return "done"


async def test_a_hostile_page_reaches_and_sends_nothing(outside: Outside) -> None:
    session, site, other = await outside.at("hostile"), outside.site, outside.other
    look = await session.look()
    assert f"not sent: POST {site.url}/quiet" in look.refused
    assert f"not reached: {other.name}" in look.refused
    assert "IMPORTANT SYSTEM MESSAGE" in look.text
    cases = {
        "Show more": "WouldSend: This would send something",
        "Beacon": "done",
        "Work": "WouldSend: This would send something",
        "Talk": "done",
        "Stay": "done",
        "File": "done",
        "Continue": "WouldSend: ",
        "Vote": "WouldSend: ",
        "Forecast": f"SiteNotAllowed: The site {other.name}",
        "Meta": "SiteNotAllowed: The site 169.254.169.254",
    }
    for name, said in cases.items():
        assert (await refused(session.click(Target(name=name)))).startswith(said), name
        assert (await session.look()).url == f"{site.url}/hostile", name
    assert (site.sent, other.seen) == ([], [])
    assert not {"/steal", "/vote", "/secret"} & set(site.seen)


async def test_addresses_that_nobody_named_are_not_opened(outside: Outside) -> None:
    urls = (
        "file:///etc/passwd data:text/html,hello chrome://version javascript:alert(1) view-source:http://127.0.0.1 about:blank "
        "http://169.254.169.254/latest/meta-data http://2130706433/ http://0x7f000001/ http://[::ffff:127.0.0.1]/ http://localhost/ "
        "http://metadata.google.internal/ http://127.1/ http://127.0.0.1/ http://127。0。0。1/ http://017700000001/"
    )
    for url in urls.split():
        with pytest.raises(Refused):
            await outside.session.navigate(url)
    assert (outside.site.seen, outside.other.seen) == ([], [])


async def test_a_named_site_at_a_private_address_is_not_reached(outside: Outside) -> None:
    other = outside.other
    await outside.session.allow([other.name, "localhost:1", "2130706433:80", "nowhere.invalid"])
    assert "Refused" in await refused(outside.session.navigate(f"{other.url}/secret"))
    await outside.at("shop")
    with pytest.raises(Temporary):
        await outside.session.navigate("http://nowhere.invalid/")
    assert other.seen == []


async def test_a_redirect_to_a_private_address_is_not_followed(outside: Outside) -> None:
    await outside.session.allow([outside.other.name])
    said = await refused(outside.session.navigate(f"{outside.site.url}/redirect?to={outside.other.url}/secret"))
    assert said.startswith("Refused")
    assert outside.other.seen == []


async def test_windows_dialogs_frames_and_pages_without_end(outside: Outside) -> None:
    session = await outside.at("shop")
    await session.click(Target(name="Teapot"))
    for _ in range(50):
        if (await session.look()).url.endswith("/teapot"):
            break
        await asyncio.sleep(0.05)
    assert (await session.look()).url == f"{outside.site.url}/teapot"
    await outside.at("frame")
    await session.type(Target(name="City"), "Reykjavík 🏔")
    await session.click(Target(role="button", name="Greet"))
    assert "Hello Reykjavík 🏔" in (await session.look()).text
    await outside.at("endless")
    look = await session.look()
    assert "(cut here" in look.text
    assert len(await session.screenshot()) <= 400_000


async def test_a_page_that_goes_on_while_one_looks_is_looked_at_again(outside: Outside) -> None:
    session = await outside.at("hasty")
    async with asyncio.timeout(60):
        while "At rest" not in (await session.look()).text:
            pass


async def test_a_search_goes_by_itself_and_a_form_does_not(outside: Outside) -> None:
    session = await outside.at("shop")
    await session.type(Target(role="searchbox", name="Search"), "tea & co")
    await session.click(Target(name="Find"))
    assert (await session.look()).url == f"{outside.site.url}/search?q=tea+%26+co"
    await outside.at("kettle")
    with pytest.raises(WouldSend):
        await session.click(Target(name="Order now"))
    assert outside.site.sent == []


async def test_a_form_goes_once_and_only_as_it_was_shown(outside: Outside) -> None:
    session, site = await outside.at("kettle"), outside.site
    at = Target(role="button", name="Order now")
    empty = await session.form_of(at)
    with pytest.raises(Refused, match="The page sent nothing"):
        await session.submit(at, empty.digest)
    await session.type(Target(name="Name"), "Robin")
    with pytest.raises(FormChanged):
        await session.submit(at, empty.digest)
    filled = await session.form_of(at)
    assert site.sent == []
    done = await session.submit(at, filled.digest)
    assert (done.status, done.title, len(site.sent)) == (303, "Thanks", 1)


@pytest.mark.parametrize("path", ["kettle", "script_form"])
async def test_a_line_that_breaks_is_not_tried_again_behind_our_back(outside: Outside, path: str) -> None:
    """Chromium sends a form a second time when a connection that stood ready breaks; here it may not."""
    session, site = await outside.at(path), outside.site
    field, button = ("Name", "Order now") if path == "kettle" else ("Guests", "Book")
    await session.type(Target(name=field), "4")
    site.breaks = "cut"
    form = await session.form_of(Target(role="button", name=button))
    with pytest.raises(Uncertain):
        await session.submit(Target(role="button", name=button), form.digest)
    await asyncio.sleep(0.3)
    assert len(site.sent) == 1


async def test_answers_to_a_form(outside: Outside) -> None:
    session, site = outside.session, outside.site
    for breaks, outcome in (("422", 422), ("500", Uncertain)):
        await outside.at("kettle")
        await session.type(Target(name="Name"), "Robin")
        site.breaks = breaks
        form = await session.form_of(Target(name="Order now"))
        if isinstance(outcome, int):
            assert (await session.submit(Target(name="Order now"), form.digest)).status == outcome
        else:
            with pytest.raises(outcome):
                await session.submit(Target(name="Order now"), form.digest)
        site.breaks = ""
    assert len(site.sent) == 2


async def test_a_button_of_a_script_asks_and_then_sends_one_request(outside: Outside) -> None:
    session = await outside.at("script_form")
    await session.type(Target(name="Guests"), "4")
    with pytest.raises(WouldSend, match="/book"):
        await session.click(Target(name="Book"))
    form = await session.form_of(Target(role="button", name="Book"))
    assert (form.method, form.target_url, form.fields[0].value) == ("script", f"{outside.site.url}/book", "4")
    await session.submit(Target(role="button", name="Book"), form.digest)
    assert outside.site.sent == [("/book", {"body": '{"guests":"4"}'})]
    assert "Booked" in (await session.look()).text


async def test_passwords_are_not_in_what_is_seen(outside: Outside) -> None:
    session = await outside.at("sign-in")
    await session.type(Target(name="Password"), "right: horse")
    look = await session.look()
    form = await session.form_of(Target(role="button", name="Sign in"))
    assert "horse" not in look.text + repr(form)
    assert 'textbox "Password"' in look.text
    with pytest.raises(Refused, match="secret field"):
        await session.text_of(Target(name="Password"))


CARD_FIELDS = """<label>Card number <input name=card></label><label>CVC <input name=x inputmode=numeric></label>
<label>Bank account <input id=myIban></label><label>Code <input name=one-time_code type=number></label>
<label>Note <input name=note></label><label>Colour <select><option>Tan<option>Credit card</select></label>"""


async def test_cards_and_codes_are_not_in_what_is_seen(outside: Outside) -> None:
    outside.site.extra_field = CARD_FIELDS
    session = await outside.at("kettle")
    before = await session.screenshot()
    typed = {"Card number": "4111 1111 1111 1112", "CVC": "737", "Bank account": "DE02120300000000202051", "Code": "482913",
             "Note": "4111-1111-1111-1111"}  # fmt: skip
    for name, text in typed.items():
        await session.type(Target(name=name), text)
    look, form = await session.look(), await session.form_of(Target(role="button", name="Order now"))
    shown = {one.label: one.value for one in form.fields}
    assert {name: shown[name] for name in (*typed, "Colour")} == {
        "Card number": "•••• 1112", "CVC": "•••", "Bank account": "•••", "Code": "•••", "Note": "•••• 1111", "Colour": "Tan"}  # fmt: skip
    assert not [text for text in typed.values() if text in look.text + repr(form)]
    await session.type(Target(name="Note"), "4242424242424242")
    covered = await session.screenshot()
    await session.type(Target(name="CVC"), "123")
    await session.type(Target(name="Note"), "5555555555554444")
    assert await session.screenshot() == covered != before
    with pytest.raises(Refused, match="secret field"):
        await session.text_of(Target(name="Note"))


async def test_a_card_in_a_frame_is_covered_too(outside: Outside) -> None:
    session = await outside.at("frame")
    pictures: list[bytes] = []
    for number in ("4242424242424242", "5555555555554444"):
        await session.type(Target(name="City"), number)
        assert number not in (await session.look()).text
        pictures.append(await session.screenshot())
    assert pictures[0] == pictures[1]
    await session.type(Target(name="City"), "4242424242424241")  # this one is no card
    assert await session.screenshot() != pictures[0]


async def test_files_come_when_asked_for_and_in_measure(outside: Outside) -> None:
    session = await outside.at("files")
    file = await session.download(Target(name="Report"))
    assert (file.name, file.content) == ("_report.csv", b"a,b\n1,2\n")
    with pytest.raises(Refused, match="larger than 20 MB"):
        await session.download(Target(name="Huge"))
    await session.click(Target(name="Report"))
    assert "no download: _report.csv" in (await session.look()).refused
    await session.upload(Target(name="Attachment"), PageFile("größe.txt", "text/plain", b"x"))
    form = await session.form_of(Target(name="Upload"))
    assert form.fields[0].value == "größe.txt (1 bytes)"


async def test_what_is_not_there_is_said(outside: Outside) -> None:
    session = await outside.at("kettle")
    with pytest.raises(NoSuchElement, match="no choice 'nine'"):
        await session.select(Target(name="Quantity"), "nine")
    with pytest.raises(NoSuchElement, match="e999"):
        await session.click(Target(ref="e999"))
    with pytest.raises(NoSuchElement, match="in time"):
        await session.wait(0.2, "Never said")
    with pytest.raises(NoSuchElement):
        await session.table(None)


async def test_a_session_is_kept_and_its_state_moves_to_another(outside: Outside) -> None:
    session, site = await outside.at("sign-in"), outside.site
    await session.type(Target(name="User"), "Robin")
    await session.type(Target(name="Password"), "right horse")
    form = await session.form_of(Target(role="button", name="Sign in"))
    await session.submit(Target(role="button", name="Sign in"), form.digest)
    stored = await session.stored()
    assert [cookie["value"] for cookie in json.loads(stored)["cookies"]] == ["Robin"]
    sessions = Sessions(session.chromium, most=1)
    guard, first, second = Guard(frozenset({site.name})), uuid4(), uuid4()
    one = await sessions.of_task(first, [site.name], guard.vetted, stored=stored)
    assert await sessions.of_task(first, [site.name], guard.vetted) is one
    await one.navigate(f"{site.url}/account")
    assert (await one.look()).title == "Account"
    strange = await sessions.of_task(second, [site.name], guard.vetted)
    assert one.is_dead
    await strange.navigate(f"{site.url}/account")
    assert (await strange.look()).title == "Sign in"
    await close_pages(sessions)


async def test_a_browser_that_died_is_started_again(outside: Outside) -> None:
    session = await outside.at("shop")
    await session.chromium.run(session.chromium.rest())
    with pytest.raises((Temporary, Refused)):
        await session.look()
    again = await sessions_of_this_process(None).of_task(
        uuid4(), [outside.site.name], Guard(frozenset({outside.site.name})).vetted
    )
    await again.navigate(f"{outside.site.url}/shop")
    assert (await again.look()).title == "Kettle shop"


async def test_a_selector_finds_what_has_no_name(outside: Outside) -> None:
    session = await outside.at("kettle")
    assert await session.text_of(Target(name="css=#price")) == "49 €"
    for nothing in ("css=#nothing", "css=form >> xpath=//b"):
        with pytest.raises(NoSuchElement):
            await session.text_of(Target(name=nothing))


async def test_pages_that_nobody_comes_back_to_are_closed(outside: Outside) -> None:
    sessions = Sessions(outside.session.chromium, idle_seconds=0.05)
    one = await sessions.of_task(uuid4(), [outside.site.name], Guard(frozenset({outside.site.name})).vetted)
    for _ in range(300):
        if one.is_dead:
            break
        await asyncio.sleep(0.05)
    assert one.is_dead
