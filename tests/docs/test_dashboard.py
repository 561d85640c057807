"""Prometheus and Grafana can read what config/ gives them, and every number there exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from adserver.metrics.declared import METRICS, PREFIX, Type
from tests.dashboard import dashboard, dashboard_expressions, panels
from tests.programs import needs

CONFIG = Path(__file__).parents[2] / "config"
DOCS = Path(__file__).parents[2] / "docs"
PARTS = ("_bucket", "_sum", "_count")
COLUMNS = 24


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["prometheus.yml", "local.yml"])
def test_prometheus_accepts_its_configuration(name: str, tmp_path: Path) -> None:
    token = tmp_path / "admin_token"
    token.write_text("secret")
    shutil.copytree(CONFIG / "prometheus", tmp_path, dirs_exist_ok=True)  # its rules beside it
    file = tmp_path / name
    text = file.read_text("utf-8")
    file.write_text(text.replace("/run/secrets/admin_token", str(token)))
    run(needs("promtool"), "check", "config", str(file))


def expressions_of_the_docs() -> set[str]:
    """Code that names a metric and does something with it."""
    text = "".join((DOCS / page).read_text("utf-8") for page in ("metrics.md", "operating.md"))
    return set(re.findall(rf"`([^`\n]*\b(?:{PREFIX}|up{{)[^`\n]* [^`\n]*)`", text))


def test_prometheus_can_parse_every_expression(tmp_path: Path) -> None:
    expressions = {expression for _, expression in dashboard_expressions()}
    assert expressions_of_the_docs()
    expressions |= expressions_of_the_docs()
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(sorted(expressions))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run(needs("promtool"), "check", "rules", str(file))


def test_every_metric_of_the_dashboard_is_one_that_we_expose() -> None:
    for title, expression in dashboard_expressions():
        for name in re.findall(rf"{PREFIX}(\w+)", expression):
            base = re.sub("|".join(f"{part}$" for part in PARTS), "", name)
            declared = METRICS.get(base if name not in METRICS else name)
            assert declared, f"{title}: {name}"
            assert (name != base) == (declared.type is Type.HISTOGRAM), f"{title}: {name}"


def test_every_label_of_the_dashboard_is_one_that_its_metric_has() -> None:
    given_by_prometheus = {"instance", "job", "le"}
    for title, expression in dashboard_expressions():
        names = re.findall(rf"{PREFIX}(\w+?)(?:_bucket)?\b", expression)
        known = {label for name in names for label in METRICS[name].labels} | given_by_prometheus
        selected = re.findall(r"(\w+)=~?\"", expression)
        grouped = re.findall(r"by \(([^)]*)\)", expression)
        used = {*selected, *(label.strip() for labels in grouped for label in labels.split(","))}
        assert used <= known, f"{title}: {used - known}"


def test_every_metric_is_on_the_dashboard() -> None:
    shown = " ".join(expression for _, expression in dashboard_expressions())
    assert [name for name in METRICS if not re.search(rf"{PREFIX}{name}(_bucket)?\b", shown)] == []


def test_every_panel_says_what_it_shows_and_in_which_unit() -> None:
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith((".", ")")), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]


def test_titles_and_numbers_of_panels_are_their_own() -> None:
    titles = [panel["title"] for panel in panels()]
    numbers = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(titles)) == len(titles)
    assert len(set(numbers)) == len(numbers)


def test_panels_do_not_overlap() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS, panel["title"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def test_slot_and_campaign_can_be_chosen() -> None:
    variables = {variable["name"]: variable for variable in dashboard()["templating"]["list"]}
    assert set(variables) == {"datasource", "slot", "campaign"}
    for name in ("slot", "campaign"):
        metric, label = re.findall(r"label_values\((\w+), (\w+)\)", variables[name]["definition"])[
            0
        ]
        assert label in METRICS[metric.removeprefix(PREFIX)].labels


def test_grafana_finds_the_data_source_and_the_dashboard_where_compose_puts_them() -> None:
    provisioning = CONFIG / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())
    provider = yaml.safe_load((provisioning / "dashboards" / "adserver.yml").read_text())
    compose = yaml.safe_load((CONFIG.parent / "docker-compose.yml").read_text())
    assert source["datasources"][0]["uid"] == "prometheus"
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    folder = provider["providers"][0]["options"]["path"]
    assert f"./config/grafana/dashboards:{folder}:ro" in compose["services"]["grafana"]["volumes"]
