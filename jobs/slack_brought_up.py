"""Nudges and digests as messages in Slack: what is brought up and why, with its buttons, and what became of it."""

from dataclasses import dataclass
from typing import Any

from integrations.slack.blocks import BroughtUp, brought_up_blocks, list_blocks
from integrations.slack.text import escape
from tasks.digests import Digest
from tasks.nudges import Nudge

ENDED = {
    "acted": "You found it useful.",
    "dismissed": "Not useful; what was prepared for it is withdrawn.",
    "lapsed": "Its time is over.",
    "settled": "Its reason is gone.",
    "muted": "Muted.",
}
MOST_LINES = 20


@dataclass(frozen=True)
class BroughtUpMessages:
    """Makes messages; `address` is where the pages are."""

    address: str

    def of_nudge(self, nudge: Nudge, state: str) -> dict[str, Any]:
        """A nudge; `state` is open, or what became of it."""
        shown = BroughtUp(
            nudge_id=str(nudge.id),
            title=nudge.title,
            why=nudge.why,
            link=self._link(nudge),
            can_mute=nudge.kind != "reminder",
            ended="" if state == "open" else ENDED.get(state, ""),
        )
        return {"text": escape(nudge.title)[:300], "blocks": brought_up_blocks(shown), "unfurl_links": False}

    def of_digest(self, digest: Digest, nudges: list[Nudge]) -> dict[str, Any]:
        """A digest as one message: what was held, what left by itself, what it cost."""
        content = digest.content
        lines = [(nudge.title, self._link(nudge), nudge.why[:300]) for nudge in nudges[:MOST_LINES]]
        lines += [
            (
                one.subject or one.title,
                f"{self.address}/tasks/{one.root_task_id or one.task_id}",
                f"sent to {', '.join(one.to)}, under your permission" if one.to else "done, under your permission",
            )
            for one in content.by_itself[:MOST_LINES]
        ]
        silent = content.silent
        cost = f"{silent.runs} prepared unasked, ${silent.cost_usd:.3f}" if silent.runs else "nothing prepared unasked"
        heading = f"Digest of {_day(digest)}"
        lines.append(("All of it", f"{self.address}/digest?day={digest.day}", f"{cost}; {content.done} done for you"))
        return {"text": heading, "blocks": list_blocks(heading, lines), "unfurl_links": False}

    def _link(self, nudge: Nudge) -> str:
        task = nudge.task
        if task is None:
            return f"{self.address}/nudges#nudge-{nudge.id}"
        return (
            f"{self.address}/review/{task.open_draft_id}" if task.open_draft_id else f"{self.address}/tasks/{task.id}"
        )


def _day(digest: Digest) -> str:
    return f"{digest.day:%A}, {digest.day.day} {digest.day:%B}"
