"""Snippets for pages: plain HTML, Blogger's XML and Hugo's templates."""

from __future__ import annotations

import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given

from adserver.core.errors import SettingsError
from adserver.publishing.snippet import TARGETS, Addresses, addresses, snippet
from tests.factories import slot
from tests.hostile_names import EVERYTHING, HOSTILE, stays_text
from tests.programs import needs
from tests.publishing.pasted import PUBLIC, SLOT


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_names_the_slot_and_leaves_no_sign_of_its_template(target):
    text = snippet(target, SLOT, PUBLIC)
    assert "post-top" in text
    assert not any(sign in text for sign in ("@{", "}@", "@%", "%@"))


def test_without_a_public_address_pages_use_root_relative_ones_and_servers_the_port():
    assert addresses("", "0.0.0.0", 8080) == Addresses("", "http://127.0.0.1:8080")
    assert addresses("", "::1", 8080).server == "http://[::1]:8080"
    assert addresses("https://ads.example/x/", "", 1).base == "https://ads.example/x"


@pytest.mark.parametrize(
    "bad", ["ads.example", "https://a b", "https://a'", "https://x/?a=1", "{{"]
)
def test_what_is_no_address_is_refused(bad):
    with pytest.raises(SettingsError, match="--public-url"):
        addresses(bad, "", 8080)


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def one(self, tag: str) -> dict[str, str | None]:
        (attributes,) = [attributes for name, attributes in self.found if name == tag]
        return attributes


def test_html_has_the_style_sheet_the_place_the_frame_and_the_tag():
    page = Elements(snippet("html", SLOT, PUBLIC))
    assert page.one("link")["href"] == "https://ads.example/x/slots.css"
    assert page.one("div") == {"data-slot": "post-top"}
    assert page.one("script") == {"async": None, "src": "https://ads.example/x/tag.js"}
    frame = page.one("iframe")
    assert frame["src"] == "https://ads.example/x/frame/post-top"
    assert frame["title"] == SLOT.title
    # The taller of the two sizes, and the line of the label.
    assert frame["height"] == "124"


@given(text=HOSTILE)
def test_a_title_stays_a_title(text):
    stays_text(lambda one: snippet("html", slot(title=one), PUBLIC), text)


def test_a_title_stays_a_title_in_xml():
    root = ElementTree.fromstring(snippet("blogger", slot(title=EVERYTHING), PUBLIC))
    frame = root.find("div/noscript/iframe")
    assert frame is not None
    assert frame.get("title") == EVERYTHING


@pytest.mark.parametrize("target", ["jinja", "django", "nginx-ssi"])
def test_templates_that_would_take_a_title_for_their_own_have_none(target):
    hostile = snippet(target, slot("post-top", title=EVERYTHING), PUBLIC)
    assert hostile == snippet(target, SLOT, PUBLIC)


def test_blogger_takes_it_as_xml():
    root = ElementTree.fromstring(snippet("blogger", SLOT, PUBLIC))
    script = root.find("script")
    assert script is not None
    assert script.get("async") == "async"
    assert script.get("src") == "https://ads.example/x/tag.js"
    assert script.get("{http://www.google.com/2005/gml/expr}data-lang") == "data:blog.locale"
    frame = root.find("div/noscript/iframe")
    assert frame is not None
    assert frame.get("title") == SLOT.title


def test_blogger_takes_it_inside_a_theme():
    ElementTree.fromstring(f"<html><body>{snippet('blogger', SLOT, PUBLIC)}</body></html>")


def test_hugo_puts_the_tag_once_and_the_place_where_it_is_asked_for(tmp_path):
    layouts = tmp_path / "layouts"
    (layouts / "partials").mkdir(parents=True)
    (layouts / "_default").mkdir()
    (layouts / "partials" / "ad.html").write_text(snippet("hugo", SLOT, PUBLIC), encoding="utf-8")
    (layouts / "_default" / "single.html").write_text(
        '{{ partial "ad.html" (dict "page" . "slot" "post-top") }}'
        '{{ partial "ad.html" (dict "page" . "slot" "post-bottom") }}',
        encoding="utf-8",
    )
    (tmp_path / "content" / "tech").mkdir(parents=True)
    (tmp_path / "content" / "tech" / "a.md").write_text(
        '---\ntitle: A\ntags: ["thé", "café"]\n---\n', encoding="utf-8"
    )
    (tmp_path / "hugo.toml").write_text(
        'baseURL = "https://blog.example"\nlanguageCode = "fr"\ndefaultContentLanguage = "fr"\n'
        'disableKinds = ["taxonomy", "term", "home", "section"]\n'
        '[params]\nadserver = "https://elsewhere.example"\n',
        encoding="utf-8",
    )
    config = ["--config", "hugo.toml", "--source", str(tmp_path)]
    subprocess.run([needs("hugo"), *config], capture_output=True, timeout=60, check=True)
    page = Elements((tmp_path / "public" / "tech" / "a" / "index.html").read_text("utf-8"))
    assert page.one("script") == {
        "async": None,
        "src": "https://elsewhere.example/tag.js",
        "data-lang": "fr",
        "data-section": "tech",
        "data-tags": "thé,café",
    }
    assert page.one("link")["href"] == "https://elsewhere.example/slots.css"
    places = [attributes["data-slot"] for name, attributes in page.found if name == "div"]
    assert places == ["post-top", "post-bottom"]
