"""Mail files: an mbox of any size, one mail, a folder of mails; anything else is refused by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Invalid, NotFound, TooLarge
from integrations.mail.mbox import read_eml, read_folder, read_mail, read_mbox

SAMPLE = Path(__file__).parents[3] / "data/samples/inbox.mbox"
ONE = "From a@b.example Tue Mar  3 09:12:00 2026\nFrom: a@b.example\nSubject: {n}\nMessage-ID: <{n}@x>\n\nBody {n}\n\n"


def subjects(path: Path) -> list[str]:
    return [message.subject for message in read_mbox(path)]


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "box.mbox"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_sample_is_read_whole() -> None:
    messages = list(read_mbox(SAMPLE))
    assert [message.message_id for message in messages] == [f"<m{n:02}@mail.example>" for n in range(1, 13)]
    assert messages[2].from_name == "Jürgen Groß"
    assert messages[2].subject == "Rückfrage zum Angebot 88/26"
    assert messages[3].attachments[0].name == "invoice-2026-0312.txt"
    assert messages[4].remote_images == 1
    assert messages[1].thread_key == messages[0].message_id


def test_messages_come_one_at_a_time(tmp_path: Path) -> None:
    path = written(tmp_path, "".join(ONE.format(n=n) for n in range(10_000)))
    messages = read_mbox(path)
    assert isinstance(messages, Iterator)
    assert next(messages).subject == "0"
    assert sum(1 for _ in messages) == 9_999


def test_a_line_that_begins_with_from_is_no_separator(tmp_path: Path) -> None:
    text = ONE.format(n=1) + "From here on it goes.\n\nFrom Tom\nI heard.\n>From quoted\n>>From twice\n"
    (message,) = read_mbox(written(tmp_path, text))
    assert "From here on it goes.\n\nFrom Tom\nI heard.\nFrom quoted\n>From twice" in message.text


@pytest.mark.parametrize(("before", "end"), [("", "\r\n"), ("\ufeff", "\n"), ("\n\n", "\n")])
def test_line_ends_marks_and_blank_lines_do_no_harm(tmp_path: Path, before: str, end: str) -> None:
    text = before + (ONE.format(n=1) + ONE.format(n=2)).replace("\n", end)
    assert subjects(written(tmp_path, text)) == ["1", "2"]


@pytest.mark.parametrize(
    "head",
    [
        "From MAILER-DAEMON Tue Mar 3 09:12:00 2026",
        "From - Tue Mar 03 09:12:00 2026",
        "From a@b.example Tue Mar  3 09:12:00 +0100 2026",
    ],
)
def test_separators_of_other_programs_count(tmp_path: Path, head: str) -> None:
    text = "".join(ONE.format(n=n).replace("From a@b.example Tue Mar  3 09:12:00 2026", head) for n in range(3))
    assert subjects(written(tmp_path, text)) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"Subject: a\n\nb", "not an mbox"),
        (b"\x89PNG\r\n\x1a\n" * 100, "not an mbox"),
        (b"From a@b Tue Mar  3 09:12:00 2026\n", "message 1 is empty"),
        (b"From a@b Tue Mar  3 09:12:00 2026\njust words\n", "message 1 is not a mail"),
    ],
)
def test_what_is_no_mbox_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        list(read_mbox(written(tmp_path, content)))


def test_too_large_a_message_is_told_with_its_number(tmp_path: Path) -> None:
    content = ONE.format(n=1).encode() + ONE.format(n=2).encode().replace(b"Body 2", b"x" * (26 << 20))
    messages = read_mbox(written(tmp_path, content))
    assert next(messages).subject == "1"
    with pytest.raises(TooLarge, match="message 2"):
        next(messages)


def test_one_mail_and_a_folder_of_them(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("b.eml", "a.EML", "in/c.eml"):
        (tmp_path / name).write_text(f"From: a@b.example\nSubject: {name}\n\nx")
    (tmp_path / "note.txt").write_text("x")
    assert read_eml(tmp_path / "b.eml").subject == "b.eml"
    assert [m.subject for m in read_folder(tmp_path)] == ["a.EML", "b.eml", "in/c.eml"]
    assert len(list(read_mail(tmp_path))) == 3
    assert len(list(read_mail(tmp_path / "b.eml"))) == 1
    assert len(list(read_mail(SAMPLE))) == 12


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_eml(tmp_path / "no.eml")
    with pytest.raises(NotFound):
        list(read_mbox(tmp_path / "no.mbox"))
    with pytest.raises(Invalid, match="There is no"):
        read_folder(tmp_path)
    with pytest.raises(Invalid, match="folder"):
        read_eml(tmp_path)
