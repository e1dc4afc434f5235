"""What leaves through a page: forms and sites that a person says yes to first, and moves by a person's own hand.

Before a form is sent its place is kept with what is under way. A run that finds such a place asks the journal how it
ended: recorded, or looked for where the input says where one sees it, or for the person to say. It is never sent again.
"""

import re
from typing import TYPE_CHECKING, Any

from agents.browsing_masks import without_cards
from agents.browsing_moves import Move, Pending, facts_of, host_of, plain
from agents.gate import Judged, judge
from agents.journal import StepUncertain, insist
from agents.provenance import kind_of
from agents.tools.tool import Outcome, Settled, Shown
from core.outside.browser import FilledForm, FormChanged
from core.outside.errors import Refused, Uncertain
from tasks import review, steps
from tasks.actions import Action, Effect
from tasks.steps import Step

if TYPE_CHECKING:
    from agents.browsing_page import PageOfTask
    from agents.services.browser import BrowserSession

FORM_STEP = "browser_submit"
SITE_STEP = "browser_site"
PAGE_STEP = "browser_page"
HAND_STEP = "browser_by_hand"
PAYS = re.compile(r"card|karte|iban|cv[cv]", re.IGNORECASE)


def action_of_form(form: FilledForm, *, is_paying: bool) -> Action:
    """A form as the policy takes it: what stands in it is shown to whoever keeps the site."""
    effect = Effect.MONEY if is_paying else Effect.CREDENTIAL if form.has_password else Effect.PUBLISH
    body = "\n".join(without_cards(field.value) for field in form.fields if field.value)
    return Action("browser", effect, urls=[without_cards(form.target_url)], body=body)


class Sender:
    """The acts of one run."""

    def __init__(self, work: "PageOfTask") -> None:
        self._work = work

    async def send(self, page: "BrowserSession", move: Move) -> str | Outcome:
        """Send a form that a person said yes to, exactly as they saw it; a line of what came. Else ask, and settle."""
        form = await page.form_of(move.at)
        while True:
            approval = await self._approval("form", form.digest)
            if approval is None:
                return await self._ask(form, move)
            try:
                return await self._send_once(page, move, form, approval)
            except FormChanged:
                form = await page.form_of(move.at)
                if (await self._approval("form", form.digest)) is not None:
                    raise  # it is the same again: the page does not hold still

    async def search(self, page: "BrowserSession", move: Move) -> str | None:
        """Put a question to the search of a site; a line of what came. None: a person says yes to the form first."""
        form = await page.form_of(move.at)
        if not form.is_search:
            return None
        if self._has_read_more:
            body = "\n".join(field.value for field in form.fields if field.value)
            if not (await judge(self._work.run, Action("browser", Effect.QUERY, body=body))).is_free:
                return None
        found = await page.submit(move.at, form.digest)
        return f"The search led to {plain(found.url)}"

    @property
    def _has_read_more(self) -> bool:
        """Has the run read of others what stands on other pages than these, which are bounded by their sites?"""
        own = (kind_of("browser"), str(self._work.run.task.id))
        return any((source.kind, source.ref) != own for source in self._work.run.task.tainted_by)

    async def _approval(self, kind: str, sealed: str) -> Any | None:
        """The person's yes to this very move with this very content."""
        run, move = self._work.run, self._work.place.moves
        approval = await insist(lambda: review.get_act(run.caller, run.task.id))
        wanted = {"kind": kind, "move": move, "sealed": sealed}
        given: dict[str, Any] = approval.payload.get("input", {}) if approval else {}
        return approval.id if approval and {key: given.get(key) for key in wanted} == wanted else None

    async def _ask(self, form: FilledForm, move: Move) -> Outcome:
        work = self._work
        facts = {without_cards(name): without_cards(value) for name, value in facts_of(form).items()}
        picture = await work.picture(f"form-{work.place.moves + 1:03}.jpg")
        if picture:
            facts["Screenshot"] = f"/api/artifacts/{picture}"
        earlier = [sent["url"] for sent in work.place.sent if sent.get("digest") == form.digest]
        if earlier:
            facts["Note"] = "The very same form was sent by this task before"
        paying = any(field.value.startswith("•") and PAYS.search(field.label) for field in form.fields)
        what = "Pay at" if paying else "Sign in at" if form.has_password else "Submit this form to"
        given = {"kind": "form", "sealed": form.digest, "url": without_cards(form.target_url)}
        title = f"{what} {host_of(form.target_url)}?"
        judged = await judge(work.run, action_of_form(form, is_paying=paying))
        return await self._settle_by_asking(given, Shown(title, facts, without_cards(form.text)), move, judged)

    async def _settle_by_asking(self, given: dict[str, Any], shown: Shown, move: Move, judged: Judged) -> Outcome:
        """Keep the place, and leave the task to a person's yes to this; what speaks against it is shown with it."""
        work = self._work
        decision = {
            **judged.decision,
            "verdict": "ask",
            "permission_id": None,
        }  # a form or site is never let through unseen
        payload = {"input": {**given, "move": work.place.moves}, **shown.as_json(), **judged.for_payload()}
        why = without_cards(move.why)
        await work.save()
        await insist(
            lambda: review.request_act(
                work.run.caller, work.run.task.id, shown.title, payload, why=why, decision=decision
            )
        )
        return Settled()

    async def _send_once(self, page: "BrowserSession", move: Move, form: FilledForm, approval_id: Any) -> str:
        work, place = self._work, self._work.place

        async def do() -> dict[str, Any]:
            done = await page.submit(move.at, form.digest)
            return _result(done.status, plain(done.url), done.title, said=list(done.said))

        place.pending = Pending(move=place.moves, digest=form.digest, target_url=form.target_url)
        await work.save()
        name = f"{FORM_STEP} {place.moves}"
        try:
            step_id, result = await work.run.journal.begin_and_do("act", name, do, self._find, approval_id)
        except Exception as error:
            page.position = -1  # whatever stands there now is not what the next run expects
            if isinstance(error, Refused):
                place.pending = None
            raise
        if step_id is not None:
            await work.run.journal.finish(step_id, result)
        return self._sent(result)

    def _sent(self, result: dict[str, Any]) -> str:
        """Note that a form was sent; a line of it."""
        place = self._work.place
        output: dict[str, Any] = result.get("output") or {}
        pending, place.pending = place.pending, None
        entry: dict[str, Any] = {
            "status": output.get("status"),
            "url": plain(pending.target_url) if pending else output.get("url", ""),
        }
        place.sent.append(entry | ({"digest": pending.digest} if pending else {}))
        if not output:
            return "The form was sent; a person says so"
        said = f", and said: {'; '.join(output['said'])}" if output.get("said") else ""
        return f"Sent; the site answered {output['status']} and showed {output['title']!r} at {output['url']}{said}"

    async def settle_pending(self) -> None:
        """How did the form end that an earlier run began to send? Raises StepUncertain where only a person can know."""
        work, place = self._work, self._work.place
        if place.pending is None:
            return
        name = f"{FORM_STEP} {place.pending.move}"
        step = await self._step(name)
        if step is None or step.state == "failed":
            place.pending = None  # it never began, or certainly did not happen: the move is made again, and asks again
            return

        async def never() -> dict[str, Any]:
            raise Uncertain("An earlier run began to send the form and broke off")

        step_id, result = await work.run.journal.begin_and_do("act", name, never, self._find)
        if step_id is not None:
            await work.run.journal.finish(step_id, result)
        line = self._sent(result)
        place.path = []
        place.note(line)
        place.next_step += 1
        place.moves += 1
        await work.save()

    async def _step(self, name: str) -> Step | None:
        run = self._work.run
        found = await insist(lambda: steps.list_steps(run.caller, run.task.id))
        return next((step for step in found if step.kind == "act" and step.name == name), None)

    async def _find(self) -> dict[str, Any] | None:
        """Look where one sees that the form took effect. Not seen there, nobody knows: it may come later."""
        work = self._work
        proof = work.given.proof
        if proof is not None:
            page = await work.page()
            try:
                await page.navigate(proof.url)
                look = await page.look()
            except Refused as error:
                raise StepUncertain(f"Whether the form arrived cannot be looked up: {error.message}") from error
            if proof.text in look.text:
                return _result(None, plain(look.url), look.title, verification="verified")
        raise StepUncertain("A form was being sent when the run broke off, and nobody knows whether it arrived")

    async def ask_for_page(self, move: Move) -> Outcome | None:
        """An address that a run with others' words in it wants to open, and that the person did not name. None: it may."""
        if not self._has_read_more or move.url in self._work.place.allow:
            return None
        judged = await judge(self._work.run, Action("browser", Effect.FETCH, urls=[move.url], body=""))
        outcome = None if judged.is_free else await self._may_open("page", move.url, move, judged)
        if outcome is None and not judged.is_free:
            await self._allow(move.url)
        return outcome

    async def ask_for_site(self, site: str, move: Move) -> Outcome | None:
        """A site that nobody named: a person says whether it may be opened. None: they said yes, and it is allowed."""
        url = site if "://" in site else f"https://{site}"
        judged = await judge(self._work.run, Action("browser", Effect.FETCH, urls=[url], body=""))
        outcome = await self._may_open("site", site, move, judged)
        if outcome is None:
            await self._allow(site)
        return outcome

    async def _allow(self, site: str) -> None:
        self._work.place.allow = [*self._work.place.allow, site]
        await self._work.save()

    async def _may_open(self, kind: str, site: str, move: Move, judged: Judged) -> Outcome | None:
        work, place = self._work, self._work.place
        approval_id = await self._approval(kind, site)
        name = f"{SITE_STEP if kind == 'site' else PAGE_STEP} {place.moves}"
        if approval_id is None:
            facts = {"Site": site, "From": plain(place.url) or "the task", "Move": move.in_words()}
            shown = Shown(
                f"May the browser open {site[:200]}?", {name: without_cards(value) for name, value in facts.items()}
            )
            return await self._settle_by_asking({"kind": kind, "sealed": site}, shown, move, judged)

        async def do() -> dict[str, Any]:
            return _result(None, site, site)

        async def find() -> dict[str, Any]:
            return _result(None, site, site)  # only a word that was noted: noting it twice is once

        step_id, result = await work.run.journal.begin_and_do("act", name, do, find, approval_id)
        if step_id is not None:
            await work.run.journal.finish(step_id, result)
        return None

    async def by_hand(self, page: "BrowserSession", command_id: int, command: dict[str, Any]) -> None:
        """A move of the person who has the page: their own act, made once."""
        work = self._work
        said = f"You: {command.get('do')}"

        async def do() -> dict[str, Any]:
            if command.get("do") == "navigate":
                work.place.allow = [*work.place.allow, str(command.get("url"))]
                await page.allow([str(command.get("url"))])
            try:
                await page.by_hand(command)
            except Refused as error:
                return {"output": {"error": error.message}}
            return {"output": {}}

        async def find() -> dict[str, Any]:
            return {"output": {"error": "The worker broke off; look at the page whether it was done"}}

        step_id, result = await work.run.journal.begin_and_do("act", f"{HAND_STEP} {command_id}", do, find)
        if step_id is not None:
            await work.run.journal.finish(step_id, result)
        await work.keep(None, said, error=result["output"].get("error", ""), command_id=command_id)


def _result(
    status: int | None, url: str, title: str, *, verification: str = "verified", said: list[str] | None = None
) -> dict[str, Any]:
    output = {"status": status, "url": url, "title": title, "said": said or []}
    return {"output": output, "verification": verification, "evidence": [], "more": {}}
