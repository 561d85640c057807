"""A real Prometheus that scrapes admin ports every second, with rules or without."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.programs import needs
from tests.servers import until
from tests.stand_in import free_port


@dataclass(frozen=True)
class Prometheus:
    address: str

    def ask(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its `health`, `lastError` and, for alerts, its `state`."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _get(self, what: str, **params: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.address}/api/v1/{what}", params=params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found

    def table(self, expression: str, *labels: str) -> dict[tuple[str, ...], int]:
        """Labels → value, of the series that are not 0."""
        return {
            tuple(one["metric"][label] for label in labels): int(one["value"][1])
            for one in self.ask(f"sum by ({','.join(labels)}) ({expression}) != 0")
        }

    def scraped_at(self) -> float:
        found = self.ask("timestamp(adserver_build_info)")
        return float(found[0]["value"][1]) if found else 0.0


@contextmanager
def prometheus_of(folder: Path, *targets: str, rules: Sequence[Path] = ()) -> Iterator[Prometheus]:
    """folder: for its data and its log. targets: host:port of admin ports."""
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(configuration(targets, rules)))
    port = free_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                needs("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        until(lambda: process.poll() is not None or is_ready(prometheus))
        yield prometheus
    finally:
        process.terminate()
        process.wait()


def configuration(targets: Sequence[str], rules: Sequence[Path]) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {"job_name": "adserver", "static_configs": [{"targets": list(targets)}]}
        ],
    }


def is_ready(prometheus: Prometheus) -> bool:
    try:
        return httpx.get(f"{prometheus.address}/-/ready").status_code == 200
    except httpx.TransportError:
        return False
