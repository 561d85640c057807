"""What `serve --dev` writes into places, and that it writes nothing that a page could trip over."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Catalog, Clause, ContextKey, Device, OnEmpty, State
from adserver.core.context import Context
from adserver.core.decision import Decision, decide
from adserver.core.leases import NO_ROOMS
from adserver.core.reasons import Reason
from adserver.core.steps import finish
from adserver.metrics.meter import Meter
from adserver.serving import strip
from adserver.serving.invalid import Invalid
from adserver.serving.request import context_of, gather
from adserver.serving.served import Served, preparing
from tests.factories import NOW, campaign, catalog, generation, site, slot

DESK = Context(language="fr")


def served_of(written: Catalog) -> Served:
    return finish(preparing(generation(written), "http://127.0.0.1:8080", Meter(), NOW, Invalid()))


def strip_of(served: Served, name: str = "post-top", context: Context = DESK) -> str:
    decision = decide(served.snapshot, name, context, NOW, 0.5)
    return strip.strip(served, decision, context, NOW, NO_ROOMS)


def test_a_fill_says_its_name_and_leads_to_why() -> None:
    said = strip_of(served_of(catalog()))
    assert ">post-top: brulerie/carte, standard</a>" in said
    assert 'href="http://127.0.0.1:8080/dev/why/post-top?device=desktop"' in said
    assert 'data-reason="won"' in said


def test_an_empty_place_says_why_with_the_three_that_came_furthest() -> None:
    draft = {"state": State.DRAFT}
    written = catalog(
        campaign("a", **draft),
        campaign("b", **draft),
        campaign("c", **draft),
        campaign("d", state=State.PAUSED),
    )
    said = strip_of(served_of(written))
    assert "post-top: empty, paused (d paused, a draft, b draft)" in said
    assert "c draft" not in said


def test_without_candidates_there_is_nobody_to_name() -> None:
    assert ">post-top: empty, no_campaign</a>" in strip_of(served_of(catalog(campaign(slots=()))))


def test_whom_the_page_refused_is_not_said_to_have_won() -> None:
    served = served_of(catalog())
    refused = Decision("post-top", None, Reason.DUPLICATE)
    assert "(brulerie duplicate)" in strip.strip(served, refused, DESK, NOW, NO_ROOMS)


def test_an_unknown_slot_is_told_with_the_nearest() -> None:
    said = strip_of(served_of(catalog()), "post-tap")
    assert "post-tap: there is no such slot; did you mean post-top?" in said
    assert "<a " not in said


def test_names_of_strangers_are_text() -> None:
    said = strip_of(served_of(catalog()), '"><script>alert(1)</script>')
    assert "<script" not in said
    assert "&lt;script&gt;" in said


def test_it_has_neither_style_nor_script_of_its_own() -> None:
    said = strip_of(served_of(catalog()))
    assert "style=" not in said
    assert " on" not in said


def test_it_stands_within_the_wrapper() -> None:
    assert strip.inside("<aside>x</aside>", "<span>y</span>") == "<aside>x<span>y</span></aside>"


@pytest.mark.parametrize(
    ("on_empty", "begins"),
    [
        (OnEmpty.RESERVE, '<aside class="adserver" data-slot="post-top">'),
        (OnEmpty.HOUSE, '<aside class="adserver" data-slot="post-top">'),
        # In production nothing stands there at all, so it must not look like a place.
        (OnEmpty.COLLAPSE, '<aside class="adserver-dev-collapsed">'),
    ],
)
def test_an_empty_place_is_as_it_would_be(on_empty: OnEmpty, begins: str) -> None:
    assert strip.empty(slot(on_empty=on_empty), "<i></i>") == f"{begins}<i></i></aside>"


def at_home(url: str, **changes: object) -> Context:
    served = served_of(catalog(site=site(**changes)))
    return strip.at_home(served, Context(url=url, site=served.pages.site_of(url)))


@pytest.mark.parametrize("host", ["localhost:1313", "127.0.0.1:8080", "[::1]:5000", "localhost"])
def test_a_page_of_this_machine_is_taken_for_one_of_the_first_site(host: str) -> None:
    context = at_home(f"http://{host}/2026/quai")
    assert (context.site, context.url) == ("blog", "https://blog.example/2026/quai")


@pytest.mark.parametrize("url", ["", "https://elsewhere.example/x", "https://blog.example/x"])
def test_other_pages_stay_what_they_are(url: str) -> None:
    assert at_home(url).url == url


def test_a_site_that_is_on_this_machine_is_itself() -> None:
    sites = {"blog": "https://blog.example", "here": "http://localhost:1313"}
    context = at_home("http://localhost:1313/x", sites=sites)
    assert (context.site, context.url) == ("here", "http://localhost:1313/x")


WORDS = st.sampled_from(["tech", "café", "a&b", "x=y", "q?", "100%"])


@given(
    st.sampled_from(list(Device)),
    st.sampled_from(["", "fr", "fr-CA", "en"]),
    st.lists(WORDS, max_size=3, unique=True),
    st.sets(st.sampled_from(["brulerie", "tea"])),
)
def test_the_link_asks_about_the_same_context(
    device: Device, lang: str, tags: list[str], out: set[str]
) -> None:
    declared = site(context=(ContextKey("tags", many=True),))
    served = served_of(catalog(site=declared))
    query: dict[str, list[str]] = {
        "url": ["https://blog.example/x?y"],
        "device": [str(device)],
        "lang": [lang],
        "tags": tags,
        "exclude": sorted(out),
    }
    context = context_of(query, {}, served.pages, [])
    again, _ = gather(
        (key, value)
        for key, values in parse_qs(strip.query_of(context)).items()
        for value in values
    )
    assert context_of(again, {}, served.pages, []) == context


def test_targeting_is_a_reason_like_any() -> None:
    wants = campaign(targeting=(Clause("device", any=("mobile",)),))
    said = strip_of(served_of(catalog(wants)))
    link = urlsplit(said.split('href="')[1].split('"')[0])
    assert "empty, targeting (brulerie targeting)" in said
    assert parse_qs(link.query) == {"device": ["desktop"]}
    wanted = DESK._replace(device=Device.MOBILE)
    assert "brulerie/carte" in strip_of(served_of(catalog(wants)), context=wanted)
