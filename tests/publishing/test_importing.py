"""A spreadsheet becomes files that say what was meant, or problems that say where they are."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adserver.core.catalog import Campaign, Creative, Goal, Price, Text, Tier
from adserver.publishing.importing import Imported, import_csv
from adserver.publishing.read import read_folder
from adserver.publishing.spreadsheet import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, letter
from adserver.publishing.starting import Publication, starting_files
from adserver.publishing.writing import write_new
from tests.publishing.campaign_folder import draw

SHEETS = Path(__file__).parents[1] / "data" / "spreadsheets"
GAZETTE = Publication("Gazette", "https://gazette.example", "fr", "Europe/Paris", "EUR")
HEADINGS = "name,advertiser,tier,slots,link,creative.headline"
GOOD = "quay,Coffee,remnant,post-top,https://coffee.example,Roasted"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_new(tmp_path / "config", starting_files(GAZETTE))
    return tmp_path / "config"


def imported(folder: Path, *lines: str, **options: object) -> Imported:
    return import_csv(folder, "orders.csv", "\n".join(lines).encode(), **options)


def told(made: Imported) -> list[str]:
    return [f"{p.line}:{p.column}: {p.code}: {p.message}" for p in made.problems]


def campaigns_of(folder: Path, made: Imported) -> dict[str, Campaign]:
    """The campaigns as they are read once the files are written."""
    assert [p.message for p in made.problems if p.severity == "error"] == []
    write_new(folder, {path: one.text for path, one in made.drafts.items()})
    catalog = read_folder(folder).catalog
    assert catalog is not None
    return {one.name: one for one in catalog.campaigns if one.name != "house"}


@pytest.mark.parametrize(
    "name",
    [
        "comma.csv",
        "excel-french.csv",
        "excel-utf8.csv",
        "excel-unicode.txt",
        "excel-sep.csv",
        "american.csv",
    ],
)
def test_whoever_has_written_it_the_same_is_meant(folder: Path, name: str) -> None:
    made = import_csv(folder, name, (SHEETS / name).read_bytes())
    found = campaigns_of(folder, made)
    assert sorted(found) == ["brulerie", "uvre-cie-2026-12"]
    brulerie, oeuvre = found.values()
    assert (brulerie.advertiser, brulerie.order) == ("Brûlerie du Port", "0042")
    assert brulerie.flight.since == 1_793_574_000.0  # 2026-11-02 00:00 in Paris
    assert brulerie.flight.until == 1_796_079_600.0  # 2026-12-01 00:00
    assert brulerie.goal == Goal(impressions=120_000)
    assert brulerie.price == Price(cpm=Decimal("8.50"))
    assert brulerie.slots == ("home-top", "post-*")
    assert brulerie.competes_in == ("café", "thé")
    link = "https://brulerie.example/automne?utm_source=gazette&utm_medium=display"
    assert brulerie.creatives == (
        Creative(
            "card",
            f"{link}&utm_campaign=brulerie&utm_content=card",
            text=Text("Café de saison", "À vingt mètres du quai.", ""),
        ),
        Creative(
            "deux",
            f"{link}&utm_campaign=brulerie&utm_content=deux",
            text=Text("« L’été »; déjà", "-50 % aujourd’hui", ""),
        ),
    )
    assert (oeuvre.advertiser, oeuvre.order) == ("Œuvre & Cie", "true")
    assert oeuvre.creatives[0].text == Text("Noël: 10 €", "", "")
    assert oeuvre.creatives[0].link == "https://oeuvre.example/?a=%%slot%%"
    assert oeuvre.price == Price(cpm=Decimal(12))


def test_quoted_newlines_and_remarks(folder: Path) -> None:
    made = import_csv(folder, "newlines.csv", (SHEETS / "newlines.csv").read_bytes())
    (quay,) = campaigns_of(folder, made).values()
    assert quay.slots == ("home-top", "post-top")
    assert quay.creatives[0].text == Text(
        'Roasted "this" morning', "Twenty yards\nfrom the quay.", ""
    )


def test_formulas_are_refused_and_what_only_looks_like_one_is_text(folder: Path) -> None:
    made = import_csv(folder, "formulas.csv", (SHEETS / "formulas.csv").read_bytes())
    assert told(made) == [
        "2:2: formula_cell: column B `advertiser`: a formula stands here, not what it comes to: "
        "`=CONCAT(A1;B1)`",
        "2:6: formula_cell: column F `price.cpm`: the spreadsheet could not reckon this cell: "
        "`#REF!`",
        "2:7: formula_cell: column G `creative.headline`: a formula stands here, not what it comes "
        'to: `=HYPERLINK("https://evil.example")`',
    ]
    good = "\n".join((SHEETS / "formulas.csv").read_text().splitlines()[::2])
    (two,) = campaigns_of(folder, import_csv(folder, "x.csv", good.encode())).values()
    assert two.advertiser == "+33 1 23 45 67 89"
    assert two.creatives[0].text == Text("=1+1 is two", "", "-10 % today")


def test_pictures_targeting_and_all_else_that_a_file_may_say(folder: Path) -> None:
    (folder / "images").mkdir()
    for size in ((728, 90), (320, 100)):
        name = f"b-{size[0]}x{size[1]}.png"
        (folder / "images" / name).write_bytes(draw(*size))
    site = folder / "site.yaml"
    site.write_text(site.read_text("utf-8") + "context: {tags: {many: true}}\n", "utf-8")
    made = imported(
        folder,
        "name,advertiser,tier,slots,link,flight.from,flight.until,goal.share,frequency.impressions,"
        "frequency.per,targeting.tags,targeting.tags.none,targeting.device,hours,"
        "creative.images,creative.alt,creative.weight",
        'quay,Coffee,Sponsorship,post-top,https://c.example,13/11/2026 09:00,"2026-11-30 18:00:00",'
        '"12,5 %",3,Day,café;thé,crime,mobile,mon-fri 08:00-20:00,'
        '"images/b-728x90.png;images/b-320x100.png",Coffee,"2,5"',
    )
    (quay,) = campaigns_of(folder, made).values()
    assert (quay.tier, quay.goal) == (Tier.SPONSORSHIP, Goal(share=0.125))
    tags = next(clause for clause in quay.targeting if clause.fact == "tags")
    assert (tags.any, tags.none) == (("café", "thé"), ("crime",))
    assert quay.creatives[0].id == "banner"
    assert quay.creatives[0].weight == 2.5
    assert [str(image.size) for image in quay.creatives[0].images] == ["728x90", "320x100"]


def test_every_problem_of_every_row_is_told_at_its_cell(folder: Path) -> None:
    made = imported(
        folder,
        f"{HEADINGS},price.cmp,goal.impressions,flight.last_day",
        "a b,Coffee,remnand,post-tap,javascript:x,Roasted,,,2026-13-01",
        "quay,,standard,post-top,https://coffee.example,Roasted,,many,2026-11-30",
    )
    assert told(made) == [
        "1:7: unknown_column: there is no column `price.cmp`",
        "2:1: bad_name: column A `name`: `a b` cannot be the name of a campaign",
        "2:3: wrong_value: column C `tier`: expected sponsorship, standard, remnant or house, found"
        " `remnand`",
        "2:4: unknown_slot: column D `slots`: there is no slot `post-tap`",
        "2:5: bad_link: column E `link`: an address begins with https:// or http://, this is "
        "`javascript:x`",
        "2:9: wrong_value: column I `flight.last_day`: expected a day such as 2026-11-02, found "
        "`2026-13-01`",
        "3:2: missing_key: column B `advertiser`: `advertiser` is missing",
        "3:8: wrong_value: column H `goal.impressions`: expected a number, found `many`",
    ]
    assert made.problems[0].hint == "did you mean `price.cpm`?"
    assert made.failed


def test_what_a_row_lacks_without_a_column_for_it_is_told_of_the_row(folder: Path) -> None:
    made = imported(folder, "name,advertiser", "quay,Coffee")
    assert {(p.line, p.column) for p in made.problems} == {(2, 0)}
    assert {p.message for p in made.problems} >= {"`tier` is missing", "`slots` is missing"}


@pytest.mark.parametrize(
    ("lines", "code", "place"),
    [
        ([""], "empty_file", (0, 0)),
        ([HEADINGS, 'quay,"Coffee'], "not_csv", (2, 0)),
        ([f"{HEADINGS},name", f"{GOOD},x"], "duplicate_column", (1, 7)),
        ([HEADINGS, f"{GOOD},more"], "no_heading", (2, 7)),
        ([f"{HEADINGS},", f"{GOOD},more"], "no_heading", (2, 7)),
        ([",".join(["#"] * MAX_COLUMNS + ["name"])], "too_many_columns", (1, 0)),
        ([HEADINGS, *[GOOD] * (MAX_ROWS + 1)], "too_many_rows", (MAX_ROWS + 2, 0)),
        ([HEADINGS, GOOD, GOOD.replace("post-top", "home-top")], "two_campaigns", (3, 4)),
        ([HEADINGS, GOOD, GOOD.replace("quay", "Quay")], "duplicate_name", (2, 1)),
        ([HEADINGS, GOOD.replace("quay", "../quay")], "bad_name", (2, 1)),
        ([HEADINGS, GOOD.replace("Coffee", "Cof\u2028fee")], "invisible_character", (2, 2)),
    ],
)
def test_a_spreadsheet_that_cannot_be_read_is_refused_with_the_place(
    folder: Path, lines: list[str], code: str, place: tuple[int, int]
) -> None:
    made = imported(folder, *lines)
    assert made.failed
    assert (code, place) in [(p.code, (p.line, p.column)) for p in made.problems]


def test_bytes_that_are_no_text_and_too_many_of_them(folder: Path) -> None:
    assert import_csv(folder, "x", b"name\n\x81\x8d\xff").problems[0].code == "not_utf8"
    assert import_csv(folder, "x", b"\xff\xfe\x00").problems[0].code == "not_utf8"
    assert import_csv(folder, "x", b"x" * (MAX_BYTES + 1)).problems[0].code == "file_too_large"


def test_rows_are_numbered_as_the_spreadsheet_shows_them(folder: Path) -> None:
    first = GOOD.replace("post-top", '"home-top\npost-top"').replace("quay", "one")
    made = imported(folder, HEADINGS, first, "", ",,,,,", GOOD.replace("remnant", "x"))
    assert [(p.line, p.column) for p in made.problems] == [(5, 3)]


def test_columns_have_letters() -> None:
    assert [letter(n) for n in (1, 26, 27, 52, 53, 702, 703)] == [
        *("A", "Z", "AA", "AZ", "BA", "ZZ", "AAA")
    ]


def test_a_folder_that_cannot_be_read_is_told_as_it_is(folder: Path) -> None:
    (folder / "slots.yaml").write_text("nothing: here\n")
    made = imported(folder, HEADINGS, GOOD)
    assert {Path(p.file).name for p in made.problems} == {"slots.yaml"}


def test_another_campaigns_problems_are_none_of_ours(folder: Path) -> None:
    (folder / "campaigns" / "broken.yaml").write_text("tier: gold\n")
    assert imported(folder, HEADINGS, GOOD).problems == ()


@pytest.mark.parametrize("name", ["HOUSE", "House"])
def test_a_name_that_another_file_has_but_for_its_case_is_refused(folder: Path, name: str) -> None:
    made = imported(folder, HEADINGS, GOOD.replace("quay", name))
    assert [p.code for p in made.problems] == ["duplicate_name"]


def test_a_warning_is_told_and_stands_in_nobodys_way(folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "images" / "heavy.gif").write_bytes(
        draw(728, 90, "GIF")[:-1] + (b"\x21\xfe" + (b"\xff" + b"x" * 255) * 700 + b"\x00") + b";"
    )
    headings = HEADINGS.replace("headline", "images") + ",creative.alt"
    made = imported(folder, headings, GOOD.replace("Roasted", "images/heavy.gif,Coffee"))
    assert not made.failed
    assert ("heavy_image", 2, 6) in [(p.code, p.line, p.column) for p in made.problems]


def test_names_are_made_where_there_are_none(folder: Path) -> None:
    headings = HEADINGS.removeprefix("name,") + ",flight.first_day"
    row = GOOD.removeprefix("quay,")
    made = imported(folder, headings, f"{row},2026-11-02", f"{row},2026-11-09", f"{row},")
    assert list(made.drafts) == [
        "campaigns/coffee-2026-11.yaml",
        "campaigns/coffee-2026-11-2.yaml",
        "campaigns/coffee.yaml",
    ]


def test_an_existing_file_keeps_its_ending(folder: Path) -> None:
    (folder / "campaigns" / "quay.yml").write_text("x")
    assert list(imported(folder, HEADINGS, GOOD).drafts) == ["campaigns/quay.yml"]
    assert imported(folder, HEADINGS, GOOD).problems == ()


DAYS = ",flight.first_day"


@pytest.mark.parametrize(
    ("days", "order", "found"),
    [
        (["02/11/2026"], None, None),
        (["02/11/2026"], "dmy", ["2026-11-02"]),
        (["02/11/2026"], "mdy", ["2026-02-11"]),
        (["02/11/2026", "30/11/2026"], None, ["2026-11-02", "2026-11-30"]),
        (["02/11/2026", "11/30/2026"], None, ["2026-02-11", "2026-11-30"]),
        (["02/11/2026", "30/11/2026", "11/30/2026"], None, None),
        (["02.11.2026"], None, ["2026-11-02"]),
        (["2/2/2026"], None, ["2026-02-02"]),
        (["2026-11-02"], None, ["2026-11-02"]),
    ],
)
def test_a_day_is_read_in_the_order_that_the_file_gives_away(
    folder: Path, days: list[str], order: str | None, found: list[str] | None
) -> None:
    rows = [f"{GOOD.replace('quay', f'q{n}')},{day}" for n, day in enumerate(days)]
    made = imported(folder, f"{HEADINGS}{DAYS}", *rows, days=order)
    if found is None:
        assert {p.code for p in made.problems} == {"ambiguous_day"}
        assert "`--dates dmy`" in made.problems[0].hint
    else:
        assert not made.failed, told(made)
        for text, day in zip(made.drafts.values(), found, strict=True):
            assert f"first_day: {day}\n" in text.text


@pytest.mark.parametrize(
    ("delimiter", "price", "found"),
    [
        (",", "8.5", "8.5"),
        (",", '"8,5"', "8.5"),
        (",", '"1,234.50"', "1234.50"),
        (",", '"1,234"', None),
        (",", '"1,234,567"', "1234567"),
        (",", "1.234", None),
        (",", "12.000", None),
        (",", "0.125", "0.125"),
        (",", "1.2340", "1.2340"),
        (",", "1'234.500", "1234.500"),
        (",", "many", "many"),
        (";", "8,50", "8.50"),
        (";", "1 234,50", "1234.50"),
        (";", "1.234,50", "1234.50"),
        (";", "1.234", None),
        (";", "1,234", None),
        (";", "0,125", "0.125"),
    ],
)
def test_a_price_is_read_as_the_country_writes_it_or_not_at_all(
    folder: Path, delimiter: str, price: str, found: str | None
) -> None:
    lines = [f"{HEADINGS},price.cpm".replace(",", delimiter)]
    lines.append(f"{GOOD.replace(',', delimiter)}{delimiter}{price}")
    made = imported(folder, *lines)
    if found is None:
        assert [p.code for p in made.problems] == ["ambiguous_number"]
    elif not found[0].isdigit():
        assert [p.code for p in made.problems] == ["wrong_value"]
    else:
        assert f"cpm: {found}\n" in made.drafts["campaigns/quay.yaml"].text


@pytest.mark.parametrize(
    ("heading", "row", "code", "hint"),
    [
        ("order", GOOD.replace("remnant", "sponsorship"), "missing_key", "`goal.share`"),
        ("goal.share", GOOD.replace("remnant", "sponsorship"), "missing_key", "column G"),
        ("order", GOOD.replace("remnant", "standard"), "standard_without_goal", "impressions"),
        ("order", GOOD.replace("Roasted", ""), "missing_key", "column F `creative.headline`"),
        ("frequency.per", f"{GOOD},day", "missing_key", "add a column `frequency.impressions`"),
        ("flight.first_day", f"{GOOD},02/11/26", "ambiguous_day", "write 02/11/2026, if so"),
        ("price.cpm", f"{GOOD},8.50 €", "wrong_value", "write 8.50: the currency is"),
        ("price.cpm", f'{GOOD},"8,50 EUR"', "wrong_value", "write 8.50: the currency is"),
        (
            "goal.share",
            f'{GOOD.replace("remnant", "sponsorship")},"0,5"',
            "wrong_value",
            "write 50%",
        ),
    ],
)
def test_what_a_row_lacks_or_has_otherwise_is_said_in_terms_of_the_spreadsheet(
    folder: Path, heading: str, row: str, code: str, hint: str
) -> None:
    made = imported(folder, f"{HEADINGS},{heading}", row)
    (hinted,) = [p.hint for p in made.problems if p.code == code]
    assert hint in hinted


def test_a_file_of_an_older_mac_is_doubted(folder: Path) -> None:
    lines = f"{HEADINGS}\n{GOOD}\n"
    for word, doubted in (("Café", True), ("câble", True), ("Žižek", False)):
        encoding = "mac-roman" if doubted else "cp1252"
        data = lines.replace("Coffee", word).encode(encoding)
        found = [p.code for p in import_csv(folder, "x.csv", data).problems]
        assert found == (["doubtful_encoding"] if doubted else [])


@pytest.mark.parametrize(
    ("price", "hint"),
    [
        ("1.500", "write 1500 or 1,5"),
        ('"12,000"', "write 12000 or 12"),
        ('"1,234"', "write 1234 or 1,2340"),
    ],
)
def test_a_price_in_doubt_is_told_how_to_write_it_as_the_file_does(
    folder: Path, price: str, hint: str
) -> None:
    other = f'{GOOD.replace("quay", "pier")},"8,50"'
    made = imported(folder, f"{HEADINGS},price.cpm", other, f"{GOOD},{price}")
    assert [(p.code, p.line, p.hint) for p in made.problems] == [("ambiguous_number", 3, hint)]


@pytest.mark.parametrize("other", ["8.5", '"1,234.50"', '"1,234,567"'])
def test_a_file_has_one_decimal_sign(folder: Path, other: str) -> None:
    second = f"{GOOD.replace('quay', 'pier')},{other}"
    made = imported(folder, f"{HEADINGS},price.cpm", f'{GOOD},"1.234,50"', second)
    shown = other.strip('"')
    assert told(made) == [
        f"3:7: mixed_decimals: column G `price.cpm`: `{shown}` has a decimal point, and `1.234,50` "
        "in G2 a decimal comma"
    ]
    assert made.failed


def words(signs: str) -> st.SearchStrategy[str]:
    letters = st.characters(codec="utf-8", exclude_categories=["C", "Z"])
    some = st.text(letters | st.sampled_from(signs), min_size=1, max_size=40)
    return some.map(lambda text: f"x{text}x")


WORDS, LINES = words(" ,;\"':#"), words(" ,;\"':#\n")


@given(st.lists(st.tuples(WORDS, WORDS, LINES), min_size=1, max_size=4))
@settings(max_examples=40)
def test_whatever_words_there_are_they_arrive(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("words") / "config"
    write_new(folder, starting_files(GAZETTE))

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = ["name,tier,slots,link,advertiser,creative.headline,creative.body"]
    for number, row in enumerate(rows):
        cells = ",".join(map(cell, row))
        lines.append(f"c{number},remnant,post-top,https://a.example,{cells}")
    made = imported(folder, *lines)
    found = campaigns_of(folder, made)
    for number, (advertiser, headline, body) in enumerate(rows):
        campaign = found[f"c{number}"]
        assert campaign.advertiser == advertiser
        assert campaign.creatives[0].text == replace(Text("", "", ""), headline=headline, body=body)
