"""`make demo`: the walk itself, and that it says so when something does not hold."""

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from tests.demo import __main__ as demo
from tests.demo.agents import AgentsOutcome
from tests.demo.gmail_line import gmail_line
from tests.demo.house import NotStarted, StewardProcess
from tests.demo.plans import PlansOutcome
from tests.demo.report import Outcome, Report, WalkFailed
from tests.demo.walk import walk
from tests.emulators.outside_servers import GOOGLE_TOKENS, ROBIN, OutsideServers, outside

__all__ = ["outside"]
OWN = {"Authorization": f"Bearer {next(token for token, address in GOOGLE_TOKENS.items() if address == ROBIN)}"}
MAIL = {"from": ROBIN, "to": "ana@example.com", "subject": "Hello", "body_text": "Hello"}
MESSAGES = "/gmail/v1/users/me/messages"


async def test_a_mail_is_answered_once_though_steward_is_killed_as_it_is_sent(tmp_path: Path) -> None:
    report = Report(tmp_path / "demo.log")
    outcome = await walk(report, tmp_path)
    assert (outcome.sent, outcome.in_thread, outcome.task, outcome.verification) == (1, True, "completed", "verified")
    assert outcome.holds
    said = report.file.read_text()
    assert "here the draft is sending" in said
    assert "is killed (SIGKILL)" in said
    assert "Found among the sent mail (gmail)" in said
    assert "Traceback" not in (tmp_path / "steward.log").read_text()


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome(1, True, "completed", "verified", 1), 0),
        (Outcome(2, True, "completed", "verified", 1), 1),
        (Outcome(0, False, "blocked", None, 1), 1),
        (Outcome(1, False, "completed", "verified", 1), 1),
        (Outcome(1, True, "completed", "claimed", 1), 1),
        (WalkFailed("Waited in vain"), 1),
        (NotStarted("Port 1 cannot be used"), 1),
        (PlansOutcome(4, 3, 1, 61, 0, 1, 1), 0),
        (PlansOutcome(4, 3, 1, 61, 2, 1, 1), 1),
        (PlansOutcome(4, 4, 0, 61, 0, 1, 1), 1),
        (PlansOutcome(4, 3, 1, 60, 0, 1, 1), 1),
        (AgentsOutcome(11, 11, 12, 1, 1, 1, 0, 1), 0),
        (AgentsOutcome(11, 10, 12, 1, 1, 1, 0, 1), 1),
        (AgentsOutcome(11, 11, 12, 1, 0, 1, 0, 1), 1),
        (AgentsOutcome(11, 11, 12, 1, 1, 2, 1, 1), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_exit_code_says_whether_all_of_it_holds(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    outcome: Outcome | PlansOutcome | AgentsOutcome | Exception,
    code: int,
) -> None:
    async def walked(report: Report, logs: Path) -> Outcome | PlansOutcome | AgentsOutcome:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    word = "plans" if isinstance(outcome, PlansOutcome) else "agents" if isinstance(outcome, AgentsOutcome) else None
    monkeypatch.setattr(demo, f"walk_{word}" if word else "walk", walked)
    monkeypatch.setattr(demo, "LOG", tmp_path / "demo.log")
    monkeypatch.setattr(demo, "LOGS", tmp_path / "demo")
    monkeypatch.setattr("sys.argv", ["demo", word] if word else ["demo"])
    assert demo.main() == code
    said, written = capsys.readouterr(), (tmp_path / "demo.log").read_text()
    if isinstance(outcome, Exception):
        assert f"error: {outcome}" in said.err
        assert f"error: {outcome}" in written
        assert said.out == ""
    else:
        assert said.out == written == f"{outcome.as_json()}\n"


@pytest.mark.parametrize("words", [["quickly"], ["plans", "quickly"], ["Plans"]], ids=" ".join)
def test_other_words_are_not_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["demo", *words])
    assert demo.main() == 2
    assert repr(" ".join(words)) in capsys.readouterr().err


async def test_a_steward_that_does_not_start_says_why(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        steward = StewardProcess(tmp_path / "house", {}, tmp_path / "steward.log", taken.getsockname()[1])
        with pytest.raises(NotStarted, match="cannot be used"):
            await steward.start()
    steward.end()


async def test_the_line_holds_the_first_answer_back_and_lets_all_others_pass(outside: OutsideServers) -> None:
    await asyncio.to_thread(outside.reset)
    with gmail_line(outside.google, f"POST {MESSAGES}/send") as line:
        async with httpx.AsyncClient(base_url=line.url, headers=OWN) as client:
            sending = asyncio.create_task(client.post(f"{MESSAGES}/send", json=MAIL))
            assert await asyncio.to_thread(line.taken.wait, 30)
            listed = (await client.get(MESSAGES, params={"labelIds": "SENT"})).json()
            assert len(listed["messages"]) == 1, "it took effect"
            assert not sending.done()
            line.release()
            with pytest.raises(httpx.RemoteProtocolError):
                await sending
            assert (await client.post(f"{MESSAGES}/send", json=MAIL)).status_code == 200
        assert line.count("/send") == 2
