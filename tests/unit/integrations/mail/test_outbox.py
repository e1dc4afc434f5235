"""The outbox: one file a Message-ID, whoever asks again and however many ask at once."""

import multiprocessing
import os
import stat
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from core.errors import Invalid, Unavailable
from core.outside.mail import OutgoingMail, Receipt
from integrations.mail.outbox import Outbox

MAIL = OutgoingMail(
    from_address="robin@vega.example",
    from_name="Robin Vega",
    to=("john@example.com",),
    subject="Thank you for the meeting",
    body="Hi John",
    message_id="<1@vega.example>",
    date=datetime(2026, 3, 4, 9, 30, tzinfo=UTC),
)


def send_from(folder: Path) -> Receipt:
    return Outbox(folder).send(MAIL)


def mails(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.eml"))


def test_a_mail_lies_there_readable_and_private(tmp_path: Path) -> None:
    receipt = Outbox(tmp_path / "out").send(replace(MAIL, cc=("ana@example.com",)))
    path = Path(receipt.location)
    assert path.name.startswith("2026-03-04T0930 Thank you for the meeting (to john@example.com) ")
    assert receipt.provider == "outbox"
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["Message-ID"] == MAIL.message_id
    assert message["Subject"] == MAIL.subject
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_same_message_twice_is_one_file_and_one_receipt(tmp_path: Path) -> None:
    first = Outbox(tmp_path).send(MAIL)
    second = Outbox(tmp_path).send(replace(MAIL, subject="Another", date=datetime(2027, 1, 1, tzinfo=UTC)))
    assert second == first
    assert Outbox(tmp_path).find(MAIL.message_id) == first
    assert len(mails(tmp_path)) == 1


def test_two_messages_with_the_same_words_are_two_files(tmp_path: Path) -> None:
    Outbox(tmp_path).send(MAIL)
    Outbox(tmp_path).send(replace(MAIL, message_id="<2@vega.example>"))
    assert len(mails(tmp_path)) == 2


def test_threads_at_once_make_one_file(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(send_from, [tmp_path] * 64))
    assert len({repr(one) for one in receipts}) == 1
    assert len(mails(tmp_path)) == 1
    assert len(list((tmp_path / ".sent").iterdir())) == 1


def test_processes_at_once_make_one_file(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        receipts = list(pool.map(send_from, [tmp_path] * 16))
    assert len({repr(one) for one in receipts}) == 1
    assert len(mails(tmp_path)) == 1


def test_what_was_never_sent_is_not_found(tmp_path: Path) -> None:
    assert Outbox(tmp_path).find("<no@x>") is None
    assert Outbox(tmp_path / "nowhere").find("<no@x>") is None


def test_deleting_the_readable_file_does_not_unsend(tmp_path: Path) -> None:
    receipt = Outbox(tmp_path).send(MAIL)
    Path(receipt.location).unlink()
    assert Outbox(tmp_path).send(MAIL) == receipt
    assert len(mails(tmp_path)) == 1


def test_a_crash_before_the_file_was_complete_leaves_nothing_sent(tmp_path: Path) -> None:
    sent = tmp_path / ".sent"
    sent.mkdir()
    (sent / "writing-abc").write_bytes(b"Subject: ha")
    assert Outbox(tmp_path).find(MAIL.message_id) is None
    assert Path(Outbox(tmp_path).send(MAIL).location).read_bytes().endswith(b"Hi John\r\n")


@pytest.mark.parametrize(
    "subject",
    ["../../etc/passwd", "a/b\\c:d*e?f", "", "...", "日本語" * 60, "🎂" * 80, "x" * 800, "CON", "Grüße an alle"],
)
def test_any_subject_makes_a_safe_file_name(tmp_path: Path, subject: str) -> None:
    path = Path(Outbox(tmp_path).send(replace(MAIL, subject=subject)).location)
    assert path.parent == tmp_path
    assert path.exists()
    assert len(path.name.encode()) <= 255


def test_a_mail_that_cannot_be_composed_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        Outbox(tmp_path).send(replace(MAIL, to=("a, b",)))
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(Unavailable, match="not a folder"):
        Outbox(tmp_path / "out").send(MAIL)


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(descriptor: int) -> None:  # a full disk cannot be had here without being root on a spare partition
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_space)
        with pytest.raises(Unavailable, match="is full"):
            Outbox(tmp_path).send(MAIL)
    assert mails(tmp_path) == []
    assert list((tmp_path / ".sent").iterdir()) == []
    assert Outbox(tmp_path).find(MAIL.message_id) is None
