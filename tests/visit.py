"""A reader's visit, in a real browser, to a page whose ads come from a stand-in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page

from tests.stand_in import AdServer, Answer, Server

PATIENCE_SECONDS = 20
TOP = '<div data-slot="top" class="mine"></div>'
PAGE = "/articles/one"
RESERVED = "[data-slot] { display: block; height: 250px; overflow: hidden }"
COLLAPSED = "[data-collapsed] { display: none }"

# Runs before the page: keeps what the tag tells and how far the page has moved.
WITNESS = """
    window.events = [];
    window.shift = 0;
    for (const type of ['slot:filled', 'slot:empty', 'slot:error']) {
      addEventListener(type, (event) =>
        events.push([type, event.target.dataset.slot, event.detail]));
    }
    new PerformanceObserver((list) => list.getEntries().forEach(({value}) => shift += value))
      .observe({type: 'layout-shift', buffered: true});
    window.frame = () => new Promise((done) => {  // not requestAnimationFrame: the clock is ours
      const observer = new IntersectionObserver(() => { observer.disconnect(); done(); });
      observer.observe(document.documentElement);
    });
"""


@dataclass
class Visit:
    """A reader's visit to a page of the blog."""

    page: Page
    blog: Server
    ads: AdServer

    def open(self, body: str, tag: str = "", css: str = RESERVED + COLLAPSED) -> None:
        script = f'<script async src="{self.ads.base}/tag.js?v=1" {tag}></script>'
        self.serve(f"{script}</head><body>{body}<p>After</p>", css)
        self.page.goto(f"{self.blog.origin}{PAGE}?utm=x#part", wait_until="domcontentloaded")

    def serve(self, rest: str, css: str = RESERVED) -> None:
        head = '<!doctype html><html lang="en"><head><title>Blog</title>'
        policy = f"default-src 'self' {self.ads.origin}"
        self.blog.pages[PAGE] = Answer(
            f'{head}<link rel="stylesheet" href="/slots.css">{rest}'.encode(),
            headers={"Content-Security-Policy": policy},
        )
        self.blog.pages["/slots.css"] = Answer(css.encode(), "text/css")

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, f"never happened; events {self.events()}"
            self.page.evaluate("0")  # lets the browser's messages in

    def until_told(self, count: int = 1) -> list[tuple[str, str]]:
        self.until(lambda: len(self.events()) >= count)
        return sorted((what, slot) for what, slot, _ in self.events())

    def events(self) -> list[list[Any]]:
        events: list[list[Any]] = self.page.evaluate("events")
        return events

    def refresh(self, names: str = "") -> None:
        self.page.evaluate(f"adserver.refresh({names})")

    def settled(self) -> None:
        """What was sent before this has arrived."""
        with self.page.expect_response("**/fence"):
            self.page.evaluate(
                "(base) => frame().then(() => void fetch(base + '/fence'))", self.ads.base
            )

    def campaigns(self) -> list[str | None]:
        found: list[str | None] = self.page.eval_on_selector_all(
            "[data-slot]", "(slots) => slots.map(({dataset}) => dataset.campaign || null)"
        )
        return found

    def heights(self) -> list[float]:
        """With the stylesheet: a refusal may overtake it, and nothing is shown before it."""
        styled = "[...document.querySelectorAll('[rel=stylesheet]')].every(({sheet}) => sheet)"
        self.until(lambda: bool(self.page.evaluate(styled)))
        found: list[float] = self.page.eval_on_selector_all(
            "[data-slot]", "(slots) => slots.map((slot) => slot.getBoundingClientRect().height)"
        )
        return found


@contextmanager
def visiting(browser: Browser, prefix: str = "", **reader: Any) -> Iterator[Visit]:
    """reader: what their browser is like, as `new_context` takes it."""
    blog, ads = Server(), AdServer(prefix)
    errors: list[str] = []
    with blog.running(), ads.running(), browser.new_context(**reader) as context:
        page = context.new_page()
        page.add_init_script(WITNESS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield Visit(page, blog, ads)
    assert errors == []
