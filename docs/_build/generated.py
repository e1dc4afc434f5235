"""Every page of the site that is made out of the code."""

from collections.abc import Iterator

from docs._build import catalogue, command_line, openapi, words


def generated_pages() -> Iterator[tuple[str, str]]:
    """`(path below docs, Markdown)`."""
    yield from openapi.pages()
    yield from command_line.pages()
    yield from catalogue.pages()
    yield from words.pages()
