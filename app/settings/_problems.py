"""What was refused, in one line above a form."""

from core.errors import StewardError


def sentence_of(error: StewardError) -> str:
    """The message, what it is about, and what to do."""
    return ". ".join(part.rstrip(".") for part in (error.message, error.detail, error.hint) if part) + "."
