"""How generations and creatives are written in the store: JSON, with a version."""

from __future__ import annotations

from pydantic import TypeAdapter

from adserver.core.catalog import Generation
from adserver.core.ports import KnownCreative

# A release reads its own version and the one before.
VERSION = 1

GENERATION = TypeAdapter(Generation)
KNOWN_CREATIVE = TypeAdapter(KnownCreative)


def known_creatives(generation: Generation) -> dict[int, bytes]:
    """What to remember of each creative, by its number."""
    return {
        generation.numbers[f"creative/{campaign.name}/{creative.id}"]: KNOWN_CREATIVE.dump_json(
            KnownCreative.of(campaign, creative)
        )
        for campaign in generation.catalog.campaigns
        for creative in campaign.creatives
    }
