"""What a killed run of the tests leaves in memory is gone with the next run, however many processes begin it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests import in_memory
from tests.forked import CHECKOUT

DIES = """
import os, signal, sys
from pathlib import Path
from core.embedded import EmbeddedPostgres
from tests import in_memory

in_memory.MEMORY = Path(sys.argv[1])
with in_memory.passing_folder() as folder:
    EmbeddedPostgres.start(folder, durable=False)
    os.kill(os.getpid(), signal.SIGKILL)
"""
LOOKS = """
import sys
from pathlib import Path
from tests import in_memory

in_memory.MEMORY = Path(sys.argv[1])
with in_memory.passing_folder():
    pass
"""


@pytest.fixture
def memory() -> Generator[Path]:
    """Stands for memory: a folder that the system user of a database can pass through."""
    with tempfile.TemporaryDirectory(dir=in_memory.MEMORY if os.access(in_memory.MEMORY, os.W_OK) else None) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def run(program: str, memory: Path) -> int:
    return subprocess.run([sys.executable, "-c", program, str(memory)], cwd=CHECKOUT, check=False).returncode


def test_a_killed_run_leaves_neither_folder_nor_database(memory: Path) -> None:
    assert run(DIES, memory) == -9
    (pid_file,) = memory.glob("**/postmaster.pid")
    server = psutil.Process(int(pid_file.read_text().split()[0]))
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(run, [LOOKS] * 3, [memory] * 3)) == [0, 0, 0]
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE  # nobody may be there to reap it
    assert list(memory.iterdir()) == []
