"""Chromium through Playwright, behind a guarded proxy: what a page may reach and send is decided here, not by the page."""
