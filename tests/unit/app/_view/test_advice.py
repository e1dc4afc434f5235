"""Advice: the owner reads all of it, others what they can do themselves."""

from pathlib import Path

import pytest

from app._view.advice import ASK, GUIDE, GUIDES, advice_for, called


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


ROOT = Path(__file__).parents[4]


def test_a_guide_is_called_by_its_title() -> None:
    said = GUIDE.sub(called, "Connect an account, or set STEWARD_SMTP_URL: docs/guide/mail.md shows how.")
    assert said == "Connect an account, or set STEWARD_SMTP_URL: the guide “Mail without Google” shows how."
    titles = {name: (ROOT / "docs" / "guide" / f"{name}.md").read_text().splitlines()[0] for name in GUIDES}
    assert titles == {name: f"# {title}" for name, title in GUIDES.items()}


def test_every_guide_that_the_product_names_has_its_title_here() -> None:
    sources = (
        file for part in ("app", "jobs", "core", "integrations", "agents") for file in (ROOT / part).rglob("*.py")
    )
    named = {match[1] for file in sources for match in GUIDE.finditer(file.read_text()) if _is_said(file, match[0])}
    assert named <= set(GUIDES)


def _is_said(file: Path, guide: str) -> bool:
    """Does a sentence of the program name it, and not its comments?"""
    lines = [line.split("#")[0] for line in file.read_text().splitlines() if guide in line]
    return any('"' in line and '"""' not in line for line in lines)
