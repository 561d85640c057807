"""Where docs/campaigns.md explains what a problem is about.

One table by the problem's code. Three codes are about any key there is; for these the key that
the message begins with decides, else the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType

from adserver.core.problems import Problem

PAGE = "campaigns.md"

READING = "how-the-files-are-read"
SITE, SLOTS, CAMPAIGN = "siteyaml", "slotsyaml", "a-campaign"
GOALS, FLIGHT, FREQUENCY = "goals-and-limits", "flight-and-hours", "frequency"
TARGETING, PRICE, CREATIVES = "targeting", "price", "creatives"
SURPRISES = "what-will-surprise"
LINKS, NAMES, MACROS = "links", "names", "macros"
APPLY, RENAMING = "plan-and-apply", "renaming"
IMPORT = "from-a-spreadsheet"

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        # The folder and its files.
        "missing_folder": READING,
        "missing_file": READING,
        "unreadable_file": READING,
        "unreadable_folder": READING,
        "file_too_large": READING,
        "no_campaigns": READING,
        "stray_file": READING,
        "bad_path": READING,
        "outside_folder": READING,
        "no_such_file": READING,
        "twin_files": READING,
        "changed_file": READING,
        # YAML.
        "not_utf8": READING,
        "byte_order_mark": READING,
        "invisible_character": READING,
        "not_yaml": READING,
        "empty_file": READING,
        "not_a_mapping": READING,
        "second_document": READING,
        "too_deep": READING,
        "too_many_values": READING,
        "bad_key": READING,
        "duplicate_key": READING,
        "yaml_alias": READING,
        "yaml_anchor": READING,
        "yaml_directive": READING,
        "yaml_merge": READING,
        "yaml_tag": READING,
        # Names.
        "bad_name": NAMES,
        "duplicate_name": NAMES,
        "duplicate_value": NAMES,
        # The site and its slots.
        "bad_language": SITE,
        "built_in_key": SITE,
        "duplicate_address": SITE,
        "no_label": SITE,
        "no_house_campaign": SLOTS,
        # What will surprise.
        "never_shown": SURPRISES,
        "flight_over": SURPRISES,
        "unreachable_goal": SURPRISES,
        "device_without_creative": SURPRISES,
        "oversold": SURPRISES,
        "small_weight": SURPRISES,
        "advertiser_twin": SURPRISES,
        "value_twin": SURPRISES,
        # A campaign.
        "unknown_slot": CAMPAIGN,
        "house_never_serves": CAMPAIGN,
        "small_roadblock": CAMPAIGN,
        "goal_of_tier": GOALS,
        "share_of_tier": GOALS,
        "goal_without_end": GOALS,
        "without_goal": GOALS,
        "standard_without_goal": GOALS,
        "limit_beside_goal": GOALS,
        "empty_flight": FLIGHT,
        "inverted_flight": FLIGHT,
        "two_notations": FLIGHT,
        "two_timezones": FLIGHT,
        "unknown_timezone": FLIGHT,
        "no_such_time": FLIGHT,
        "ambiguous_time": FLIGHT,
        "bad_hours": FLIGHT,
        "unknown_value": TARGETING,
        "undeclared_key": TARGETING,
        "contradiction": TARGETING,
        "query_in_pattern": TARGETING,
        "house_price": PRICE,
        "one_price": PRICE,
        # Creatives.
        "one_kind": CREATIVES,
        "fits_nowhere": CREATIVES,
        "slot_without_creative": CREATIVES,
        "picture_too_large": CREATIVES,
        "bad_image": CREATIVES,
        "svg_refused": CREATIVES,
        "turned_image": CREATIVES,
        "wrong_ending": CREATIVES,
        "wrong_name": CREATIVES,
        "image_too_large": CREATIVES,
        "heavy_image": CREATIVES,
        "odd_double": CREATIVES,
        "lonely_double": CREATIVES,
        "bad_html": CREATIVES,
        "ambiguous_html": CREATIVES,
        "base_refused": CREATIVES,
        "refresh_refused": CREATIVES,
        "bad_source": CREATIVES,
        "undeclared_host": CREATIVES,
        "relative_load": CREATIVES,
        "reaching_out": CREATIVES,
        # Links and macros.
        "bad_link": LINKS,
        "foreign_host": LINKS,
        "mixed_host": LINKS,
        "unknown_macro": MACROS,
        "macro_not_in_links": MACROS,
        "misplaced_macro": MACROS,
        "click_goes_on": MACROS,
        "no_click_macro": MACROS,
        # A spreadsheet.
        "not_csv": IMPORT,
        "too_many_rows": IMPORT,
        "too_many_columns": IMPORT,
        "unknown_column": IMPORT,
        "duplicate_column": IMPORT,
        "no_heading": IMPORT,
        "formula_cell": IMPORT,
        "ambiguous_number": IMPORT,
        "doubtful_encoding": IMPORT,
        "mixed_decimals": IMPORT,
        "ambiguous_day": IMPORT,
        "two_campaigns": IMPORT,
        # Against what is live.
        "no_file": APPLY,
        "misfit": APPLY,
        "slot_in_use": APPLY,
        "bad_rename": RENAMING,
    }
)

# Codes of no section of their own: any key may be unknown, missing or ill written.
OF_ANY_KEY = frozenset(("unknown_key", "missing_key", "wrong_value"))
OF_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "goal": GOALS,
        "buffer": GOALS,
        "max_per_day": GOALS,
        "max_total": GOALS,
        "pacing": GOALS,
        "flight": FLIGHT,
        "hours": FLIGHT,
        "timezone": FLIGHT,
        "frequency": FREQUENCY,
        "targeting": TARGETING,
        "price": PRICE,
        "creatives": CREATIVES,
        "link": LINKS,
        "pixels": LINKS,
    }
)
OF_FILES: Mapping[str, str] = MappingProxyType({"site.yaml": SITE, "slots.yaml": SLOTS})
# The key's name is the first that a message quotes: "`goal.share`: expected …".
QUOTED_KEY = re.compile(r"`(?:an item of )?([a-z_]+)")


def docs_of(problem: Problem) -> str:
    """The page and section about a problem, such as `campaigns.md#goals-and-limits`."""
    return f"{PAGE}#{section_of(problem)}"


def section_of(problem: Problem) -> str:
    if problem.code not in OF_ANY_KEY:
        return SECTIONS.get(problem.code, CAMPAIGN)
    of_file = OF_FILES.get(PurePath(problem.file).name)
    if of_file:
        return of_file
    key = QUOTED_KEY.search(problem.message)
    return OF_KEYS.get(key[1], CAMPAIGN) if key else CAMPAIGN
