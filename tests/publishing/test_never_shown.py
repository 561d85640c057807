"""Who is said never to be shown is never chosen, whatever the page, the hour and the draw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from adserver.core.catalog import Catalog, Device
from adserver.core.context import Context
from adserver.core.decision import decide
from adserver.core.snapshot import compile_snapshot
from adserver.publishing.read import read_folder
from tests.factories import NOW, generation
from tests.publishing.campaign_folder import make_folder

HOUR = 3_600
# Two weeks from Monday 2 November on, at hours of every sort, and some of December.
TIMES = [NOW + hours * HOUR for hours in (*range(0, 336, 5), *range(700, 760, 7))]
SECTIONS = ((), (("section", ("tech",)),), (("section", ("business",)),))
DRAWS = (0.02, 0.4, 0.7, 0.98)

TIERS = (
    "tier: sponsorship\ngoal: {share: 100%}", "tier: sponsorship\ngoal: {share: 40%}",
    "tier: remnant", "tier: remnant\nprice: {cpm: 3}", "tier: house", "tier: standard",
)  # fmt: skip
FLIGHTS = (
    "", "flight: {last_day: 2026-11-01}", "flight: {first_day: 2026-11-07, last_day: 2026-11-08}",
    "flight: {first_day: 2026-12-01}", "flight: {first_day: 2026-10-01, last_day: 2026-12-31}",
)  # fmt: skip
HOURS = ("", 'hours: ["mon-fri 08:00-20:00"]', 'hours: ["sat 10:00-12:00"]')
TARGETING = (
    "", "targeting: {device: [mobile]}", "targeting: {device: {none: [mobile]}}",
    "targeting: {section: {all: [tech, business]}}", "targeting: {section: [tech]}",
    "targeting: {device: {any: [mobile], none: [desktop]}}",
)  # fmt: skip
MORE = ("", "", "frequency: {impressions: 1, per: day}", "competes_in: [tea]", "weight: 3")
CREATIVES = (
    "{id: a, text: {headline: b}}",
    "{id: a, text: {headline: b}}\n  - {id: c, text: {headline: d}}",
    "{id: a, alt: b, images: [images/b-728x90.png]}",
    "{id: a, alt: b, images: [images/b-320x100.png]}",
)
SLOTS = ("[home-top]", "[post-top]", "[home-top, post-top]", "['post-*']", "['*']")


@st.composite
def campaigns(draw: st.DrawFn) -> str:
    parts = [draw(st.sampled_from(some)) for some in (TIERS, FLIGHTS, HOURS, TARGETING, MORE)]
    text = "\n".join(part for part in parts if part)
    return (
        f"advertiser: a\nlink: https://a.example\n{text}\nslots: {draw(st.sampled_from(SLOTS))}\n"
        f"creatives:\n  - {draw(st.sampled_from(CREATIVES))}\n"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("never"))


def winners(catalog: Catalog) -> Iterator[str]:
    snapshot = compile_snapshot(generation(catalog))
    contexts = [Context(device=device, facts=facts) for device in Device for facts in SECTIONS]
    for now in TIMES:
        for slot in catalog.slots:
            for context in contexts:
                for draw in DRAWS:
                    decision = decide(snapshot, slot.name, context, now, draw)
                    if decision.placement:
                        yield decision.placement.campaign.name


def test_the_others_are(folder: Path) -> None:
    """The control: pages, hours and draws of all sorts are tried."""
    for path in (folder / "campaigns").iterdir():
        path.unlink()
    text = "advertiser: a\nlink: https://a.example\ntier: remnant\nslots: [post-top]\n"
    creative = "creatives:\n  - {id: a, text: {headline: b}}\n"
    rare = "targeting: {section: [business], device: [mobile]}\n" + HOURS[2] + "\n"
    (folder / "campaigns" / "rare.yaml").write_text(text + rare + creative, encoding="utf-8")
    half = text.replace("tier: remnant", "tier: sponsorship\ngoal: {share: 90%}")
    (folder / "campaigns" / "half.yaml").write_text(half + creative, encoding="utf-8")
    reading = read_folder(folder, now=NOW)
    assert reading.catalog is not None
    assert set(winners(reading.catalog)) == {"rare", "half"}


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(written=st.lists(campaigns(), min_size=1, max_size=4))
def test_who_is_said_never_to_be_shown_never_is(folder: Path, written: list[str]) -> None:
    for path in (folder / "campaigns").iterdir():
        path.unlink()
    for number, text in enumerate(written):
        (folder / "campaigns" / f"c{number}.yaml").write_text(text, encoding="utf-8")
    reading = read_folder(folder, now=NOW)
    never = {
        Path(problem.file).stem
        for problem in reading.problems
        if problem.code in ("never_shown", "flight_over")
    }
    event(f"{len(never)} are said never to be shown")
    if reading.partial is not None and never:
        assert never.isdisjoint(winners(reading.partial)), (written, reading.problems)
