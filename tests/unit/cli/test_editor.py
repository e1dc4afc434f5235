"""A draft in the person's editor."""

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cli.editor import changes_in, draft_as_text, edit_draft
from core.errors import Invalid, Unavailable
from tasks.drafts import Draft


def a_draft(**more: Any) -> Draft:
    fields: dict[str, Any] = {
        "id": UUID(int=3),
        "organization_id": UUID(int=2),
        "task_id": UUID(int=1),
        "channel": "mail",
        "to_recipients": ["ana@example.com", "ben@example.com"],
        "subject": "Thänk you",
        "body": "Hello,\n\nthank you.\n",
        "state": "draft",
        "digest": "d",
        "author_type": "agent",
        "created_at": datetime(2026, 3, 4, tzinfo=UTC),
    }
    return Draft.model_validate(fields | more)


@pytest.mark.parametrize("body", ["", "one line", "a\n\nb\n", "To: somebody\n\nnot a head", "日本語 🧀", "\n\nlate"])
def test_what_is_not_touched_is_not_changed(body: str) -> None:
    draft = a_draft(body=body)
    assert changes_in(draft_as_text(draft), draft) == {}


def test_each_field_can_be_changed() -> None:
    draft = a_draft()
    text = "To: Carl <carl@example.com>\nCC: dora@example.com\nbcc: \nsubject: New: words\n\nNew body\n"
    assert changes_in(text, draft) == {
        "to_recipients": ["carl@example.com"],
        "cc_recipients": ["dora@example.com"],
        "subject": "New: words",
        "body": "New body",
    }


def test_a_line_of_the_head_that_is_gone_changes_nothing() -> None:
    assert changes_in("Subject: Thänk you\n\nHello,\n\nthank you.", a_draft()) == {}


def test_an_emptied_file_empties_nothing_but_the_body() -> None:
    assert changes_in("", a_draft()) == {"body": ""}


def test_line_ends_of_other_systems_are_understood() -> None:
    draft = a_draft()
    assert changes_in(draft_as_text(draft).replace("\n", "\r\n"), draft) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Hello there\n\nbody", "Line 1 of the draft is not understood"),
        ("To: ana@example.com\nX-Evil: 1\n\nbody", "Line 2 of the draft is not understood"),
        ("To: nobody\n\nbody", "Line 1 of the draft: To: has no mail address in nobody"),
        ("To: ana@example.com, ben\n\nbody", "has no mail address in ben"),
    ],
)
def test_a_head_that_cannot_be_read_names_the_line(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        changes_in(text, a_draft())


def editor(tmp_path: Path, code: str) -> str:
    script = tmp_path / "editor.py"
    script.write_text(f"import os, pathlib, sys\npath = pathlib.Path(sys.argv[1])\n{code}\n", encoding="utf-8")
    return shlex.join([sys.executable, str(script)])


def test_the_editor_of_the_environment_edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    code = "path.write_text(path.read_text('utf-8').replace('thank you.', 'danke schön.'), 'utf-8')"
    monkeypatch.setenv("EDITOR", editor(tmp_path, code))
    assert edit_draft(a_draft()) == {"body": "Hello,\n\ndanke schön."}


def test_nobody_else_can_read_the_draft_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "mode"
    code = f"pathlib.Path({str(seen)!r}).write_text(oct(path.stat().st_mode & 0o777) + str(path.parent))"
    monkeypatch.setenv("VISUAL", editor(tmp_path, code))
    assert edit_draft(a_draft()) == {}
    assert seen.read_text().startswith("0o600")
    assert not Path(seen.read_text().removeprefix("0o600")).exists()


@pytest.mark.parametrize("command", ["no-such-editor-here", "'unbalanced"])
def test_an_editor_that_is_not_there_is_named(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", command)
    with pytest.raises(Unavailable, match="can't be started"):
        edit_draft(a_draft())


def test_an_editor_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, "path.write_text('To: x@example.com\\n\\nx')\nsys.exit(1)"))
    with pytest.raises(Unavailable, match="nothing was changed"):
        edit_draft(a_draft())
