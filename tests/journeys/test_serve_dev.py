"""`serve --dev` as whoever writes templates and campaigns has it: beside a server of the same
folder that is live, which shows what it must not change."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.figures import report
from tests.journeys.small_blog import campaign, write, write_blog, write_campaign
from tests.servers import Running, adserver_running, until
from tests.stand_in import Answer, Call, Server

SEEN_WITHIN_SECONDS = 2.0
SIZES = {"desktop": "728x90", "mobile": "320x100"}
SLOTS = {
    name: {"title": name, "sizes": dict(SIZES), "on_empty": on_empty}
    for name, on_empty in (
        ("top", "reserve"),
        ("tagged", "reserve"),
        ("unsold", "reserve"),
        ("folded", "collapse"),
        ("sunday", "reserve"),
    )
}
# Everything that moves when something is where it should not be.
BOXES = """
    [...document.querySelectorAll('p.text, [data-slot]')].map((one) => {
      const { x, y, width, height } = one.getBoundingClientRect();
      return [one.dataset.slot || one.textContent, x, y, width, height];
    })
"""
EVENT = "x-ad-event"
TICKET = re.compile(r"/i/([\w-]+)")


@dataclass
class Bench:
    """A blog whose pages are made by asking the ad server, as a template would."""

    ads: Running
    config: Path
    blog: Server

    def page(self, call: Call) -> Answer:
        url = f"{self.blog.origin}{call.path}"

        def ssr(slot: str) -> str:
            return self.ads.get(f"/slots/{slot}", params={"url": url}).text

        body = (
            f'<link rel="stylesheet" href="{self.ads.public}/slots.css">'
            f'<script async src="{self.ads.public}/tag.js"></script></head><body>'
            f'{ssr("top")}<p class="text">One</p>{ssr("folded")}<p class="text">Two</p>'
            f'<div data-slot="tagged"></div><p class="text">Three</p>'
            f'<div data-slot="unsold"></div><p class="text">Four</p>'
        )
        head = '<!doctype html><html lang="en"><head><title>Blog</title>'
        policy = f"default-src 'self' {self.ads.public}"
        return Answer((head + body).encode(), headers={"Content-Security-Policy": policy})

    def open(self, page: Page) -> None:
        page.goto(f"{self.blog.origin}/2026/quai")
        expect(page.locator("[data-slot=tagged][data-campaign]")).to_be_visible()
        page.evaluate("document.fonts.ready.then(() => true)")

    def save(self, name: str, headline: str = "Café de saison", **changes: Any) -> None:
        write_campaign(self.config, name, sold(name, headline, **changes))

    def said(self) -> str:
        return (self.ads.folder / "serve.out").read_text("utf-8")


def sold(slot: str, headline: str = "Café de saison", **changes: Any) -> dict[str, Any]:
    creatives = [{"id": "card", "text": {"headline": headline}}]
    return campaign(slot, **{"tier": "standard", "creatives": creatives, **changes})


def write_config(folder: Path) -> Path:
    config = write_blog(
        folder,
        [],
        {
            "top": sold("top"),
            "tagged": sold("tagged", targeting={"url": ["/2026/*"]}),
            "sunday": sold("sunday", state="paused"),
        },
    )
    write(config / "slots.yaml", SLOTS)
    return config


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("dev")
    config = write_config(folder / "config")
    with adserver_running(config, folder, "--dev", apply=False) as ads:
        yield from benches(ads, config)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The control: the same folder, applied."""
    folder = tmp_path_factory.mktemp("live")
    config = write_config(folder / "config")
    with adserver_running(config, folder) as ads:
        yield from benches(ads, config)


def benches(ads: Running, config: Path) -> Iterator[Bench]:
    blog = Server()
    bench = Bench(ads, config, blog)
    blog.pages["/2026/quai"] = bench.page
    with blog.running():
        yield bench


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    errors: list[str] = []
    with browser.new_context(viewport={"width": 1200, "height": 1600}) as context:
        page = context.new_page()
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        yield page
    # A Content-Security-Policy that something offends against is an error of the console.
    assert [one for one in errors if "favicon" not in one and "404" not in one] == []


def test_a_saved_file_is_on_the_page_within_two_seconds(dev: Bench, page: Page) -> None:
    dev.save("top", "Café de saison")
    until(lambda: "Café de saison" in asked(dev, "top"))
    dev.open(page)
    expect(page.locator("[data-slot=top] strong")).to_have_text("Café de saison")
    for slot in ("top", "tagged"):
        before = dev.said()
        dev.save(slot, headline="Thé de saison", targeting={})
        saved = time.monotonic()
        until(lambda slot=slot: "Thé de saison" in asked(dev, slot))
        assert time.monotonic() - saved < SEEN_WITHIN_SECONDS
        said = dev.said().removeprefix(before)
        assert re.search(rf"applied in \d\.\d s:\n    ~ {slot}\n.*“Thé de saison”", said)
    dev.open(page)
    for slot in ("top", "tagged"):
        expect(page.locator(f"[data-slot={slot}] strong")).to_have_text("Thé de saison")


def test_what_is_saved_is_shown_without_a_reload(dev: Bench, page: Page) -> None:
    dev.open(page)
    page.evaluate("window.mine = true")
    for slot in ("top", "tagged"):
        dev.save(slot, headline="Saved just now")
        expect(page.locator(f"[data-slot={slot}] strong")).to_have_text("Saved just now")
    assert page.evaluate("window.mine")
    # A slot of slots.yaml has its new size, too.
    slots = {**SLOTS, "unsold": {**SLOTS["unsold"], "sizes": {"desktop": "300x250"}}}
    write(dev.config / "slots.yaml", slots)
    expect(page.locator("[data-slot=unsold]")).to_have_css("height", "274px")
    write(dev.config / "slots.yaml", SLOTS)
    expect(page.locator("[data-slot=unsold]")).to_have_css("height", "114px")
    expect(page.locator("[data-slot=unsold] .adserver-dev")).to_have_count(1)


def asked(bench: Bench, slot: str) -> str:
    page = f"{bench.blog.origin}/2026/quai"
    return bench.ads.get("/decisions", params={"slots": slot, "url": page}).text


def test_a_mistake_keeps_the_last_good_one_and_is_told_with_its_place(
    dev: Bench, page: Page
) -> None:
    good = (dev.config / "campaigns" / "tagged.yaml").read_text("utf-8")
    dev.save("tagged", headline="Mistaken", tier="standart")
    until(lambda: "not applied: the last good version is served" in dev.said())
    told = re.search(r"campaigns/tagged\.yaml:(\d+):(\d+): error: `tier`: expected .*", dev.said())
    assert told, dev.said()
    line = (dev.config / "campaigns" / "tagged.yaml").read_text("utf-8").splitlines()
    assert line[int(told[1]) - 1][int(told[2]) - 1 :] == "standart"
    assert "Mistaken" not in asked(dev, "tagged")
    dev.open(page)
    before = dev.said()
    (dev.config / "campaigns" / "tagged.yaml").write_text(good, "utf-8")
    until(lambda: "applied in" in dev.said().removeprefix(before))


def test_each_place_says_its_name_and_its_reason(dev: Bench, page: Page) -> None:
    dev.open(page)
    strips = page.locator(".adserver-dev")
    expect(strips).to_have_count(4)
    expect(page.locator("[data-slot=top] .adserver-dev")).to_have_text("top: top/card, standard")
    expect(page.locator("[data-slot=tagged] .adserver-dev")).to_contain_text("tagged: tagged/card")
    expect(page.locator("[data-slot=unsold] .adserver-dev")).to_have_text(
        "unsold: empty, no_campaign"
    )
    expect(page.locator(".adserver-dev-collapsed")).to_have_text("folded: empty, no_campaign")


def test_it_leads_to_why(dev: Bench, page: Page) -> None:
    dev.save("tagged", "Only in 2026", targeting={"url": ["/2026/*"]})
    until(lambda: "Only in 2026" in asked(dev, "tagged"))
    dev.open(page)
    with page.context.expect_page() as opened:
        page.locator("[data-slot=tagged] .adserver-dev a").click()
    why = opened.value
    expect(why.get_by_role("heading", name="Why tagged?")).to_be_visible()
    expect(why.get_by_role("row", name="tagged standard won")).to_be_visible()
    expect(why.locator("code")).to_have_text("https://blog.example/2026/quai")
    # Its stylesheet is allowed by its own policy.
    expect(why.locator("pre").first).to_have_css("color", "rgb(255, 255, 255)")


def test_it_answers_to_no_name_that_a_page_has_turned_to_it(dev: Bench, live: Bench) -> None:
    for path in ("/dev/why/top", "/dev/generation", "/slots/top"):
        for host, status in (("evil.example", 421), ("localhost:8080", 200)):
            answer = dev.ads.get(path, headers={"host": host})
            assert answer.status_code == status, path
    assert live.ads.get("/slots/top", headers={"host": "evil.example"}).status_code == 200


def test_a_goal_keeps_nobody_from_seeing_the_campaign(dev: Bench) -> None:
    """A thousand impressions in some seventy years: live it would be seen once in weeks."""
    limits = {"goal": {"impressions": 1000}, "max_per_day": 1, "flight": {"last_day": "2099-12-31"}}
    dev.save("top", "Spread thinly", **limits)
    until(lambda: "Spread thinly" in asked(dev, "top"))
    assert all("Spread thinly" in asked(dev, "top") for _ in range(20))
    assert "<td>won</td>" in dev.ads.get("/dev/why/top").text


def test_an_iframe_has_its_strip_too(dev: Bench, page: Page) -> None:
    page.goto(f"{dev.ads.public}/frame/unsold")
    strip = page.locator(".adserver-dev")
    expect(strip).to_have_text("unsold: empty, no_campaign")
    expect(strip).to_have_css("position", "absolute")  # its stylesheet is allowed there


def test_one_call_of_a_server_has_the_strips_in_its_html(dev: Bench) -> None:
    call = {"slots": ["top", "unsold", "folded", "tap"], "context": {"lang": "en"}}
    made = dev.ads.request("POST", "/decisions", json=call).json()["decisions"]
    assert [one["html"].count('adserver-dev"') for one in made[:3]] == [1, 1, 1]
    assert made[2]["html"].startswith('<aside class="adserver-dev-collapsed">')
    assert "did you mean top?" in made[3]["strip"]


def test_a_pause_is_a_reason_like_any(dev: Bench) -> None:
    paused = dev.ads.cli("pause", "top", "-m", "the advertiser has called", "--yes")
    assert paused.returncode == 0, paused.stderr
    until(lambda: "top: empty, paused (top paused)" in dev.ads.get("/slots/top").text)
    assert "the advertiser has called" in dev.ads.get("/dev/why/top").text
    assert dev.ads.cli("resume", "top", "--yes").returncode == 0
    until(lambda: "top: top/card" in dev.ads.get("/slots/top").text)


def test_an_empty_slot_names_who_came_near(dev: Bench) -> None:
    assert "sunday: empty, paused (sunday paused)" in dev.ads.get("/slots/sunday").text
    why = dev.ads.get("/dev/why/sunday")
    assert why.status_code == 200
    assert "<td>paused</td>" in why.text
    missing = dev.ads.get("/dev/why/sundai")
    assert missing.status_code == 404
    assert "sundai" in missing.text


def test_nothing_stands_elsewhere_than_it_does_live(dev: Bench, live: Bench, page: Page) -> None:
    where = {}
    for bench in (dev, live):
        write_campaign(bench.config, "tagged", sold("tagged", "The same"))
        write_campaign(bench.config, "top", sold("top", "The same"))
    assert live.ads.cli("apply", "--yes", "--wait").returncode == 0
    for bench in (dev, live):
        until(lambda bench=bench: "The same" in asked(bench, "tagged"))
        until(lambda bench=bench: "The same" in asked(bench, "top"))
        bench.open(page)
        if bench is dev:
            expect(page.locator("[data-slot=unsold] .adserver-dev")).to_be_visible()
        where[bench.ads.public] = page.evaluate(BOXES)
    assert where[dev.ads.public] == where[live.ads.public]


def test_nothing_counts(dev: Bench, page: Page) -> None:
    dev.open(page)
    html = dev.ads.get("/slots/top").text
    ticket = TICKET.search(html)
    assert ticket
    for method, path in (("GET", "i"), ("POST", "i"), ("POST", "v"), ("GET", "c")):
        answer = dev.ads.request(method, f"/{path}/{ticket[1]}", follow_redirects=False)
        assert answer.headers[EVENT] == "discarded; reason=preview"
    told = until(lambda: with_previews(report(dev.ads)))
    totals = {key: told["total"][key] for key in ("served", "impressions", "viewable", "clicks")}
    assert totals == {"served": 0, "impressions": 0, "viewable": 0, "clicks": 0}
    assert set(told["discarded"]["impression"]) == {"preview"}
    metrics = dev.ads.metrics()
    counted = re.findall(r"^adserver_(?:\w*impressions|clicks)_total\{.*\} (\S+)$", metrics, re.M)
    assert counted
    assert {float(value) for value in counted} == {0.0}
    assert re.search(r'events_discarded_total\{.*reason="preview",?.*\} [1-9]', metrics)


def with_previews(told: dict[str, Any]) -> dict[str, Any] | None:
    return told if told["discarded"]["impression"].get("preview", 0) >= 2 else None


def test_live_there_is_none_of_it(live: Bench, page: Page) -> None:
    """The control of all that is above."""
    ads = live.ads
    for path in ("/slots/top", "/slots/unsold", "/decisions?slots=top,unsold,nothing"):
        assert "adserver-dev" not in ads.get(path).text
        assert "strip" not in ads.get(path).text
    assert ads.get("/slots/folded").text == ""
    for path in ("/slots.css", "/tag.js"):
        assert "adserver-dev" not in ads.get(path).text
        assert "max-age" in ads.get(path).headers["cache-control"]
    for path in ("/dev/why/top", "/dev/why.css", "/dev/generation", "/dev"):
        assert ads.get(path).status_code == 404
    ticket = TICKET.search(ads.get("/slots/top").text)
    assert ticket
    assert ads.get(f"/i/{ticket[1]}").headers[EVENT] == "accepted"
    previews = re.findall(r'discarded_total\{.*reason="preview".*\} (\S+)', ads.metrics())
    assert {float(number) for number in previews} == {0.0}


def test_a_folder_that_is_broken_from_the_start_is_served_when_it_is_whole(
    tmp_path: Path,
) -> None:
    config = write_config(tmp_path / "config")
    write_campaign(config, "top", sold("top", tier="gold"))
    with adserver_running(config, tmp_path, "--dev", apply=False) as ads:
        assert ads.get("/slots/top").headers["x-ad-decision"] == "empty; reason=no_campaign"
        assert "Nothing is served yet" in ads.get("/dev/why/top").text
        write_campaign(config, "top", sold("top"))
        until(lambda: "fill" in ads.get("/slots/top").headers["x-ad-decision"])
        # A file that is deleted ends its campaign: what is seen is what is there.
        (config / "campaigns" / "top.yaml").unlink()
        until(lambda: "empty" in ads.get("/slots/top").headers["x-ad-decision"])


def test_ads_come_from_here_whatever_the_file_says(tmp_path: Path) -> None:
    config = write_config(tmp_path / "config")
    with (config / "site.yaml").open("a", encoding="utf-8") as file:
        file.write("server: https://ads.live.example\n")
    with adserver_running(config, tmp_path, "--dev", apply=False) as ads:
        html = ads.get("/slots/top").text
        assert "ads.live.example" not in html
        assert f"{ads.public}/i/" in html
        assert httpx.get(re.findall(r'src="([^"]+/i/[^"]+)"', html)[0]).status_code == 200
