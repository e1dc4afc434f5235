"""Notes files: found below their folder, and nothing else."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from agents.notes import MOST_BYTES, NotesMissing, notes_of, read_note

LOCAL: dict[str, Any] = {"is_local": True, "artifacts": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "notes"
    (made / "trips").mkdir(parents=True)
    (made / "trips" / "rome.md").write_text("Rome: see the Forum. Schön!", encoding="utf-8")
    (tmp_path / "secret.md").write_text("not for you")
    return made


async def test_a_note_is_read_by_its_place_below_the_folder(folder: Path) -> None:
    (note,) = await notes_of("trips/rome.md", folder, LOCAL)
    assert (note.name, note.text, note.is_own) == ("trips/rome.md", "Rome: see the Forum. Schön!", True)


@pytest.mark.parametrize(
    "name",
    ["../secret.md", "trips/../../secret.md", "/etc/hostname.md", "trips/rome.md/../../../secret.md", "trips/link.md"],
)
def test_nothing_outside_the_folder_is_read(folder: Path, name: str) -> None:
    (folder / "trips" / "link.md").symlink_to(folder.parent / "secret.md")
    with pytest.raises(NotesMissing) as refused:
        read_note(folder, name)
    assert "not for you" not in f"{refused.value.message} {refused.value.hint}"


def test_an_absolute_place_outside_is_refused_even_when_it_is_there(folder: Path) -> None:
    with pytest.raises(NotesMissing, match="outside the folder"):
        read_note(folder, str(folder.parent / "secret.md"))


def test_a_link_inside_the_folder_is_fine(folder: Path) -> None:
    (folder / "same.md").symlink_to(folder / "trips" / "rome.md")
    assert read_note(folder, "same.md").startswith("Rome")


@pytest.mark.parametrize("name", ["rome.pdf", "trips", ".env", "", "trips/rome.md\0.png", "passwd"])
def test_only_text_and_markdown_are_notes(folder: Path, name: str) -> None:
    with pytest.raises(NotesMissing, match="no notes file"):
        read_note(folder, name)


def test_a_missing_one_names_the_folder(folder: Path) -> None:
    with pytest.raises(NotesMissing, match=r"There is no notes file 'none\.md'") as refused:
        read_note(folder, "none.md")
    assert str(folder) in (refused.value.hint or "")


def test_a_missing_folder_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NotesMissing, match="There is no notes file"):
        read_note(tmp_path / "nowhere", "none.md")


def test_a_folder_with_a_notes_ending_is_no_file(folder: Path) -> None:
    (folder / "folder.md").mkdir()
    with pytest.raises(NotesMissing):
        read_note(folder, "folder.md")


def test_a_pipe_holds_nobody_up(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    with pytest.raises(NotesMissing, match="not a plain file"):
        read_note(folder, "pipe.md")


def test_a_link_to_itself_is_refused(folder: Path) -> None:
    (folder / "loop.md").symlink_to(folder / "loop.md")
    with pytest.raises(NotesMissing):
        read_note(folder, "loop.md")


def test_a_name_longer_than_any_file_is_refused(folder: Path) -> None:
    with pytest.raises(NotesMissing):
        read_note(folder, "x" * 5000 + ".md")


def test_the_largest_note_is_read_and_a_larger_one_is_not(folder: Path) -> None:
    (folder / "large.txt").write_bytes(b"x" * MOST_BYTES)
    assert len(read_note(folder, "large.txt")) == MOST_BYTES
    (folder / "large.txt").write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(NotesMissing, match="too large"):
        read_note(folder, "large.txt")


@pytest.mark.parametrize(("raw", "why"), [(b"PNG\xff\xfe\x00", "not UTF-8"), (b"text\x00more", "not text")])
def test_what_is_not_text_is_refused(folder: Path, raw: bytes, why: str) -> None:
    (folder / "binary.md").write_bytes(raw)
    with pytest.raises(NotesMissing, match=why):
        read_note(folder, "binary.md")


def test_an_empty_note_and_one_with_a_mark_of_its_encoding_are_read(folder: Path) -> None:
    (folder / "empty.md").write_bytes(b"")
    (folder / "mark.md").write_bytes(b"\xef\xbb\xbfhello")
    assert (read_note(folder, "empty.md"), read_note(folder, "mark.md")) == ("", "hello")


@pytest.mark.parametrize(("has_folder", "is_local"), [(False, True), (True, False)])
async def test_the_folder_serves_the_local_owner_alone(folder: Path, has_folder: bool, is_local: bool) -> None:
    with pytest.raises(NotesMissing) as refused:
        await notes_of("trips/rome.md", folder if has_folder else None, {"is_local": is_local, "artifacts": []})
    assert "STEWARD_NOTES_FOLDER" in (refused.value.hint or "")


async def test_stored_texts_are_notes_that_others_may_have_written(folder: Path) -> None:
    content = base64.encodebytes(b"stored " * 20).decode()
    binary = base64.b64encode(b"\x00\xff").decode()
    artifacts = [{"name": "a.txt", "content": content}, {"name": "b.bin", "content": binary}]
    for named in (None, "a.txt"):
        (note,) = await notes_of(named, None, {"is_local": False, "artifacts": artifacts})
        assert (note.name, note.text.startswith("stored"), note.is_own) == ("a.txt", True, False)
