"""Pieces of SVG: texts that are safe and fit, shapes, and the colours that charts of a plan share.

Colours come from custom properties, light and dark, and never alone: what they say is said by a pattern or a word, too.
"""

import math
import unicodedata
from html import escape

from core.hosts import TURNING

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
LIGHT = {
    "ink": "#1c2330", "soft": "#596273", "line": "#d5dae2", "band": "#f4f6f9", "paper": "#ffffff", "bar": "#2f6f9f", "step": "#9dc1da",
    "phase": "#3a4352", "hot": "#b3361b", "low": "#e3efe3", "middle": "#fbeecb", "high": "#f6d3c4", "edge": "#8a94a6",
}  # fmt: skip
DARK = {
    "ink": "#e6e9ef", "soft": "#a3acbb", "line": "#3a4250", "band": "#1d222b", "paper": "#14181f", "bar": "#6ab0de", "step": "#3f6a88",
    "phase": "#c3cad6", "hot": "#ff8a66", "low": "#22372a", "middle": "#453a1c", "high": "#4d2a20", "edge": "#7d8798",
}  # fmt: skip


def colours(of: dict[str, str]) -> str:
    """Custom properties."""
    return "".join(f"--c-{name}:{value};" for name, value in of.items())


CHART_STYLE = f"""
.chart {{ {colours(LIGHT)} font-family: {FONT}; font-size: 12px; background: var(--c-paper); -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
@media screen and (prefers-color-scheme: dark) {{ .chart {{ {colours(DARK)} }} }}
.chart text {{ fill: var(--c-ink); }}
.chart .soft {{ fill: var(--c-soft); }}
.chart .small {{ font-size: 11px; }}
.chart .strong {{ font-weight: 600; }}
.chart .halo {{ paint-order: stroke; stroke: var(--c-paper); stroke-width: 3px; stroke-linejoin: round; }}
.chart .on-bar {{ fill: var(--c-paper); font-weight: 600; }}
.chart .grid {{ stroke: var(--c-line); stroke-width: 1; fill: none; }}
.chart .band {{ fill: var(--c-band); }}
.chart .paper {{ fill: var(--c-paper); }}
.chart .low {{ fill: var(--c-low); }}
.chart .middle {{ fill: var(--c-middle); }}
.chart .high {{ fill: var(--c-high); }}
.chart .bar {{ fill: var(--c-bar); }}
.chart .step {{ fill: var(--c-step); }}
.chart .phase {{ fill: var(--c-phase); }}
.chart .hot {{ fill: var(--c-hot); }}
.chart .outline {{ fill: none; stroke: var(--c-hot); stroke-width: 1.5; }}
.chart .hatch {{ stroke: var(--c-paper); stroke-width: 2; opacity: .55; }}
.chart .edge {{ fill: none; stroke: var(--c-edge); stroke-width: 1; }}
.chart .edge-hot {{ fill: none; stroke: var(--c-hot); stroke-width: 1.4; }}
.chart .tip {{ fill: var(--c-edge); }}
.chart .tip-hot {{ fill: var(--c-hot); }}
.chart .mark {{ fill: var(--c-ink); stroke: none; }}
.chart .whisker {{ stroke: var(--c-soft); stroke-width: 1.5; }}
"""


def plain(text: str) -> str:
    """A text on one line without signs that XML forbids or that turn a line around."""
    kept = (
        sign
        for sign in TURNING.sub("", text)
        if sign.isspace() or unicodedata.category(sign) not in {"Cc", "Cs", "Cn", "Co"}
    )
    return " ".join("".join(kept).split())


def safe(text: object) -> str:
    """A text inside an element or a quoted attribute."""
    return escape(plain(str(text)), quote=True)


def signs_wide(text: str) -> float:
    """About how many average letters wide a text is."""
    return sum(1.85 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def fitted(text: str, most: float) -> str:
    """The text, cut with an ellipsis where it is wider than this many average letters."""
    text = plain(text)
    if signs_wide(text) <= most:
        return text
    kept, wide = "", 1.0
    for sign in text:
        wide += signs_wide(sign)
        if wide > most:
            break
        kept += sign
    return f"{kept.rstrip()}…"


def number(value: float) -> str:
    """A coordinate, short."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """A text that begins, is centred or ends at a place."""
    how = f' class="{kind}"' if kind else ""
    where = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{number(x)}" y="{number(y)}"{how}{where}>{safe(words)}</text>'


def rect(x: float, y: float, width: float, height: float, kind: str, radius: float = 0, fill: str = "") -> str:
    """A rectangle; `fill` names a pattern."""
    painted = f' style="fill:url(#{fill})"' if fill else ""
    corner = f' rx="{number(radius)}"' if radius else ""
    return f'<rect class="{kind}" x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"{corner}{painted}/>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> str:
    """A straight line."""
    return f'<line class="{kind}" x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"/>'


def hatch(name: str) -> str:
    """A pattern of diagonal lines to lay over a colour."""
    return (
        f'<pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern>'
    )


def svg(
    name: str, title: str, description: str, width: float, height: float, body: list[str], *, with_style: bool
) -> str:
    """A whole chart that names and describes itself. `name` sets its ids apart from those of others in a page."""
    style = f"<style>{CHART_STYLE}</style>" if with_style else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" id="{name}" role="img" aria-labelledby="{name}-title {name}-desc" '
        f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}">'
        f'<title id="{name}-title">{safe(title)}</title><desc id="{name}-desc">{safe(description)}</desc>{style}'
        f"{''.join(body)}</svg>"
    )


def nice_step(most: float, about: int) -> float:
    """A round distance between ticks, for about so many of them."""
    if most <= 0:
        return 1
    raw = most / max(about, 1)
    size = 10 ** math.floor(math.log10(raw))
    return next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw)
