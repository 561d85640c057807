"""A generation as a folder: what was applied, byte for byte, and never more than that."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Generation
from adserver.core.errors import ContentGone, SettingsError
from adserver.core.publication import Entry
from adserver.publishing.content import content_of
from adserver.publishing.export import compare, exported, not_live, write_into
from adserver.publishing.publish import Wish, choose, propose, publish
from adserver.publishing.read import read_folder
from tests.cli.command import CAMPAIGN, SITE, SLOTS, write_folder
from tests.factories import campaign
from tests.memory import MemoryStore
from tests.publishing.campaign_folder import draw

DEMO = Path(__file__).parents[2] / "config"
PICTURES = [draw(728, 90), draw(728, 90, "PNG") + b"\0", draw(728, 90) + b"\0\0"]
PATHS = ["images/b-728x90.png", "images/x/b-728x90.png", "b-728x90.png"]
BANNER = """\
# {mark}
advertiser: Brûlerie du Port
tier: standard
slots: [post-top]
link: https://shop.example/
creatives:
  - {{id: bandeau, alt: Café, images: ["{path}"]}}
"""


def apply(memory: MemoryStore, folder: Path, *names: str, prune: bool = False) -> Generation:
    wish, reading = Wish(folder, names, prune), read_folder(folder)
    found = memory.live()
    live = found[0] if found else None
    proposal = propose(choose(reading, wish), live, wish)
    content = content_of(reading, live, proposal.catalog, wish)
    publish(proposal, content, memory, Entry("ana@blog"))
    return memory.made[-1][0]


def export_to(memory: MemoryStore, generation: Generation, folder: Path) -> list[str]:
    with exported(generation, memory.files) as made:
        assert made.differs == ()
        return write_into(folder, made, compare(made, folder), overwrite=False)


def why_not(generation: Generation, memory: MemoryStore) -> str:
    with pytest.raises(ContentGone) as refused, exported(generation, memory.files):
        pass
    return str(refused.value)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_shipped_folder_comes_back_byte_for_byte(tmp_path: Path) -> None:
    memory = MemoryStore()
    live = apply(memory, DEMO)
    export_to(memory, live, tmp_path)
    there, here = files_in(tmp_path), files_in(DEMO)
    assert there == {name: here[name] for name in there}
    assert {name for name in here if name.startswith("campaigns/")} <= there.keys()


@st.composite
def steps(draw_from: st.DrawFn) -> list[tuple[dict[str, tuple[int, int]], list[str]]]:
    """Folders one after another: by campaign, which path it names and which picture lies there;
    and which campaigns are applied (all, if none is named)."""
    found = []
    for _ in range(draw_from(st.integers(1, 4))):
        names = draw_from(st.sets(st.sampled_from("abc"), min_size=1))
        # Of one folder, one path has one picture.
        pictures = draw_from(st.tuples(*[st.integers(0, len(PICTURES) - 1)] * len(PATHS)))
        chosen = {name: draw_from(st.integers(0, len(PATHS) - 1)) for name in sorted(names)}
        folder = {name: (path, pictures[path]) for name, path in chosen.items()}
        only = draw_from(st.lists(st.sampled_from(sorted(names)), unique=True))
        found.append((folder, only))
    return found


@given(steps())
def test_whatever_was_applied_reads_back_as_it_is_live(
    applied: list[tuple[dict[str, tuple[int, int]], list[str]]],
) -> None:
    memory = MemoryStore()
    with TemporaryDirectory() as at:
        for number, (campaigns, only) in enumerate(applied):
            folder = write_pictures(Path(at) / str(number), campaigns, number)
            apply(memory, folder, *only)
        for generation, _ in memory.made:
            out = Path(at) / f"out-{generation.number}"
            export_to(memory, generation, out)
            reading = read_folder(out)
            assert propose(choose(reading, Wish(out)), generation, Wish(out)).plan.empty
            for name in generation.files:
                text = (out / name).read_bytes()
                applied_text = memory.sources[generation.files[name][name]]
                moved = text != applied_text
                assert not moved or text.splitlines()[:-1] == applied_text.splitlines()[:-1]
            shutil.rmtree(out)


def write_pictures(at: Path, campaigns: dict[str, tuple[int, int]], mark: int) -> Path:
    texts = {
        name: BANNER.format(mark=f"{mark} {name}", path=PATHS[path])
        for name, (path, _) in campaigns.items()
    }
    folder = write_folder(at, **texts)
    for path, picture in campaigns.values():
        (folder / PATHS[path]).parent.mkdir(parents=True, exist_ok=True)
        (folder / PATHS[path]).write_bytes(PICTURES[picture])
    return folder


def test_two_pictures_of_one_path_are_both_written(tmp_path: Path) -> None:
    memory = MemoryStore()
    first = write_pictures(tmp_path / "1", {"a": (0, 0)}, 1)
    apply(memory, first)
    second = write_pictures(tmp_path / "2", {"z": (0, 1)}, 2)
    live = apply(memory, second)
    out = tmp_path / "out"
    with exported(live, memory.files) as made:
        assert made.moved == {"campaigns/z.yaml": {PATHS[0]: "images/z/b-728x90.png"}}
    export_to(memory, live, out)
    assert (out / PATHS[0]).read_bytes() == PICTURES[0]
    assert (out / "images/z/b-728x90.png").read_bytes() == PICTURES[1]
    assert 'images: ["images/z/b-728x90.png"]' in (out / "campaigns/z.yaml").read_text("utf-8")
    assert (out / "campaigns/a.yaml").read_bytes() == (first / "campaigns/a.yaml").read_bytes()


@pytest.fixture
def memory(tmp_path: Path) -> MemoryStore:
    made = MemoryStore()
    apply(made, write_folder(tmp_path / "applied", a=CAMPAIGN, b=CAMPAIGN))
    return made


def live_of(memory: MemoryStore) -> Generation:
    return memory.made[-1][0]


def test_a_file_that_differs_is_not_overwritten_unasked(
    memory: MemoryStore, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN + "weight: 2\n")
    with exported(live_of(memory), memory.files) as made:
        compared = compare(made, folder)
        assert compared.other == ("campaigns/a.yaml",)
        assert compared.same == ("site.yaml", "slots.yaml")
        assert compared.missing == ("campaigns/b.yaml",)
        assert write_into(folder, made, compared, overwrite=False) == ["campaigns/b.yaml"]
        assert (folder / "campaigns/a.yaml").read_text("utf-8") == CAMPAIGN + "weight: 2\n"
        written = write_into(folder, made, compare(made, folder), overwrite=True)
        assert written == ["campaigns/a.yaml"]
        assert compare(made, folder).same == made.paths
    assert (folder / "campaigns/a.yaml").read_text("utf-8") == CAMPAIGN


def test_what_the_generation_does_not_have_stays(memory: MemoryStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN, mine=CAMPAIGN)
    (folder / "notes.txt").write_text("mine")
    (folder / "campaigns" / ".swap.yaml").write_text("")
    with exported(live_of(memory), memory.files) as made:
        write_into(folder, made, compare(made, folder), overwrite=True)
        assert not_live(folder, made) == ["campaigns/mine.yaml"]
        assert not_live(tmp_path / "absent", made) == []
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "campaigns/mine.yaml").exists()


def test_nothing_is_written_outside_of_the_folder(memory: MemoryStore, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "config"
    outside.mkdir()
    folder.mkdir()
    (folder / "campaigns").symlink_to(outside)
    with exported(live_of(memory), memory.files) as made:
        ways = compare(made, folder).in_the_way
    assert ways == dict.fromkeys(
        ("campaigns/a.yaml", "campaigns/b.yaml"), "its folder is a link that leads elsewhere"
    )
    assert not any(outside.iterdir())


def test_a_link_is_replaced_and_not_written_through(memory: MemoryStore, tmp_path: Path) -> None:
    outside, folder = tmp_path / "precious.yaml", tmp_path / "config"
    outside.write_text("precious")
    folder.mkdir()
    (folder / "site.yaml").symlink_to(outside)
    (folder / "slots.yaml").symlink_to(tmp_path / "nowhere")
    with exported(live_of(memory), memory.files) as made:
        compared = compare(made, folder)
        assert compared.other == ("site.yaml", "slots.yaml")
        write_into(folder, made, compared, overwrite=True)
    assert outside.read_text() == "precious"
    assert not (folder / "site.yaml").is_symlink()
    assert (folder / "site.yaml").read_text("utf-8") == SITE
    assert (folder / "slots.yaml").read_text("utf-8") == SLOTS


def test_what_stands_where_a_file_or_its_folder_should_be_is_told(
    memory: MemoryStore, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    (folder / "site.yaml").mkdir(parents=True)
    (folder / "campaigns").write_text("a file")
    with exported(live_of(memory), memory.files) as made:
        ways = compare(made, folder).in_the_way
    assert ways["site.yaml"] == "a folder has its name"
    assert ways["campaigns/a.yaml"] == "a file has the name of its folder"
    assert "slots.yaml" not in ways


def test_a_campaign_under_its_other_ending_is_in_the_way(
    memory: MemoryStore, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, b=CAMPAIGN)
    (folder / "campaigns/a.yml").write_text(CAMPAIGN)
    with exported(live_of(memory), memory.files) as made:
        ways = compare(made, folder).in_the_way
    assert ways == {"campaigns/a.yaml": "campaigns/a.yml is a file of the same campaign"}


def test_a_folder_that_cannot_be_written_or_read_is_told(
    memory: MemoryStore, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    with exported(live_of(memory), memory.files) as made:
        compared = compare(made, folder)
        (folder / "campaigns").write_text("in the meantime")
        with pytest.raises(SettingsError, match="campaigns"):
            write_into(folder, made, compared, overwrite=False)


def test_a_generation_of_the_release_before_is_refused_with_what_to_do(memory: MemoryStore) -> None:
    older = replace(live_of(memory), files={})
    with (
        pytest.raises(ContentGone, match=r"text of site\.yaml, slots\.yaml, a, b .* apply once"),
        exported(older, memory.files),
    ):
        pass
    kept = {name: files for name, files in live_of(memory).files.items() if "b.yaml" not in name}
    with (
        pytest.raises(ContentGone, match="text of b was applied by an earlier release"),
        exported(replace(older, files=kept), memory.files),
    ):
        pass


def test_a_file_that_the_store_has_lost_is_told_by_name(memory: MemoryStore) -> None:
    live = live_of(memory)
    lost = replace(live, files={**live.files, "campaigns/b.yaml": {"campaigns/b.yaml": "none"}})
    with (
        pytest.raises(ContentGone, match=r"generation 1: the store has lost campaigns/b\.yaml"),
        exported(lost, memory.files),
    ):
        pass


def test_paths_that_no_release_of_ours_wrote_are_refused(memory: MemoryStore) -> None:
    live = live_of(memory)
    bad = {"campaigns/b.yaml": {**live.files["campaigns/b.yaml"], "../../x.png": "d"}}
    with (
        pytest.raises(ContentGone, match="leads out of the config folder"),
        exported(replace(live, files={**live.files, **bad}), memory.files),
    ):
        pass


def test_a_name_that_cannot_be_rewritten_is_told(tmp_path: Path) -> None:
    memory = MemoryStore()
    apply(memory, write_pictures(tmp_path / "1", {"a": (0, 0)}, 1))
    second = write_pictures(tmp_path / "2", {"z": (0, 1)}, 2)
    text = (second / "campaigns/z.yaml").read_text("utf-8")
    (second / "campaigns/z.yaml").write_text(text.replace("images/b", r"images\x2fb"))
    live = apply(memory, second)
    with (
        pytest.raises(ContentGone, match=r"campaigns/z\.yaml cannot be exported"),
        exported(live, memory.files),
    ):
        pass


def test_a_campaign_that_was_read_with_another_site_is_told(
    memory: MemoryStore, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN + "weight: 2\n", b=CAMPAIGN)
    (folder / "site.yaml").write_text(SITE.replace("Europe/Paris", "UTC"), encoding="utf-8")
    live = apply(memory, folder, "a")
    with exported(live, memory.files) as made:
        assert made.differs == ("a",)


def test_an_export_that_reads_as_nothing_differs_in_everything(memory: MemoryStore) -> None:
    live = live_of(memory)
    memory.sources["broken"] = b"name: [\n"
    broken = replace(live, files={**live.files, "site.yaml": {"site.yaml": "broken"}})
    with exported(broken, memory.files) as made:
        assert made.differs == ("site", "slots")
    extra = replace(live.catalog, campaigns=(*live.catalog.campaigns, campaign("c")))
    with (
        pytest.raises(ContentGone, match="the text of c was applied"),
        exported(replace(live, catalog=extra), memory.files),
    ):
        pass
