"""Whatever marketers write stays text, in every place where the public port shows it."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest
from hypothesis import given, settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from adserver.core.catalog import Campaign, Catalog, Creative, Html, Size, Text
from adserver.core.context import Context
from adserver.core.decision import decide
from adserver.core.leases import NO_ROOMS
from adserver.core.steps import finish
from adserver.metrics.exposition import DumpCollector
from adserver.metrics.meter import Meter
from adserver.serving import markup, strip
from adserver.serving.app import PublicApp
from adserver.serving.invalid import Invalid
from adserver.serving.served import Served, preparing
from tests.factories import (
    NOW,
    campaign,
    catalog,
    generation,
    image,
    image_creative,
    site,
    slot,
    text_creative,
)
from tests.hostile_names import EVERYTHING, HOSTILE, Read, stays_text
from tests.serving.memory import MemoryWorker
from tests.serving.test_app import blog

READER = Context(language="fr")
TICKET = b"t" * 56
KINDS = ["text", "image", "html"]


def creative(kind: str, text: str) -> Creative:
    if kind == "text":
        return text_creative(text=Text(text, text, text))
    if kind == "image":
        return image_creative("bandeau", image(), image(density=2), alt=text)
    return text_creative(text=None, alt=text, html=Html("d" * 32, text, Size(728, 90)))


def sold(kind: str, text: str) -> Campaign:
    return campaign(advertiser=text, paid_by=f"{text}!", creatives=(creative(kind, text),))


def written(kind: str, text: str) -> Catalog:
    labels = {"fr": text, "en": text}
    return catalog(sold(kind, text), slots=(slot(title=text),), site=site(label=labels, name=text))


def prepared(of: Catalog) -> Served:
    return finish(preparing(generation(of), "", Meter(), NOW, Invalid()))


def served(kind: str, text: str) -> Served:
    return prepared(written(kind, text))


def wrapper(kind: str, text: str) -> str:
    one = served(kind, text)
    placement = decide(one.snapshot, "post-top", READER, NOW, 0.5).placement
    assert placement is not None
    fill = one.fill(placement, one.reader.of(READER))
    assert len(fill.with_beacon) == 3, "one ticket for the ad, one for its beacon"
    return TICKET.join(fill.with_beacon).decode()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(text=HOSTILE)
def test_in_the_wrapper_and_the_frame(kind: str, text: str) -> None:
    stays_text(lambda one: wrapper(kind, one), text)
    where = served("text", "x")

    def frame(one: str) -> str:
        labels = site(label={"fr": one, "en": one})
        return markup.frame(wrapper(kind, one), "fr", labels, where.addresses)

    stays_text(frame, text)


@settings(max_examples=60)
@given(text=HOSTILE)
def test_in_what_serve_dev_adds(text: str) -> None:
    one = served("text", "x")

    def added(name: str) -> str:
        """A slot that a page asks for by any name."""
        decision = decide(one.snapshot, name, READER, NOW, 0.5)
        return strip.strip(one, decision, READER, NOW, NO_ROOMS)

    stays_text(added, text)


@settings(max_examples=60)
@given(text=HOSTILE)
def test_in_a_picture_s_address(text: str) -> None:
    """Names of files are no words: nothing of them but what an address may hold is in the page."""
    banner = image_creative("b", image(name=text), image(name=text, density=2))
    one = prepared(catalog(campaign(creatives=(banner,))))
    placement = decide(one.snapshot, "post-top", READER, NOW, 0.5).placement
    assert placement is not None
    html = TICKET.join(one.fill(placement, one.reader.of(READER)).with_beacon).decode()
    shown = [dict(node[2:]) for node in Read(html).nodes if node[:2] == ("element", "img")]
    address = f"/assets/{image().digest}/"
    assert shown[0]["src"].startswith(address)
    assert not set(shown[0]["src"]) & set(" \t\r\n\"'<>`,\\")
    assert shown[0]["srcset"].count(", ") == 1
    assert len(shown[0]["srcset"].split()) == 4


@settings(max_examples=60)
@given(text=HOSTILE)
def test_in_a_metric_s_label(text: str) -> None:
    rows = [(("brulerie", text, "standard"), 1.0)]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DumpCollector({"campaign_info": rows}))
    lines = generate_latest(registry).decode("utf-8", "surrogatepass")
    families = {one.name: one for one in text_string_to_metric_families(lines)}
    [sample] = families["adserver_campaign_info"].samples
    assert sample.labels["advertiser"] == text
    assert families.keys() <= {f"adserver_{name}" for name in families_of_nothing()}


def families_of_nothing() -> set[str]:
    return {one.name.removeprefix("adserver_") for one in DumpCollector({}).collect()}


@pytest.fixture
async def client(tmp_path: Path):
    memory = MemoryWorker(tmp_path / "journal")
    memory.begin()
    memory.store.publish(generation(written("text", EVERYTHING)))
    await memory.state.live.refresh(NOW)
    transport = httpx.ASGITransport(PublicApp(memory.state, "", blog))
    async with httpx.AsyncClient(transport=transport, base_url="http://ads") as client:
        yield client
    await memory.finish()


async def test_in_answers_as_they_go_out(client: httpx.AsyncClient) -> None:
    for path in ("/slots/post-top", "/frame/post-top"):
        answer = await client.get(path)
        tags = {node[1] for node in Read(answer.text).nodes if node[0] == "element"}
        assert not tags & {"script", "base", "style", "iframe"}, path
        assert ("text", EVERYTHING) in Read(answer.text).nodes
        assert EVERYTHING not in str(answer.headers)
    answer = await client.get("/decisions?slots=post-top")
    [one] = orjson.loads(answer.content)["decisions"]
    assert one["parts"]["headline"] == one["parts"]["label"] == EVERYTHING
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_control_unescaped_it_would_be_markup() -> None:
    with pytest.raises(AssertionError):
        stays_text(lambda text: f"<strong>{text}</strong>", "<script>alert(1)</script>")
    with pytest.raises(AssertionError):
        stays_text(lambda text: f'<img alt="{text}">', '" onerror="alert(1)')
