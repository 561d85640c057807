"""`adserver report --proof`: a document for the advertiser, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import stat
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import Result

from adserver.core.publication import Content, Entry
from tests.cli.command import adserver
from tests.factories import campaign, catalog
from tests.memory import MemoryStore, store
from tests.proven import ADVERTISER, AFTER, ARRIVING, DURING, NAME, delivered_store

ONE = ("report", "--campaign", NAME)


@pytest.fixture(scope="module")
def memory() -> MemoryStore:
    return delivered_store()


def run(memory: MemoryStore, *words: str | Path, now: float = AFTER) -> Result:
    return adserver(*words, store=memory, now=now)


def figures(memory: MemoryStore, by: str, *words: str, now: float = AFTER) -> dict:
    result = run(memory, *ONE, "--by", by, *words, "--format", "json", now=now)
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


def digest_of(document: str) -> str:
    found = re.findall(r'class="digest">([0-9a-f]{64})<', document)
    assert len(found) == 1
    return found[0]


def by_json_tool(answers: list[str]) -> str:
    """As the command in the document has it, without our code."""
    lines = [
        subprocess.run(
            [sys.executable, "-m", "json.tool", "--sort-keys", "--compact", "--no-ensure-ascii"],
            input=answer.encode(),
            capture_output=True,
            check=True,
        ).stdout
        for answer in answers
    ]
    return hashlib.sha256(b"".join(lines)).hexdigest()


def test_the_digest_is_that_of_the_reports_by_the_command_that_the_document_shows(memory):
    document = run(memory, *ONE, "--proof", "-").stdout
    [command] = re.findall(r"<pre>(.*?)</pre>", document, re.DOTALL)
    tables = re.search(r"for by in ([a-z ]+); do", command)
    options = re.search(r"adserver report --by \$by (.*) --format json", command)
    assert tables
    assert options
    answers = [
        run(memory, "report", "--by", by, *options[1].split(), "--format", "json").stdout
        for by in tables[1].split()
    ]
    assert options[1].split() == ["--campaign", NAME, "--until", "2026-12-03"]
    assert by_json_tool(answers) == digest_of(document)


def test_the_figures_are_the_reports(memory, tmp_path):
    file = tmp_path / "proof.html"
    answer = run(memory, *ONE, "--proof", file, "--language", "en", "--format", "json")
    told = orjson.loads(answer.stdout)
    assert told == {
        "file": str(file),
        "bytes": file.stat().st_size,
        "language": "en",
        "campaigns": [
            {
                "campaign": NAME,
                "stage": "final",
                "closes": "2026-12-03T00:00:00+01:00",
                "final": "2026-12-04T01:00:00+01:00",
                "digest": digest_of(file.read_text("utf-8")),
            }
        ],
    }
    document = file.read_text("utf-8")
    cells = [
        re.findall(r"<td class=\"n\">([^<]*)</td>", line)
        for line in re.findall(r"<tr>(.*?)</tr>", document, re.DOTALL)
    ]
    shown = [line for line in cells if len(line) == 7]
    tables = [figures(memory, by, "--until", "2026-12-03") for by in ("day", "slot", "site")]
    assert shown == [written(line) for table in tables for line in (*table["rows"], table["total"])]
    total = tables[0]["total"]
    assert re.findall(r"<dd>([0-9,]+)</dd></div>", document)[:6] == [
        f"{total[name]:,}"
        for name in ("served", "gross", "impressions", "viewable", "clicks", "unmatched")
    ]
    assert total["revenue"] == "306.00"
    lines = re.findall(r"<code>(\w+)</code></th>(.*?)<td>[^<]+</td></tr>", document)
    reasons = {reason: [int(n) for n in re.findall(r">(\d+)<", rest)] for reason, rest in lines}
    discarded = tables[0]["discarded"]
    assert reasons == {
        reason: [discarded["impression"].get(reason, 0), discarded["click"].get(reason, 0)]
        for reason in ("bot", "duplicate", "expired", "lapsed", "prefetch", "preview")
    }


def written(line: dict) -> list[str]:
    counts = ("gross", "impressions", "viewable", "clicks", "unmatched")
    ctr = "–" if line["ctr"] is None else f"{line['ctr'] * 100:.2f}%"
    return [*(f"{line[name]:,}" for name in counts), ctr, f"EUR\u00a0{line['revenue']}"]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (DURING, "Provisoire jusqu’au 4 décembre 2026 à 01:00 (Europe/Paris)."),
        (ARRIVING, "Provisoire jusqu’au 4 décembre 2026 à 01:00 (Europe/Paris)."),
        (AFTER, "Définitif depuis le 4 décembre 2026 à 01:00 (Europe/Paris)."),
    ],
)
def test_it_says_whether_anything_can_still_change_in_the_sites_language(memory, now, said):
    document = run(memory, *ONE, "--proof", "-", now=now).stdout
    assert '<html lang="fr">' in document
    assert f"<strong>{said}</strong>" in document.replace("\u00a0", " ")


def test_two_proofs_of_a_flight_that_is_over_are_the_same_figures_whatever_comes_late(memory):
    before = digest_of(run(memory, *ONE, "--proof", "-").stdout)
    late = replace(memory.counted[0], hour=int(AFTER) - 7_200, reason="expired", count=5)
    later = replace(memory, counted=[*memory.counted, late])
    assert digest_of(run(later, *ONE, "--proof", "-").stdout) == before
    more = replace(memory, counted=[*memory.counted, memory.counted[0]])
    assert digest_of(run(more, *ONE, "--proof", "-").stdout) != before


def test_a_window_is_the_reports_of_that_window(memory):
    window = ("--since", "2026-11-09", "--until", "2026-11-16")
    document = run(memory, *ONE, *window, "--proof", "-", "--language", "en").stdout
    assert "from 9 November 2026 to 15 November 2026" in document.replace("\u00a0", " ")
    answers = [
        run(memory, *ONE, "--by", by, *window, "--format", "json").stdout
        for by in ("creative", "slot", "site", "day")
    ]
    assert digest_of(document) == by_json_tool(answers)


def test_all_campaigns_of_an_advertiser_are_one_document_with_a_sum(memory):
    live, _ = memory.made[-1]
    sold = next(one for one in live.catalog.campaigns if one.name == NAME)
    twin = replace(sold, name="autre", advertiser=ADVERTISER.upper(), goal=None)
    both = delivered_store()
    campaigns = (*live.catalog.campaigns, twin)
    both.publish(2, replace(live.catalog, campaigns=campaigns), Content(), Entry("ana@comptoir"))
    rows = [r for r in both.counted if r.hour < DURING]
    number = both.numbers()["creative/autre/torrefaction"]
    both.counted += [replace(row, creative=number) for row in rows]
    answer = run(both, "report", "--advertiser", ADVERTISER, "--proof", "-", "--language", "en")
    assert answer.exit_code == 0, answer.output
    document = answer.stdout
    assert re.findall(r"<h2 id=\"c\d+\">Campaign ([\w-]+)</h2>", document) == ["autre", NAME]
    asked = ("report", "--advertiser", ADVERTISER, "--format", "json", "--until", "2026-12-03")
    whole = orjson.loads(run(both, *asked).stdout)
    summary = re.search(r'aria-labelledby="campaigns">(.*?)</table>', document, re.DOTALL)
    assert summary
    [total] = re.findall(r"<tfoot>(.*?)</tfoot>", summary[1], re.DOTALL)
    assert re.findall(r'<td class="n">([^<]*)</td>', total) == written(whole["total"])


def test_a_file_is_replaced_only_when_that_is_agreed_to(memory, tmp_path):
    file = tmp_path / "proof.html"
    file.write_text("mine", "utf-8")
    refused = run(memory, *ONE, "--proof", file)
    assert (refused.exit_code, file.read_text("utf-8")) == (2, "mine")
    assert "say --yes" in refused.stderr
    replaced = run(memory, *ONE, "--proof", file, "--yes")
    assert replaced.exit_code == 0
    assert file.read_text("utf-8").startswith("<!doctype html>")
    assert f"{NAME}: final since 2026-12-04T01:00:00+01:00, digest " in replaced.stdout


def test_the_file_may_be_read_by_whom_any_new_file_may_be_and_nothing_is_left_beside_it(
    memory, tmp_path
):
    file, plain = tmp_path / "proof.html", tmp_path / "plain"
    plain.touch()
    assert run(memory, *ONE, "--proof", file).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["plain", "proof.html"]


def test_a_file_that_cannot_be_written_to_its_end_is_said_and_what_was_there_stays(
    memory, tmp_path
):
    file = tmp_path / "proof.html"
    file.write_text("mine", "utf-8")
    with no_file_above(1_000):
        result = run(memory, *ONE, "--proof", file, "--yes")
    assert result.exit_code == 2
    assert "cannot be written: File too large" in result.stderr
    assert file.read_text("utf-8") == "mine"
    assert os.listdir(tmp_path) == ["proof.html"]


@contextmanager
def no_file_above(most_bytes):
    """As on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "--proof", "x.html"), "--campaign NAME or --advertiser NAME"),
        ((*ONE, "--advertiser", ADVERTISER, "--proof", "x.html"), "one campaign or of one"),
        ((*ONE, "--proof", "x.html", "--csv"), "leave --csv out"),
        ((*ONE, "--proof", "x.html", "--by", "day"), "leave --by out"),
        ((*ONE, "--proof", ""), "needs the name of a file"),
        ((*ONE, "--language", "en"), "say --proof FILE as well"),
        ((*ONE, "--proof", "-", "--format", "json"), "name a file"),
        ((*ONE, "--proof", "/"), "/ is a folder"),
        ((*ONE, "--proof", "no/such/x.html"), "there is no folder no/such"),
    ],
)
def test_what_cannot_be_meant_is_a_matter_of_usage(memory, words, said):
    result = run(memory, *words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--campaign", "brulerie-du-pont"), f"Did you mean '{NAME}'?"),
        (("--advertiser", "Brûlerie du Pont"), f"Did you mean '{ADVERTISER}'?"),
    ],
)
def test_whom_there_never_was_is_told_with_the_nearest_and_no_file_is_made(
    memory, tmp_path, words, said
):
    result = run(memory, "report", *words, "--proof", tmp_path / "x.html")
    assert result.exit_code == 1
    assert said in result.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("words", [("--campaign", "x"), ("--advertiser", "x")])
def test_before_anything_is_live_there_is_nothing_to_prove(words):
    result = run(store(), "report", *words, "--proof", "-")
    assert result.exit_code == 1
    assert "there is no" in result.stderr


def test_more_campaigns_than_a_document_holds_are_refused_with_what_to_do():
    many = store(catalog(*(campaign(f"c{number}") for number in range(101))))
    result = run(many, "report", "--advertiser", "Brûlerie du Port", "--proof", "-")
    assert result.exit_code == 2
    assert "101 campaigns in that time, more than the 100" in result.stderr


def test_an_advertiser_with_nothing_in_a_window_gets_a_document_that_says_so(memory):
    words = ("report", "--advertiser", ADVERTISER, "--until", "2020-01-01", "--proof", "-")
    result = run(memory, *words)
    assert result.exit_code == 0, result.output
    assert "Rien n’a été compté" in result.stdout
