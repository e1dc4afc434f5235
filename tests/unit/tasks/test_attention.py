"""What a person chooses about being told, in words and back."""

from datetime import time

import pytest
from pydantic import ValidationError

from app._view.nudges import mute_words, quiet_words
from tasks.attention import AttentionChange, days_words, hours_words
from tasks.nudges import Attention, AttentionRules, Mute
from tests.conftest import NOW


def test_what_is_left_out_stays_and_null_goes_back() -> None:
    assert AttentionChange.model_validate({}).as_changes() == {}
    back = AttentionChange.model_validate({"quiet_hours": None, "quiet_days": None})
    assert back.as_changes() == {"quiet_from": None, "quiet_until": None, "quiet_days": None}
    off = AttentionChange.model_validate({"quiet_hours": " OFF ", "quiet_days": ["Sunday", "sat"]})
    assert off.as_changes() == {"quiet_from": "00:00:00", "quiet_until": "00:00:00", "quiet_days": [5, 6]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"quiet_hours": "20-7"},
        {"quiet_hours": "20:00-24:00"},
        {"quiet_days": ["someday"]},
        {"quiet_days": ["mon"] * 8},
        {"digest_at": "8:00"},
        {"digest_at": "٠٨:٠٠"},
        {"daily_nudges": "5"},
        {"daily_nudges": -1},
        {"mute_below": float("nan")},
        {"proactive": ""},
        {"more": 1},
    ],
    ids="-".join,
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AttentionChange.model_validate(wrong)


def test_it_is_said_in_the_words_it_was_read_from() -> None:
    rules = AttentionRules(quiet_from=time(19), quiet_until=time(7, 5))
    assert hours_words(rules) == "19:00-07:05"
    assert hours_words(AttentionRules(quiet_from=time(8), quiet_until=time(8))) == "off"
    assert days_words([6, 0]) == ["mon", "sun"]


def test_how_quiet_it_is_is_one_line() -> None:
    def line(*, is_quiet: bool = False, **rules: object) -> str:
        known = AttentionRules.model_validate(rules)
        return quiet_words(Attention(rules=known, is_quiet=is_quiet, told_today=2, held=0, mutes=[], kinds=[]))

    assert line() == "2 of 5 today; quiet from 20:00"
    assert line(is_quiet=True) == "2 of 5 today; quiet now, until 07:30"
    assert line(quiet_from="00:00", quiet_until="00:00") == "2 of 5 today"
    assert line(quiet_from="00:00", quiet_until="00:00", is_quiet=True) == "2 of 5 today; quiet now"
    assert line(proactive="off") == "Nothing is brought up unasked: it is switched off"


def test_a_mute_is_named_by_all_it_is_of() -> None:
    def words(**what: str) -> str:
        known = {"id": "6a0c2b1e-5e0f-4d5b-9b40-0d6b8f5b1c11", "muted_by": "person", "muted_at": NOW, **what}
        return mute_words(Mute.model_validate(known))

    assert words(kind="brief") == "Briefs before meetings"
    assert words(kind="brief", person="a@b.example") == "Briefs before meetings, about a@b.example"
    assert words(person="a@b.example", thread_key="t") == "All about a@b.example, in one thread"
    assert words(thread_key="t") == "One thread"
