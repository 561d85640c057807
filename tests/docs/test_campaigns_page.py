"""docs/campaigns.md has a line for every key of the files, and its complete examples are good."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from PIL import Image

from adserver.core.catalog import Device, OnEmpty, Pace, Period, State, Tier
from adserver.core.macros import LINK_MACROS, MACROS
from adserver.core.problems import Severity
from adserver.publishing import campaign_file, creatives, descriptions, flights, site_file
from adserver.publishing.effect import Kind
from adserver.publishing.read import read_folder
from adserver.publishing.report import By, Sums
from tests.docs.pages import ROOT, blocks, page, rows, section

PAGE = page("campaigns.md")
COMPLETE = "complete: "
PICTURE = re.compile(r"images/[\w-]+-(\d+)x(\d+)(@2x)?\.png")


def keys(heading: str) -> list[str]:
    return [line[0] for line in rows(section(PAGE, heading))]


def values(heading: str, key: str) -> set[str]:
    """What stands as code in the whole line of a key."""
    (line,) = [line for line in rows(section(PAGE, heading)) if line[0] == key]
    return set(re.findall(r"`([^`]+)`", " ".join(line[1:])))


def of_campaigns() -> list[str]:
    return [line[0] for line in rows(section(PAGE, "## A campaign").partition("\n### ")[0])]


def test_every_key_of_the_site_has_its_line() -> None:
    assert sorted(keys("## site.yaml")) == sorted([*site_file.SITE_KEYS, "one_of", "many"])


def test_every_key_of_slots_has_its_line() -> None:
    assert sorted(keys("## slots.yaml")) == sorted(site_file.SLOT_KEYS)
    assert set(OnEmpty) <= values("## slots.yaml", "on_empty")
    assert set(Device) <= values("## slots.yaml", "sizes")


def test_every_key_of_a_campaign_has_its_line() -> None:
    assert sorted(of_campaigns()) == sorted(campaign_file.KEYS)


def test_everything_that_a_plan_says_of_delivery_has_its_line() -> None:
    said = rows(section(PAGE, "## Plan and apply").partition("\n### ")[0])
    words = {word for line in said for word in re.findall(r"[a-z_]+", line[0])}
    assert set(map(str, Kind)) <= words


def test_every_key_of_a_flight_a_price_and_a_creative_has_its_line() -> None:
    assert sorted(keys("### Flight and hours")) == sorted(flights.KEYS)
    assert sorted(keys("### Price")) == ["cpc", "cpm", "flat"]
    assert keys("### Frequency") == ["impressions", "per", *Period]
    words = ("headline", "body", "cta")
    assert sorted(keys("### Creatives")) == sorted([*creatives.ALL_KEYS, *words])


def plain(cell: str) -> str:
    """A cell as editors show it: no links, nothing bold."""
    without_asides = re.sub(r",? ?\(?\[[^\]]*\]\([^)]*\)\)", "", cell)
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", without_asides).replace("**", "")


def meanings(heading: str, where: str = "") -> dict[str, str]:
    return {where + line[0]: plain(line[1]) for line in rows(section(PAGE, heading))}


def test_editors_say_of_each_key_of_the_site_and_the_slots_what_the_page_says() -> None:
    assert meanings("## slots.yaml") == {**descriptions.SLOTS}
    of_site = meanings("## site.yaml")
    assert {
        key.removeprefix("context."): text for key, text in descriptions.SITE.items()
    } == of_site


def test_editors_say_of_each_key_of_a_campaign_what_the_page_says() -> None:
    told = {
        **{
            line[0]: plain(line[1])
            for line in rows(section(PAGE, "## A campaign").partition("\n### ")[0])
        },
        **meanings("### Goals and limits", "goal."),
        **meanings("### Flight and hours", "flight."),
        **meanings("### Frequency", "frequency."),
        **meanings("### Targeting", "targeting."),
        **meanings("### Price", "price."),
        **meanings("### Creatives", "creatives."),
    }
    for key, text in descriptions.CAMPAIGN.items():
        assert told[key.replace("creatives.text.", "creatives.")] == text, key


def test_every_state_and_tier_is_named() -> None:
    assert set(State) <= values("## A campaign", "state")
    assert set(Tier) <= values("## A campaign", "tier")
    assert set(Pace) <= values("## A campaign", "pacing")
    assert set(Period) == values("### Frequency", "per")


def test_every_macro_of_ours_has_its_line_and_says_where_it_works() -> None:
    lines = {line[0].strip("%"): line[1].strip() for line in rows(section(PAGE, "### Macros"))}
    assert sorted(lines) == sorted(name for name in MACROS if name.islower())
    assert {name for name, in_links in lines.items() if in_links == "yes"} == {
        name for name in LINK_MACROS if name.islower()
    }


def test_every_column_and_line_of_reports_is_named() -> None:
    look = section(PAGE, "## Look")
    columns = {line[0] for line in rows(look)}
    assert columns == {*Sums.__dataclass_fields__, "ctr", "revenue", "ecpm"} - {"earned"}
    assert all(f"`{by}`" in look for by in By)


def complete_examples(text: str) -> dict[str, str]:
    return {
        block.mark.removeprefix(COMPLETE): block.text
        for block in blocks(text)
        if block.mark.startswith(COMPLETE)
    }


def write_example(folder: Path, name: str, text: str) -> None:
    """The file, and what it names: pictures of the right size, documents with a click."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    for match in PICTURE.finditer(text):
        scale = 2 if match[3] else 1
        write(path.parents[1] / match[0], picture(int(match[1]) * scale, int(match[2]) * scale))
    for document in re.findall(r"html: (html/\S+)", text):
        write(path.parents[1] / document, b'<!doctype html><a href="%%click%%">Coffee</a>')


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def picture(width: int, height: int) -> bytes:
    data = BytesIO()
    Image.new("P", (width, height)).save(data, "PNG")
    return data.getvalue()


def test_the_complete_examples_are_a_folder_without_a_problem(tmp_path: Path) -> None:
    examples = complete_examples(PAGE)
    assert {"config/site.yaml", "config/slots.yaml"} < set(examples)
    for name, text in examples.items():
        write_example(tmp_path, name, text)
    reading = read_folder(tmp_path / "config")
    assert [problem.message for problem in reading.problems] == []
    assert reading.catalog is not None
    assert len(reading.catalog.campaigns) == len(examples) - 2


def test_the_examples_have_every_key_that_this_version_knows() -> None:
    text = "\n".join(complete_examples(PAGE).values())
    known = {
        *site_file.SITE_KEYS,
        *site_file.SLOT_KEYS,
        *campaign_file.KEYS,
        *creatives.ALL_KEYS,
        *flights.KEYS,
    }
    assert {key for key in known if not re.search(rf"\b{key}:", text)} == set()


def test_the_campaign_of_the_readme_is_complete(tmp_path: Path) -> None:
    readme = complete_examples((ROOT / "README.md").read_text("utf-8"))
    assert readme
    shared = {name: text for name, text in complete_examples(PAGE).items() if "/camp" not in name}
    for name, text in {**shared, **readme}.items():
        write_example(tmp_path, name, text)
    reading = read_folder(tmp_path / "config")
    assert [p.message for p in reading.problems if p.severity is Severity.ERROR] == []
