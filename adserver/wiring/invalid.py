"""Which rules against invalid traffic a worker asks, by the operator's settings."""

from __future__ import annotations

from adserver.serving.invalid import Invalid
from adserver.settings import Settings


def invalid_of(settings: Settings) -> Invalid:
    return Invalid(dict(settings.rules))
