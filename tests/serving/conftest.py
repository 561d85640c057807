"""A real server for all tests of the public port, on a small blog that has one of everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers import Running, adserver_running
from tests.stand_in import png

SITE = """\
name: Le Comptoir
sites: {blog: https://blog.example}
timezone: Europe/Paris
currency: EUR
language: fr
label: {fr: Publicité, en: Advertisement}
breakpoint: 1000px
context: {section: {one_of: [tech]}}
"""
ROOM = "sizes: {desktop: 728x90, mobile: 320x100}"
SLOTS = f"""\
words: {{title: Words, {ROOM}}}
picture: {{title: A picture, {ROOM}}}
rich: {{title: A document, {ROOM}}}
sold: {{title: Two of them, {ROOM}}}
own: {{title: Our own, {ROOM}, on_empty: house}}
often: {{title: Not too often, {ROOM}}}
later: {{title: Booked for later, {ROOM}}}
unsold: {{title: Reserved, {ROOM}, on_empty: reserve}}
folded: {{title: Collapses, {ROOM}, on_empty: collapse}}
"""
CAMPAIGNS = {
    "words": """\
slots: [words]
link: https://shop.example/words
creatives: [{id: card, text: {headline: "Café <de> saison", body: Chaud, cta: Voir}}]
""",
    "picture": """\
slots: [picture]
link: https://shop.example/picture?c=%%campaign%%
creatives:
  - id: banner
    alt: Café
    images: [images/b-728x90.png, images/b-728x90@2x.png, images/b-320x100.png]
""",
    "rich": """\
slots: [rich]
link: https://shop.example/rich
creatives: [{id: doc, html: html/doc.html, size: 728x90, loads_from: ["https://cdn.example"]}]
""",
    "first": """\
slots: [sold]
link: https://shop.example/first
creatives: [{id: card, text: {headline: Premier}}]
""",
    "second": """\
slots: [sold]
link: https://shop.example/second
creatives: [{id: card, text: {headline: Second}}]
""",
    "often": """\
slots: [often]
frequency: {impressions: 3, per: day}
link: https://shop.example/often
creatives: [{id: card, text: {headline: Trois fois}}]
""",
    "house": """\
tier: house
slots: [own]
link: https://blog.example/letter
creatives: [{id: card, text: {headline: Notre lettre}}]
""",
    "later": """\
flight: {first_day: 2099-01-01, last_day: 2099-01-31}
slots: [later]
link: https://shop.example/later
creatives: [{id: card, text: {headline: Plus tard}}]
""",
}
DOCUMENT = """\
<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Ad</title></head>
<body><a href="%%click%%" target="_blank">Voir</a><i title="%%page%%">%%campaign%%</i></body></html>
"""
PICTURES = {"b-728x90": (728, 90), "b-728x90@2x": (1456, 180), "b-320x100": (320, 100)}


def write_blog(folder: Path) -> Path:
    for name in ("campaigns", "images", "html"):
        (folder / name).mkdir(parents=True)
    (folder / "site.yaml").write_text(SITE, "utf-8")
    (folder / "slots.yaml").write_text(SLOTS, "utf-8")
    (folder / "html" / "doc.html").write_text(DOCUMENT, "utf-8")
    for name, size in PICTURES.items():
        (folder / "images" / f"{name}.png").write_bytes(png(*size))
    for name, text in CAMPAIGNS.items():
        tier = "" if "tier:" in text else "tier: remnant\n"
        written = f"advertiser: {name.title()} SARL\n{tier}{text}"
        (folder / "campaigns" / f"{name}.yaml").write_text(written, "utf-8")
    return folder


@pytest.fixture(scope="session")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_blog(tmp_path_factory.mktemp("blog") / "config")


@pytest.fixture(scope="session")
def ads(blog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """As it is without any setting."""
    with adserver_running(blog, tmp_path_factory.mktemp("ads")) as running:
        running.client.event_hooks["response"] = [sets_no_cookie]
        yield running


@pytest.fixture(scope="session")
def behind_proxy(blog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """With a public address that has a path, and a blog that it trusts."""
    folder = tmp_path_factory.mktemp("behind")
    settings = ("--public-url", "https://www.example/ads", "--trusted-peers", "127.0.0.0/8")
    with adserver_running(blog, folder, *settings) as running:
        running.client.event_hooks["response"] = [sets_no_cookie]
        yield running


@pytest.fixture
def unapplied(blog: Path, tmp_path: Path) -> Iterator[Running]:
    """Before anything was applied."""
    with adserver_running(blog, tmp_path, apply=False) as running:
        yield running


def sets_no_cookie(response: httpx.Response) -> None:
    assert "set-cookie" not in response.headers
