"""A proof of delivery in a real browser, on paper, and of a node's real counts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from adserver.core.events import Metric
from adserver.publishing.proof.evidence import Wish, gather
from adserver.publishing.proof.language import LANGUAGES, Language
from adserver.publishing.proof.page import page as draw
from tests.factories import NOW, campaign, catalog, row, site, text_creative
from tests.journeys.axe import complaints
from tests.journeys.demo_page import DEVICES
from tests.journeys.figures import report
from tests.journeys.small_blog import campaign as sold
from tests.journeys.small_blog import write_blog
from tests.memory import store
from tests.proven import AFTER, NAME, delivered_store
from tests.servers import Running, adserver_running, own_environment, run_command, until

pytestmark = pytest.mark.usefixtures("unmeasured")

DAY = 86_400
ON_DEVICES = pytest.mark.parametrize("device", list(DEVICES))
# What a policy has refused, and how a reader was disturbed; before the document.
WITNESS = """
    window.refused = [];
    addEventListener('securitypolicyviolation', ({violatedDirective, blockedURI}) =>
      refused.push(`${violatedDirective} ${blockedURI}`));
"""
# What stands in the document itself.
OWN = ("data:", "about:")
# CSS pixels between the margins of an A4 page and of a Letter one.
PRINTED_WIDTHS = {"A4": 688, "Letter": 710}


@dataclass
class Reader:
    """A browser with the document open. asked: whatever it has asked for but the document."""

    page: Page
    asked: list[str]
    said: list[str]

    @property
    def refused(self) -> list[str]:
        found: list[str] = self.page.evaluate("refused")
        return found


@pytest.fixture(scope="module", params=LANGUAGES)
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    memory = delivered_store()
    evidence = gather(memory, memory, Wish(campaign=NAME), AFTER, DAY)
    file = tmp_path_factory.mktemp("proof") / f"{request.param}.html"
    file.write_text(draw(evidence, memory, Language(request.param), "0.1.0"), "utf-8")
    return file


@pytest.fixture
def reader(browser: Browser, device: str, axe: str) -> Iterator[Reader]:
    with browser.new_context(**DEVICES[device]) as context:
        context.add_init_script(WITNESS)
        context.add_init_script(axe)
        yield reading(context.new_page())


def reading(page: Page) -> Reader:
    reader = Reader(page, [], [])
    page.on("request", lambda one: reader.asked.append(one.url))
    page.on("console", lambda one: reader.said.append(one.text))
    page.on("pageerror", lambda one: reader.said.append(str(one)))
    page.on("dialog", lambda one: reader.said.append(one.message))
    return reader


def open_in(reader: Reader, document: Path) -> None:
    reader.page.goto(document.as_uri())
    reader.page.wait_for_load_state("networkidle")


def asked_elsewhere(reader: Reader, document: Path) -> list[str]:
    return [one for one in reader.asked if one != document.as_uri() and not one.startswith(OWN)]


@ON_DEVICES
def test_it_asks_nobody_for_anything_and_has_no_barrier(reader: Reader, document: Path) -> None:
    open_in(reader, document)
    assert asked_elsewhere(reader, document) == []
    assert (reader.refused, reader.said) == ([], [])
    assert complaints(reader.page) == []


@ON_DEVICES
def test_it_is_as_wide_as_the_screen_and_every_picture_is_drawn(
    reader: Reader, document: Path, device: str
) -> None:
    open_in(reader, document)
    width = reader.page.evaluate("document.documentElement.scrollWidth")
    assert width <= DEVICES[device]["viewport"]["width"]
    pictures = reader.page.locator("img").evaluate_all(
        "(all) => all.map((one) => [one.naturalWidth, one.getBoundingClientRect().right])"
    )
    assert [natural for natural, _ in pictures] == [1_940, 1_456, 640]
    assert all(right <= width for _, right in pictures)
    reasons = reader.page.locator(".wide:has(.reasons)")
    assert reasons.evaluate("(one) => one.scrollWidth <= one.clientWidth")


@ON_DEVICES
def test_tables_that_are_wider_than_a_phone_can_be_moved_with_the_keyboard(
    reader: Reader, document: Path, device: str
) -> None:
    open_in(reader, document)
    table = reader.page.locator("[role=region]").first
    table.focus()
    reader.page.keyboard.press("ArrowRight")
    if device == "mobile":
        until(lambda: table.evaluate("(one) => one.scrollLeft") > 0)
    assert table.evaluate("(one) => one === document.activeElement")


@pytest.mark.parametrize("paper", PRINTED_WIDTHS)
def test_on_paper_nothing_is_cut_off_and_there_are_few_pages(
    browser: Browser, document: Path, paper: str
) -> None:
    with browser.new_context(viewport={"width": PRINTED_WIDTHS[paper], "height": 900}) as context:
        page = context.new_page()
        page.goto(document.as_uri())
        page.emulate_media(media="print")
        wide: list[Any] = page.evaluate(
            "[...document.querySelectorAll('*')].filter((one) => "
            "one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML)"
        )
        assert wide == []
        assert page.locator("thead").first.evaluate("(o) => getComputedStyle(o).display") == (
            "table-header-group"
        )
        printed = page.pdf(format=paper, print_background=True)
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 6


def test_what_a_campaign_says_to_a_browser_is_only_text(browser: Browser, tmp_path: Path) -> None:
    hostile = (
        "</title></style><script>alert(1)</script><img src=https://evil.example onerror=alert(2)>"
    )
    texts = text_creative(link=f"https://evil.example/{hostile}")
    name = {"advertiser": hostile, "paid_by": f"{hostile}.", "order": hostile}
    memory = store(
        catalog(campaign(creatives=(texts,), **name), site=site(name=hostile, currency="EUR"))
    )
    memory.counted = [row(Metric.IMPRESSION, 1)]
    file = tmp_path / "hostile.html"
    evidence = gather(memory, memory, Wish(advertiser=hostile), NOW, DAY)
    file.write_text(draw(evidence, memory, Language("fr"), "0.1.0"), "utf-8")
    with browser.new_context() as context:
        context.add_init_script(WITNESS)
        reader = reading(context.new_page())
        open_in(reader, file)
        assert asked_elsewhere(reader, file) == []
        assert (reader.refused, reader.said) == ([], [])
        assert reader.page.locator("script, img, iframe, a, base").count() == 0
        assert hostile in reader.page.title()


@pytest.fixture(scope="module")
def ads(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> Iterator[Running]:
    tmp = tmp_path_factory.mktemp("ads")
    flight = {"first_day": "2026-01-01", "last_day": "2036-12-31"}
    bought = sold(
        "post-top", tier="standard", goal={"impressions": 500}, flight=flight, pacing="asap"
    )
    config = write_blog(tmp / "config", ["post-top"], {"cafe": bought | {"price": {"cpm": 8.5}}})
    with adserver_running(config, tmp, "--workers", "1", commands=[warm]) as ads:
        yield ads


def test_the_digest_of_real_counts_is_obtained_by_the_command_that_the_document_shows(
    ads: Running, tmp_path: Path
) -> None:
    for _ in range(20):
        found = re.search(r"/i/[\w-]+", ads.get("/slots/post-top").text)
        assert found
        for _ in range(2):  # the second is a duplicate
            assert ads.get(found[0]).status_code == 200
    until(lambda: report(ads, "--campaign", "cafe")["total"]["gross"] == 40)
    file = tmp_path / "cafe.html"
    done = ads.cli("report", "--campaign", "cafe", "--proof", file, "--language", "en")
    assert done.returncode == 0, done.stderr
    document = file.read_text("utf-8")
    assert "All servers that are known had brought" in document
    [command] = re.findall(r"<pre>(.*?)</pre>", document, re.DOTALL)
    [digest] = re.findall(r'class="digest">(\w+)<', document)
    assert in_a_shell(ads, tmp_path, unescape(command)) == f"{digest}  -\n"


def test_a_campaign_that_was_ended_is_proven_from_what_the_store_remembers(
    tmp_path: Path, warm: Path
) -> None:
    """On a store of its own, as everything is ended."""
    picture = "config/images/brulerie-du-port-728x90.png"
    data = (Path(__file__).parents[2] / picture).read_bytes()
    images = tmp_path / "config" / "images"
    images.mkdir(parents=True)
    (images / "b-728x90.png").write_bytes(data)
    shown = [{"id": "bandeau", "alt": "Café", "images": ["images/b-728x90.png"]}]
    bought = sold("post-top", creatives=shown, paid_by="Port SARL", price={"cpm": 8.5})
    config = write_blog(tmp_path / "config", ["post-top"], {"cafe": bought})
    env = own_environment(config, tmp_path, {})

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return run_command(tmp_path, env, *words, program=[warm])

    try:
        assert run("apply", "--yes").returncode == 0
        (config / "campaigns" / "cafe.yaml").unlink()
        ended = run("apply", "--yes", "--prune")
        assert ended.returncode == 0, ended.stderr
        done = run("report", "--campaign", "cafe", "--proof", "-", "--language", "en")
    finally:
        run("store", "stop")
    assert done.returncode == 0, done.stderr
    assert "This campaign is no longer live; it is shown as it last was." in done.stdout
    assert "Port SARL" in done.stdout
    assert f"data:image/png;base64,{b64encode(data).decode()}" in done.stdout
    assert "generation 1, applied on" in done.stdout


def in_a_shell(ads: Running, tmp: Path, command: str) -> str:
    """Run as a person would, with the two programs that it names on the path."""
    programs = tmp / "bin"
    programs.mkdir()
    for name, line in (("adserver", "-m adserver "), ("python3", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {line}"$@"\n', "utf-8")
        program.chmod(0o755)
    shell = shutil.which("sh")
    assert shell
    done = subprocess.run(
        [shell, "-c", command],
        cwd=ads.folder,
        env={**ads.env, "PATH": f"{programs}:{ads.env['PATH']}"},
        capture_output=True,
        check=True,
        timeout=60,
        encoding="utf-8",
    )
    return done.stdout
