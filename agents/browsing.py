"""The agent that works a page: one move after the other, by steps that were given or by a model.

After each move its place is kept, sealed, with a screenshot and an event: a run that comes again goes on from there, in
the living page or in one opened anew. What reads runs by itself. A form is sent only after a person's yes to exactly
how it is filled, once; a site that nobody named is asked about first. What a page says is never obeyed.
"""

import hashlib
import importlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import structlog

from agents.browsing_moves import BrowserInput, Finish, Move, NeedsPerson, Place, host_of, plain
from agents.browsing_sending import Sender
from agents.equipment import Run
from agents.journal import insist
from agents.services.browser import Browser, BrowserSession
from agents.strategist import fenced
from agents.thinking import (
    ADD_A_MODEL,
    NEEDS_MODEL,
    CallJournal,
    ModelCall,
    ModelMalformed,
    Question,
    RecordedCall,
    load_prompt,
)
from agents.tools.tool import Done, Outcome, Settled, Waiting
from core.errors import Invalid
from core.outside.browser import Look, NoSuchElement, PageFile, SiteNotAllowed, WouldSend
from core.outside.errors import Malformed, Refused
from tasks import artifacts, functions
from tasks import browser as places
from tasks.models import Evidence

log = structlog.get_logger()
PROMPT = load_prompt(Path(__file__).parent / "browsing.md")
HOW_TO_GO_ON = "Take the page over at /tasks/{task_id}/browser and hand it back; or do it yourself and tick the task off"
CALLS_PER_MOVE = 10
MOST_ERRORS = 3
MOST_REPEATS = 3
TRUSTED_SOURCES = {"chat", "manual", "import"}
MOST_STORED = 500_000


async def browse(run: Run, given: BrowserInput) -> Outcome:
    """Work the pages until the goal is reached, the steps are done, or somebody has to say or do something."""
    browser = await run.reach(Browser)
    opened = await places.open_browser(run.caller, run.task.id)
    work = Browsing(run, given, browser, _place(run, given, browser, opened.sealed))
    await work.look_above()
    try:
        return await work.go(opened)
    finally:
        await work.rest()


def _place(run: Run, given: BrowserInput, browser: Browser, sealed: str | None) -> Place:
    """The kept place. Other input begins anew, but moves are counted on: no act is taken for an earlier one."""
    digest = hashlib.sha256(given.model_dump_json().encode()).hexdigest()
    place = Place.model_validate_json(browser.unseal(sealed)) if sealed else Place(given=digest)
    if place.given != digest:
        place = Place(given=digest, moves=place.moves, pending=place.pending, sent=place.sent)
    if place.generation != run.task.generation:
        place.generation, place.first_move = run.task.generation, place.moves
        place.seconds, place.errors, place.tries = 0, 0, {}
    return place


class Browsing:
    """One run's work on the page of its task."""

    def __init__(self, run: Run, given: BrowserInput, browser: Browser, place: Place) -> None:
        self.run = run
        self.given = given
        self.browser = browser
        self.place = place
        self.session: BrowserSession | None = None
        self.is_over = False
        self._named_above: list[str] = []
        self._began = time.monotonic()
        self.sender = Sender(self)

    async def go(self, opened: places.OpenedPlace) -> Outcome:
        """Until there is an outcome."""
        await self.sender.settle_pending()
        if opened.held_by == "person":
            outcome = await self._serve_person(opened)
            if outcome is not None:
                return outcome
        note = await places.read_browser_note(self.run.caller, self.run.task.id)
        if note is not None:
            self.place.note(f"The person had the page, handed it back, and says: {note}")
            self.place.next_step += self.place.is_stuck
        self.place.is_stuck = False
        while True:
            reached = self._bound()
            if reached:
                return Waiting("person", reached, "Execute it again to go on, or take the page over")
            decided = await self._decide()
            match decided:
                case Move():
                    outcome = await self._make(decided)
                    if outcome is not None:
                        return outcome
                case Finish():
                    self.is_over = True
                    return self._done(decided)
                case NeedsPerson():
                    return await self._stuck(decided.reason)
                case Waiting():
                    return decided

    async def rest(self) -> None:
        """At the end of a run: a finished page is closed, a waiting one stays open a while."""
        if self.session is not None and self.is_over:
            await self.session.close()

    def _bound(self) -> str | None:
        made = self.place.moves - self.place.first_move
        self.place.seconds += time.monotonic() - self._began
        self._began = time.monotonic()
        if made >= self.given.max_steps:
            return f"{made} steps are made, and the goal is not reached"
        if self.place.seconds > self.given.max_minutes * 60:
            return f"It took more than {self.given.max_minutes:g} minutes"
        return None

    # ------------------------------------------------------------ deciding

    async def _decide(self) -> Move | Finish | NeedsPerson | Waiting:
        if self.given.steps:
            if self.place.next_step < len(self.given.steps):
                return self.given.steps[self.place.next_step]
            return Finish(answer=self.place.history[-1] if self.place.history else "", output=self._extracted())
        if not self.place.url:
            return Move(do="navigate", url=self.given.start)
        if not self.run.equipment.thinking.is_model:
            return Waiting("model", f"Working a page towards a goal {NEEDS_MODEL}; steps need none", ADD_A_MODEL)
        return await self._ask()

    async def _ask(self) -> Move | Finish | NeedsPerson:
        from agents.work import thinking_of  # thinking brings heavy libraries with it

        look = await (await self.page()).look()
        thinking = thinking_of(self.run)
        if thinking.journal is not None:
            thinking = replace(thinking, journal=JournalOfMove(thinking.journal, self.place.moves))
        question = Question(
            "browse", [PROMPT], self._words(look), [Move, Finish, NeedsPerson], guidance=self._form(), check=self._check
        )
        try:
            answer = await thinking.answer(question, lambda: NeedsPerson(reason=NEEDS_MODEL))
        except ModelMalformed as error:
            return NeedsPerson(reason=f"The language model gave no usable next move: {error.message}")
        assert isinstance(answer, Move | Finish | NeedsPerson)
        return answer

    def _words(self, look: Look) -> str:
        sites = ", ".join(sorted({*self.sites()}))
        done = "\n".join(f"- {line}" for line in self.place.history[-20:]) or "- nothing yet"
        refused = f"\nThe page was not let do: {'; '.join(look.refused)}" if look.refused else ""
        files = ", ".join(file["name"] for file in self.place.files)
        return (
            f"Goal: {self.given.goal}\nMove {self.place.moves - self.place.first_move + 1} of {self.given.max_steps}\n"
            f"Sites that may be reached: {sites}\nDone so far:\n{done}\n"
            + (f"Files that came down: {files}\n" if files else "")
            + f"Address: {plain(look.url)}\nThe page:\n{fenced(f'{look.title}{chr(10)}{look.text}')}{fenced(refused) if refused else ''}"
        )

    def _form(self) -> str:
        if self.given.output_schema is None:
            return ""
        return f"`output` of finish has this form (JSON Schema): {orjson.dumps(self.given.output_schema).decode()}"

    def _check(self, answer: Any) -> str | None:
        if isinstance(answer, Finish) and answer.reached and self.given.output_schema is not None:
            return schema_problem(answer.output, self.given.output_schema)
        return None

    # ------------------------------------------------------------ moving

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
                await self._simply(session, move)
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
        if root.source in TRUSTED_SOURCES and not root.flags:
            words = f"{root.title}\n{root.description}".casefold()
            wanted = [*self.given.allow, self.given.start]
            self._named_above = [site for site in wanted if (host_of(site) or site.casefold()) in words]

    async def _make(self, move: Move) -> Outcome | None:
        """Make a move and keep where it led; an outcome when somebody has to say something first."""
        page = await self.page()
        try:
            try:
                line = await self._perform(page, move)
            except WouldSend:
                if move.do == "submit":
                    raise
                line = None
            if line is None:  # it sends something: a person says yes first
                sent = await self.sender.send(page, move)
                if not isinstance(sent, str):
                    return sent
                line = sent
        except SiteNotAllowed as refused:
            outcome = await self.sender.ask_for_site(refused.site, move)
            if outcome is None:
                await page.allow(self.place.allow)
            return outcome
        except Refused as error:
            return await self._failed(move, error)
        self.place.errors = 0
        await self.keep(move, line)
        return await self._circles(move)

    async def _perform(self, page: BrowserSession, move: Move) -> str | None:
        """Make it; a line of what came of it. None: it is a form, which somebody has to say yes to."""
        if move.do == "submit":
            form = await page.form_of(move.at)
            if not form.is_search:
                return None
            found = await page.submit(move.at, form.digest)
            return f"The search led to {plain(found.url)}"
        if move.do == "download":
            return await self._keep_file(await page.download(move.at))
        if move.do == "extract":
            return await self._extract(page, move)
        await self._simply(page, move)
        return ""

    async def _simply(self, page: BrowserSession, move: Move) -> None:
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
                file = await artifacts.find_artifact(self.run.caller, self.run.task.id, move.file)
                await page.upload(move.at, PageFile(file.name, file.media_type, file.content or b""))
            case "wait":
                await page.wait(move.seconds, move.text)
            case "back":
                await page.back()
            case _:
                pass

    async def _text(self, page: BrowserSession, move: Move) -> str:
        if not move.secret:
            return move.text
        return await self.browser.secret(host_of((await page.look()).url), move.secret)

    async def _extract(self, page: BrowserSession, move: Move) -> str:
        name = move.name or "output"
        if move.fields:
            read: Any = {key: await page.text_of(Move(do="click", target=at).at) for key, at in move.fields.items()}
        elif move.target and move.role not in {"", "table"}:
            read = await page.text_of(move.at)
        else:
            read = await page.table(move.at if move.target else None)
        before: Any = self.place.extracted.get(name)
        is_more = isinstance(before, list) and isinstance(read, list)
        self.place.extracted[name] = before + read if is_more else read
        return f"Read {name}: {orjson.dumps(read).decode()[:500]}"

    def _extracted(self) -> Any:
        found = self.place.extracted
        return found["output"] if set(found) == {"output"} else found or None

    async def _keep_file(self, file: PageFile) -> str:
        kept = await insist(
            lambda: artifacts.save_artifact(self.run.caller, self.run.task.id, file.name, file.media_type, file.content)
        )
        entry = {"artifact_id": str(kept.id), "name": kept.name, "size_bytes": kept.size_bytes, "sha256": kept.sha256}
        self.place.files = [one for one in self.place.files if one["artifact_id"] != entry["artifact_id"]] + [entry]
        return f"The file {kept.name} ({kept.size_bytes} bytes) is kept"

    async def _failed(self, move: Move, error: Refused) -> Outcome | None:
        """A move that the page did not take: a model tries another way, a given step waits for the person."""
        words = ". ".join(part for part in (error.message, error.detail, error.hint) if part)[:500]
        self.place.errors += 1
        await self.keep(move, "", error=words)
        if self.given.steps:
            self.place.next_step -= 1
            return await self._stuck(f"Step {self.place.next_step + 1} ({move.in_words()}): {words}")
        if not self.place.title and not self.place.path and self.place.moves == self.place.first_move + 1:
            raise error
        if self.place.errors >= MOST_ERRORS:
            return await self._stuck(f"{self.place.errors} moves in a row failed; the last: {words}")
        return None

    async def _circles(self, move: Move) -> Outcome | None:
        if self.given.steps or move.do in {"wait", "back"}:
            return None
        mark = hashlib.sha256(f"{move.model_dump_json(exclude={'why'})}|{self.place.url}".encode()).hexdigest()[:16]
        self.place.tries[mark] = self.place.tries.get(mark, 0) + 1
        if self.place.tries[mark] >= MOST_REPEATS:
            return await self._stuck(f"It goes round in circles: {move.in_words()} for the {MOST_REPEATS}rd time")
        return None

    async def keep(self, move: Move | None, line: str, *, error: str = "", command_id: int | None = None) -> None:
        """After a move: a screenshot, an event, and the sealed place, from which a run that comes again goes on."""
        page = await self.page()
        place = self.place
        look = await page.look()
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
        said = {name: value for name, value in data.items() if value is not None}
        await insist(lambda: functions.add_task_event(self.run.caller, self.run.task.id, "browser", words, said))
        await self.save(command_id)

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
        url, title = plain(place.url), place.title
        await insist(
            lambda: places.save_browser(
                self.run.caller, self.run.task.id, sealed, place.moves, url, title, command_id=command_id
            )
        )

    # ------------------------------------------------------------ a person

    async def _stuck(self, reason: str) -> Outcome:
        self.place.is_stuck = True
        await self.save()
        return Waiting("person", reason[:1900], HOW_TO_GO_ON.format(task_id=self.run.task.id))

    async def _serve_person(self, opened: places.OpenedPlace) -> Outcome | None:
        """Make the moves of the person who has the page, then wait for more. None: they have handed it back."""
        page = await self.page()
        while opened.held_by == "person":
            for command in opened.commands:
                given = orjson.loads(self.browser.unseal(command.sealed))
                await self.sender.by_hand(page, command.id, given)
            rests = await places.rest_browser(self.run.caller, self.run.task.id, "You have the page", "Hand it back")
            if rests:
                return Settled()
            opened = await places.open_browser(self.run.caller, self.run.task.id)
        return None

    # ------------------------------------------------------------ the end

    def _done(self, answer: Finish) -> Outcome:
        place, schema = self.place, self.given.output_schema
        output = answer.output
        if schema is not None and answer.reached:
            problem = schema_problem(output, schema)
            if problem:
                raise Malformed("What was read has not the asked-for form", detail=problem)
        result = {"answer": answer.answer, "output": output, "reached": answer.reached, "url": plain(place.url),
                  "title": place.title, "files": place.files, "sent": place.sent}  # fmt: skip
        evidence = [Evidence(kind="page", what=f"Read on {place.title or plain(place.url)}", where=plain(place.url))]
        for sent in place.sent:
            evidence.append(
                Evidence(kind="receipt", what=f"The site answered {sent['status']} to the form", where=sent["url"])
            )
        is_answered = bool(place.sent) and all(isinstance(s["status"], int) and s["status"] < 400 for s in place.sent)
        return Done(result, "verified" if is_answered else "claimed", evidence)


class JournalOfMove:
    """The journal, with the requests of one move under numbers of their own: a run that comes again finds them."""

    def __init__(self, journal: CallJournal, move: int) -> None:
        self._journal = journal
        self._next = move * CALLS_PER_MOVE

    async def begin_call(self, purpose: str, number: int | None = None) -> RecordedCall:
        if number is None:
            number, self._next = self._next, self._next + 1
        return await self._journal.begin_call(purpose, number)

    async def end_call(self, begun: RecordedCall, call: ModelCall, answer: Any) -> None:
        await self._journal.end_call(begun, call, answer)


def schema_problem(value: Any, schema: dict[str, Any]) -> str | None:
    """What keeps a value from having the form of a JSON Schema; None when it has it. Raises Invalid for no schema."""
    library: Any = importlib.import_module("jsonschema")  # it comes without types
    try:
        kind = library.validators.validator_for(schema, default=library.Draft202012Validator)
        kind.check_schema(schema)
        error = library.exceptions.best_match(kind(schema).iter_errors(value))
    except library.exceptions.SchemaError as wrong:
        raise Invalid("The schema of the output is none", detail=str(wrong.message)[:200]) from wrong
    except Exception as wrong:  # a reference that leads nowhere, in a library of many error types
        raise Invalid("The schema of the output cannot be used", detail=type(wrong).__name__) from wrong
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path)
    return f"output{f'.{where}' if where else ''}: {str(error.message)[:300]}"
