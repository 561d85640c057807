"""`adserver report` as a table, JSON and CSV."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.cli import output
from adserver.cli.output import defused
from adserver.core.catalog import Goal, Price
from adserver.core.events import Metric
from tests.cli.command import adserver
from tests.factories import NOW, campaign, catalog, row, site, slot, text_creative
from tests.memory import MemoryStore, store

HOUR = 3_600
DAY = 24 * HOUR


def busy() -> MemoryStore:
    sold = campaign(price=Price(cpm=Decimal("8.50")), order="=BC-118")
    memory = store(catalog(sold))
    memory.counted = [
        row(Metric.SERVED, 1_300),
        row(Metric.IMPRESSION, 1_200),
        row(Metric.IMPRESSION, 30, reason="duplicate"),
        row(Metric.VIEWABLE, 900),
        row(Metric.CLICK, 6),
        row(Metric.CLICK, 2, reason="bot"),
        row(Metric.WOULD_IMPRESSION, 1_040, reason="rate_limited"),
        row(Metric.WOULD_CLICK, 3, reason="unmatched"),
        row(Metric.UNMATCHED, 1),
        row(Metric.UNMATCHED_VIEWABLE, 12),
        row(Metric.IMPRESSION, 34, hour=int(NOW) - DAY),
    ]
    return memory


def reported(*words: str) -> dict[str, object]:
    result = adserver("report", *words, "--format", "json", store=busy())
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


FIGURES = {
    "served": 1_300,
    "gross": 1_230,
    "impressions": 1_200,
    "viewable": 900,
    "clicks": 6,
    "unmatched": 1,
    "ctr": 0.005,
    "revenue": "10.20",
    "ecpm": "8.50",
    "unmatched_viewable": 12,
}


def test_json_is_as_documented():
    assert reported("--since", "2026-11-02") == {
        "rows": [{"campaign": "brulerie", **FIGURES}],
        "total": FIGURES,
        "discarded": {"impression": {"duplicate": 30}, "click": {"bot": 2}},
        "dry_run": {"impression": {"rate_limited": 1_040}, "click": {"unmatched": 3}},
    }


def test_of_one_campaign_json_is_what_its_proof_is_made_of_without_dry_runs():
    made = reported("--since", "2026-11-02", "--campaign", "brulerie")
    assert list(made) == ["rows", "total", "discarded"]


@pytest.mark.parametrize(
    ("by", "label"),
    [
        ("creative", {"campaign": "brulerie", "creative": "carte"}),
        ("slot", {"slot": "post-top"}),
        ("site", {"site": "blog"}),
        ("day", {"day": "2026-11-02"}),
        ("hour", {"hour": "2026-11-02T10:00+01:00"}),
    ],
)
def test_a_line_is_named_by_what_was_asked_for(by, label):
    assert reported("--by", by, "--since", "2026-11-02")["rows"] == [{**label, **FIGURES}]


def test_a_window_behind_the_goal_earns_nothing():
    sold = campaign(price=Price(cpm=Decimal("8.50")), goal=Goal(impressions=1_000))
    memory = store(catalog(sold))
    memory.counted = [row(Metric.IMPRESSION, 1_030, hour=int(NOW) - DAY), row(Metric.IMPRESSION)]
    for words, revenue in (((), "8.50"), (("--since", "2026-11-02"), "0.00")):
        result = adserver("report", *words, "--format", "json", store=memory)
        assert orjson.loads(result.stdout)["total"]["revenue"] == revenue


def test_until_is_exclusive():
    assert reported("--until", "2026-11-02")["total"]["impressions"] == 34
    assert reported("--until", "2026-11-02T10:00")["total"]["impressions"] == 34
    assert reported("--until", "2026-11-02T11:00")["total"]["impressions"] == 1_234


def test_all_there_is_is_the_default():
    assert reported()["total"]["impressions"] == 1_234


def test_csv_opens_in_a_spreadsheet_and_computes_nothing():
    shown = adserver("report", "--csv", "--since", "2026-11-02", store=busy()).stdout
    (line,) = csv.DictReader(io.StringIO(shown))
    assert line["unmatched_viewable"] == "12"
    assert line["campaign"] == "brulerie"
    assert line["order"] == "'=BC-118"
    assert (line["impressions"], line["ctr"], line["revenue"]) == ("1200", "0.005", "10.20")


SIGNS = ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦"]
BEFORE = ["", " ", "   ", "\t", "\r", "\n", "\xa0", "\u3000", "\ufeff", "\u200b", "\x00", " \t "]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", BEFORE)
def test_a_cell_that_could_be_a_formula_is_defused(before, sign):
    assert str(defused(f"{before}{sign}1+1")).startswith("'")


@pytest.mark.parametrize("start", ["\t", "\r"])
def test_a_cell_that_begins_with_what_a_spreadsheet_drops_is_defused(start):
    assert defused(f"{start}BC-118") == f"'{start}BC-118"


@pytest.mark.parametrize("separator", [";", "\t", "\n"])
def test_a_cell_that_another_separator_makes_two_of_is_defused_in_both(separator):
    assert defused(f"BC{separator} =1+1") == f"BC{separator}' =1+1"
    assert defused(f"=1{separator}=1") == f"'=1{separator}'=1"


@pytest.mark.parametrize("cell", ["1=1", "BC-118", "Café + thé", "", "a@b", 12, -3, 0.5, None])
def test_what_is_no_formula_is_left_as_it_is(cell):
    assert defused(cell) == cell


@given(st.text())
def test_no_text_is_left_that_begins_with_a_sign_behind_what_is_not_seen(text):
    seen = str(defused(text)).lstrip("".join(BEFORE))
    assert not seen.startswith(tuple(SIGNS))


def test_headings_are_defused_as_well(capsys):
    output.csv(["=campaign", "＝day"], [["a", " =1"]])
    assert capsys.readouterr().out == "'=campaign,'＝day\na,' =1\n"


def test_no_name_that_anybody_wrote_reaches_a_spreadsheet_as_a_formula():
    names = {"name": "brulerie", "order": " ＝HYPERLINK(1)"}
    sold = campaign(creatives=(text_creative("-1+cmd"),), **names)
    memory = store(catalog(sold, slots=(slot("@slot"),)))
    memory.counted = [row(Metric.IMPRESSION, 1)]
    for by in ("campaign", "creative", "slot"):
        shown = adserver("report", "--by", by, "--csv", store=memory).stdout
        cells = [cell for line in csv.reader(io.StringIO(shown)) for cell in line]
        assert not [cell for cell in cells if cell.lstrip().startswith(tuple(SIGNS))], by


@pytest.mark.parametrize("until", ["2026-11-01", "2026-11-02"])
def test_a_window_without_anything_in_it_is_a_matter_of_usage(until):
    result = adserver("report", "--since", "2026-11-02", "--until", until, store=busy())
    assert result.exit_code == 2
    assert f"--until {until} is not after --since 2026-11-02" in result.stderr


def test_text_is_a_table_with_a_total_and_the_discards():
    shown = adserver("report", "--since", "2026-11-02", store=busy()).stdout.splitlines()
    assert shown[0].split() == [
        *("campaign", "order", "served", "gross", "impressions", "viewable", "clicks"),
        *("unmatched", "ctr", "revenue", "ecpm"),
    ]
    assert shown[1].split()[:4] == ["brulerie", "=BC-118", "1,300", "1,230"]
    assert shown[2].startswith("total")
    assert shown[2].endswith("0.50%  10.20 EUR  8.50")
    assert shown[3:] == [
        "viewable before or without an impression: 12",
        "discarded impressions: duplicate 30",
        "discarded clicks: bot 2",
        "would be discarded (dry run), impressions: rate_limited 1,040",
        "would be discarded (dry run), clicks: unmatched 3",
    ]


def test_a_page_of_none_of_the_sites_has_a_word_in_the_table():
    memory = store(catalog())
    memory.counted = [row(Metric.IMPRESSION, 1, site=0)]
    assert "(none)" in adserver("report", "--by", "site", store=memory).stdout
    answer = adserver("report", "--by", "site", "--format", "json", store=memory).stdout
    assert orjson.loads(answer)["rows"][0]["site"] == ""


def test_an_unknown_campaign_is_told_with_the_nearest():
    result = adserver("report", "--campaign", "brulrie", store=busy())
    assert result.exit_code == 1
    assert "Did you mean 'brulerie'?" in result.stderr


@pytest.mark.parametrize("name", ["brulerie", "Brûlerie du Prot"])
def test_an_unknown_advertiser_is_told_with_the_nearest(name):
    result = adserver("report", "--advertiser", name, store=busy())
    assert result.exit_code == 1
    assert "Did you mean 'Brûlerie du Port'?" in result.stderr


def test_a_time_that_cannot_be_read_is_a_matter_of_usage():
    result = adserver("report", "--since", "last week", store=busy())
    assert result.exit_code == 2
    assert "--since: 'last week'" in result.stderr


@pytest.mark.parametrize(
    ("option", "text", "hours"),
    [
        ("--since", "2026-11-02T03:30", "2026-11-02T03:00 or 2026-11-02T04:00"),
        ("--until", "2026-11-02T03:00:01", "2026-11-02T03:00 or 2026-11-02T04:00"),
        ("--until", "2026-10-25T02:30", "2026-10-25T02:00 or 2026-10-25T02:00+01:00"),
        ("--since", "2026-11-02T03:00+05:30", "2026-11-01T22:00 or 2026-11-01T23:00"),
    ],
)
@pytest.mark.parametrize("proof", [(), ("--campaign", "brulerie", "--proof", "-")])
def test_a_window_is_of_whole_hours_as_its_rows_are(option, text, hours, proof):
    result = adserver("report", option, text, *proof, store=busy())
    assert result.exit_code == 2
    assert not result.stdout
    assert f"{option} {text}: counts are kept by the hour; write {hours}" in result.stderr


def test_whole_hours_are_those_of_the_sites_clock():
    memory = store(catalog(campaign(), site=site(timezone="Asia/Kolkata")))
    assert adserver("report", "--since", "2026-11-02T03:00", store=memory).exit_code == 0
    # A whole hour elsewhere is half past there.
    result = adserver("report", "--since", "2026-11-02T03:00+00:00", store=memory)
    assert "write 2026-11-02T08:00 or 2026-11-02T09:00" in result.stderr


def test_before_anything_is_live_it_is_empty():
    result = adserver("report", store=store())
    assert (result.exit_code, result.stdout) == (0, "Nothing was served in that time.\n")


def test_by_the_hour_a_day_whose_hours_are_kept_no_more_is_one_line_and_said_so():
    memory = busy()
    old = row(Metric.IMPRESSION, 700, hour=int(NOW) - 100 * DAY, day="2026-07-29")
    memory.counted.append(old)
    shown = adserver("report", "--by", "hour", store=memory).stdout
    assert [line.split()[0] for line in shown.splitlines() if " 700 " in line] == ["2026-07-29"]
    assert "Hours are kept for 90 days" in shown
    assert "Hours are kept" not in adserver("report", "--by", "day", store=memory).stdout
    assert "Hours are kept" not in adserver("report", "--by", "hour", store=busy()).stdout
