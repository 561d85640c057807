"""Every alert fires where it should and is silent where it should, and every one is explained."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adserver.core.catalog import Flight, Goal, Tier
from adserver.metrics.declared import METRICS, PREFIX
from tests.docs.pages import blocks, page
from tests.goals import sell
from tests.journeys.small_blog import campaign, write_blog
from tests.programs import needs
from tests.rules import FOLDER, RULE_FILES, UNIT_TESTS, alerts, read, rules
from tests.servers import adserver_running, until

NAMES = [rule["alert"] for rule in alerts()]
METRIC = re.compile(rf"(?<![\w:]){PREFIX}(\w+)")
SELECTED = re.compile(rf"(?<![\w:]){PREFIX}(\w+){{([^}}]*)}}")
MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
RECORDED = re.compile(r"\b\w+:\w+:\w+\b")
GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")
SHARE = re.compile(r"[\s)]/\s")
VOLUME = re.compile(r"> (\d+)\b(?!\.)")
GIVEN_BY_PROMETHEUS = {"instance", "job"}
# Only what goes wrong has these; a server that runs well has no series to compare them with.
FAILURES = {"code"}


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        [needs("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_are_silent(path: Path) -> None:
    promtool("test", "rules", path)


def test_prometheus_accepts_the_rules() -> None:
    promtool("check", "rules", *RULE_FILES)


def test_prometheus_accepts_what_the_page_says_of_the_alertmanager(tmp_path: Path) -> None:
    said = next(b.text for b in blocks(page("operating.md")) if b.text.startswith("alerting:"))
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "local.yml"
    file.write_text(f"{file.read_text('utf-8')}\n{said}")
    promtool("check", "config", file)


def unit_tests() -> Iterator[tuple[str, bool, list[dict[str, str]]]]:
    """(alert, whether it is to fire, its series) of every unit test."""
    for path in UNIT_TESTS:
        for test in read(path)["tests"]:
            for case in test["alert_rule_test"]:
                yield case["alertname"], bool(case["exp_alerts"]), test["input_series"]


def test_every_alert_has_a_test_that_fires_it_and_one_that_does_not() -> None:
    tried = defaultdict[str, set[bool]](set)
    for alert, fires, _ in unit_tests():
        tried[alert].add(fires)
    assert dict(tried) == {name: {True, False} for name in NAMES}


def test_an_alert_that_is_to_be_silent_has_something_to_be_silent_about() -> None:
    for alert, fires, series in unit_tests():
        expression = next(rule["expr"] for rule in alerts() if rule["alert"] == alert)
        for name in RECORDED.findall(expression):
            expression += next(rule["expr"] for rule in rules() if rule.get("record") == name)
        used = {*METRIC.findall(expression), *(["up"] if "up{" in expression else [])}
        given = {one["series"].partition("{")[0].removeprefix(PREFIX) for one in series}
        assert fires or given & used, alert


def test_alerts_are_named_and_labelled_alike() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for rule in alerts():
        name = rule["alert"]
        assert re.fullmatch(r"([A-Z][a-z]+)+", name)
        assert set(rule["labels"]) == {"severity"}, name
        assert rule["labels"]["severity"] in {"page", "ticket"}, name
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}, name
        assert rule["annotations"]["description"].endswith("."), name
        assert not rule["annotations"]["summary"].endswith("."), name


def sections() -> dict[str, str]:
    """Alert → what the page says of it."""
    text = page("operating.md").split("\n## Alerts\n")[1].split("\n## ")[0]
    parts = re.split(r"^### (\w+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_alert_has_its_section_and_its_runbook_leads_there() -> None:
    assert list(sections()) == NAMES
    for rule in alerts():
        anchor = rule["alert"].lower()
        assert rule["annotations"]["runbook_url"] == f"docs/operating.md#{anchor}"


@pytest.mark.parametrize("name", NAMES)
def test_a_section_says_what_it_means_who_notices_what_to_look_at_and_what_to_do(name: str) -> None:
    for part in ("**Means.**", "**Noticed.**", "**Look.**", "**Do.**"):
        assert sections()[name].count(part) == 1, part
    look = sections()[name].split("**Look.**")[1].split("**Do.**")[0]
    assert "`" in look, "no command, log line or query"
    severity = next(rule["labels"]["severity"] for rule in alerts() if rule["alert"] == name)
    assert sections()[name].strip().startswith(f"*{severity}*")


def test_a_share_always_goes_with_a_minimum_volume() -> None:
    shares = [rule for rule in alerts() if SHARE.search(rule["expr"])]
    assert len(shares) > 5
    for rule in shares:
        clauses = re.split(r"\n(?=and |unless )", rule["expr"])
        volumes = [clause for clause in clauses if clause.startswith("and")]
        assert any(int(n) >= 20 for c in volumes for n in VOLUME.findall(c)), rule["alert"]


def test_what_is_about_impressions_is_silent_while_the_store_is_away() -> None:
    """They are counted when the store has them; the store has an alert of its own."""
    about = [rule for rule in alerts() if re.search("impressions_total|_events:", rule["expr"])]
    assert len(about) > 3
    for rule in about:
        assert "unless on () min(min_over_time(adserver_store_up[" in rule["expr"], rule["alert"]


def test_what_the_store_says_is_never_added_up_over_nodes() -> None:
    wanted = re.compile(r"\b(max|min) by \(campaign\) \((min_over_time\()?$")
    for rule in rules():
        for found in re.finditer(rf"{PREFIX}campaign_", rule["expr"]):
            assert wanted.search(rule["expr"][: found.start()]), rule


def test_every_recorded_series_is_used_and_every_used_one_recorded() -> None:
    used = {name for rule in alerts() for name in RECORDED.findall(rule["expr"])}
    assert used == {rule["record"] for rule in rules() if "record" in rule}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """Metric → its series' labels, of a server that has answered one page."""
    tmp = tmp_path_factory.mktemp("alerts")
    config = write_blog(tmp / "config", ["top"], {"tea": campaign("top")})
    with adserver_running(config, tmp) as ads:
        sell(ads.redis, "tea", goal=Goal(impressions=100), flight=Flight(0.0, 1e10, "UTC"))
        for path in ("/slots/top", "/i/A", "/v/A"):
            ads.get(path)
        until(lambda: "adserver_campaign_verdict{" in ads.metrics())
        text = ads.metrics()
    found = defaultdict[str, list[dict[str, str]]](list)
    for family in text_string_to_metric_families(text):
        suffix = "_total" if family.type == "counter" else ""
        found[family.name + suffix] = []
        for sample in family.samples:
            found[sample.name].append(sample.labels)
        if family.type == "histogram":
            found[f"{family.name}_count"] += []
    return found


def test_every_metric_is_one_that_a_running_server_shows(samples: dict[str, Any]) -> None:
    names = {PREFIX + name for rule in rules() for name in METRIC.findall(rule["expr"])}
    assert len(names) > 15
    assert sorted(names - set(samples)) == []


def test_every_label_and_its_values_are_ones_that_a_running_server_shows(
    samples: dict[str, list[dict[str, str]]],
) -> None:
    for rule in rules():
        for metric, matchers in SELECTED.findall(rule["expr"]):
            for label, _, values in MATCHER.findall(matchers):
                assert label in METRICS[metric].labels, metric
                shown = {one[label] for one in samples[PREFIX + metric]} | set(Tier)
                assert label in FAILURES or set(values.split("|")) <= shown, (metric, values)


def test_every_label_that_is_grouped_by_is_one_of_the_rules_metrics() -> None:
    for rule in rules():
        recorded = RECORDED.findall(rule["expr"])
        known = {label for name in recorded for label in name.split(":")[0].split("_")}
        for name in METRIC.findall(rule["expr"]):
            known |= set(METRICS[name.removesuffix("_count")].labels)
        grouped = {part.strip() for g in GROUPED.findall(rule["expr"]) for part in g.split(",")}
        assert grouped - {""} <= known | GIVEN_BY_PROMETHEUS, rule
