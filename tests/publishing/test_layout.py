"""Where files go when two want one place, and how a campaign's file then names them."""

from __future__ import annotations

import pytest

from adserver.publishing.layout import Unplaceable, lay_out, named_files, with_moved

TWO = {
    "campaigns/a.yaml": {"campaigns/a.yaml": "ya", "images/b.png": "d1"},
    "campaigns/z.yaml": {"campaigns/z.yaml": "yz", "images/b.png": "d2", "images/c.png": "d3"},
}


def test_what_everybody_agrees_on_lies_where_it_was() -> None:
    files = {"site.yaml": {"site.yaml": "s"}, **TWO}
    files["campaigns/z.yaml"] = {"campaigns/z.yaml": "yz", "images/b.png": "d1"}
    layout = lay_out(files)
    assert layout.moved == {}
    assert layout.paths == {
        "site.yaml": "s",
        "campaigns/a.yaml": "ya",
        "campaigns/z.yaml": "yz",
        "images/b.png": "d1",
    }


def test_the_second_file_of_one_name_goes_into_a_folder_of_its_campaign() -> None:
    layout = lay_out(TWO)
    assert layout.moved == {"campaigns/z.yaml": {"images/b.png": "images/z/b.png"}}
    assert layout.paths["images/b.png"] == "d1"
    assert layout.paths["images/z/b.png"] == "d2"
    assert layout.paths["images/c.png"] == "d3"


def test_a_place_that_is_taken_as_well_is_passed_over() -> None:
    files = dict(TWO)
    files["campaigns/a.yaml"] = {**TWO["campaigns/a.yaml"], "images/z/b.png": "other"}
    assert lay_out(files).paths["images/d2/b.png"] == "d2"


def test_a_file_and_a_folder_of_one_name_do_not_meet() -> None:
    files = {
        "campaigns/a.yaml": {"campaigns/a.yaml": "ya", "x.png": "d1"},
        "campaigns/b.yaml": {"campaigns/b.yaml": "yb", "x.png/y.png": "d2"},
        "campaigns/c.yaml": {"campaigns/c.yaml": "yc", "campaigns": "d3"},
    }
    layout = lay_out(files)
    assert layout.paths["x.png"] == "d1"
    assert layout.paths["b/y.png"] == "d2"
    assert layout.paths["c/campaigns"] == "d3"


def test_two_spellings_of_one_path_are_one_place() -> None:
    layout = lay_out(
        {"campaigns/a.yaml": {"campaigns/a.yaml": "y", "i/b.png": "d", "i//./b.png": "d"}}
    )
    assert layout.paths == {"campaigns/a.yaml": "y", "i/b.png": "d"}
    assert layout.moved == {}


@pytest.mark.parametrize("path", ["../b.png", "/etc/passwd", "a\\b.png", "C:b.png", "i/../../b"])
def test_a_path_that_leads_out_of_the_folder_is_refused(path: str) -> None:
    with pytest.raises(Unplaceable):
        lay_out({"campaigns/a.yaml": {"campaigns/a.yaml": "y", path: "d"}})
    with pytest.raises(Unplaceable):
        lay_out({path: {path: "d"}})


def test_a_path_that_would_become_too_long_is_shortened_by_another_folder() -> None:
    long = "i/" + "n" * 150 + ".png"
    name = f"campaigns/{'c' * 80}.yaml"
    layout = lay_out(
        {"campaigns/a.yaml": {"campaigns/a.yaml": "y", long: "d1"}, name: {name: "z", long: "d2"}}
    )
    assert layout.moved[name] == {long: f"i/d2/{'n' * 150}.png"}


def test_the_names_of_one_files_pictures_and_documents_are_found() -> None:
    text = "creatives:\n- {id: a, images: [x.png, 'y.png']}\n- id: b\n  html: z.html\n- 7\n"
    assert [one.text for one in named_files(text)] == ["x.png", "y.png", "z.html"]
    assert [*named_files("creatives: none\n")] == []
    assert [*named_files("- not a mapping\n")] == []


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("images: [i/b.png, i/c.png]", "images: [i/z/b.png, i/c.png]"),
        ("images: ['i/b.png', \"i/c.png\"]", "images: ['i/z/b.png', \"i/c.png\"]"),
        ('images: [ "i/b.png" ]', 'images: [ "i/z/b.png" ]'),
        ("images: [i/b.png, i/b.png]", "images: [i/z/b.png, i/z/b.png]"),
        ("alt: i/b.png, images: [i/b.png]", "alt: i/b.png, images: [i/z/b.png]"),
        ("html: i/b.png", "html: i/z/b.png"),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_only_the_names_of_what_was_moved_change(written: str, becomes: str, ending: str) -> None:
    whole = f"# é{ending}creatives:{ending}  - {{id: ü, {{}}}}{ending}# i/b.png{ending}"
    before = whole.replace("{}", written)
    assert with_moved(before, {"i/b.png": "i/z/b.png"}) == whole.replace("{}", becomes)


def test_several_lines_of_a_list_change_each() -> None:
    text = "creatives:\n  - id: a\n    images:\n      - i/b.png\n      - i/c.png\n"
    moved = {"i/b.png": "i/z/b.png", "i/c.png": "i/z/c.png"}
    assert with_moved(text, moved) == text.replace("i/", "i/z/")


@pytest.mark.parametrize("written", ['"i\\x2fb.png"', '"i/b\\\n    .png"'])
def test_a_name_that_is_written_with_escapes_is_refused(written: str) -> None:
    with pytest.raises(Unplaceable, match="escapes"):
        with_moved(f"creatives:\n  - images: [{written}]\n", {"i/b.png": "i/z/b.png"})


def test_two_files_of_one_name_have_no_two_places() -> None:
    files = {
        "campaigns/a.yaml": {"campaigns/a.yaml": "y1"},
        "campaigns/./a.yaml": {"campaigns/./a.yaml": "y2"},
    }
    with pytest.raises(Unplaceable, match="has the place of another file"):
        lay_out(files)
