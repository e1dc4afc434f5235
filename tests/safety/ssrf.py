"""The corpus of addresses at every way out: `python -m tests.safety.ssrf`. What counts is who was connected to: nobody."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import StewardError
from integrations.web.guard import Guard
from tests.emulators.served import Answer, Served, serving
from tests.safety.ssrf_doors import BrowserDoor, Door, NameServer, socket_doors, web_doors
from tests.safety.ssrf_forms import ADDRESSES, HOSTS, REDIRECTS, RESOLVED, TARGETS, count_forms
from tests.safety.ssrf_watch import Listeners, Watch, watching

LOOKUPS = 4  # a name is asked for more often than any of its answers changes
FOLLOWING = {"http_get", "web_fetch"}  # the doors that follow redirects


@dataclass
class SsrfReport:
    """What came of it.

    `forms` are different ways to write or reach an address, `tries` how often a door was asked for one, `connections`
    the forbidden ones ("which door and form: where to"), `let_in` the tries that no door
    refused, `crashes` those that were refused by an error that is not ours.
    """

    forms: int
    tries: int = 0
    connections: list[str] = field(default_factory=list[str])
    let_in: list[str] = field(default_factory=list[str])
    crashes: list[str] = field(default_factory=list[str])


class Corpus:
    """One run: the doors, the name server, and who watches."""

    def __init__(self, watch: Watch, port: int, site: Served) -> None:
        self.watch = watch
        self.port = port
        self.site = site
        self.report = SsrfReport(count_forms())
        self.names = NameServer()
        guard = Guard(frozenset({f"127.0.0.1:{site.port}"}), self.names.resolve, most_seconds=10.0)
        watch.allowed.add(site.port)
        self.web = web_doors(guard)
        browser = BrowserDoor(guard, watch.allowed.add)
        self.doors = {**self.web, **socket_doors(guard), "browser_proxy": browser.ask}
        self.silent = {"browser_proxy"}  # answers instead of raising

    async def run(self) -> SsrfReport:
        """Everything, one after the other, so that each connection has one cause."""
        hosts = [f"http://{host}:{self.port}/" for host in HOSTS]
        for door in self.doors:
            for url in hosts:
                await self._try(door, url)
            for answers in RESOLVED:
                self.names.asked.clear()
                for _ in range(LOOKUPS):
                    await self._try(door, f"http://{answers.name}:{self.port}/", may_answer=True)
        for door in [*self.web, "browser_proxy"]:
            for form in ADDRESSES:
                await self._try(door, form.replace("{port}", str(self.port)), may_answer="@127.0.0.1" not in form)
            for url in hosts[:3]:
                await self._try(door, url.replace("http:", "https:"))
        await self._redirects()
        self.report.connections = self.watch.forbidden
        return self.report

    async def _redirects(self) -> None:
        """Each code to each target, and the same target behind one and two harmless hops; a POST follows none."""
        for target in (one.replace("{port}", str(self.port)) for one in TARGETS):
            last = {"Location": target.encode().decode("latin-1")}
            for door in FOLLOWING:
                for code in REDIRECTS:
                    await self._hops(door, [Answer(code, headers=last)])
                for hops in (1, 2):
                    before = [Answer(302, headers={"Location": f"/{n}"}) for n in range(hops)]
                    await self._hops(door, [*before, Answer(302, headers=last)])
            for door in self.web.keys() - FOLLOWING:
                await self._hops(door, [Answer(307, headers=last)])

    async def _hops(self, door: str, answers: Sequence[Answer]) -> None:
        self.names.asked.clear()
        self.site.once = [*answers]
        await self._try(
            door, self.site.url + "/", leads_to=answers[-1].headers["Location"], may_answer=door == "http_request"
        )

    async def _try(self, door: str, url: str, *, leads_to: str = "", may_answer: bool = False) -> None:
        """Ask a door. What it raises has to be ours; where it answers, that is noted."""
        self.watch.now = f"{door} {url!r}" + (f" to {leads_to!r}" if leads_to else "")
        self.report.tries += 1
        ask: Door = self.doors[door]
        try:
            async with asyncio.timeout(20):
                await ask(url)
        except StewardError:
            return
        except Exception as error:  # it was refused, but not in words: a mistake of ours all the same
            self.report.crashes.append(f"{self.watch.now}: {type(error).__name__}: {error}"[:300])
            return
        if door not in self.silent and not may_answer:
            self.report.let_in.append(self.watch.now)


async def run_ssrf(*, browser: bool = True) -> SsrfReport:
    """The whole corpus at every door; `connections` is empty where the guards hold. Without a browser it takes seconds."""
    watch = Watch()
    listeners = Listeners(watch)
    try:
        async with serving(lambda got: Answer(200, {"path": got.path})) as site:
            with watching(watch):
                report = await Corpus(watch, listeners.port, site).run()
                if browser:
                    from tests.safety.ssrf_browser import BrowserCorpus

                    report.tries += await BrowserCorpus(watch, listeners.port).run()
                return report
    finally:
        listeners.close()


def main() -> int:
    """Print the report as one line of JSON; 1 where anything was connected to, let in, or crashed."""
    report = asyncio.run(run_ssrf())
    for line in [*report.connections, *(f"let in: {line}" for line in report.let_in), *report.crashes]:
        print(line)
    print(
        json.dumps(
            {"ssrf_forms": report.forms, "ssrf_tries": report.tries, "ssrf_connections": len(report.connections)}
        )
    )
    return bool(report.connections or report.let_in or report.crashes)


if __name__ == "__main__":
    raise SystemExit(main())
