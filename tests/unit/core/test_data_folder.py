"""The data folder is its owner's alone, and a folder that cannot be used is explained in one line."""

import os
import shutil
from pathlib import Path

import pytest

from core.data_folder import open_data_folder, require_space
from core.errors import Unavailable


def test_a_new_folder_is_private_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = open_data_folder(Path("a/b ü"))
    assert made == tmp_path / "a" / "b ü"
    assert made.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    assert open_data_folder(tmp_path) == tmp_path
    assert tmp_path.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("name", ["a-file", "a-file/below", "x" * 300])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").write_text("")
    with pytest.raises(Unavailable, match=r"^The data folder .* cannot be used$") as caught:
        open_data_folder(tmp_path / name)
    assert caught.value.detail
    assert "STEWARD_HOME" in str(caught.value.hint)


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    # /proc takes no files, not even from root.
    with pytest.raises(Unavailable, match="cannot be used"):
        open_data_folder(Path("/proc/steward"))


def test_another_persons_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 65533)
    with pytest.raises(Unavailable, match="belongs to another user"):
        open_data_folder(home)


def test_a_full_disk_is_refused(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(Unavailable, match="is full") as caught:
        require_space(tmp_path, free * 2)
    assert "MB are needed" in str(caught.value.detail)
