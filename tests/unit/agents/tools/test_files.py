"""What is written into files is inert, and what is read is told by its kind."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pydantic import ValidationError

from agents.tools.files import FileInput, content_of, read
from core.errors import Invalid
from tasks.artifacts import Artifact


def kept(name: str, media_type: str, content: bytes) -> Artifact:
    return Artifact(
        id=uuid4(),
        name=name,
        media_type=media_type,
        size_bytes=len(content),
        sha256="",
        created_at=datetime(2026, 3, 4, tzinfo=UTC),
        content=content,
    )


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("a;=1", "a;'=1"),
        ("  =1", "'  =1"),
        ("＝1+1", "'＝1+1"),
        ("-12.5", "-12.5"),
        ("+49", "+49"),
        (-3, "-3"),
        (None, ""),
        (True, "True"),
        ("grüße", "grüße"),
        ({"a": 1}, '"{""a"": 1}"'),
    ],
)
def test_cells_never_begin_a_formula(cell: object, written: str) -> None:
    given = FileInput.model_validate({"action": "write", "name": "a.csv", "rows": [[cell, "x"]]})
    assert content_of(given) == ("text/csv", f"{written},x\r\n".encode())


def test_text_that_is_csv_is_made_inert_too() -> None:
    given = FileInput(action="write", name="A.CSV", text='a,b\r\n"=1,2",-x\r\n')
    assert content_of(given)[1] == b"a,b\r\n\"'=1,2\",'-x\r\n"
    with pytest.raises(Invalid, match="no CSV"):
        content_of(FileInput(action="write", name="a.csv", text='a,"b'))


def test_rows_of_objects_have_a_head_with_every_name() -> None:
    given = FileInput.model_validate({"action": "write", "name": "a.csv", "rows": [{"a": 1}, {"b": "ü", "=c": 2}]})
    assert content_of(given)[1].decode() == "a,b,'=c\r\n1,,\r\n,ü,2\r\n"


@pytest.mark.parametrize(
    "given",
    [
        {"action": "write", "name": "a.txt"},
        {"action": "write", "text": "x"},
        {"action": "write", "name": "a.txt", "text": "x", "data": 1},
        {"action": "write", "name": "../a.txt", "text": "x"},
        {"action": "write", "name": "a\x00.txt", "text": "x"},
        {"action": "write", "name": "a.txt", "rows": [[1]]},
        {"action": "read"},
        {"action": "read", "name": "a", "text": "x"},
        {"action": "remove", "name": "a"},
        {"action": "list", "data": 1},
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FileInput.model_validate(given)


def test_reading_tells_by_the_kind() -> None:
    assert read(kept("a.txt", "text/plain", "\ufeffgrüße\xff".encode("latin-1", "ignore") or b""), 100).text != ""
    assert read(kept("a.txt", "text/plain", b"abc"), 2).model_dump()["text"] == "ab"
    assert read(kept("a.json", "application/json", b'{"a": NaN}'), 100).data == {"a": None}
    table = read(kept("a.csv", "text/csv", "\ufeffa;b\r\n1;ü\r\n\r\n2\r\n".encode()), 100)
    assert table.rows == [{"a": "1", "b": "ü"}, {"a": "2"}]
    cut = read(kept("a.csv", "text/csv", b"a,b\n" + b"1,2\n" * 100), 100)
    assert (cut.is_cut, len(cut.rows)) == (True, 24)
    assert read(kept("a.csv", "text/csv", b""), 100).rows == []


@pytest.mark.parametrize(
    ("name", "media_type", "content"),
    [
        ("a.png", "image/png", b"x"),
        ("a.txt", "text/plain", b"x" * 5_000_001),
        ("a.json", "application/json", b"{"),
        ("a.json", "application/json", b"[" * 50_000),
        ("a.json", "application/json", b""),
    ],
)
def test_what_cannot_be_read_is_said(name: str, media_type: str, content: bytes) -> None:
    with pytest.raises(Invalid, match=name):
        read(kept(name, media_type, content), 100_000)
