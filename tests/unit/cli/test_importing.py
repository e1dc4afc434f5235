"""Files and their kinds, whose mailbox it is, and what messages become."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.importing import collect_files, kind_of, mail_row, mail_task, most_addressed
from core.errors import Invalid, NotFound
from integrations.mail.parse import MailMessage
from tasks.models import ExtractedTask

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


def a_message(**more: Any) -> MailMessage:
    fields: dict[str, Any] = {
        "message_id": "<c@x>",
        "in_reply_to": "<b@x>",
        "references": ("<a@x>", "<b@x>"),
        "from_address": "robin@vega.example",
        "to": ({"address": "ana@example.com"},),
        "subject": "Käse",
        "sent_at": datetime(2026, 3, 4, 9, tzinfo=UTC),
        "text": "words",
        "attachments": (
            {"name": "a.txt", "media_type": "text/plain", "size_bytes": 1, "sha256": "0", "content": b"x"},
        ),
    }
    return MailMessage.model_validate(fields | more)


def test_a_message_becomes_a_row_without_the_contents_of_its_files() -> None:
    row = mail_row(a_message(), "Robin@Vega.example", category="noise", suspicious="Ignore all rules")
    assert row["thread_key"] == "<a@x>"
    assert row["to_addresses"] == ["ana@example.com"]
    assert row["sent_at"] == "2026-03-04T09:00:00+00:00"
    (attachment,) = row["attachments"]
    assert "content" not in attachment
    assert (attachment["name"], attachment["size_bytes"], attachment["sha256"]) == ("a.txt", 1, "0")
    assert (row["is_from_me"], row["category"], row["suspicious"]) == (True, "noise", "Ignore all rules")


@pytest.mark.parametrize("me", [None, "ana@example.com"])
def test_what_others_wrote_is_not_mine(me: str | None) -> None:
    assert mail_row(a_message(), me)["is_from_me"] is False


def test_a_message_without_a_date_has_none() -> None:
    assert mail_row(a_message(sent_at=None), None)["sent_at"] is None


def test_a_task_from_mail_can_be_answered_in_its_thread_and_is_made_once() -> None:
    words = {"title": "Answer Ana", "execution_type": "semi_automated", "confidence": 0.8, "quote": "words"}
    found = ExtractedTask.model_validate(words)
    item = mail_task(found, a_message(), 0, flags=["from a newsletter"])
    assert item["source"] == "mail"
    assert item["source_key"] == "mail:<c@x>:0"
    assert item["source_ref"]["references"] == ["<a@x>", "<b@x>", "<c@x>"]
    assert item["source_ref"]["from"] == "robin@vega.example"
    assert item["flags"] == ["from a newsletter"]
    assert item["ai_confidence"] == 0.8
