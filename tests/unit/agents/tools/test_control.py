"""Wrong inputs of the tools that only move a task are told in words; times as people say them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agents.tools.control import CONTROL_TOOLS, moment_words, span_words
from core.errors import Invalid

TOOLS = {tool.name: tool for tool in CONTROL_TOOLS}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seconds": -1}, "delay is wrong: seconds is 0 or more, not -1"),
        ({"seconds": "soon"}, 'seconds is a number, not "soon"'),
        ({"seconds": [1]}, "seconds is a number, not [1]"),
        ({"seconds": 1e12}, "seconds is 31622400 at most, not 1000000000000.0"),
        ({"until": "tomorrow"}, "until is a time like 2026-03-05T15:00 (by your clock)"),
        ({"minutes": 3}, "minutes is no part of it; there is seconds, until"),
    ],
)
def test_a_wrong_delay_is_told_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid) as caught:
        TOOLS["delay"].parsed(given)
    assert words in caught.value.message
    assert "Input should" not in caught.value.message


def test_gates_and_waits_speak_alike() -> None:
    with pytest.raises(Invalid, match="approval_gate is wrong: expires_in_seconds is more than 0, not 0"):
        TOOLS["approval_gate"].parsed({"expires_in_seconds": 0})
    with pytest.raises(Invalid, match="wait_for_reply is wrong: whom is a text, not 3"):
        TOOLS["wait_for_reply"].parsed({"whom": 3})
    assert TOOLS["approval_gate"].parsed({"question": "Go?", "amount": 3}).question == "Go?"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "under a second"),
        (0.4, "under a second"),
        (1, "1 second"),
        (90, "1 minute 30 seconds"),
        (7500, "2 hours 5 minutes"),
        (172_800, "2 days"),
    ],
)
def test_spans_are_said_in_words(seconds: float, words: str) -> None:
    assert span_words(seconds) == words


def test_moments_are_said_in_words() -> None:
    assert moment_words(datetime(2030, 1, 1, 9, 5, tzinfo=UTC)) == "Tue 1 Jan 2030, 09:05"
