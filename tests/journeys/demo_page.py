"""A reader's visit to the demonstration's blog, and what the reader sees of its ads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

from tests.servers import Running

DESKTOP = {"viewport": {"width": 1366, "height": 900}}
MOBILE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
}
DEVICES: dict[str, dict[str, Any]] = {"desktop": DESKTOP, "mobile": MOBILE}
# How its reader's pages get their ads: a variable of the template, fragments, the browser tag.
HOME = "/"
FRAGMENT = "/articles/maregraphe-boite-a-biscuits"
TAG = "/articles/criee-sans-crieur"
# The places that are booked. Nobody has booked home-bottom.
BOOKED = {
    HOME: ["home-top"],
    FRAGMENT: ["post-top", "post-bottom"],
    TAG: ["post-top", "post-bottom"],
}

# Runs before the page: keeps how far it has moved and what its policy has refused.
WITNESS = """
    window.shifts = [];
    window.refused = [];
    new PerformanceObserver((list) => list.getEntries().forEach(({value}) => shifts.push(value)))
      .observe({type: 'layout-shift', buffered: true});
    addEventListener('securitypolicyviolation', ({violatedDirective, blockedURI}) =>
      refused.push(`${violatedDirective} ${blockedURI}`));
"""

# What a reader sees of each ad: only what lies in the window and under nothing else.
SEE = """(slot) => {
    slot.scrollIntoView({block: 'center', behavior: 'instant'});
    const ad = slot.querySelector('.adserver-ad');
    const image = ad.querySelector('img');
    const {left, right, top, bottom, width, height} = (image || ad).getBoundingClientRect();
    const seen = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return {
      slot: slot.dataset.slot,
      campaign: slot.dataset.campaign,
      creative: slot.dataset.creative,
      kind: ad.localName === 'iframe' ? 'html' : image ? 'image' : 'text',
      name: slot.getAttribute('aria-label'),
      width, height,
      visible: left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight
        && ad.contains(seen),
      pixels: image && image.complete ? image.naturalWidth : 0,
      words: ad.textContent.trim(),
    };
}"""
READY = """() => document.readyState === 'complete'
    && [...document.querySelectorAll('.adserver-ad img')].every(({complete}) => complete)"""
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@dataclass(frozen=True)
class Ad:
    """One ad as it is seen; sizes in CSS pixels, `pixels` those of its picture's file."""

    slot: str
    campaign: str
    creative: str
    kind: str
    name: str
    width: float
    height: float
    visible: bool
    pixels: int
    words: str


@dataclass
class DemoPage:
    """complaints: what the console and the network have to say. beacons: those that were sent."""

    page: Page
    ads: Running
    complaints: list[str] = field(default_factory=list)
    beacons: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(WITNESS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._sent)
        self.page.on("response", self._answered)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _sent(self, request: Request) -> None:
        if "/i/" in request.url:
            self.beacons.append(request.url)

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    def open(self, path: str) -> list[Ad]:
        self.page.goto(self.ads.public + path)
        return self.see(path)

    def see(self, path: str) -> list[Ad]:
        """Every booked slot's ad, once it is there."""
        slots = [self.page.locator(f"[data-slot={name}][data-campaign]") for name in BOOKED[path]]
        for slot in slots:
            slot.wait_for()
        self.page.wait_for_function(READY)
        return [Ad(**slot.evaluate(SEE)) for slot in slots]

    def read_to_the_end(self) -> None:
        """Screen by screen, as a reader would, with every picture that comes late."""
        for picture in self.page.locator("main img:visible").all():
            picture.scroll_into_view_if_needed()
            picture.evaluate("(image) => image.decode()")
        self.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        self.page.evaluate(TWO_FRAMES)

    def shifts(self) -> list[float]:
        found: list[float] = self.page.evaluate("shifts")
        return found

    def refused(self) -> list[str]:
        found: list[str] = self.page.evaluate("refused")
        return found


@contextmanager
def reading(
    browser: Browser, ads: Running, device: str = "desktop", script: str = ""
) -> Iterator[DemoPage]:
    """script: runs in every frame, before the page's own."""
    with browser.new_context(**DEVICES[device]) as context:
        if script:
            context.add_init_script(script)
        yield DemoPage(context.new_page(), ads)
