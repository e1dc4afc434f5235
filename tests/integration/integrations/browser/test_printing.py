"""A report becomes a PDF in a real browser that reaches nothing and runs nothing."""

import asyncio
import re
from pathlib import Path

import pytest

from core.outside.errors import NotConnected, Refused
from integrations.browser import printing
from integrations.browser.chromium import Chromium, installed_program
from integrations.browser.printing import pdf_of

PAGE = """<!doctype html><html lang="en"><head><title>A plan</title><style>
@page { size: A4; margin: 20mm; } h2 { break-before: page; } p.never { display: none; }</style></head>
<body><h1>A plan</h1><script>document.title = "changed by a script"</script><h2>Part</h2><p>Words.</p>%s</body></html>"""


async def test_a_page_is_printed_and_nothing_is_asked_for() -> None:
    asked: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reaching = f'<img src="http://127.0.0.1:{port}/x.png"><iframe src="http://127.0.0.1:{port}/"></iframe><img src="file:///etc/hostname">'
    chromium = Chromium(installed_program())
    try:
        made = await pdf_of(PAGE % reaching, chromium=chromium)
    finally:
        await asyncio.to_thread(chromium.stop)
        server.close()
        await server.wait_closed()
    assert made.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", made)) == 2
    assert b"changed by a script" not in made
    assert asked == []


async def test_without_a_browser_it_says_how_to_add_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chromium = Chromium(str(tmp_path / "no-browser"))
    try:
        with pytest.raises(NotConnected, match="There is no browser") as refused:
            await pdf_of("<p>x</p>", chromium=chromium)
    finally:
        await asyncio.to_thread(chromium.stop)
    assert "Install Chromium" in (refused.value.hint or "")
    monkeypatch.setattr(printing, "MOST_HTML", 3)
    with pytest.raises(Refused, match="larger"):
        await pdf_of("<p>x</p>", str(tmp_path / "no-browser"))
