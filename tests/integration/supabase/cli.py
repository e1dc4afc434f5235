"""The Supabase CLI itself, as a person types it: the program of the npm package, told to keep to itself."""

import asyncio
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from cli.testing import ROOT

MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
PROGRAM = (
    ROOT
    / "node_modules/@supabase"
    / f"cli-{platform.system().lower()}-{MACHINES.get(platform.machine().lower(), 'x64')}"
    / "bin/supabase"
)
QUIET = {
    "DO_NOT_TRACK": "1",
    "SUPABASE_TELEMETRY_DISABLED": "1",
    "SUPABASE_NO_UPDATE_NOTIFIER": "1",
    "SUPABASE_NO_KEYRING": "1",
}
_few = asyncio.Semaphore(3)  # each takes a processor and a few hundred megabytes


@dataclass(frozen=True)
class Project:
    """A folder with `supabase/` in it, and a home of its own for the CLI."""

    folder: Path

    @property
    def migrations(self) -> Path:
        """The folder of its migrations."""
        return self.folder / "supabase/migrations"

    async def run(self, *words: str) -> tuple[str, str]:
        """What the CLI printed to stdout and stderr; it has to end well."""
        program = PROGRAM if PROGRAM.exists() else shutil.which("supabase")
        assert program, (
            f"the Supabase CLI is missing: {PROGRAM} (`make test` installs it on Linux), and none is on the PATH"
        )
        environment = {**os.environ, **QUIET, "HOME": str(self.folder)}
        async with _few:
            process = await asyncio.create_subprocess_exec(
                *(str(program), *words, "--workdir", str(self.folder)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment,
            )
            out, err = await process.communicate()
        assert process.returncode == 0, f"supabase {' '.join(words)}: {out.decode()}{err.decode()}"
        return out.decode(), err.decode()

    async def push(self, url: str, *words: str) -> str:
        """`supabase db push`; what it said, the names of the applied files among it."""
        out, err = await self.run("db", "push", f"--remote={url}", "--yes", *words)
        return err + out


def project(folder: Path, upto: int | None = None) -> Project:
    """This repository's project in a folder, with all its migrations or the first so many."""
    there = folder / "supabase"
    (there / "migrations").mkdir(parents=True)
    for name in ("config.toml", "seed.sql"):
        shutil.copy(ROOT / "supabase" / name, there)
    for path in sorted((ROOT / "supabase/migrations").glob("*.sql"))[:upto]:
        shutil.copy(path, there / "migrations")
    return Project(folder)
