"""The document: whole, in words, and nothing in it that anybody wrote is taken for markup."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from adserver.core.assets import Asset
from adserver.core.catalog import Flight, Frequency, Goal, Html, Period, Price, Size, Text, Tier
from adserver.core.events import Metric
from adserver.core.publication import Content, Entry
from adserver.core.reasons import DISCARDS, Discard
from adserver.publishing.proof import shown
from adserver.publishing.proof.evidence import Wish, gather
from adserver.publishing.proof.language import LANGUAGES, Language
from adserver.publishing.proof.page import page
from tests.factories import (
    ALWAYS,
    NOW,
    ZONE,
    campaign,
    catalog,
    image,
    image_creative,
    row,
    site,
    slot,
    text_creative,
)
from tests.memory import MemoryStore, store

DAY = 86_400
MONDAY = NOW - 10 * 3_600
ENGLISH = Language("en")
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class Read(HTMLParser):
    """What a browser makes of it: elements with their attributes, and the words in sight."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._hidden = False
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._hidden = tag in ("style", "title")

    def handle_endtag(self, tag):
        self._hidden = False
        self.words += " " if tag in ("dt", "dd", "th", "td") else ""

    def handle_data(self, data):
        if not self._hidden:
            self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", self.words)


def document(
    memory: MemoryStore, language: Language = ENGLISH, wish: Wish | None = None, now: float = NOW
) -> str:
    asked = wish or Wish(campaign="brulerie")
    return page(gather(memory, memory, asked, now, DAY), memory, language, "1.2.3")


def read(memory: MemoryStore, **how) -> Read:
    return Read(document(memory, **how))


def sold(**changes) -> MemoryStore:
    return store(catalog(campaign(**changes)))


def with_assets(memory: MemoryStore, **data: bytes) -> MemoryStore:
    memory.assets = {digest: Asset(some, "image/png") for digest, some in data.items()}
    return memory


HOSTILE = "\"><script>alert(1)</script><img src=//evil.example/x onerror=alert(2)>{{7*7}}&amp;'--"


@pytest.mark.parametrize("code", LANGUAGES)
def test_nothing_that_anybody_wrote_becomes_markup(code):
    creatives = (
        text_creative(text=Text(HOSTILE, HOSTILE, HOSTILE), link=f"https://x.example/{HOSTILE}"),
        image_creative("b", image(name=HOSTILE), image(300, 250), alt=HOSTILE),
        replace(
            text_creative("h"),
            text=None,
            html=Html("d" * 32, HOSTILE, Size(1, 1), (f"https://{HOSTILE}",)),
        ),
    )
    hostile = campaign(
        advertiser=HOSTILE, paid_by=f"{HOSTILE}!", order=HOSTILE, creatives=creatives
    )
    where = {"site": site(name=HOSTILE, sites={"blog": HOSTILE}, currency="EUR")}
    memory = store(catalog(hostile, slots=(slot(title=HOSTILE),), **where))
    memory.counted = [row(Metric.IMPRESSION, 5)]
    with_assets(memory, **{"d" * 32: b"<script>", image(300, 250).digest: PIXEL})
    for wish in (Wish(campaign="brulerie"), Wish(advertiser=HOSTILE)):
        found = read(memory, language=Language(code), wish=wish)
        tags = {tag for tag, _ in found.elements}
        assert not tags & {"script", "iframe", "a", "link", "base", "object", "embed", "form"}
        assert [one["src"][:22] for one in found.all("img")] == ["data:image/png;base64,"]
        assert found.all("img")[0]["alt"] == HOSTILE
        names = {name for _, attributes in found.elements for name in attributes}
        assert not [name for name in names if name.startswith("on") or name == "style"]
        assert found.words.count(HOSTILE) >= 9


def test_its_policy_lets_nothing_in():
    found = read(sold())
    [policy] = [one for one in found.all("meta") if one.get("http-equiv")]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"] is not None
    assert policy["content"].startswith("default-src 'none'; img-src data:; style-src 'unsafe-inl")
    assert "url(" not in document(sold())
    assert "@import" not in document(sold())


def test_what_was_agreed_is_in_words():
    flight = Flight(MONDAY, MONDAY + 7 * DAY, ZONE)
    memory = sold(
        flight=flight,
        paid_by="Port SARL",
        order="BC-1",
        goal=Goal(impressions=120_000),
        buffer=Decimal("0.03"),
        max_per_day=6_000,
        frequency=Frequency(3, Period.DAY),
        price=Price(cpm=Decimal("8.5")),
    )
    text = read(memory).text
    for said in (
        "Publisher Le Comptoir",
        "Advertiser Brûlerie du Port",
        "Paid for by Port SARL",
        "Order BC-1",
        "from 2 November 2026 to 8 November 2026, both included (Europe/Paris)",
        "standard: a number",
        "120,000 impressions",
        "3% beyond the goal",
        "at most 6,000 impressions a day and at most 3 impressions a browser and day",
        "EUR 8.50 per thousand impressions (CPM)",
    ):
        assert said in text, said
    assert "Period of this proof" not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"flight": ALWAYS}, "without dates"),
        ({"flight": Flight(MONDAY, None, ZONE)}, "from 2 November 2026 at 00:00 (Europe/Paris), w"),
        ({"flight": Flight(None, NOW, ZONE)}, "until 2 November 2026 at 10:00 (Europe/Paris)"),
        ({"flight": Flight(MONDAY, MONDAY + DAY, ZONE)}, "Flight 2 November 2026 (Europe/Paris)"),
        ({"flight": Flight(MONDAY, NOW, "UTC")}, "from 1 November 2026 at 23:00 (UTC) to 2 Nov"),
        ({"goal": Goal(clicks=1_000)}, "Goal 1,000 clicks"),
        ({"goal": Goal(clicks=1_000), "max_per_day": 9}, "at most 9 clicks a day"),
        ({"goal": Goal(share=0.5), "tier": Tier.SPONSORSHIP}, "50% of the traffic"),
        ({"tier": Tier.REMNANT, "max_total": 4_000}, "at most 4,000 impressions in all"),
        ({"tier": Tier.HOUSE}, "no number was bought"),
        ({"price": Price(cpc=Decimal("0.4"))}, "EUR 0.40 per click"),
        ({"price": Price(flat=Decimal(900))}, "EUR 900.00 for the whole flight"),
        ({"price": None}, "Price none was agreed"),
    ],
)
def test_every_way_of_selling_has_its_words(changes, said):
    assert said in read(sold(**changes)).text


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (MONDAY, MONDAY + 7 * DAY, "Period of this proof from 2 November 2026 to 8 November 2026,"),
        (MONDAY, NOW, "Period of this proof from 2 November 2026 at 00:00 (Europe/Paris) to 2 Nov"),
        (NOW, None, "Period of this proof from 2 November 2026 at 10:00 (Europe/Paris) Tier"),
        (None, NOW, "Period of this proof until 2 November 2026 at 10:00 (Europe/Paris) Tier"),
    ],
)
def test_a_part_of_the_flight_is_named(since, until, said):
    found = read(sold(), wish=Wish(campaign="brulerie", since=since, until=until))
    assert said in found.text


def test_pictures_are_in_the_document_one_of_each_size_and_the_sharp_one():
    sharp = image(density=2, digest="2" * 32)
    one = image_creative("b", image(), sharp, image(320, 100))
    memory = with_assets(
        sold(creatives=(one,)),
        **{image().digest: b"1", "2" * 32: b"2", image(320, 100).digest: b"3"},
    )
    pictures = read(memory).all("img")
    assert [(p["width"], p["height"], p["src"]) for p in pictures] == [
        ("728", "90", "data:image/png;base64,Mg=="),
        ("320", "100", "data:image/png;base64,Mw=="),
    ]
    assert {p["alt"] for p in pictures} == {"Café de saison"}


def test_a_drawing_is_shown_as_the_picture_that_it_is():
    drawn = image_creative("b", image(media_type="image/svg+xml"))
    memory = with_assets(sold(creatives=(drawn,)), **{image().digest: b"<svg/>"})
    assert [p["src"] for p in read(memory).all("img")] == ["data:image/svg+xml;base64,PHN2Zy8+"]


def test_a_picture_that_is_kept_no_more_or_is_none_is_named():
    text = read(sold(creatives=(image_creative(),))).text
    assert "A picture of 728 × 90 pixels: b-728x90.png. It is no longer kept" in text
    odd = image_creative("b", image(media_type="text/html"))
    memory = with_assets(sold(creatives=(odd,)), **{image().digest: b"<svg/>"})
    assert read(memory).all("img") == []


def test_pictures_stop_where_a_mail_would_be_too_heavy():
    one = image_creative("b", image(), image(320, 100), image(300, 250))
    memory = with_assets(
        sold(creatives=(one,)),
        **{image().digest: bytes(1_000), image(320, 100).digest: bytes(1_000)},
        **{image(300, 250).digest: bytes(400)},
    )
    showing = shown.Showing(memory.files, ENGLISH, left=1_500)
    found = showing.shown(one)
    assert [picture.width for picture in found.pictures] == [728, 300]
    assert found.notes == (
        "A picture of 320 × 100 pixels, 1\u00a0KiB: b-320x100.png. It is too heavy for this "
        f"document; its content is named by {image(320, 100).digest}.",
    )
    assert showing.left == 100


def test_an_html_creative_is_named_by_its_content_and_not_run():
    html = Html("e" * 32, "riche.html", Size(728, 90), ("https://a.example", "https://b.example"))
    one = replace(text_creative("riche"), text=None, html=html)
    memory = sold(creatives=(one,))
    assert "riche.html. It is no longer kept" in read(memory).text
    memory = with_assets(memory, **{"e" * 32: b"<script>alert(1)</script>" * 100})
    found = read(memory)
    assert "An HTML document of 728 × 90 pixels, 2 KiB: riche.html. It runs by itself" in found.text
    assert f"its content is named by {'e' * 32}" in found.text
    assert "It may load from https://a.example and https://b.example." in found.text
    assert not found.all("iframe")


def test_words_of_a_text_creative_are_there_if_it_has_them():
    whole = text_creative(text=Text("Head", "Body", "Go"))
    assert "Head Body Go" in read(sold(creatives=(whole,))).text
    bare = document(sold(creatives=(text_creative(text=Text("Head")),)))
    assert '<p class="cta">' not in bare


def test_bars_are_as_long_as_days_are_busy():
    memory = sold()
    memory.counted = [
        row(Metric.IMPRESSION, 200),
        row(Metric.IMPRESSION, 50, hour=int(MONDAY) - 3_600),
    ]
    assert [one["width"] for one in read(memory).all("rect")] == ["25.0", "100.0"]
    memory.counted = [row(Metric.CLICK, 1)]
    assert [one["width"] for one in read(memory).all("rect")] == ["0.0"]


def test_a_campaign_of_which_nothing_was_counted_says_so():
    found = read(sold())
    assert "Nothing was counted in this period." in found.text
    assert not found.all("svg")


def test_every_reason_is_explained_whether_it_is_given_or_not():
    memory = sold()
    memory.counted = [
        row(Metric.IMPRESSION, 5),
        row(Metric.IMPRESSION, 3, reason="bot"),
        row(Metric.CLICK, 2, reason="duplicate"),
    ]
    whole = document(memory)
    table = re.findall(r"<code>(\w+)</code></th>.*?<td>([^<]+)</td></tr>", whole)
    assert [reason for reason, _ in table] == [
        one for one in Discard if one in {*DISCARDS, Discard.BOT}
    ]
    assert ("expired", "it came more than 24 hours after the ad was handed out") in table
    rest = whole[whole.index("nothing was discarded here:") :]
    assert re.findall(r"<code>(\w+)</code>", rest) == [
        one for one in Discard if one not in {*DISCARDS, Discard.FORGED, Discard.BOT}
    ]
    assert re.search(r"in no figure: <code>forged</code>", whole)


@pytest.mark.parametrize(
    ("language", "nothing"),
    [("en", "for which nothing was discarded here"), ("fr", "rien n’a été écarté ici")],
)
def test_where_every_reason_occurs_nothing_is_said_of_others(language, nothing):
    """And never that a rule is not applied: nodes' settings are not known here."""
    memory = sold()
    memory.counted = [
        row(Metric.CLICK, 1, reason=one) for one in Discard if one is not Discard.FORGED
    ]
    assert nothing not in read(memory, language=Language(language)).text
    memory.counted.pop()
    assert nothing in read(memory, language=Language(language)).text


@pytest.mark.parametrize(
    ("language", "count", "discarded"),
    [
        ("en", "without a counted impression count, and", "discarded, as unmatched: 3; those"),
        ("fr", "comptée comptent, et", "écartés pour cette raison : 3 ; ceux"),
    ],
)
def test_what_became_of_clicks_without_an_impression_is_said(language, count, discarded):
    memory = sold()
    memory.counted = [row(Metric.CLICK, 5)]
    spoken = Language(language)
    text = read(memory, language=spoken).text
    assert count in text
    assert discarded not in text
    memory.counted.append(row(Metric.CLICK, 3, reason="unmatched"))
    text = read(memory, language=spoken).text
    assert count not in text
    assert discarded in text


def test_what_is_billed_stops_at_the_goal_and_is_said():
    memory = sold(goal=Goal(impressions=1_000), price=Price(cpm=Decimal(10)))
    memory.counted = [row(Metric.IMPRESSION, 1_030)]
    said = "Billed are the 1,000 of the goal, of 1,030 that were delivered."
    assert said in read(memory).text
    assert "EUR 10.00" in read(memory).text
    part = Wish(campaign="brulerie", since=MONDAY)
    assert "Billed are" not in read(memory, wish=part).text
    memory.counted = [row(Metric.IMPRESSION, 1_000)]
    assert "Billed are" not in read(memory).text


@pytest.mark.parametrize(
    ("goal", "price", "said"),
    [
        (Goal(clicks=10), Price(cpc=Decimal(1)), "Billed are the 10 of the goal, of 12"),
        (Goal(clicks=10), Price(cpm=Decimal(1)), ""),
        (Goal(impressions=10), Price(flat=Decimal(1)), ""),
        (Goal(impressions=10), None, ""),
        (None, Price(cpm=Decimal(1)), ""),
    ],
)
def test_where_it_is_no_plain_number_nothing_is_said_of_what_is_billed(goal, price, said):
    memory = sold(goal=goal, price=price)
    memory.counted = [row(Metric.IMPRESSION, 100), row(Metric.CLICK, 12)]
    text = read(memory).text
    assert said in text
    assert ("Billed are" in text) is bool(said)


def test_it_says_what_can_still_change():
    open_ended = sold()
    assert "Provisional: the campaign has no end yet." in read(open_ended).text
    assert "What servers may still have to bring is not known." in read(open_ended).text
    ended = sold(flight=Flight(MONDAY - DAY, MONDAY, ZONE))
    ended.spoken = NOW
    running = read(ended).text
    assert "Provisional until 5 November 2026 at 01:00 (Europe/Paris)." in running
    assert "be seen, until 4 November 2026 at 00:00 (Europe/Paris)" in running
    assert "brought what they counted until 2 November 2026 at 10:00 (Europe/Paris)." in running
    arriving = read(ended, now=MONDAY + 2 * DAY + 60).text
    assert "Nothing more can be shown that counts." in arriving
    assert "brought what they counted until 2 November 2026 at 10:00" in arriving
    ended.spoken = MONDAY + 2 * DAY
    arriving = read(ended, now=MONDAY + 2 * DAY + 60).text
    assert "All servers that are known have brought all that they counted for it." in arriving
    final = read(ended, now=MONDAY + 3 * DAY + 3_600).text
    assert "Final since 5 November 2026 at 01:00 (Europe/Paris)." in final
    assert "Provisional" not in final
    assert "known had brought" not in final


def test_generations_are_named_as_far_as_they_are_known():
    memory = sold(flight=Flight(NOW - DAY, None, ZONE))
    assert "generation 1, applied on 2 November 2026 at 10:00" in read(memory).text
    memory.clock = NOW + 60
    memory.publish(1, memory.made[0][0].catalog, Content(), Entry("ana@blog"))
    assert "generations 1 to 2, the first applied on" in read(memory, now=NOW + 120).text
    assert "no longer known" not in read(memory, now=NOW + 120).text
    del memory.made[0]
    text = read(memory, now=NOW + 120).text
    assert "generation 2, applied on" in text
    assert "What was in force before generation 2 is no longer known." in text


def test_a_flight_of_which_no_generation_is_known_says_so():
    memory = sold(flight=Flight(MONDAY - 9 * DAY, MONDAY - 2 * DAY, ZONE))
    assert "Which generations were in force is no longer known." in read(memory).text


def test_a_campaign_that_is_gone_says_what_cannot_be_told():
    memory = sold(goal=Goal(clicks=5), paid_by="SARL")
    memory.clock = NOW + 1
    memory.publish(1, catalog(campaign("autre")), Content(), Entry("ana@blog"))
    text = read(memory, now=NOW + 2).text
    assert "no longer live; it is shown as it last was" in text
    assert "Paid for by SARL" in text
    memory.forget(1)
    text = read(memory, now=NOW + 2).text
    assert "its tier, buffer, limits and pacing can no longer be told" in text
    assert "Goal 5 clicks" in text
    assert "Paid for by" not in text
    assert "Tier" not in text


def test_a_campaign_that_is_gone_and_had_no_number_says_nothing_of_a_goal():
    memory = sold(price=Price(flat=Decimal(3)))
    memory.publish(1, catalog(campaign("autre")), Content(), Entry("ana@blog"))
    memory.forget(1)
    text = read(memory).text
    assert "Goal" not in text
    assert "Price EUR 3.00 for the whole flight" in text


def test_places_that_have_no_name_have_words():
    memory = sold()
    memory.counted = [row(Metric.IMPRESSION, 1, site=0, slot=99)]
    text = read(memory).text
    assert "a page of none of the sites" in text
    assert "a place that is not known any more" in text


def test_when_and_by_what_it_was_made_is_at_its_foot():
    assert (
        read(sold())
        .text.rstrip()
        .endswith("Made on 2 November 2026 at 10:00 (Europe/Paris) by adserver 1.2.3.")
    )


def test_the_same_evidence_is_the_same_document():
    assert document(sold()) == document(sold())
