"""What travels with a catalog: of each file, whether it is the folder's or the live one's."""

from __future__ import annotations

from pathlib import Path

from adserver.core.assets import digest_of
from adserver.core.catalog import Generation
from adserver.publishing.content import content_of, merged
from adserver.publishing.publish import Wish, choose, propose
from adserver.publishing.read import Reading, read_folder
from tests.cli.command import CAMPAIGN, write_folder
from tests.factories import campaign, catalog

FOLDER = Path("config")
DEMO = Path(__file__).parents[2] / "config"
SETTINGS = {"site.yaml": {"site.yaml": "s1"}, "slots.yaml": {"slots.yaml": "t1"}}
A1, B1 = {"campaigns/a.yaml": {"campaigns/a.yaml": "a1"}}, {"campaigns/b.yml": {"b.yml": "b1"}}
LIVE = {**SETTINGS, **A1, **B1}
WRITTEN = {
    "site.yaml": {"site.yaml": "s2"},
    "slots.yaml": {"slots.yaml": "t2"},
    "campaigns/a.yaml": {"campaigns/a.yaml": "a2"},
    "campaigns/c.yaml": {"campaigns/c.yaml": "c2"},
}
EVERY = catalog(campaign("a"), campaign("b"), campaign("c"))


def test_without_names_the_folders_files_go_along_and_those_of_campaigns_that_stay() -> None:
    assert merged(WRITTEN, LIVE, EVERY, Wish(FOLDER)) == WRITTEN | B1


def test_with_names_only_theirs_change() -> None:
    found = merged(WRITTEN, LIVE, EVERY, Wish(FOLDER, ("c",)))
    assert found == LIVE | {"campaigns/c.yaml": WRITTEN["campaigns/c.yaml"]}


def test_the_first_generation_takes_the_settings_also_with_names() -> None:
    only_a = catalog(campaign("a"))
    found = merged(WRITTEN, {}, only_a, Wish(FOLDER, ("a",)))
    assert found.keys() == {"site.yaml", "slots.yaml", "campaigns/a.yaml"}


def test_a_campaign_that_ends_takes_its_files_along() -> None:
    only_c = catalog(campaign("c"))
    assert "campaigns/a.yaml" not in merged(WRITTEN, LIVE, only_c, Wish(FOLDER, ("a",)))


def test_a_campaign_that_was_applied_without_files_has_none() -> None:
    assert "campaigns/b.yml" not in merged(WRITTEN, {}, EVERY, Wish(FOLDER))


def test_a_file_that_was_renamed_to_its_other_ending_is_there_once() -> None:
    again = {**WRITTEN, "campaigns/b.yaml": {"campaigns/b.yaml": "b2"}}
    assert "campaigns/b.yml" not in merged(again, LIVE, EVERY, Wish(FOLDER))


def applied(reading: Reading, wish: Wish, live: Generation | None = None) -> Generation:
    proposal = propose(choose(reading, wish), live, wish)
    content = content_of(reading, live, proposal.catalog, wish)
    return Generation(proposal.expected + 1, proposal.catalog, files=content.files)


def test_the_shipped_folder_is_kept_whole_and_byte_for_byte() -> None:
    reading, wish = read_folder(DEMO), Wish(DEMO)
    content = content_of(reading, None, choose(reading, wish), wish)
    bytes_of = {digest: one.data for digest, one in content.assets.items()} | content.sources
    named = {path: digest for files in content.files.values() for path, digest in files.items()}
    assert named["site.yaml"] == digest_of((DEMO / "site.yaml").read_bytes())
    assert {path: bytes_of[digest] for path, digest in named.items()} == {
        path: (DEMO / path).read_bytes() for path in named
    }
    campaigns = {f"campaigns/{one.name}" for one in (DEMO / "campaigns").iterdir()}
    assert content.files.keys() == {"site.yaml", "slots.yaml"} | campaigns
    shown = {path for path in named if not path.endswith(".yaml")}
    assert {path.partition("/")[0] for path in shown} == {"images", "html"}


def test_an_html_document_with_a_byte_order_mark_is_kept_with_it(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path,
        riche="tier: house\nslots: [post-top]\nlink: https://blog.example/\n"
        "creatives:\n  - {id: a, html: html/a.html, size: 300x250}\n",
    )
    (folder / "html").mkdir()
    data = b"\xef\xbb\xbf<!doctype html><a href=%%click%%>Encore</a>"
    (folder / "html/a.html").write_bytes(data)
    (folder / "slots.yaml").write_text(
        "post-top: {title: Above, sizes: {desktop: 300x250}, on_empty: house}\n"
    )
    reading = read_folder(folder)
    assert reading.catalog is not None, reading.problems
    digest = reading.files["campaigns/riche.yaml"]["html/a.html"]
    assert reading.texts[digest] == data
    [asset] = reading.assets.values()
    assert asset.data == data[3:]


def test_of_a_folder_with_a_broken_campaign_the_others_are_kept(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, brulerie=CAMPAIGN, broken="tier: hous\n")
    assert "campaigns/broken.yaml" not in read_folder(folder).files


def test_a_folder_that_touches_one_campaign_sends_its_text_alone(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN, b=CAMPAIGN)
    first = applied(read_folder(folder), Wish(folder))
    (folder / "campaigns/a.yaml").write_text(CAMPAIGN + "weight: 3\n")
    (folder / "campaigns/b.yaml").write_text(CAMPAIGN + "weight: 4\n")
    reading, wish = read_folder(folder), Wish(folder, ("a",))
    after = propose(choose(reading, wish), first, wish).catalog
    content = content_of(reading, first, after, wish)
    assert content.files["campaigns/b.yaml"] == first.files["campaigns/b.yaml"]
    assert content.files["campaigns/a.yaml"] != first.files["campaigns/a.yaml"]
    assert [*content.sources.values()].count((CAMPAIGN + "weight: 4\n").encode()) == 0
    assert (CAMPAIGN + "weight: 3\n").encode() in content.sources.values()
