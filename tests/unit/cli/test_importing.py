"""Files and their kinds, whose mailbox it is, threads."""

from pathlib import Path

import pytest

from cli.importing import collect_files, kind_of, most_addressed, thread_key
from core.errors import Invalid, NotFound

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.mbox", b"", "mbox"),
        ("a.eml", b"From: ana@example.com\n\nx", "eml"),
        ("a.ics", b"BEGIN:VCALENDAR\r\n", "ics"),
        ("a.csv", b"title,due\n", "csv"),
        ("A.CSV", b"title\n", "csv"),
        ("mailbox", b"From ana@example.com Wed Mar  4 09:30:00 2026\n", "mbox"),
        ("wrong.eml", b"From ana@example.com Wed Mar  4 09:30:00 2026\n", "mbox"),
        ("calendar.txt", b"\xef\xbb\xbfbegin:vcalendar\n", "ics"),
        ("message", b"Received: from here\n", "eml"),
    ],
)
def test_a_kind_is_told_by_content_then_by_name(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert kind_of(file) == kind


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"just words", "日本語".encode()])
def test_what_is_nothing_known_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "thing.bin"
    file.write_bytes(content)
    with pytest.raises(Invalid, match=r"thing\.bin is nothing that can be imported"):
        kind_of(file)


def test_folders_are_looked_through_and_each_file_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "b.eml").write_text("From: x\n")
    (tmp_path / "below" / "a.ics").write_text("BEGIN:VCALENDAR\n")
    (tmp_path / "notes.txt").write_text("not this")
    found = collect_files([tmp_path, tmp_path / "b.eml"])
    assert [(file.path.name, file.kind) for file in found] == [("b.eml", "eml"), ("a.ics", "ics")]


def test_the_samples_are_known() -> None:
    found = collect_files([SAMPLES / "inbox.mbox", SAMPLES / "calendar.ics"])
    assert [file.kind for file in found] == ["mbox", "ics"]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no-such"):
        collect_files([tmp_path / "no-such.mbox"])


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nothing to import"):
        collect_files([tmp_path])


@pytest.mark.parametrize(
    ("recipients", "me"),
    [
        (list[list[str]](), None),
        ([list[str]()], None),
        ([["me@a"]], "me@a"),
        ([["ME@a"], ["me@A", "you@b"], ["you@b"]], None),
        ([["me@a"], ["me@a", "you@b"], ["list@c"]], "me@a"),
        ([["me@a"], ["you@b"]], None),
        ([["me@a", "you@b"]] * 3, None),
        ([["me@a", "me@a"], ["you@b"], ["you@b"]], "you@b"),
    ],
)
def test_the_address_most_mail_is_to_is_taken_only_when_plain(recipients: list[list[str]], me: str | None) -> None:
    assert most_addressed(recipients) == me


@pytest.mark.parametrize(
    ("in_reply_to", "references", "key"),
    [(None, (), "<c>"), ("<b>", (), "<b>"), ("<b>", ("<a>", "<b>"), "<a>"), (None, ("<a>",), "<a>")],
)
def test_a_thread_is_named_by_its_root(in_reply_to: str | None, references: tuple[str, ...], key: str) -> None:
    assert thread_key("<c>", in_reply_to, references) == key
