"""Runs as wrk and the oracle would have measured them, for tests to name what they are about."""

from __future__ import annotations

from benchmarks.load import Load
from benchmarks.session import Measured


def load(requests: int = 1_000, seconds: float = 1.0, p99: float = 2_000.0) -> Load:
    return Load(requests, seconds, 1_000.0, p99, 3_000.0, 4_000.0, 0, requests, requests)


def measured(
    requests: int = 1_000, cpu: float = 20.0, shed: float = 0.0, p99: float = 2_000.0
) -> Measured:
    return Measured(load(requests, p99=p99), cpu, 1.0, 100.0, 40.0, shed, 1.0)
