"""What axe finds on a page by WCAG 2 A and AA, in the light theme and in the dark one."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Page

MODULES = Path(os.environ.get("STEWARD_NODE_MODULES", Path(__file__).parents[2] / "node_modules"))
AXE = MODULES / "axe-core" / "axe.min.js"
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


async def violations(page: Page, schemes: Sequence[Scheme] = SCHEMES) -> list[str]:
    """What is wrong with the page as it stands, in each of these themes: the theme, the rule and the first place."""
    await page.evaluate(AXE.read_text())
    found: list[str] = []
    for scheme in schemes:
        await page.emulate_media(color_scheme=scheme)
        report: dict[str, Any] = await page.evaluate("rules => axe.run(document, rules)", RULES)
        found += [
            f"{scheme}: {v['id']}: {v['nodes'][0]['html'][:200]} {v['nodes'][0].get('failureSummary', '')[:300]}"
            for v in report["violations"]
        ]
    return found
