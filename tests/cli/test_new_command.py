"""`adserver new campaign`: a file that can be applied, asked for or given, never over another."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from adserver.core.catalog import Goal, Tier
from adserver.publishing.drafts import HEADER
from adserver.publishing.read import read_folder
from tests.cli.command import adserver
from tests.publishing.campaign_folder import draw
from tests.terminal import on_terminal

COFFEE = (
    *("--advertiser", "Brûlerie du Port", "--tier", "standard", "--slots", "post-top, home-*"),
    *("--first-day", "2026-11-02", "--last-day", "2026-11-30", "--impressions", "120000"),
    *("--cpm", "8.50", "--link", "https://brulerie.example/"),
    *("--headline", "Café: le bon", "--cta", "Voir"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert adserver("init", tmp_path / "config").exit_code == 0
    return tmp_path / "config"


def campaign_of(folder: Path, name: str):
    catalog = read_folder(folder).catalog
    assert catalog is not None
    return next(one for one in catalog.campaigns if one.name == name)


def without(option: str) -> list[str]:
    at = COFFEE.index(option)
    return [*COFFEE[:at], *COFFEE[at + 2 :]]


def test_a_file_is_written_that_says_what_was_given(folder: Path) -> None:
    result = adserver("new", "campaign", *COFFEE, "--config", folder)
    assert result.exit_code == 0, result.stderr
    path = folder / "campaigns" / "brulerie-du-port-2026-11.yaml"
    assert result.stdout.startswith(f"wrote {path}\n")
    assert path.read_text("utf-8").startswith(f"{HEADER}\n#")
    campaign = campaign_of(folder, "brulerie-du-port-2026-11")
    assert (campaign.tier, campaign.goal) == (Tier.STANDARD, Goal(impressions=120_000))
    assert campaign.slots == ("post-top", "home-*")
    assert campaign.creatives[0].text.headline == "Café: le bon"
    assert adserver("validate", "--config", folder).stdout == "no problems; 2 campaigns read\n"


def test_the_name_may_be_given_and_is_made_so_that_nobody_has_it(folder: Path) -> None:
    assert adserver("new", "campaign", "coffee", *COFFEE, "--config", folder).exit_code == 0
    for _ in range(2):
        assert adserver("new", "campaign", *COFFEE, "--config", folder).exit_code == 0
    names = sorted(path.stem for path in (folder / "campaigns").iterdir())
    stem = "brulerie-du-port-2026-11"
    assert names == [stem, f"{stem}-2", "coffee", "house"]


@pytest.mark.parametrize("ending", ["yaml", "yml"])
def test_nothing_is_overwritten(folder: Path, ending: str) -> None:
    there = folder / "campaigns" / f"coffee.{ending}"
    there.write_text("mine", "utf-8")
    result = adserver("new", "campaign", "coffee", *COFFEE, "--force", "--config", folder)
    assert result.exit_code == 2
    assert f"{there} is there already" in result.stderr
    assert there.read_text("utf-8") == "mine"


def test_a_name_that_differs_in_case_alone_is_taken(folder: Path) -> None:
    result = adserver("new", "campaign", "House", *COFFEE, "--config", folder)
    assert result.exit_code == 1
    assert "is taken by" in result.stderr
    assert not (folder / "campaigns" / "House.yaml").exists()


def test_without_a_folder_it_says_how_there_comes_to_be_one(tmp_path: Path) -> None:
    result = adserver("new", "campaign", *COFFEE, "--config", tmp_path / "config")
    assert result.exit_code == 1
    assert "`adserver init` makes one" in result.stderr


@pytest.mark.parametrize("name", ["../coffee", "a b", "é", ""])
def test_a_name_that_cannot_be_one_is_refused(folder: Path, name: str) -> None:
    result = adserver("new", "campaign", name, *COFFEE, "--config", folder)
    assert result.exit_code == 2
    assert "cannot be the name of a campaign" in result.stderr


@pytest.mark.parametrize("option", ["--advertiser", "--tier", "--slots", "--link", "--headline"])
def test_what_is_missing_is_named_where_nobody_can_be_asked(folder: Path, option: str) -> None:
    result = adserver("new", "campaign", *without(option), "--config", folder)
    assert result.exit_code == 2
    assert f"still needs {option};" in result.stderr


def test_a_sponsorship_needs_its_share_and_a_house_campaign_no_advertiser(folder: Path) -> None:
    creative = ("--slots", "home-top", "--link", "https://a.example", "--headline", "A")
    words = ("new", "campaign", "--config", folder, *creative)
    share = adserver(*words, "--tier", "sponsorship", "--advertiser", "A")
    assert "a sponsorship campaign still needs --share" in share.stderr
    assert adserver(*words, "--tier", "house").exit_code == 0
    assert campaign_of(folder, "house-2").tier is Tier.HOUSE


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--tier", "standrd", "did you mean `standard`?"),
        ("--slots", "home-tap", "did you mean `home-top`?"),
        ("--link", "javascript:alert(1)", "--link: "),
        ("--last-day", "2026-10-01", "--last-day: the flight ends (2026-10-01) before it begins"),
        ("--impressions", "120.000", "--impressions: "),
        ("--cpm", "8,50", "with a point"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_with_the_reason(
    folder: Path, option: str, value: str, said: str
) -> None:
    at = COFFEE.index(option)
    words = [*COFFEE[: at + 1], value, *COFFEE[at + 2 :]]
    result = adserver("new", "campaign", *words, "--config", folder)
    assert result.exit_code == 2
    assert said in result.stderr
    assert [path.name for path in (folder / "campaigns").iterdir()] == ["house.yaml"]


def test_answers_that_do_not_go_together_are_shown_and_kept_only_if_meant(folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "images" / "b-320x100.png").write_bytes(draw(320, 100))
    words = [*COFFEE, "--images", "images/b-320x100.png", "--alt", "Café"]
    both = adserver("new", "campaign", "coffee", *words, "--config", folder)
    assert both.exit_code == 1
    assert "expected one of images, text or html, found `images` and `text`" in both.stderr
    assert "Nothing was written." in both.stderr
    assert not (folder / "campaigns" / "coffee.yaml").exists()
    forced = adserver("new", "campaign", "coffee", *words, "--force", "--config", folder)
    assert forced.exit_code == 1
    assert (folder / "campaigns" / "coffee.yaml").exists()


def test_pictures_are_a_creative_with_words_about_them(folder: Path) -> None:
    (folder / "images").mkdir()
    for width, height in ((728, 90), (320, 100)):
        (folder / "images" / f"b-{width}x{height}.png").write_bytes(draw(width, height))
    words = without("--headline")
    at = words.index("--cta")
    words = [*words[:at], *words[at + 2 :], "--images", "images/b-728x90.png,images/b-320x100.png"]
    missing = adserver("new", "campaign", "coffee", *words, "--config", folder)
    assert "still needs --alt" in missing.stderr
    made = adserver("new", "campaign", "coffee", *words, "--alt", "Café", "--config", folder)
    assert made.exit_code == 0, made.stderr
    creative = campaign_of(folder, "coffee").creatives[0]
    assert (creative.id, creative.alt, len(creative.images)) == ("banner", "Café", 2)


def test_the_answer_as_json(folder: Path) -> None:
    words = ("new", "campaign", "coffee", *COFFEE, "--config", folder, "--format", "json")
    assert orjson.loads(adserver(*words).stdout) == {
        "campaign": "coffee",
        "file": str(folder / "campaigns" / "coffee.yaml"),
        "problems": [],
    }


def test_a_folder_that_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "slots.yaml").write_text("post-top: {}\n", "utf-8")
    result = adserver("new", "campaign", *COFFEE, "--config", folder)
    assert result.exit_code == 1
    assert "slots.yaml:1:" in result.stderr


def test_on_a_terminal_it_asks_for_what_no_option_says(folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "images" / "b-728x90.png").write_bytes(draw(728, 90))
    (folder / "images" / "b-1x1.png").write_bytes(draw(1000, 1000))
    with on_terminal(folder.parent, "new", "campaign", "--order", "0042") as person:
        person.answer("or house?", "standrd")
        person.answer("or house?", "standard")
        person.answer("Who is advertised?", "Harbour Coffee")
        person.answer("Slots", "post-top")
        person.answer("First day?", "2026-11-02")
        person.answer("Last day", "2026-11-30")
        person.answer("How many impressions", "")
        person.answer("thousand impressions", "8.50")
        person.answer("click lead?", "coffee.example")
        person.answer("click lead?", "https://coffee.example/")
        person.answer("Pictures", "")
        person.answer("first line?", "Roasted this morning")
        person.answer("sentence more?", "")
        person.answer("call to act?", "See the menu")
        person.answer("name?", "")
        assert person.ended() == 0, person.said
    assert "post-top  Above the article (728x90 on desktop, 320x100 on mobile)" in person.said
    assert "images/b-728x90.png  728x90" in person.said
    assert "b-1x1" not in person.said
    assert "Error: --link: " in person.said
    campaign = campaign_of(folder, "harbour-coffee-2026-11")
    assert (campaign.order, campaign.goal) == ("0042", None)


def test_a_sponsorship_and_a_house_campaign_are_asked_other_questions(folder: Path) -> None:
    with on_terminal(folder.parent, "new", "campaign", "fair") as person:
        person.answer("or house?", "sponsorship")
        person.answer("Who is advertised?", "Book Fair")
        person.answer("Slots", "")
        person.answer("First day?", "2026-11-02")
        person.answer("Last day", "2026-11-30")
        person.answer("Which share", "50%")
        person.answer("Price of it all", "900")
        person.answer("click lead?", "https://fair.example/")
        person.answer("first line?", "Books")
        person.answer("sentence more?", "")
        person.answer("call to act?", "")
        assert person.ended() == 0, person.said
    assert campaign_of(folder, "fair").goal == Goal(share=0.5)
    with on_terminal(folder.parent, "new", "campaign", "letter") as person:
        person.answer("or house?", "house")
        person.answer("Slots", "home-top")
        person.answer("click lead?", "https://a.example/")
        person.answer("first line?", "A letter")
        person.answer("sentence more?", "")
        person.answer("call to act?", "")
        assert person.ended() == 0, person.said
    assert campaign_of(folder, "letter").tier is Tier.HOUSE


def test_what_is_said_is_not_asked_again_and_pictures_can_be_chosen(folder: Path) -> None:
    (folder / "images").mkdir()
    for width, height in ((728, 90), (320, 100)):
        (folder / "images" / f"b-{width}x{height}.png").write_bytes(draw(width, height))
    given = ("--tier", "standard", "--slots", "post-top", "--clicks", "500")
    days = ("--first-day", "2026-11-02", "--last-day", "2026-11-30")
    with on_terminal(folder.parent, "new", "campaign", *given[:4], *days, *given[4:]) as person:
        person.answer("Who is advertised?", "Harbour Coffee")
        person.answer("Price of a click", "0.50")
        person.answer("click lead?", "https://coffee.example/")
        person.answer("Pictures", "images/b-728x90.png, images/b-320x101.png")
        person.answer("Pictures", "images/b-728x90.png, images/b-320x100.png")
        person.answer("in words?", "Coffee")
        person.answer("name?", "a b")
        person.answer("name?", "coffee")
        assert person.ended() == 0, person.said
    assert "How many" not in person.said
    assert "there is no file `images/b-320x101.png`" in person.said
    campaign = campaign_of(folder, "coffee")
    assert campaign.goal == Goal(clicks=500)
    assert campaign.price is not None
    assert f"{campaign.price.cpc}" == "0.50"
    assert len(campaign.creatives[0].images) == 2


def test_a_price_that_is_said_is_not_asked_for(folder: Path) -> None:
    options = ("--tier", "remnant", "--advertiser", "A", "--slots", "home-top", "--cpm", "2")
    words = ("--headline", "A", "--link", "https://a.example/")
    with on_terminal(folder.parent, "new", "campaign", "a", *options, *words) as person:
        person.answer("First day?", "")
        person.answer("Last day", "")
        person.answer("sentence more?", "")
        person.answer("call to act?", "")
        assert person.ended() == 0, person.said
    assert campaign_of(folder, "a").flight.until is not None
