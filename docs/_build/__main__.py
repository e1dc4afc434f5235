"""`make docs`: the site into build/site, strict; every code block checked; one line of JSON at the end. `serve` shows it."""

import json
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / "mkdocs.yml")
ADDRESS = "127.0.0.1:8764"
os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")


def main(arguments: list[str]) -> int:
    """The exit code: 0 where the site is built without a warning and every code block is right."""
    from mkdocs.commands.serve import serve  # pyright: ignore[reportUnknownVariableType] # untyped there

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    if arguments == ["serve"]:
        print(f"The site is made (some seconds), then it is at http://{ADDRESS}/", flush=True)
        serve(CONFIG, dev_addr=ADDRESS, livereload=False)
        return 0
    if arguments and (arguments[0] != "--to" or len(arguments) != 2):
        print("error: make docs takes no ARGS but serve, or --to FOLDER", file=sys.stderr)
        return 2
    return _build(Path(arguments[1]) if arguments else ROOT / "build" / "site")


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """In order, so that the database of the build ends with it."""
    sys.exit(128 + number)


def _build(folder: Path) -> int:
    from mkdocs.commands.build import build
    from mkdocs.config import load_config  # pyright: ignore[reportUnknownVariableType] # untyped there
    from mkdocs.exceptions import Abort

    from docs._build.blocks import Checker, written_blocks

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    try:
        build(load_config(CONFIG, site_dir=str(folder)))
    except Abort as error:
        print(f"error: the site could not be built: {error}", file=sys.stderr)
        return 1
    shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    pages = len([*folder.rglob("*.html")])
    blocks = written_blocks()
    wrong = Checker().check_all(blocks)
    for line in wrong:
        print(line, file=sys.stderr)
    print(json.dumps({"pages": pages, "code_blocks": len(blocks), "wrong": len(wrong), "site": str(shown)}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
