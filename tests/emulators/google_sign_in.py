"""A person at Google's sign-in pages, as the emulator shows them: picks an account and allows what is asked."""

from html.parser import HTMLParser

import httpx


class _Forms(HTMLParser):
    """The hidden fields of each form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
        elif tag == "input" and self.forms and "name" in given:
            self.forms[-1][given["name"]] = given.get("value", "")


async def allow_at_google(google: str, url: str, email: str) -> str:
    """Where Google sends the browser back to after `email` said yes; `url` is what the house asked to open."""
    async with httpx.AsyncClient() as browser:
        page = await browser.get(url)
        assert page.status_code == 200, page.text[:500]
        forms = _Forms()
        forms.feed(page.text)
        fields = next(form for form in forms.forms if form.get("email") == email)
        answer = await browser.post(f"{google}/o/oauth2/v2/auth/callback", data=fields)
    assert answer.status_code == 302
    return answer.headers["location"]
