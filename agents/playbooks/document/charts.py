"""Charts of a plan as SVG: a matrix of two scales, bars, and ranges. Pure; each names and describes itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.playbooks.document.drawing import fitted, line, nice_step, number, rect, safe, svg, text

WIDTH = 760
CELL_HEIGHT = 74
LEFT = 110
CHIP = 26
ROW = 26


@dataclass(frozen=True)
class Point:
    """Something in a matrix: its place on both scales from 0, what its chip says, and what it is."""

    x: int
    y: int
    chip: str
    words: str


@dataclass(frozen=True)
class Range:
    """Something with a least, a likely and a most."""

    label: str
    least: float
    likely: float
    most: float


def matrix(
    name: str, title: str, scales: tuple[str, str], xs: Sequence[str], ys: Sequence[str], points: Sequence[Point]
) -> str:
    """Two scales against each other, low at the bottom left; chips in the cells. `scales`: names of the one across and the one up."""
    wide = (WIDTH - LEFT - 10) / len(xs)
    bottom = 16 + CELL_HEIGHT * len(ys)
    body: list[str] = []
    for row in range(len(ys)):
        top = bottom - CELL_HEIGHT * (row + 1)
        body.append(text(LEFT - 10, top + CELL_HEIGHT / 2 + 4, ys[row], "small", "end"))
        for column in range(len(xs)):
            kind = _heat((column + 1) * (row + 1) / (len(xs) * len(ys)))
            body.append(rect(LEFT + wide * column + 1, top + 1, wide - 2, CELL_HEIGHT - 2, kind, 4))
            inside = [point for point in points if (point.x, point.y) == (column, row)]
            body += _chips(inside, LEFT + wide * column + 8, top + 10, wide - 16)
    for column, word in enumerate(xs):
        body.append(text(LEFT + wide * (column + 0.5), bottom + 18, word, "small", "middle"))
    body.append(text(LEFT + (WIDTH - LEFT) / 2, bottom + 38, f"{scales[0]} →", "soft small", "middle"))
    body.append(
        f'<text class="soft small" text-anchor="middle" transform="translate(16 {number(bottom / 2)}) rotate(-90)">{safe(scales[1])} →</text>'
    )
    told = "; ".join(
        f"{one.chip} {one.words}: {scales[0]} {xs[one.x]}, {scales[1]} {ys[one.y]}" for one in points[:100]
    )
    return svg(name, title, told or "Nothing is in it.", WIDTH, bottom + 50, body, with_style=False)


def bars(name: str, title: str, rows: Sequence[tuple[str, float]], unit: str = "") -> str:
    """A bar for each row, with its number behind it."""
    most = max((value for _, value in rows), default=0) or 1
    body: list[str] = []
    for place, (label, value) in enumerate(rows):
        top = 8 + ROW * place
        body.append(text(250, top + 16, fitted(label, 38), "", "end"))
        wide = max((WIDTH - 330) * value / most, 1)
        body += [
            rect(260, top + 4, wide, 16, "bar", 2),
            text(266 + wide, top + 16, f"{number(value)}{unit}", "soft small"),
        ]
    told = "; ".join(f"{label}: {number(value)}{unit}" for label, value in rows[:200])
    return svg(name, title, told, WIDTH, 16 + ROW * len(rows), body, with_style=False)


def ranges(name: str, title: str, rows: Sequence[Range], unit: str = "") -> str:
    """A line from the least to the most of each row, and a mark at what is likely."""
    most = max((row.most for row in rows), default=0) or 1
    step = nice_step(most, 6)
    room = WIDTH - 280

    def x(value: float) -> float:
        return 260 + room * value / most

    bottom = 14 + ROW * len(rows)
    body: list[str] = []
    tick = 0.0
    while tick <= most:
        body += [
            line(x(tick), 8, x(tick), bottom),
            text(x(tick), bottom + 16, f"{number(tick)}{unit}", "soft small", "middle"),
        ]
        tick += step
    for place, row in enumerate(rows):
        middle = 10 + ROW * place + ROW / 2
        body += [
            text(250, middle + 4, fitted(row.label, 38), "", "end"),
            line(x(row.least), middle, x(row.most), middle, "whisker"),
            line(x(row.least), middle - 5, x(row.least), middle + 5, "whisker"),
            line(x(row.most), middle - 5, x(row.most), middle + 5, "whisker"),
            f'<circle class="bar" cx="{number(x(row.likely))}" cy="{number(middle)}" r="5"/>',
        ]
    told = "; ".join(
        f"{r.label}: {number(r.least)} to {number(r.most)}, likely {number(r.likely)}{unit}" for r in rows[:200]
    )
    return svg(name, title, told, WIDTH, bottom + 26, body, with_style=False)


def _heat(share: float) -> str:
    return "low" if share < 0.28 else "middle" if share < 0.6 else "high"


def _chips(points: Sequence[Point], left: float, top: float, room: float) -> list[str]:
    """Chips side by side, and how many more there are where they do not fit."""
    across = max(1, int(room // (CHIP + 4)))
    most = across * 2
    shown = points if len(points) <= most else points[: most - 1]
    found: list[str] = []
    for place, point in enumerate(shown):
        x, y = left + (place % across) * (CHIP + 4), top + (place // across) * (CHIP + 2)
        chip = f"{rect(x, y, CHIP, 22, 'phase', 11)}{text(x + CHIP / 2, y + 15, point.chip, 'on-bar small', 'middle')}"
        found.append(f"<g><title>{safe(f'{point.chip} {point.words}')}</title>{chip}</g>")
    if len(shown) < len(points):
        place = len(shown)
        x, y = left + (place % across) * (CHIP + 4), top + (place // across) * (CHIP + 2)
        found.append(text(x + 2, y + 15, f"+{len(points) - len(shown)}", "small strong"))
    return found
