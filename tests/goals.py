"""Goals put into a live generation past the campaign files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adserver.core.catalog import Tier
from adserver.core.publication import Content, Entry
from adserver.store.catalogs import StoredCatalogs
from adserver.store.connect import client
from adserver.store.keys import Keys


def sell(store: str, campaign: str, **terms: Any) -> int:
    """Publish what is live once more, with terms such as `goal=Goal(impressions=100)`; its number.

    store: its address.
    """
    with client(store) as connection:
        catalogs = StoredCatalogs(connection, Keys("adserver"))
        live = catalogs.live()
        assert live is not None
        catalog = live[0].catalog
        campaigns = tuple(
            replace(one, tier=Tier.STANDARD, **terms) if one.name == campaign else one
            for one in catalog.campaigns
        )
        sold = replace(catalog, campaigns=campaigns)
        return catalogs.publish(live[0].number, sold, Content(), Entry("test", "sold")).number
