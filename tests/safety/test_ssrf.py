"""No form of an address at any door leads into the house; and whoever watches would have seen it."""

import asyncio

import httpx

from tests.safety.ssrf import run_ssrf
from tests.safety.ssrf_watch import Listeners, Watch, watching


async def test_no_form_of_an_address_opens_a_connection() -> None:
    report = await run_ssrf(browser=False)
    assert report.connections == []
    assert report.let_in == []
    assert report.crashes == []
    assert report.forms > 350


async def test_whoever_watches_sees_an_unguarded_client() -> None:
    watch = Watch()
    listeners = Listeners(watch)
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            with watching(watch):
                for url in (f"http://127.1:{listeners.port}/", "http://10.0.0.1/", "http://[::1]:1/"):
                    try:
                        await client.get(url)
                    except httpx.HTTPError:
                        continue
            assert len(watch.forbidden) == 3
            try:  # what another process does is seen where it arrives
                await client.get(f"http://127.0.0.1:{listeners.port}/")
            except httpx.HTTPError:
                await asyncio.sleep(0)
    finally:
        listeners.close()
    assert "TCP came in" in watch.forbidden[-1]
