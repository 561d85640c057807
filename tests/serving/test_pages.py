"""Events of pages that are none of the sites': what says so, and what does not."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from adserver.core.invalid import Mode, Rule
from adserver.core.ticket import FLAG_FOREIGN
from adserver.serving.invalid import Invalid
from adserver.serving.markup import Addresses
from adserver.serving.pages import elsewhere
from tests.factories import NOW, campaign, catalog, generation, site
from tests.serving.test_app import Worker, worker
from tests.serving.tickets import TICKET

__all__ = ["worker"]

SITES = {
    "blog": "https://blog.example",
    "shop": "https://www.example/shop",
    "dev": "http://localhost:8000",
    "buch": "https://xn--bcher-kva.example",
}
OURS = [
    "https://blog.example",
    "https://blog.example/2026/a?b#c",
    "https://BLOG.example:443/",
    "http://blog.example/a",
    "https://blog.example./",
    "https://www.example/shop/a",
    "http://localhost:8000/x",
    "https://bücher.example/x",
    "https://xn--bcher-kva.example/x",
]
FOREIGN = [
    "https://evil.example/",
    "https://blog.example.evil.example/",
    "https://blog.example:8443/",
    "https://sub.blog.example/",
    "http://blog.example:443/",
    "http://localhost:8001/",
    "https://xn--bcher-kva.example.evil/",
    "https://192.0.2.1/",
]


@pytest.fixture
async def judging(worker: Worker) -> Worker:
    state = worker.state
    worker.memory.store.publish(generation(catalog(campaign(), site=site(sites=SITES)), number=2))
    await state.live.refresh(NOW)
    foreign = elsewhere(lambda: state.live.served)
    state.invalid = Invalid({Rule.FOREIGN_PAGE: Mode.DISCARD}, {Rule.FOREIGN_PAGE: foreign})
    return worker


async def flags(worker: Worker, query: str = "", **headers: str) -> int:
    found = TICKET.search((await worker.get(f"/slots/post-top{query}", headers=headers)).text)
    assert found
    return worker.state.sealer.unseal(found[1]).flags


async def told(worker: Worker, headers: dict[str, str], serial: int = 1, flags: int = 0) -> str:
    _, said = await worker.event(f"/i/{worker.ticket(serial, flags=flags)}", headers=headers)
    return said


@pytest.mark.parametrize("url", OURS)
async def test_a_page_of_a_site_is_ours(judging: Worker, url: str) -> None:
    assert not await flags(judging, f"?url={quote(url, safe='')}") & FLAG_FOREIGN
    if url.isascii():
        assert not await flags(judging, referer=url) & FLAG_FOREIGN
        assert await told(judging, {"referer": url}) == "accepted"
        assert await told(judging, {"origin": url}, serial=2) == "accepted"


@pytest.mark.parametrize("url", FOREIGN)
async def test_a_page_of_another_host_is_foreign(judging: Worker, url: str) -> None:
    assert await flags(judging, f"?url={quote(url, safe='')}") & FLAG_FOREIGN
    assert await flags(judging, referer=url) & FLAG_FOREIGN
    for number, header in enumerate(("referer", "origin")):
        assert await told(judging, {header: url}, number) == "discarded; reason=foreign_page"


async def test_below_a_host_that_has_a_site_only_its_decision_knows_the_page(
    judging: Worker,
) -> None:
    page = "https://www.example/other"
    assert await flags(judging, f"?url={quote(page, safe='')}") & FLAG_FOREIGN
    # Browsers tell other hosts no more than the host.
    assert await told(judging, {"referer": page}) == "accepted"


@pytest.mark.parametrize("url", ["", "about:srcdoc", "null", "x" * 3_000, "https://[::1", "/x"])
async def test_who_says_nothing_has_not_said_that_they_are_elsewhere(
    judging: Worker, url: str
) -> None:
    assert not await flags(judging, f"?url={quote(url)}") & FLAG_FOREIGN
    assert await told(judging, {"referer": url}) == "accepted"
    assert await told(judging, {}, serial=2) == "accepted"
    assert await told(judging, {"origin": "null"}, serial=3) == "accepted"
    said = await told(judging, {"origin": "null", "referer": FOREIGN[0]}, serial=4)
    assert said == "discarded; reason=foreign_page"


async def test_a_page_hides_nothing_behind_an_address_that_is_none(judging: Worker) -> None:
    assert await flags(judging, "?url=junk", referer=FOREIGN[0]) & FLAG_FOREIGN


@pytest.mark.parametrize("path", ["/frame/post-top", "/h/x", "/"])
async def test_documents_of_the_ad_server_itself_are_not_foreign(
    judging: Worker, path: str
) -> None:
    assert await told(judging, {"referer": f"http://ads{path}"}) == "accepted"
    served = judging.state.live.served
    assert served is not None
    judging.state.live.served = replace(served, addresses=Addresses("https://public.example/ads"))
    for number, host in enumerate(("http://ads", "https://public.example"), 2):
        assert await told(judging, {"referer": f"{host}{path}"}, number) == "accepted"


async def test_an_ad_that_was_decided_for_a_foreign_page_is_of_one(judging: Worker) -> None:
    said = await told(judging, {"referer": OURS[0]}, flags=FLAG_FOREIGN)
    assert said == "discarded; reason=foreign_page"


async def test_by_default_foreign_pages_count(judging: Worker) -> None:
    judging.state.invalid = Invalid()
    assert await told(judging, {"referer": FOREIGN[0]}, flags=FLAG_FOREIGN) == "accepted"


async def test_with_nothing_served_no_page_is_foreign(judging: Worker) -> None:
    judging.state.live.served = None
    foreign = elsewhere(lambda: None)
    judging.state.invalid = Invalid({Rule.FOREIGN_PAGE: Mode.DISCARD}, {Rule.FOREIGN_PAGE: foreign})
    assert await told(judging, {"referer": FOREIGN[0]}) == "accepted"
