"""The page of a task as the agent has it: living, or brought back to where it stood; each move kept with a picture."""

from typing import cast

import structlog

from agents.browsing_masks import without_cards
from agents.browsing_moves import BrowserInput, Move, Place, host_of, plain
from agents.equipment import Run
from agents.journal import insist
from agents.services.browser import Browser, BrowserSession
from core.errors import NotFound
from core.outside.browser import Look, NoSuchElement, PageFile
from core.outside.errors import Refused
from tasks import artifacts, functions
from tasks import browser as places
from tasks.events import add_task_event

log = structlog.get_logger()
TRUSTED_SOURCES = {"chat", "manual"}
MOST_STORED = 500_000


class PageOfTask:
    """One run's hold on the page of its task, and what is known of its place."""

    def __init__(self, run: Run, given: BrowserInput, browser: Browser, place: Place) -> None:
        self.run = run
        self.given = given
        self.browser = browser
        self.place = place
        self.session: BrowserSession | None = None
        self._named_above: list[str] = []

    async def page(self) -> BrowserSession:
        """The living page where it stands, else one opened anew and brought to the same place."""
        if self.session is None:
            session = await self.browser.session(self.run.task.id, self.sites(), stored=self.place.stored)
            await session.allow(self.sites())
            self.session = session
            if session.position != self.place.moves and self.place.url:
                await self._bring_back(session)
            session.position = self.place.moves
        return self.session

    async def _bring_back(self, session: BrowserSession) -> None:
        try:
            await session.navigate(self.place.url)
            for move in self.place.path:
                await self.simply(session, move)
        except Refused as error:
            self.place.path = []
            self.place.note(f"The page was opened anew and may look different: {error.message}")

    def sites(self) -> list[str]:
        """What may be reached: what a person named, and what they said yes to."""
        return [*self.place.allow, *self._named]

    @property
    def _named(self) -> list[str]:
        task = self.run.task
        if task.source in TRUSTED_SOURCES and not task.flags:
            return [*self.given.allow, self.given.start]
        return self._named_above

    async def look_above(self) -> None:
        """For a part that a plan made: sites whose host stands in the words of the person who wanted the whole."""
        task = self.run.task
        if task.root_task_id in {None, task.id}:
            return
        root = await functions.get_task(self.run.caller, task.root_task_id)  # pyright: ignore[reportArgumentType]
        if root.source in TRUSTED_SOURCES and not root.flags:  # a page to open is judged besides, in `browsing_sending`
            words = f"{root.title}\n{root.description}".casefold()
            wanted = [*self.given.allow, self.given.start]
            self._named_above = [site for site in wanted if (host_of(site) or site.casefold()) in words]

    async def simply(self, page: BrowserSession, move: Move) -> None:
        """The moves that change nothing but the page here."""
        match move.do:
            case "navigate":
                await page.navigate(move.url)
            case "click":
                await page.click(move.at)
            case "type":
                await page.type(move.at, await self._text(page, move))
            case "select":
                await page.select(move.at, move.choice)
            case "upload":
                await page.upload(move.at, await self._file(move.file))
            case "wait":
                await page.wait(move.seconds, move.text)
            case "back":
                await page.back()
            case _:
                pass

    async def _file(self, name: str) -> PageFile:
        try:
            file = await artifacts.find_artifact(self.run.caller, self.run.task.id, name)
        except NotFound as error:
            raise NoSuchElement(error.message, detail=error.detail) from error
        return PageFile(file.name, file.media_type, file.content or b"")

    async def _text(self, page: BrowserSession, move: Move) -> str:
        if not move.secret:
            return move.text
        return await self.browser.secret(host_of((await page.look()).url), move.secret)

    async def keep(self, move: Move | None, line: str, *, error: str = "", command_id: int | None = None) -> None:
        """After a move: a screenshot, an event, and the sealed place, from which a run that comes again goes on."""
        page = await self.page()
        place = self.place
        look = await self.seen(page)
        if move is not None:
            made = move if move.do == "navigate" or not move.target or error else await self._found_again(page, move)
            if look.url != place.url or move.do in {"navigate", "submit", "back"}:
                place.path = []
            elif not error and move.do in {"click", "type", "select", "upload"}:
                place.path = [*place.path, made][-50:]
            words = move.in_words()
            place.note(
                f"{words}: {f'failed: {error}' if error else line or f'now at {plain(look.url)}, {look.title!r}'}"
            )
            place.next_step += 1
        else:
            words, place.path = line, []
        place.url, place.title = look.url if look.url != "about:blank" else place.url, look.title[:1000]
        stored = await page.stored()
        place.stored = stored if len(stored) <= MOST_STORED else place.stored
        place.moves += 1
        page.position = place.moves
        artifact_id = await self.picture(f"page-{place.moves:03}.jpg")
        data = {"move": place.moves, "do": move.do if move else "by hand", "url": plain(look.url), "title": look.title[:300],
                "artifact_id": artifact_id, "error": error or None, "why": move.why if move else None,
                "refused": list(look.refused) or None}  # fmt: skip
        said = {name: _for_record(value) for name, value in data.items() if value is not None}
        told = without_cards(words)
        await insist(lambda: add_task_event(self.run.caller, self.run.task.id, "browser", told, said))
        await self.save(command_id)

    async def seen(self, page: BrowserSession) -> Look:
        """What stands there; a page that cannot be read is said to be so."""
        try:
            return await page.look()
        except Refused as error:
            return Look(self.place.url, self.place.title, f"(the page cannot be read now: {error.message})")

    async def _found_again(self, page: BrowserSession, move: Move) -> Move:
        """The move by role and name: references are good for one look only."""
        try:
            at = await page.resolve(move.at)
        except NoSuchElement:
            return move
        return move.model_copy(update={"target": at.name, "role": at.role, "nth": at.nth}) if at.name else move

    async def picture(self, name: str) -> str | None:
        """A screenshot among the files of the task; its id. A page that cannot be pictured is no reason to stop."""
        page = await self.page()
        try:
            taken = await page.screenshot()
        except Refused as error:
            await log.ainfo("no_screenshot", reason=error.message)
            return None
        kept = await insist(
            lambda: artifacts.save_artifact(self.run.caller, self.run.task.id, name, "image/jpeg", taken)
        )
        return str(kept.id)

    async def save(self, command_id: int | None = None) -> None:
        """Keep the place."""
        place = self.place
        sealed = self.browser.seal(place.model_dump_json())
        url, title = without_cards(plain(place.url)), without_cards(place.title)
        await insist(
            lambda: places.save_browser(
                self.run.caller, self.run.task.id, sealed, place.moves, url, title, command_id=command_id
            )
        )


def _for_record(value: object) -> object:
    """A part of an event without numbers of cards."""
    match value:
        case str():
            return without_cards(value)
        case list():
            return [_for_record(one) for one in cast("list[object]", value)]
        case _:
            return value
