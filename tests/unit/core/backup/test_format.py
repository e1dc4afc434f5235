"""The file of a back-up: whole and of ours, or refused with the reason; and the keys in it."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.backup.format import FORMAT, MANIFEST, Entry, Manifest, Table, blocks, opened, writing
from core.backup.saving import drop_old
from core.backup.sealing import open_keys, seal_keys, sealed_entry
from core.errors import Invalid

ROWS = "1\tGrüße 🌍\n2\t\\N\n".encode() * 50


def archived(changed: Callable[[dict[str, Any]], object] | None = None, **more: bytes) -> bytes:
    """A back-up of one table and one mail; its manifest changed, and entries more."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        entries: list[Entry] = []
        for name, content in (("tables/public.tasks", ROWS), ("files/outbox/one.eml", b"Subject: one\r\n")):
            with writing(archive, name) as entry:
                entry.write(content)
            entries.append(entry.entry())
        for name, content in more.items():
            archive.writestr(name, content)
        manifest = Manifest(
            format=FORMAT, version="0.1.0", made_at=datetime(2026, 3, 4, tzinfo=UTC), source="embedded",
            migrations=["20261121000100"], counters=[], files={"outbox/one.eml": entries[1]},
            tables=[Table(table_schema="public", name="tasks", columns=["id", "title"], rows=100, **entries[0].model_dump())],
        ).model_dump(mode="json")  # fmt: skip
        if changed:
            changed(manifest)
        archive.writestr(MANIFEST, json.dumps(manifest))
    return file.getvalue()


def refused(path: Path, content: bytes) -> Invalid:
    path.write_bytes(content)
    with pytest.raises(Invalid) as caught, opened(path):
        pass
    assert str(path) in caught.value.message
    return caught.value


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(archived())
    with opened(path) as (archive, manifest):
        assert b"".join(blocks(archive, manifest.tables[0].path)) == ROWS
        assert (manifest.rows, manifest.bytes) == (100, len(ROWS) + 14)


def test_a_file_that_is_cut_off_or_changed_anywhere_is_refused_or_says_the_same(tmp_path: Path) -> None:
    whole, path = archived(), tmp_path / "a.zip"
    for length in range(0, len(whole), 23):
        refused(path, whole[:length])
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            with opened(path) as (archive, manifest):  # a time of the archive, which nobody reads
                assert b"".join(blocks(archive, manifest.tables[0].path)) == ROWS
        except Invalid:
            continue


def test_what_is_no_back_up_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    foreign = io.BytesIO()
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "no manifest.json" in str(refused(path, foreign.getvalue()).detail)
    for content in (b"", b"hello", "Grüße".encode() * 1000, b"PK\x03\x04" + bytes(100), b"PK\x05\x06" + bytes(18)):
        assert "no back-up" in refused(path, content).message
    with pytest.raises(Invalid, match="There is no file"), opened(tmp_path / "none.zip"):
        pass
    with pytest.raises(Invalid, match="is a folder"), opened(tmp_path):
        pass


def test_a_manifest_that_says_what_cannot_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"

    def put(name: str, value: object) -> Callable[[dict[str, Any]], object]:
        return lambda manifest: manifest.update({name: value})

    assert "newer Steward" in refused(path, archived(put("format", FORMAT + 1))).message
    entry = {"bytes": 1, "sha256": "0" * 64}

    def put_in_table(**values: object) -> Callable[[dict[str, Any]], object]:
        def change(manifest: dict[str, Any]) -> None:
            manifest["tables"][0] |= values

        return change

    wrong: tuple[Callable[[dict[str, Any]], object], ...] = (
        put("product", "other"), put("format", "x"), put("tables", None), put("migrations", ["1; drop"]), put("extra", 1),
        put("files", {}), put("files", {"outbox/other.eml": entry}),
        put_in_table(name='tasks"; drop'), put_in_table(bytes=5), put_in_table(sha256="0" * 64),
    )  # fmt: skip
    for change in wrong:
        refused(path, archived(change))
    for place in ("/etc/passwd", "outbox/../../x", "secret.key", "outbox", "outbox/../secret.key", "outbox\\..\\x"):
        assert "no place" in str(refused(path, archived(put("files", {place: entry}))).detail)
    assert "not what its manifest says" in str(refused(path, archived(more=b"x")).detail)


def test_keys_open_with_their_passphrase_alone() -> None:
    content, salt, nonce = seal_keys("key-one,key-two", "a long enough phrase")
    how = sealed_entry(Entry(bytes=len(content), sha256="0" * 64), salt, nonce)
    assert b"key-one" not in content
    assert open_keys(content, how, "a long enough phrase") == "key-one,key-two"
    for wrong in ("another long phrase", ""):
        with pytest.raises(Invalid, match="passphrase"):
            open_keys(content, how, wrong)
    with pytest.raises(Invalid, match="has 5 characters"):
        seal_keys("key", "short")


def test_the_newest_are_kept_and_other_files_never_touched(tmp_path: Path) -> None:
    names = [f"steward-2026030{day}T013000Z.zip" for day in range(1, 6)]
    for name in [*names, "steward-mine.zip", "other.zip"]:
        (tmp_path / name).touch()
    assert [path.name for path in drop_old(tmp_path, 2)] == names[:3]
    assert {path.name for path in tmp_path.iterdir()} == {*names[3:], "steward-mine.zip", "other.zip"}
    assert drop_old(tmp_path, 5) == []
