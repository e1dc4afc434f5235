"""What mkdocs calls while it builds the site: pages made out of the code join those that are written."""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from docs._build.generated import generated_pages  # noqa: E402 - the checkout has to be on the path first

DRAWING = re.compile(r'<img alt="([^"]*)" src="[^"]*images/drawings/(\w[\w-]*\.svg)"\s*/?>')
BY_SYSTEM = "@media (prefers-color-scheme: dark)"


@cache
def made() -> dict[str, str]:
    """`path -> Markdown` of every generated page; made once in a process."""
    return dict(generated_pages())


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """In the navigation a name that ends in `/*` stands for all pages of that folder that are named nowhere else."""
    nav = cast("Any", config.nav)
    config.nav = _expanded(nav, set(_named(nav)))
    return config


def _named(nav: Any) -> Iterator[str]:
    match nav:
        case list():
            for part in cast("list[Any]", nav):
                yield from _named(part)
        case dict():
            for below in cast("dict[str, Any]", nav).values():
                yield from _named(below)
        case _:
            yield str(nav)


def _expanded(nav: Any, named: set[str]) -> Any:
    match nav:
        case list():
            return [one for part in cast("list[Any]", nav) for one in _several(part, named)]
        case dict():
            return {name: _expanded(below, named) for name, below in cast("dict[str, Any]", nav).items()}
        case _:
            return nav


def _several(part: Any, named: set[str]) -> list[Any]:
    if isinstance(part, str) and part.endswith("/*"):
        folder = part.removesuffix("*")
        written = [f"{folder}{one.name}" for one in sorted((ROOT / "docs" / folder).glob("*.md"))]
        return [path for path in [*written, *(one for one in made() if one.startswith(folder))] if path not in named]
    return [_expanded(part, named)]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, text in made().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put drawings into the page, where they follow its palette."""
    return DRAWING.sub(lambda found: _inlined(found[1], found[2]), html)


def _inlined(words: str, name: str) -> str:
    text = (ROOT / "docs" / "images" / "drawings" / name).read_text()
    text = text[text.index("<svg") :]
    start, _, rest = text.partition(BY_SYSTEM)
    if rest:
        rules, _, after = rest.partition("/* end */")
        dark = re.sub(r"(\.[\w-]+ \{)", r'[data-md-color-scheme="slate"] \1', rules.strip().strip("{}"))
        text = f"{start}{dark}{after}"
    return text.replace("<svg ", f'<svg role="img" aria-label="{words}" ', 1)
