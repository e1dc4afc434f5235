"""What the options of `steward plan` ask for, as the request of a plan; what is wrong is named by its option."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from cli.output import WrongUse, one_line

if TYPE_CHECKING:
    from app._plans.forms import DocumentRequest, ObjectiveRequest

Form = TypeVar("Form", bound=BaseModel)
LISTED = {"--stakeholder": "stakeholders", "--constraint": "constraints"}  # those that may come again
OPTION_OF = {
    "stakeholders": "--stakeholder",
    "constraints": "--constraint",
    "resources": "--resource",
    "callbackUrl": "--callback",
    "llm_model": "--model",
    "speed_vs_detail": "--level",
    "objective": "The objective",
    "prompt": "The prompt",
}


def objective_request(text: str, options: Mapping[str, Any], *, start: bool) -> "ObjectiveRequest":
    """The request of an objective. Raises WrongUse that names the option."""
    from app._plans.forms import ObjectiveRequest

    given = {name: value for name, value in options.items() if value}
    context: dict[str, Any] = {LISTED.get(name, name.strip("-")): value for name, value in given.items()}
    asked = {"objective": text, "callbackUrl": context.pop("callback", None), "start": start}
    if lines := context.pop("resource", None):
        context["resources"] = resources_of(lines)
    if files := context.pop("notes", None):
        context["notes"] = notes_of(files)
    return _checked(ObjectiveRequest, asked | {"context": context})


def document_request(text: str, level: str | None, model: str | None, *, start: bool) -> "DocumentRequest":
    """The request of a plan document. Raises WrongUse that names the option."""
    from app._plans.forms import DocumentRequest

    asked: dict[str, Any] = {"prompt": text, "llm_model": model, "start": start}
    return _checked(DocumentRequest, asked | ({"speed_vs_detail": level} if level else {}))


def resources_of(lines: Sequence[str]) -> dict[str, str | int | float]:
    """Amounts by name. Raises WrongUse for a line that is no name, colon and value."""
    from app.plans._asked import amount_of

    named = [(line.partition(":")) for line in lines]
    wrong = next(
        (line for line, (name, _, value) in zip(lines, named, strict=True) if not name.strip() or not value), None
    )
    if wrong is not None:
        raise WrongUse(f"--resource: {one_line(wrong)!r} is no name, colon and value", hint="Like 'jira_project: OPS'.")
    return {name.strip(): amount_of(value) for name, _, value in named}


def notes_of(files: Sequence[Path]) -> str:
    """The text of notes files, each under its name. Raises WrongUse for one that cannot be read as text."""
    parts: list[str] = []
    for file in files:
        shown = one_line(str(file))
        try:
            parts.append(f"# {file.name}\n\n{file.read_text(encoding='utf-8')}")
        except OSError as error:
            raise WrongUse(f"--notes: {shown!r} cannot be read", detail=error.strerror or str(error)) from error
        except UnicodeDecodeError as error:
            raise WrongUse(f"--notes: {shown!r} is no text", detail="Notes are text or Markdown in UTF-8.") from error
    return "\n\n".join(parts)


def _checked(form: type[Form], asked: Mapping[str, Any]) -> Form:
    try:
        return form.model_validate(asked)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        names = [str(part) for part in first["loc"] if part != "context"]
        name = OPTION_OF.get(names[0], f"--{names[0]}") if names else ""
        said = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise WrongUse(f"{name}: {said}", detail=repr(first.get("input"))[:200]) from None
