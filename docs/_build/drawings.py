"""The drawings of the pages: `python -m docs._build.drawings` writes docs/images/drawings/*.svg.

Each is an SVG without anything from outside. In a page of the site it follows the palette, by itself the system's.
"""

from dataclasses import dataclass, field
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "images" / "drawings"
STYLE = """
.paper { fill: #fbfaf7; }
.box { fill: #ffffff; stroke: #2f5d50; stroke-width: 1.5; }
.soft { fill: #f2f0ea; stroke: #8a918c; stroke-width: 1.5; stroke-dasharray: 5 4; }
.done { fill: #e3ede9; stroke: #2f5d50; stroke-width: 1.5; }
.group { fill: none; stroke: #8a918c; stroke-width: 1; }
.line { fill: none; stroke: #5b635e; stroke-width: 1.5; }
.head { fill: #5b635e; }
.words { fill: #1f2421; font: 15px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; text-anchor: middle; }
.small { fill: #5b635e; font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; text-anchor: middle; }
@media (prefers-color-scheme: dark) {
.paper { fill: #161917; }
.box { fill: #1e2220; stroke: #8fc7b4; }
.soft { fill: #252a27; stroke: #a3aaa4; }
.done { fill: #23332d; stroke: #8fc7b4; }
.group { stroke: #a3aaa4; }
.line { stroke: #a3aaa4; }
.head { fill: #a3aaa4; }
.words { fill: #e8e6e0; }
.small { fill: #a3aaa4; }
} /* end */
"""
Point = tuple[float, float]


@dataclass
class Drawing:
    """Boxes and arrows on a sheet of `width` x `height`."""

    name: str
    width: int
    height: int
    _parts: list[str] = field(default_factory=list[str])

    def box(
        self, x: float, y: float, width: float, words: str, small: str = "", *, kind: str = "box", height: float = 0
    ) -> None:
        """A box with a title and lines of small words; its height follows them."""
        lines = small.split("\n") if small else []
        tall = height or 36 + 17 * len(lines)
        self._parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{tall}" rx="8"/>')
        self.words(x + width / 2, y + 23, words)
        for number, line in enumerate(lines):
            self.words(x + width / 2, y + 42 + 17 * number, line, small=True)

    def group(self, x: float, y: float, width: float, height: float, words: str, *, at: float | None = None) -> None:
        """A frame around several boxes; its words stand in the middle, or around `at`."""
        self._parts.append(f'<rect class="group" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>')
        self.words(at or x + width / 2, y + 20, words, small=True)

    def words(self, x: float, y: float, text: str, *, small: bool = False) -> None:
        kind = "small" if small else "words"
        self._parts.append(f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>')

    def arrow(self, *points: Point, words: str = "", at: Point | None = None) -> None:
        """A line through the points with a head at its end; words beside its middle, or where `at` says."""
        path = " ".join(f"{'L' if number else 'M'}{x} {y}" for number, (x, y) in enumerate(points))
        self._parts.append(f'<path class="line" marker-end="url(#{self.name}-head)" d="{path}"/>')
        if words:
            (x1, y1), (x2, y2) = points[0], points[-1]
            x, y = at or ((x1 + x2) / 2, (y1 + y2) / 2 - 7)
            self.words(x, y, words, small=True)

    def svg(self) -> str:
        """The whole picture."""
        head = (
            f'<marker id="{self.name}-head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
            'orient="auto-start-reverse"><path class="head" d="M0 0 L10 5 L0 10 z"/></marker>'
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" style="max-width:{self.width}px;width:100%">\n'
            f"<style>{STYLE}</style>\n<defs>{head}</defs>\n"
            f'<rect class="paper" width="{self.width}" height="{self.height}" rx="12"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


def house() -> Drawing:
    """The layers, and what each may know."""
    it = Drawing("house", 900, 520)
    it.box(30, 30, 260, "Browser, phone, program", "pages, API, events, /mcp", kind="soft")
    it.box(320, 30, 260, "Terminal", "steward ...", kind="soft")
    it.box(610, 30, 260, "Agents of others", "claim work, report", kind="soft")
    it.group(30, 130, 840, 230, "one program, or several: steward run = web + worker", at=640)
    it.box(50, 165, 250, "app", "folders are URLs: pages, API")
    it.box(325, 165, 250, "cli", "commands")
    it.box(600, 165, 250, "jobs", "the worker, periodic work")
    it.box(
        50, 265, 390, "agents", "extractor, planner, executor, tools, the gate\nthinking: a model, or built-in rules"
    )
    it.box(
        460,
        265,
        390,
        "integrations",
        "Google, Slack, mail, browser, Supabase, ...\none folder for each service outside",
    )
    it.box(50, 385, 250, "tasks", "the domain: rules, the policy")
    it.box(325, 385, 250, "core", "settings, errors, keys, Database")
    it.box(600, 385, 250, "Services outside", "only through integrations", kind="soft")
    it.box(50, 455, 525, "Postgres: embedded, your own, or a Supabase project", kind="done")
    it.arrow((160, 83), (160, 163))
    it.arrow((450, 83), (450, 163))
    it.arrow((740, 83), (740, 120), (300, 120), (220, 163))
    for x in (175, 400):
        it.arrow((x, 218), (x, 263))
    it.arrow((725, 218), (725, 263))
    it.arrow((620, 218), (420, 263))
    it.arrow((175, 335), (175, 383))
    it.arrow((300, 412), (323, 412))
    it.arrow((500, 335), (470, 383))
    it.arrow((725, 335), (725, 383))
    it.arrow((450, 438), (450, 453), words="Database.call", at=(510, 450))
    it.arrow((175, 438), (175, 453))
    return it


def task_states() -> Drawing:
    """How a task may move."""
    it = Drawing("task-states", 900, 430)
    it.box(30, 170, 150, "pending", "to do")
    it.box(240, 170, 150, "queued", "a worker will come")
    it.box(450, 170, 160, "in_progress", "a run is at it")
    it.box(700, 170, 170, "completed", "final", kind="done")
    it.box(450, 40, 160, "paused", "by a person")
    it.box(240, 310, 150, "failed", "a person may retry", kind="soft")
    it.box(450, 310, 160, "blocked", "with a reason")
    it.box(700, 310, 170, "cancelled", "final; from any state", kind="soft")
    it.arrow((180, 190), (238, 190), words="execute")
    it.arrow((238, 210), (182, 210))
    it.arrow((390, 190), (448, 190), words="claimed")
    it.arrow((448, 210), (392, 210), words="retry", at=(420, 226))
    it.arrow((610, 197), (698, 197), words="done")
    it.arrow((510, 168), (510, 95))
    it.arrow((550, 95), (550, 168), words="resume", at=(580, 135))
    it.arrow((510, 223), (510, 308), words="waits", at=(486, 270))
    it.arrow((550, 308), (550, 223), words="goes on", at=(582, 270))
    it.arrow((460, 223), (370, 308), words="gives up", at=(380, 262))
    it.arrow((448, 337), (392, 337))
    it.arrow((270, 308), (270, 225), words="retry", at=(248, 270))
    it.words(450, 410, "Anything else is refused by the database: 409, whoever asks.", small=True)
    return it


def draft() -> Drawing:
    """From a thought to a message that has left, once."""
    it = Drawing("draft", 900, 330)
    it.box(30, 40, 190, "draft", "written; nothing has left\ncontent never changes")
    it.box(270, 40, 190, "a person looks", "or a permission covers it\nsealed by a digest", kind="soft")
    it.box(510, 40, 170, "approved", "good for 24 hours,\nused once")
    it.box(730, 40, 140, "sending", "the yes is\nused up")
    it.box(730, 190, 140, "sent", "looked up\nafterwards", kind="done")
    it.box(510, 190, 170, "uncertain", "nobody can know:\na person says")
    it.box(270, 190, 190, "a new version", "an edit, a word of yours,\nor the thread moved on")
    it.box(30, 190, 190, "rejected", "with feedback it is\nwritten again", kind="soft")
    it.arrow((220, 75), (268, 75))
    it.arrow((460, 75), (508, 75), words="yes")
    it.arrow((680, 75), (728, 75))
    it.arrow((800, 110), (800, 188))
    it.arrow((745, 110), (640, 188), words="it broke off", at=(655, 145))
    it.arrow((595, 110), (400, 188), words="voided", at=(470, 145))
    it.arrow((330, 110), (160, 188), words="no", at=(230, 145))
    it.arrow((680, 225), (728, 225))
    it.arrow((220, 225), (268, 225))
    it.arrow(
        (365, 260), (365, 290), (15, 290), (15, 75), (28, 75), words="it waits for a yes of its own", at=(190, 308)
    )
    return it


def supabase() -> Drawing:
    """What runs where with a Supabase project."""
    it = Drawing("supabase", 900, 400)
    it.box(30, 40, 200, "Browser", "a person signed in", kind="soft")
    it.box(30, 160, 200, "Any Supabase client", "supabase-js, supabase-py", kind="soft")
    it.box(320, 40, 220, "steward web", "URL and publishable key\nno connection to the database")
    it.box(320, 270, 220, "steward worker", "STEWARD_DATABASE_URL\na session connection")
    it.group(620, 20, 250, 350, "a Supabase project")
    it.box(640, 55, 210, "Auth", "accounts, JWT", kind="done")
    it.box(640, 140, 210, "PostgREST", "tables and functions", kind="done")
    it.box(640, 215, 210, "Storage", "large files", kind="done")
    it.box(640, 290, 210, "Postgres", "schemas public, private, jobs\nrow-level security", kind="done")
    it.arrow((230, 66), (318, 66), words="cookie")
    it.arrow((540, 70), (638, 78), words="sign-in")
    it.arrow((540, 100), (638, 150), words="their JWT", at=(555, 135))
    it.arrow((230, 187), (638, 172), words="the same rules, whoever asks", at=(430, 170))
    it.arrow((540, 310), (638, 320), words="service role", at=(580, 340))
    it.arrow((540, 290), (638, 245), words="files", at=(580, 255))
    it.arrow((850, 193), (862, 193), (862, 320), (852, 320))
    return it


DRAWINGS = (house, task_states, draft, supabase)


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for make in DRAWINGS:
        drawing = make()
        (FOLDER / f"{drawing.name}.svg").write_text(drawing.svg())


if __name__ == "__main__":
    main()
