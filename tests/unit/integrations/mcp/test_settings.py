"""The setting that names MCP servers."""

from pathlib import Path

import pytest

from core.errors import Invalid
from integrations.mcp.settings import read_servers

GOOD = '{"mcpServers": {"crm": {"url": "https://crm.example/mcp", "headers": {"Authorization": "Bearer s3cret"}}}}'


def test_servers_come_from_json_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "servers.json").write_text(GOOD)
    for setting in (GOOD, str(tmp_path / "servers.json")):
        (one,) = read_servers(setting)
        assert (one.name, one.server.url) == ("crm", "https://crm.example/mcp")
        assert "s3cret" not in repr(one)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("/no/such/file.json", "cannot be read"),
        ("{", "no JSON"),
        ("{}", "names no servers"),
        ('{"mcpServers": []}', "names no servers"),
        ('{"mcpServers": {"a b": {"url": "https://x.example"}}}', "no name"),
        ('{"mcpServers": {"x": {}}}', "either url or command"),
        ('{"mcpServers": {"x": {"url": "https://x.example", "command": "y"}}}', "either url or command"),
        ('{"mcpServers": {"x": {"url": "ftp://x.example"}}}', "x.url"),
        ('{"mcpServers": {"x": {"command": "y", "arguments": []}}}', "x.arguments"),
        ('{"mcpServers": {"x": "s3cret"}}', "wrong at x"),
    ],
)
def test_a_wrong_setting_is_told_without_its_value(setting: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_servers(setting)
    assert words in caught.value.message
    assert "s3cret" not in f"{caught.value.message} {caught.value.detail} {caught.value.hint}"
