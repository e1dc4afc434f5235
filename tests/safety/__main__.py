"""`make safety`, as `python -m tests.safety`: what was tried, what was found, and 1 as the exit code where something got through.

The words for people go to stderr as they come; the last line, JSON, to stdout.
"""

import argparse
import asyncio
import json
import logging
import shutil
import sys
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import structlog

import tests.conftest  # settings of the tests: no live model, nobody's own keyring
from cli.testing import NotReady, ensure_node_packages
from core.embedded import EmbeddedPostgres
from core.embedded_place import place_of
from core.migrate import migrate
from tests.emulators.outside_servers import running_outside_servers
from tests.safety.audit import bandit, pip_audit
from tests.safety.cases import Outcome, load_cases, outcomes
from tests.safety.house import real_house, workspace
from tests.safety.m07 import run_m07
from tests.safety.openapi import OpenapiReport, run_openapi
from tests.safety.real import RealReport, run_real
from tests.safety.rls import run_rls
from tests.safety.served_house import served_house
from tests.safety.ssrf import SsrfReport, run_ssrf

FOLDER = Path(__file__).parents[2] / "build" / "safety"
PARTS = ("cases", "real", "rls", "ssrf", "openapi", "audit")
MOST_LINES = 40

assert tests.conftest.models.ALLOW_MODEL_REQUESTS is False


@dataclass
class Found:
    """What a run found: `line` is the JSON line, `wrong` a sentence for each thing that got through."""

    line: dict[str, Any] = field(default_factory=dict[str, Any])
    wrong: list[str] = field(default_factory=list[str])

    def add(self, wrong: Sequence[str] = (), **numbers: Any) -> None:
        """Note the numbers of a part, and what it found."""
        self.line |= numbers
        self.wrong += wrong


def main(words: Sequence[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="make safety", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without")
    parser.add_argument("--seconds", type=int, default=120, help="for generated requests to the API (%(default)s)")
    given = parser.parse_args(words)
    parts = tuple(given.parts) or PARTS
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; allowed is {', '.join(PARTS)}")
    if given.seconds < 3:
        parser.error(f"--seconds is {given.seconds}; allowed is 3 or more")
    try:
        ensure_node_packages()  # the emulators
    except NotReady as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began, found = time.monotonic(), Found()
    try:
        _run(parts, given.seconds, found)
    except KeyboardInterrupt:
        print("\nStopped; everything has ended.", file=sys.stderr)
        return 130
    for line in found.wrong[:MOST_LINES]:
        print(f"FOUND {line}", file=sys.stderr)
    if len(found.wrong) > MOST_LINES:
        print(f"FOUND {len(found.wrong) - MOST_LINES} more", file=sys.stderr)
    print(json.dumps({**found.line, "seconds": round(time.monotonic() - began)}), flush=True)
    return 1 if found.wrong else 0


def _run(parts: Sequence[str], seconds: int, found: Found) -> None:
    if "cases" in parts:
        _cases(found)
    if "audit" in parts:
        _audit(found)
    if "ssrf" in parts:
        _ssrf(found)
    if {"real", "rls", "openapi"}.isdisjoint(parts):
        return
    with _server() as server:
        if "rls" in parts:
            _rls(server, found)
        if "real" in parts:
            _real(server, found)
        if "openapi" in parts:
            _openapi(server, seconds, found)


def say(text: str) -> None:
    """A line for people."""
    print(text, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- the parts


def _cases(found: Found) -> None:
    cases = load_cases()
    tried = list(outcomes(cases))
    attacks = [one for one in tried if one.case.is_attack]
    benign = [one for one in tried if not one.case.is_attack]
    through = sorted({one.case.id for one in attacks if one.has_effect})
    beyond = [one for one in benign if one.reaches_beyond]
    say(
        f"Policy: {len({one.case.id for one in attacks})} attacks, {len(attacks)} attempts of a hijacked model; allowed: {len(through)}"
    )
    say(f"  by channel: {_counted(Counter(one.case.channel for one in attacks))}")
    say(f"  what stood against them: {_counted(_reasons(attacks))}")
    asked = [one for one in benign if not one.is_allowed]
    say(f"  {len(benign)} ordinary effects, {len(asked)} of them asked about:")
    for one in asked:
        say(f"    {one.case.id}: {', '.join(dict.fromkeys(reason.code for reason in one.decision.reasons))}")
    found.add(
        [f"attack {case_id} was allowed by the policy" for case_id in through],
        attacks=len({one.case.id for one in attacks}),
        attacks_with_effect=len(through),
        benign_effects=len(benign),
        benign_asked_share=_share(asked, benign),
        benign_asked_share_beyond_oneself=_share([one for one in beyond if not one.is_allowed], beyond),
    )


def _reasons(tried: Sequence[Outcome]) -> Counter[str]:
    return Counter(code for one in tried for code in {reason.code for reason in one.decision.reasons})


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def _share(some: Sequence[object], all_of_them: Sequence[object]) -> float:
    return round(len(some) / len(all_of_them), 3) if all_of_them else 0.0


def _audit(found: Found) -> None:
    async def both() -> tuple[list[str], str]:
        return await asyncio.gather(bandit(), pip_audit())

    say("Bandit and pip-audit ...")
    lines, packages = asyncio.run(both())
    say(f"  Bandit: {len(lines)} findings; pip-audit: {packages}")
    vulnerable = [] if packages in {"clean", "not reachable"} else [f"pip-audit: {packages}"]
    found.add([*(f"bandit: {line}" for line in lines), *vulnerable], bandit=len(lines), pip_audit=packages)


def _ssrf(found: Found) -> None:
    say("Addresses that are not to be reached, at every way out ...")
    report: SsrfReport = asyncio.run(run_ssrf())
    say(f"  {report.forms} forms, {report.tries} tries, {len(report.connections)} connections")
    wrong = [*report.connections, *(f"let in: {line}" for line in report.let_in), *report.crashes]
    found.add(
        [f"ssrf: {line}" for line in wrong],
        ssrf_forms=report.forms,
        ssrf_connections=len(report.connections),
        ssrf_tries=report.tries,
    )


def _rls(server: EmbeddedPostgres, found: Found) -> None:
    say("Row-level security: every table and function, as owner, stranger and nobody ...")
    with _database(server) as url:
        report = asyncio.run(run_rls(url))
    say(f"  {report.checks} checks, {len(report.leaks)} leaks")
    found.add([f"rls: {leak}" for leak in report.leaks], rls_checks=report.checks, rls_leaks=len(report.leaks))


def _real(server: EmbeddedPostgres, found: Found) -> None:
    say("A whole house with a hijacked model ...")
    home = FOLDER / "home"
    home.mkdir(parents=True)
    with _database(server) as url, running_outside_servers(FOLDER / "slack.log") as outside:

        async def run() -> tuple[RealReport, list[str]]:
            cases = load_cases()
            async with real_house(url, home, cases, await workspace(outside)) as real:
                return await run_real(real, cases, _progress), await run_m07(real)

        report, of_m07 = asyncio.run(run())
    say(f"\r  {report.attacks} attacks, {report.attempts} attempts; stopped by {_counted(_shortened(report.ends))}")
    say(f"  {report.benign_effects} ordinary effects, {len(report.benign_asked)} of them asked about")
    for what in report.notes:
        say(f"  was done, and reached nobody: {what}")
    wrong = [*report.effects, *(f"came to no end: {what}" for what in report.unfinished), *of_m07]
    found.add(
        [f"real: {line}" for line in wrong],
        real_attacks=report.attacks,
        real_attacks_with_effect=len({line.partition(":")[0] for line in report.effects}),
        real_benign_effects=report.benign_effects,
        real_benign_asked_share=_share(report.benign_asked, [None] * report.benign_effects),
    )


def _shortened(ends: Counter[str]) -> Counter[str]:
    """Reasons of the house's own (a person who is not there, an input that is none) as one."""
    short: Counter[str] = Counter()
    for end, count in ends.items():
        short["something else" if end.startswith("other") else end] += count
    return short


def _progress(case_id: str) -> None:
    if sys.stderr.isatty():
        print(f"\r  {case_id:<60}", end="", file=sys.stderr, flush=True)


def _openapi(server: EmbeddedPostgres, seconds: int, found: Found) -> None:
    say("Generated requests to the whole API ...")
    home = FOLDER / "served"
    home.mkdir(parents=True)
    with served_house(server, "steward", home) as house:
        report: OpenapiReport = run_openapi(house, seconds=seconds)
    numbers = {f"openapi_{name}": count for name, count in report.as_json().items()}
    say(f"  {_counted(Counter(report.as_json()))}")
    wrong = [*report.server_errors, *report.undocumented]
    found.add([f"openapi: {line}" for line in wrong], **numbers, openapi_failures=len(wrong))


# ---------------------------------------------------------------- databases


@contextmanager
def _server() -> Generator[EmbeddedPostgres]:
    """An embedded server with a migrated database; folder and server are gone afterwards."""
    place = FOLDER / "postgres"
    if place.exists():  # what an interrupted run left behind
        EmbeddedPostgres(place, place_of(place)).remove()
    shutil.rmtree(FOLDER, ignore_errors=True)
    place.mkdir(parents=True)
    server = EmbeddedPostgres.start(place, durable=False)
    try:
        asyncio.run(migrate(server.url, embedded=True))
        yield server
    finally:
        server.stop()
        server.remove()


@contextmanager
def _database(server: EmbeddedPostgres) -> Generator[str]:
    """The URL of a database of one's own."""
    name = f"s_{uuid4().hex}"
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as admin:
        admin.execute(f'create database "{name}" template "steward" strategy file_copy'.encode())
        try:
            yield server.url_of(name)
        finally:
            admin.execute(f'drop database "{name}" with (force)'.encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
