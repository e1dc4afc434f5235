"""Wrong inputs of the tools that only move a task are told in words; times as people say them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agents.tools.control import DelayInput, GateInput, WaitInput, moment_words, span_words
from core.errors import Invalid


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seconds": -1}, "delay is wrong: seconds is 0 or more, not -1"),
        ({"seconds": "soon"}, 'seconds is a number, not "soon"'),
        ({"seconds": [1]}, "seconds is a number, not [1]"),
        ({"seconds": 1e12}, "seconds is 31622400 at most, not 1000000000000.0"),
        ({"until": "tomorrow"}, "until is a time like 2026-03-05T15:00 (by your clock)"),
        ({"minutes": 3}, "minutes is no part of it; there is seconds and until, not 3"),
    ],
)
def test_a_wrong_delay_is_told_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid) as caught:
        DelayInput.model_validate(given)
    assert words in caught.value.message
    assert "Input should" not in caught.value.message


def test_gates_and_waits_speak_alike() -> None:
    with pytest.raises(Invalid, match="this gate is wrong: expires_in_seconds is more than 0, not 0"):
        GateInput.model_validate({"expires_in_seconds": 0})
    with pytest.raises(Invalid, match="this wait is wrong: whom is a text, not 3"):
        WaitInput.model_validate({"whom": 3})
    assert GateInput.model_validate({"question": "Go?", "amount": 3}).question == "Go?"


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
