"""A real Chromium with an empty profile, for tests of what a reader's browser does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.programs import needs
from tests.servers import READER

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Without it, it says that no reader is there: a known robot.
    f"--user-agent={READER}",
]


# Playwright switches it off.
POPUP_BLOCKER = "--disable-popup-blocking"


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Not inside an event loop, and never open beside an async test: hold it for one module.

    A test opens its own `new_context()`: cookies and the clock belong to a context.
    """
    program = needs("chromium")
    with sync_playwright() as playwright:  # each launch has a new profile
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def as_readers_have_it(other: Browser) -> Iterator[Browser]:
    """One more browser of the same program, which refuses windows that nobody has clicked open."""
    browser = other.browser_type.launch(
        executable_path=needs("chromium"), args=FLAGS, ignore_default_args=[POPUP_BLOCKER]
    )
    try:
        yield browser
    finally:
        browser.close()
