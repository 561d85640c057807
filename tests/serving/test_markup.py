"""A fill as HTML: what marketers write stays text, whatever they write."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Campaign, Creative, Device, Html, OnEmpty, Site, Size, Slot, Text
from adserver.core.shelf import Placement
from adserver.serving import markup
from adserver.serving.markup import TICKET, Addresses, Shown
from tests.factories import campaign, catalog, image, image_creative, site, slot, text_creative

HERE = Addresses("")
BREAKPOINT = 1000
EVIL = "\"'><script>alert(1)</script>&amp;<!--"


class Seen(HTMLParser):
    """Tags with their attributes, and text, as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"img", "source", "meta", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def the(self, tag: str) -> dict[str, str | None]:
        [found] = [attributes for name, attributes in self.tags if name == tag]
        return found


def wrapped(
    creative: Creative | None = None,
    sold: Campaign | None = None,
    of: Site | None = None,
    place: Slot | None = None,
    language: str = "fr",
    device: Device = Device.DESKTOP,
    nth: int = 1,
) -> Seen:
    placement = Placement(
        sold or campaign(), creative or text_creative(), place or slot(), 1, 1, 1.0
    )
    shown = Shown(placement, language, device, BREAKPOINT, nth)
    seen = Seen(markup.wrapper(shown, of or site(), HERE) + markup.beacon(HERE) + "</aside>")
    assert seen.open == []
    return seen


def test_the_wrapper_says_what_it_is() -> None:
    aside = wrapped().the("aside")
    assert aside["data-slot"] == "post-top"
    assert aside["data-campaign"] == "brulerie"
    assert aside["data-creative"] == "carte"
    assert aside["aria-label"] == "Publicité – Above the article"
    assert aside["lang"] == "fr"


def test_the_name_is_in_the_language_of_the_page_and_unique_on_it() -> None:
    assert wrapped(language="en").the("aside")["aria-label"] == "Advertisement – Above the article"
    assert wrapped(language="de").the("aside")["aria-label"] == "Publicité – Above the article"
    assert wrapped(nth=2).the("aside")["aria-label"] == "Publicité – Above the article (2)"


def test_the_link_is_marked_as_paid_for_and_opens_without_its_opener() -> None:
    link = wrapped().the("a")
    assert link["rel"] == "sponsored nofollow noopener"
    assert link["target"] == "_blank"
    assert link["href"] == f"/c/{TICKET}"


def test_who_advertises_and_who_paid_is_told() -> None:
    sold = campaign(paid_by="Brûlerie SARL")
    assert "Annonce de Brûlerie du Port, payée par Brûlerie SARL." in wrapped(sold=sold).text
    same = campaign(paid_by="Brûlerie du Port")
    assert "An advertisement by Brûlerie du Port." in wrapped(sold=same, language="en").text


def test_the_beacon_takes_no_room() -> None:
    beacon = wrapped().the("img")
    assert (beacon["src"], beacon["alt"]) == (f"/i/{TICKET}", "")
    assert "hidden" in beacon


def test_words_are_shown_as_far_as_they_go() -> None:
    everything = text_creative(text=Text("Head", "Body", "Go"))
    assert [tag for tag, _ in wrapped(everything).tags].count("em") == 1
    assert "Head Body Go" in wrapped(everything).text
    assert {"em", "span"}.isdisjoint(
        tag for tag, a in wrapped(text_creative()).tags if a.get("class") != "adserver-text"
    )


def test_a_picture_has_its_size_its_words_and_its_sharp_twin() -> None:
    banner = image_creative("b", image(), image(density=2, name="b@2x.png"))
    picture = next(a for tag, a in wrapped(banner).tags if tag == "img")
    assert (picture["width"], picture["height"]) == ("728", "90")
    assert picture["alt"] == "Café de saison"
    digest = image().digest
    assert picture["src"] == f"/assets/{digest}/b-728x90.png"
    assert picture["srcset"] == f"/assets/{digest}/b-728x90.png 1x, /assets/{digest}/b@2x.png 2x"


def test_each_device_has_its_own_picture() -> None:
    both = image_creative("b", image(728, 90), image(320, 100))
    desktop, mobile = wrapped(both), wrapped(both, device=Device.MOBILE)
    assert desktop.the("source")["width"] == "320"
    assert desktop.the("source")["media"] == "(max-width: 999.98px)"
    assert mobile.the("source")["media"] == "(min-width: 1000px)"
    assert mobile.the("source")["width"] == "728"


def test_a_picture_for_one_device_alone_needs_no_choice() -> None:
    wide = image_creative("b", image(728, 90))
    assert [tag for tag, _ in wrapped(wide).tags].count("source") == 0
    shown_on_mobile = wrapped(wide, device=Device.MOBILE)
    assert any(a.get("width") == "728" for _, a in shown_on_mobile.tags)


def test_a_picture_without_any_that_fits_shows_none() -> None:
    huge = image_creative("b", image(4000, 4000))
    assert [a["src"] for tag, a in wrapped(huge).tags if tag == "img"] == [f"/i/{TICKET}"]


@pytest.mark.parametrize("name", ["a, b 2x.png", 'a".png', "é?#.png", "a/../b.png"])
def test_a_file_name_stays_inside_its_address(name: str) -> None:
    banner = image_creative("b", image(name=name), image(density=2, name=name))
    picture = next(a for tag, a in wrapped(banner).tags if tag == "img")
    assert len((picture["srcset"] or "").split(",")) == 2
    assert all(sign not in (picture["src"] or "") for sign in ' ",?#')


def test_a_document_is_framed_and_locked_in() -> None:
    rich = text_creative(text=None, html=Html("d" * 32, "b.html", Size(728, 90)))
    frame = wrapped(rich).the("iframe")
    assert frame["src"] == f"/h/{TICKET}"
    assert frame["sandbox"] == "allow-scripts allow-popups allow-popups-to-escape-sandbox"
    assert frame["title"] == "Publicité – Brûlerie du Port"
    assert (frame["width"], frame["height"]) == ("728", "90")


WORDS = st.text(max_size=20) | st.just(EVIL) | st.just("<ticket>")
PLAIN = {"aside", "details", "summary", "p", "a", "span", "strong", "em", "img"}


@given(WORDS, WORDS, WORDS, WORDS, WORDS)
def test_whatever_marketers_write_stays_text(
    one: str, two: str, three: str, four: str, five: str
) -> None:
    seen = wrapped(
        text_creative(id=one, text=Text(two, three, four)),
        campaign(name=two, advertiser=five, paid_by=one),
        site(label={"fr": three, "en": four}),
        slot(name=five, title=one),
    )
    assert {tag for tag, _ in seen.tags} <= PLAIN
    assert [a for _, attributes in seen.tags for a in attributes if a.startswith("on")] == []
    assert seen.the("aside")["data-campaign"] == two
    assert seen.the("aside")["data-slot"] == five


@given(WORDS, WORDS)
def test_a_ticket_goes_only_where_it_belongs(alt: str, name: str) -> None:
    placement = Placement(campaign(name), image_creative(alt=alt), slot(), 1, 1, 1.0)
    html = markup.wrapper(Shown(placement, "fr", Device.DESKTOP, BREAKPOINT), site(), HERE)
    assert html.count(markup.TICKET) == 1


def test_an_address_of_a_pixel_stays_inside_its_attribute() -> None:
    seen = Seen(markup.pixel(f"https://t.example/{EVIL}"))
    assert [tag for tag, _ in seen.tags] == ["img"]
    assert seen.the("img")["referrerpolicy"] == "no-referrer"


def test_an_empty_place_is_reserved_and_silent() -> None:
    aside = Seen(markup.empty(slot(name=EVIL))).the("aside")
    assert aside["data-slot"] == EVIL
    assert aside["aria-hidden"] == "true"
    assert "data-campaign" not in aside


def test_a_frame_is_a_page_of_its_own() -> None:
    page = Seen(markup.frame("<p>Ad</p>", "fr", site(label={"fr": EVIL}), HERE))
    assert page.the("html")["lang"] == "fr"
    assert page.the("link")["href"] == "/slots.css?frame"
    assert {tag for tag, _ in page.tags} == {"html", "head", "meta", "title", "link", "body", "p"}


def parts(creative: Creative) -> dict[str, object]:
    return markup.parts(Placement(campaign(), creative, slot(), 1, 1, 1.0), "fr", site(), HERE)


def test_a_caller_that_draws_the_ad_itself_has_what_it_needs() -> None:
    shared = {
        "label": "Publicité",
        "advertiser": "Brûlerie du Port",
        "about": "Annonce de Brûlerie du Port.",
    }
    words = {"headline": "Café de saison", "body": "", "cta": ""}
    assert parts(text_creative()) == shared | words
    rich = text_creative(text=None, html=Html("d" * 32, "b.html", Size(728, 90)))
    assert parts(rich) == shared | {"width": 728, "height": 90}
    [picture] = parts(image_creative())["images"]
    assert picture["src"] == f"/assets/{image().digest}/b-728x90.png"
    assert (picture["width"], picture["height"], picture["density"]) == (728, 90, 1)


@pytest.mark.parametrize(
    ("creative", "device", "size"),
    [
        (text_creative(), Device.DESKTOP, "728x90"),
        (text_creative(), Device.MOBILE, "320x100"),
        (image_creative("b", image(300, 50)), Device.DESKTOP, "300x50"),
        (text_creative(text=None, html=Html("d" * 32, "b", Size(9, 8))), Device.DESKTOP, "9x8"),
    ],
)
def test_the_size_is_that_which_is_shown(creative: Creative, device: Device, size: str) -> None:
    assert markup.size_of(Placement(campaign(), creative, slot(), 1, 1, 1.0), device) == size


def test_the_stylesheet_reserves_the_room_of_every_slot_on_every_device() -> None:
    one_size = slot("footer", sizes={Device.DESKTOP: Size(300, 250)}, on_empty=OnEmpty.COLLAPSE)
    css = markup.stylesheet(catalog(slots=(slot(), one_size, slot("nowhere", sizes={}))))
    assert '[data-slot="post-top"]{--ad-width:728px;--ad-height:90px}' in css
    mobile = '(max-width:999.98px){[data-slot="post-top"]{--ad-width:320px;--ad-height:100px}}'
    assert mobile in css
    assert css.count('[data-slot="footer"]{') == 1
    assert '[data-slot="nowhere"]{' not in css


def test_in_a_frame_widths_are_the_frames() -> None:
    css = markup.stylesheet(catalog(), framed=True)
    assert '(max-width:727.98px){[data-slot="post-top"]{--ad-width:320px' in css
    assert markup.frame_breakpoint(slot(sizes={})) == 0
