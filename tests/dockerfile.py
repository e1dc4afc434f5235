"""A Dockerfile as its instructions, for tests; only what ours uses: no heredocs, no `escape` directive."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

DOCKERFILE = Path(__file__).parents[1] / "Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """`stage` counts from 0; `flags` are the leading --name=value; `value` is the rest on one line."""

    stage: int
    word: str
    flags: tuple[str, ...]
    value: str

    @property
    def words(self) -> list[str]:
        """The value as words; of the exec form (a list) its items."""
        text = self.value.removeprefix("CMD ") if self.word == "HEALTHCHECK" else self.value
        return re.findall(r'"([^"]*)"', text) if text.startswith("[") else shlex.split(text)


def instructions(text: str | None = None) -> list[Instruction]:
    """The instructions in order, lines that are continued put together and comments left out."""
    lines = [line for line in (text or DOCKERFILE.read_text()).splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found: list[Instruction] = []
    stage = -1
    for line in filter(None, (line.strip() for line in joined.splitlines())):
        word, _, rest = line.partition(" ")
        flags: list[str] = []
        while match := re.match(r"(--\S+)\s+", rest):
            flags.append(match[1])
            rest = rest[match.end() :]
        stage += word == "FROM"
        found.append(Instruction(stage, word, tuple(flags), rest.strip()))
    return found
