"""What a machine can tell of whoever sits before it: language, time zone, currency, a name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from adserver.publishing.starting import Publication

LOCAL_TIME = Path("/etc/localtime")
ZONES = "zoneinfo/"
# In this order, as the C library reads them.
LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")
LOCALE = re.compile(r"([a-z]{2,3})(?:_([A-Z]{2}))?(?:[.@].*)?")
PLACE = re.compile(r"(?!Etc/)[A-Z][A-Za-z]+/[A-Za-z0-9_+/-]+")
CURRENCIES = {
    "AU": "AUD", "BR": "BRL", "CA": "CAD", "CH": "CHF", "CZ": "CZK", "DK": "DKK", "GB": "GBP",
    "HU": "HUF", "IN": "INR", "JP": "JPY", "MA": "MAD", "MX": "MXN", "NO": "NOK", "NZ": "NZD",
    "PL": "PLN", "RO": "RON", "SE": "SEK", "SN": "XOF", "TN": "TND", "US": "USD", "ZA": "ZAR",
}  # fmt: skip
# Reserved for examples (RFC 2606): it can be nobody's.
EXAMPLE_SITE = "https://www.example.org"


def publication(
    folder: Path, environment: Mapping[str, str], local_time: Path = LOCAL_TIME
) -> Publication:
    """A publication for whoever says nothing. folder: where its files will stand."""
    language, region = locale(environment)
    return Publication(
        name=name(folder),
        site=EXAMPLE_SITE,
        language=language,
        timezone=timezone(environment, local_time),
        currency=CURRENCIES.get(region, "EUR"),
    )


def locale(environment: Mapping[str, str]) -> tuple[str, str]:
    """Language and region (or ""): `fr` and `CA` of `fr_CA.UTF-8`."""
    said = next((environment[one] for one in LOCALES if environment.get(one)), "")
    match = LOCALE.fullmatch(said)
    return (match[1], match[2] or "") if match else ("en", "")


def timezone(environment: Mapping[str, str], local_time: Path) -> str:
    said = environment.get("TZ", "").lstrip(":") or os.path.realpath(local_time)
    found = said.rpartition(ZONES)[2].removeprefix("posix/")
    return found if PLACE.fullmatch(found) else "UTC"


def name(folder: Path) -> str:
    """The folder's that holds the config folder, as a title: `my-gazette` is My Gazette."""
    words = re.findall(r"[^\W_]+", folder.absolute().parent.name)
    return " ".join(word[:1].upper() + word[1:] for word in words)[:100] or "My publication"
