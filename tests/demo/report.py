"""What the walk says as it goes, and what it found in the end."""

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path


class WalkFailed(Exception):
    """Something was not as it has to be; the message says what."""


def must(holds: bool, otherwise: str) -> None:
    """Raises WalkFailed."""
    if not holds:
        raise WalkFailed(otherwise)


@dataclass(frozen=True)
class Outcome:
    """What was there at the end; `holds` only if all of it is as it has to be."""

    sent: int
    in_thread: bool
    task: str
    verification: str | None
    seconds: float

    @property
    def holds(self) -> bool:
        return (self.sent, self.in_thread, self.task, self.verification) == (1, True, "completed", "verified")

    def as_json(self) -> str:
        """The last line."""
        return json.dumps({**asdict(self), "seconds": round(self.seconds, 1)})


@dataclass
class Report:
    """Each step with the seconds since the start, said at once on standard error and kept in `file`."""

    file: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def say(self, step: str, *seen: str) -> None:
        """A step, and below it what was seen."""
        lines = [
            f"{self.seconds:6.1f} s  {step}",
            *(f"          {line}" for text in seen for line in text.splitlines()),
        ]
        self.write("\n".join(line.rstrip() for line in lines))

    def write(self, text: str) -> None:
        """The text as it is."""
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
        print(text, file=sys.stderr, flush=True)
