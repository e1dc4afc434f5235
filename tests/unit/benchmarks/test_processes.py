"""Questions to a process and its answers; what happens when it ends."""

import sys

import pytest

from benchmarks.harness.processes import Ended, started

ECHO = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print(line, end='', flush=True)"
DYING = "import sys\nprint('ready', flush=True)\nsys.stdin.readline()\nprint('no memory left', file=sys.stderr)\nsys.exit(3)"


async def test_a_question_is_answered_line_by_line() -> None:
    async with started([sys.executable, "-c", ECHO], name="echo") as echo:
        assert await echo.ask(count=1, text="ü\n") == {"count": 1, "text": "ü\n"}
    assert echo.process.returncode == 0


async def test_a_process_that_ends_is_told_with_its_last_words(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Ended, match="dying ended with status 3"):
        async with started([sys.executable, "-c", DYING], name="dying") as dying:
            await dying.ask(count=1)
    assert "no memory left" in capfd.readouterr().err


async def test_one_that_does_not_start_is_told() -> None:
    with pytest.raises(Ended, match="nothing ended with status 0"):
        async with started([sys.executable, "-c", "pass"], name="nothing"):
            pass
