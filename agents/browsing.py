"""The agent that works a page: one move after the other, by steps that were given or by a model.

After each move its place is kept, sealed, with a screenshot and an event: a run that comes again goes on from there, in
the living page or in one opened anew. What reads runs by itself. A form is sent only after a person's yes to exactly
how it is filled, once; a site that nobody named is asked about first. What a page says is never obeyed.
"""

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from agents.browsing_answers import JournalOfMove, schema_problem
from agents.browsing_masks import is_covered, without_cards
from agents.browsing_moves import BrowserInput, Finish, Move, NeedsPerson, Place, plain
from agents.browsing_page import PageOfTask
from agents.browsing_sending import Sender
from agents.equipment import Run
from agents.journal import insist
from agents.services.browser import Browser, BrowserSession
from agents.strategist import fenced
from agents.thinking import (
    ADD_A_MODEL,
    NEEDS_MODEL,
    ModelMalformed,
    Question,
    load_prompt,
)
from agents.tools.tool import Done, Outcome, Settled, Waiting
from core.outside.browser import Look, PageFile, SiteNotAllowed, WouldSend
from core.outside.errors import Malformed, Refused
from tasks import artifacts
from tasks import browser as places
from tasks.models import Evidence

PROMPT = load_prompt(Path(__file__).parent / "browsing.md")
HOW_TO_GO_ON = (
    "Press See the pages on the page of this task, take the page over and hand it back; "
    "or do it yourself and tick the task off"
)
MOST_ERRORS = 3
MOST_REPEATS = 3


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


class Browsing(PageOfTask):
    """One run's work on the page of its task."""

    def __init__(self, run: Run, given: BrowserInput, browser: Browser, place: Place) -> None:
        super().__init__(run, given, browser, place)
        self.is_over = False
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
            self.place.person_said = [*self.place.person_said, note][-5:]
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
            if self.place.next_step < len(self.given.all_steps):
                return self.given.all_steps[self.place.next_step]
            return Finish(answer=self.place.history[-1] if self.place.history else "", output=self._extracted())
        if not self.place.url:
            return Move(do="navigate", url=self.given.start)
        if not self.run.equipment.thinking.is_model:
            return Waiting("model", f"Working a page towards a goal {NEEDS_MODEL}; steps need none", ADD_A_MODEL)
        return await self._ask()

    async def _ask(self) -> Move | Finish | NeedsPerson:
        from agents.work import thinking_of  # thinking brings heavy libraries with it

        look = await self.seen(await self.page())
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
        assert isinstance(answer, Move | Finish | NeedsPerson)  # nosec B101 # narrows the type
        return answer

    def _words(self, look: Look) -> str:
        place = self.place
        said = "".join(f"The person had the page, handed it back, and says: {note}\n" for note in place.person_said)
        page = [f"Address: {plain(look.url)}", look.title, look.text]
        page += [f"What the page was not let do: {'; '.join(look.refused)}"] if look.refused else []
        done = [*place.history[-20:], *(f"The file {file['name']} came down" for file in place.files)] or [
            "nothing yet"
        ]
        return (
            f"Goal: {self.given.goal}\nMove {place.moves - place.first_move + 1} of {self.given.max_steps}\n"
            f"Sites that may be reached: {', '.join(sorted({*self.sites()}))}\n{said}"
            f"Done so far, with words of the pages:\n{fenced(chr(10).join(f'- {line}' for line in done))}\n"
            f"The page:\n{fenced(chr(10).join(page))}"
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

    async def _make(self, move: Move) -> Outcome | None:
        """Make a move and keep where it led; an outcome when somebody has to say something first."""
        if move.do == "navigate" and (outcome := await self.sender.ask_for_page(move)) is not None:
            return outcome
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
            return await self.sender.search(page, move)
        if move.do == "download":
            return await self._keep_file(await page.download(move.at))
        if move.do == "extract":
            return await self._extract(page, move)
        if move.do == "type" and is_covered(move.text):
            raise Refused(
                "The number of a card is kept nowhere",
                hint="Take the page over, type it yourself, and say so as you hand it back",
            )
        await self.simply(page, move)
        return ""

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
            number = self.place.next_step + 1 - (len(self.given.all_steps) - len(self.given.steps))
            which = f"Step {number}" if number else "Opening start_url"
            return await self._stuck(f"{which} ({move.in_words()}): {words}")
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

    # ------------------------------------------------------------ a person

    async def _stuck(self, reason: str) -> Outcome:
        self.place.is_stuck = True
        await self.save()
        return Waiting("person", without_cards(reason)[:1900], HOW_TO_GO_ON)

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
