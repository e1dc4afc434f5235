"""Where this installation is found."""

from core.settings import Settings


def web_address(settings: Settings) -> str:
    """Where a person's browser finds the pages."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(settings.host, settings.host)  # noqa: S104  # nosec B104 # replaced, not bound
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{settings.port}"
