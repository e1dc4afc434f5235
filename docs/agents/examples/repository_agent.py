"""An agent that keeps a git repository in order, in small steps: each change is tested before the next, and a person merges.

    STEWARD_URL=http://127.0.0.1:8765 STEWARD_AGENT_TOKEN=sta_... python docs/agents/examples/repository_agent.py \\
        --in ~/work/site --check "make test" --change "make format" --change "npm update"

The commands are those of this command line and never come out of a task: whoever writes a task chooses when, not what.
Each change is made on a branch of its own; what does not pass the checks is taken back and told. `steward repeat ID every
friday` has the repository kept each week. Put your own model where a command is: any program that changes files will do.
"""

import argparse
import logging
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Where steward_agent.py lies in a checkout. With a copy of it beside your agent you need no such line.
sys.path.append(str(Path(__file__).resolve().parents[3] / "cli"))
from steward_agent import Agent, Work

LONGEST_TOLD = 2000


@dataclass(frozen=True)
class Keeper:
    """Keeps one repository: `changes` are tried one after the other, `checks` have to pass before and after each."""

    folder: Path
    checks: Sequence[str]
    changes: Sequence[str]

    def keep(self, work: Work) -> object:
        """Make the changes on a branch and ask a person; merge what they accept."""
        branch = f"steward/{work.id[:8]}"
        answer: dict[str, Any] | None = work.output_of("merge")
        if answer is None:
            return self.propose(work, branch)
        match answer:
            case {"type": "accept"}:
                return self.merge(work, branch)
            case {"type": "response", "args": words}:
                return {"merged": False, "branch": branch, "said": words}
            case _:
                self.git(self.folder, "branch", "-D", branch)
                return {"merged": False, "why": "A person did not want it"}

    def propose(self, work: Work, branch: str) -> object:
        """Try each change in a place of its own; nobody's files are touched meanwhile."""
        self.git(self.folder, "branch", "--force", branch, "HEAD")  # what an attempt before left is begun anew
        with tempfile.TemporaryDirectory() as made:
            place = Path(made) / "work"
            self.git(self.folder, "worktree", "add", "--quiet", str(place), branch)
            try:
                if (problem := self.problem(place)) is not None:
                    return work.blocked(problem, on="person", unblocked_by="Mend it, then execute the task again")
                done, undone = self.change_in_steps(work, place)
            finally:
                self.git(self.folder, "worktree", "remove", "--force", str(place))
        if not done:
            self.git(self.folder, "branch", "-D", branch)
            return {"merged": False, "why": "There was nothing to change", "undone": undone}
        shown = {
            "branch": branch,
            "changes": done,
            "files": self.git(self.folder, "diff", "--stat", f"HEAD...{branch}"),
        }
        words = f"Merge `{branch}`? All checks pass after each change." + "".join(
            f"\n- Taken back: {one}" for one in undone
        )
        return work.interrupt("merge", shown, allow=("accept", "respond", "ignore"), description=words, key="merge")

    def change_in_steps(self, work: Work, place: Path) -> tuple[list[str], list[str]]:
        """The changes that were kept, and those that were taken back and why."""
        done: list[str] = []
        undone: list[str] = []
        for number, change in enumerate(self.changes):
            work.progress(100 * number / len(self.changes), change)
            work.check()  # a person may say pause or stop between two steps
            problem = failure(change, place)
            if problem is None and not self.git(place, "status", "--porcelain"):
                continue
            self.git(place, "add", "--all")
            problem = problem or self.problem(place)
            if problem is None:
                self.git(place, "commit", "--quiet", "--message", change)
                done.append(change)
            else:
                self.git(place, "reset", "--quiet", "--hard")
                undone.append(problem)
        return done, undone

    def merge(self, work: Work, branch: str) -> object:
        """Only where nothing came in between, so that what was checked is what is merged."""
        try:
            self.git(self.folder, "merge", "--quiet", "--ff-only", branch)
        except subprocess.CalledProcessError as error:
            return work.blocked(f"It cannot be merged: {error.stderr[-LONGEST_TOLD:]}", on="person")
        self.git(self.folder, "branch", "--delete", branch)
        return {"merged": True, "branch": branch}

    def problem(self, place: Path) -> str | None:
        """The first check that does not pass, with the end of what it said."""
        return next((said for check in self.checks if (said := failure(check, place)) is not None), None)

    def git(self, place: Path, *words: str) -> str:
        """What git answers. Raises CalledProcessError."""
        done = subprocess.run(["git", *words], cwd=place, check=True, capture_output=True, text=True)
        return done.stdout.strip()


def failure(command: str, place: Path) -> str | None:
    """How a command failed; None where it did not. It is run as written, by no shell."""
    done = subprocess.run(shlex.split(command), cwd=place, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"{command}: {(done.stdout + done.stderr)[-LONGEST_TOLD:].strip()}"


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    options = argparse.ArgumentParser(description="Keeps a git repository in order.")
    options.add_argument("--in", dest="folder", type=Path, required=True, help="the repository")
    options.add_argument("--check", action="append", default=[], help="has to pass; again for more")
    options.add_argument("--change", action="append", default=[], help="changes files; again for more")
    given = options.parse_args()
    Agent.from_env().run(Keeper(given.folder, given.check, given.change).keep)
