"""A file of settings, for who would rather not keep them in the environment: names of variables and their values, as JSON or TOML.

`STEWARD_SETTINGS_FILE` names it; else it is `settings.json` or `settings.toml` in `STEWARD_HOME`, where one lies there.
Its values are put into the environment of this process, so that everything that reads a variable, ours or a library's,
finds them; what the environment says already goes first.
"""

import json
import os
import tomllib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from core.errors import Invalid

VARIABLE = "STEWARD_SETTINGS_FILE"
NAMES = ("settings.json", "settings.toml")
FOR_LIBRARIES = ("AWS_", "OTEL_", "PLAYWRIGHT_", "SSL_")


def settings_file(home: Path) -> Path | None:
    """Where the file lies; None where there is none. Raises Invalid where the named one is missing."""
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise Invalid(f"{VARIABLE} names no file", detail=named[:200])
        return path
    return next((path for name in NAMES if (path := home / name).is_file()), None)


def fill_environment(path: Path, known: Collection[str]) -> list[str]:
    """Put what the file says into the environment where it says nothing yet; the names that were.

    `known` are the variables of Steward. Raises Invalid that names the file and what is wrong in it, never a value.
    """
    found = _read(path)
    unknown = next((name for name in found if name not in known and not name.startswith(FOR_LIBRARIES)), None)
    if unknown is not None:
        near = get_close_matches(unknown, known, n=1)
        hint = f"Is {near[0]} meant?" if near else "`steward settings` lists them all."
        raise Invalid(f"{path}: there is no setting {unknown[:80]!r}", hint=hint)
    texts = {name: _text(path, name, value) for name, value in found.items()}
    filled = [name for name in texts if not os.environ.get(name)]
    os.environ.update({name: texts[name] for name in filled})
    return filled


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found: object = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise Invalid(f"{path} cannot be read", detail=error.strerror) from error
    except ValueError as error:  # tomllib's, json's and of UTF-8
        raise Invalid(f"{path} is no {'TOML' if path.suffix == '.toml' else 'JSON'}", detail=str(error)[:200]) from None
    if not isinstance(found, dict):
        raise Invalid(f"{path} holds no names and values", hint='Write {"STEWARD_PORT": 8766}.')
    return cast("Mapping[str, Any]", found)


def _text(path: Path, name: str, value: object) -> str:
    """A value as the environment has it: lists of words with commas between, objects as JSON."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case list() if all(isinstance(one, str | int | float) for one in cast("list[object]", value)):
            return ",".join(str(one) for one in cast("list[object]", value))
        case dict():
            return json.dumps(value)
        case _:
            raise Invalid(
                f"{path}: {name} has a value that no setting has",
                hint="Allowed are texts, numbers, lists, objects, true and false.",
            )
