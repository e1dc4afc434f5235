"""The README names what there is: settings, commands, targets."""

import re
from pathlib import Path
from typing import cast

import pytest
from typer.main import get_command

from cli.main import app
from cli.settings import as_markdown
from core.settings import Settings, variable_name

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs" / "guide" / "command-line.md").read_text()


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    assert (ROOT / "docs" / "guide" / "settings.md").read_text() == as_markdown(), "steward settings --markdown"
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_every_setting_is_documented(field: str) -> None:
    name = re.compile(rf"\b{variable_name(field)}\b")
    pages = [README, *(page.read_text() for page in (ROOT / "docs" / "guide").glob("*.md"))]
    assert any(name.search(page) for page in pages)


def test_every_command_is_in_the_guide() -> None:
    commands = cast("dict[str, object]", getattr(get_command(app), "commands", {}))
    assert commands
    missing = [name for name in commands if f"steward {name}" not in GUIDE]
    assert missing == []


def test_every_make_target_of_the_readme_exists() -> None:
    listed = re.search(r"^TARGETS = (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed
    targets = set(str(listed[1]).split())
    named = {
        word for line in re.findall(r"^make ([a-z ]+?)(?:\s{2,}|#|$)", README, re.MULTILINE) for word in line.split()
    }
    assert named
    assert named <= targets


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
