"""Advice: the owner reads all of it, others what they can do themselves."""

import pytest

from app._view.advice import ASK, advice_for


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("Connect an account at /settings, or set STEWARD_SMTP_URL: docs/guide/mail.md shows how.", "Connect an account at /settings"),
        ("Set OPENAI_API_KEY (or OPENAI_BASE_URL for a server of your own), then execute it again", ASK),
        ("It goes on by itself tomorrow; STEWARD_MODEL_DAY_CALLS raises the day's budget", "It goes on by itself tomorrow"),
        ("Make an account, then go on.", "Make an account, then go on"),
        (None, ""),
    ],
)  # fmt: skip
def test_others_than_the_owner_are_not_told_what_only_they_can_do(text: str | None, others: str) -> None:
    assert advice_for(text, owner=True) == (text or "").rstrip(".")
    assert advice_for(text, owner=False) == others
