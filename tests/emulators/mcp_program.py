"""An MCP server made with the protocol's own Python SDK: a small contact book, with tools that go wrong on request.

python mcp_program.py            over standard input and output
python mcp_program.py PORT       over HTTP at http://127.0.0.1:PORT/mcp
"""

import os
import sys
from pathlib import Path

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

server = MCPServer("contacts", log_level="ERROR")
READ = ToolAnnotations(read_only_hint=True)
BOOK = Path(os.environ.get("CONTACT_BOOK", os.devnull))


@server.tool(annotations=READ)
def find_contact(name: str) -> dict[str, str]:
    """Find a contact by name."""
    return {"name": name, "mail": f"{name.lower()}@example.org"}


@server.tool()
def add_contact(name: str, mail: str) -> str:
    """Add a contact to the book."""
    with BOOK.open("a") as book:
        book.write(f"{name} <{mail}>\n")
    return "added"


@server.tool()
def refuse(name: str) -> str:
    """Refuse to do anything."""
    raise ToolError(f"{name} is not allowed here")


@server.tool()
def vanish(name: str) -> str:
    """Write, then end the whole program before answering."""
    add_contact(name, "gone@example.org")
    os._exit(1)


@server.tool(annotations=READ)
def shout(count: int) -> str:
    """Answer with many characters."""
    return "a" * count


@server.tool(annotations=READ)
def environment() -> list[str]:
    """The names of the variables that the program was started with."""
    return sorted(os.environ)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
