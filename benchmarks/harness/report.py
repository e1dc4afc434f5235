"""What a measurement found: a table for people, figures for programs, targets met or missed."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """A bound that a ratio should keep; `at_least` says on which side."""

    name: str
    value: float
    bound: float
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def line(self) -> str:
        side = "at least" if self.at_least else "at most"
        return f"  {'met   ' if self.is_met else 'MISSED'}  {self.name}: {self.value:.3g}, {side} {self.bound:g}"

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "at_least" if self.at_least else "at_most": self.bound,
            "met": self.is_met,
        }


@dataclass
class Report:
    """One measurement. Rows are cells of text; the first column is aligned left, the others right."""

    title: str
    header: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list[Sequence[str]])
    targets: list[Target] = field(default_factory=list[Target])
    figures: dict[str, object] = field(default_factory=dict[str, object])

    def text(self) -> str:
        """The table, and below it the targets."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        table = [
            "  ".join(
                [line[0].ljust(widths[0]), *[cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True)]]
            )
            for line in lines
        ]
        return "\n".join([f"\n{self.title}", *table, *[target.line() for target in self.targets]])

    def as_json(self) -> dict[str, object]:
        return {**self.figures, "targets": [target.as_json() for target in self.targets]}


def p50(values: Sequence[float]) -> float:
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    """The value that one in a hundred exceeds; the largest of fewer than a hundred."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


def ratios(ours: Iterable[float], theirs: Iterable[float]) -> float:
    """The median over rounds of one round's ratio: a noisy moment hits both sides of it alike."""
    return statistics.median([a / b for a, b in zip(ours, theirs, strict=True)])
