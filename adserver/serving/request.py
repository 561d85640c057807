"""What we read of a request: the context, and signals that switch things off.

Whatever a page or a stranger sends, reading it ends in a context; what cannot be used is
ignored and counted by reason, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import idna

from adserver.core.catalog import Catalog
from adserver.core.context import Context
from adserver.core.targeting import COUNTRY, LANGUAGE, fold, ranges_of
from adserver.serving.headers import (
    AGENT_MEMO,
    COUNTRY_CODE,
    MAX_URL_CHARACTERS,
    Headers,
    accepted_languages,
    country_said,
    device_of,
    is_prefetch,
    objects,
    referer,
)
from adserver.serving.invalid import nobody

MAX_QUERY_BYTES = 8_192
MAX_PARAMETERS = 64
MAX_VALUE_CHARACTERS = 1_024
# Names of `capped` that are read: as many as tag.js keeps marks of.
MAX_CAPPED = 64
# Of one key: more tags than an article has.
MAX_VALUES = 64
LANGUAGE_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,7}")

BUILT_IN = frozenset(
    {"url", "lang", "country", "device", "consent", "capped", "exclude", "slots", "site"}
)


class Declared(NamedTuple):
    """A key of the site's own. allowed: folded, empty for any value. many: it has several."""

    allowed: frozenset[str]
    many: bool


@dataclass(frozen=True, slots=True)
class Pages:
    """What reading a context needs to know besides the request. hosts: those of the sites.

    is_crawler: whether an agent is one's whose events are discarded.
    """

    sites: tuple[tuple[str, str], ...]
    languages: tuple[str, ...]
    default_language: str
    declared: Mapping[str, Declared]
    hosts: frozenset[str] = frozenset()
    is_crawler: Callable[[bytes], bool] = nobody

    @classmethod
    def of(cls, catalog: Catalog, is_crawler: Callable[[bytes], bool] = nobody) -> Pages:
        site = catalog.site
        # The longest address first, so that a site below another is not taken for it.
        sites = sorted(site.sites.items(), key=lambda pair: -len(pair[1]))
        return cls(
            sites=tuple((name, address.rstrip("/")) for name, address in sites),
            languages=tuple(sorted({*site.label, site.language})),
            default_language=site.language,
            declared={
                key.name: Declared(frozenset(map(fold, key.one_of)), key.many)
                for key in site.context
            },
            hosts=frozenset(map(host_of, site.sites.values())),
            is_crawler=is_crawler,
        )

    def site_of(self, url: str) -> str:
        for name, address in self.sites:
            if url.startswith(address) and url[len(address) : len(address) + 1] in ("", "/"):
                return name
        return ""

    def is_foreign(self, url: str) -> bool:
        """Whether a page, if it is known, is none of the sites', be it http or https."""
        page = url.partition("://")[2]
        for _, address in self.sites:
            ours = address.partition("://")[2]
            if page.startswith(ours) and page[len(ours) : len(ours) + 1] in ("", "/"):
                return False
        return page != ""

    def language_of(self, asked: Iterable[str]) -> str:
        """The first asked language that we have words for: `fr-CA` is served in `fr`."""
        for one in map(fold, asked):
            for language in self.languages:
                if one == fold(language) or one.startswith(fold(language) + "-"):
                    return language
        return self.default_language


def read_query(raw: bytes) -> tuple[dict[str, list[str]], list[str]]:
    if not raw:
        return {}, []
    if len(raw) > MAX_QUERY_BYTES:
        return {}, ["too_long"]
    try:
        pairs = parse_qsl(
            raw.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        return {}, ["too_many"]
    return gather(pairs)


def gather(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, list[str]], list[str]]:
    """Values by key; lists repeat or use commas, except in addresses."""
    query: dict[str, list[str]] = {}
    ignored: list[str] = []
    for key, value in pairs:
        longest = MAX_URL_CHARACTERS if key == "url" else MAX_VALUE_CHARACTERS
        values = [value] if key == "url" else [v for v in value.split(",") if v]
        kept = [v for v in values if len(v) <= longest and v.isprintable()]
        if len(kept) < len(values):
            ignored.append("unusable_value")
        query.setdefault(key, []).extend(kept)
    return query, ignored


def context_of(
    query: Mapping[str, list[str]], headers: Headers, pages: Pages, ignored: list[str]
) -> Context:
    url = page_address(first(query, "url")) or page_address(referer(headers))
    asked = first(query, "lang")
    private = objects(headers)
    languages = (asked,) if asked else accepted_languages(headers)
    return Context(
        site=pages.site_of(url),
        url=url,
        language=pages.language_of(languages),
        device=device_of(first(query, "device"), headers),
        consent=first(query, "consent") == "1" and not private,
        prefetch=is_prefetch(headers),
        robot=pages.is_crawler(headers.get(b"user-agent", b"")),
        excluded=frozenset(query.get("exclude", ())),
        facts=tuple(facts_of(query, headers, languages, pages, ignored)),
        capped=frozenset(capped_names(query.get("capped", []), private, ignored)),
        private=private,
    )


def capped_names(names: list[str], private: bool, ignored: list[str]) -> list[str]:
    """The names that are read of `capped`: none against GPC or DNT, whoever has remembered."""
    if names and private:
        ignored.append("privacy_signal")
        return []
    if len(names) > MAX_CAPPED:
        ignored.append("too_many_capped")
    return names[:MAX_CAPPED]


def facts_of(
    query: Mapping[str, list[str]],
    headers: Headers,
    languages: Sequence[str],
    pages: Pages,
    ignored: list[str],
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What targeting asks for, in an order of its own, so that equal facts are equal contexts."""
    ignored.extend("undeclared_key" for key in query if not known(key, pages))
    for key, declared in pages.declared.items():
        if values := values_of_key(query.get(key, ()), declared, ignored):
            yield key, values
    if country := country_of(first(query, COUNTRY), ignored) or country_said(headers):
        yield COUNTRY, (country,)
    if languages and LANGUAGE_TAG.fullmatch(languages[0]):
        yield LANGUAGE, ranges_of(languages[0])


def known(key: str, pages: Pages) -> bool:
    return key in BUILT_IN or key in pages.declared


def values_of_key(values: Sequence[str], declared: Declared, ignored: list[str]) -> tuple[str, ...]:
    """The values that count, folded, each once: of a key that has one value, the first."""
    folded = list(dict.fromkeys(map(fold, values)))
    allowed = [one for one in folded if not declared.allowed or one in declared.allowed]
    if len(allowed) < len(folded):
        ignored.append("undeclared_value")
    if len(allowed) > 1 and not declared.many:
        ignored.append("unusable_value")
        return (allowed[0],)
    if len(allowed) > MAX_VALUES:
        ignored.append("too_many")
    return tuple(sorted(allowed[:MAX_VALUES]))


def country_of(text: str, ignored: list[str]) -> str:
    """Two letters (ISO 3166-1), folded; which of them are a country is not for us to know."""
    if text and not COUNTRY_CODE.fullmatch(text):
        ignored.append("unusable_value")
        return ""
    return fold(text)


def first(query: Mapping[str, list[str]], key: str) -> str:
    values = query.get(key)
    return values[0] if values else ""


def host_of(url: str) -> str:
    """The host of an address, with its port where that is not its scheme's; "" for what is none."""
    return page_address(url).partition("://")[2].partition("/")[0]


@lru_cache(maxsize=AGENT_MEMO)
def page_address(url: str) -> str:
    """Scheme, host and path in the form that sites are written in; "" for what is no address."""
    if not url.startswith(("http://", "https://")):
        return ""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower().removesuffix("."), parts.port
        if not host.isascii():
            # As sites are written, and as browsers send it.
            host = idna.encode(host, uts46=True).decode()
    except ValueError:  # an IDNAError, too
        return ""
    if ":" in host:
        host = f"[{host}]"
    default = {"http": 80, "https": 443}[parts.scheme]
    shown = f":{port}" if port is not None and port != default else ""
    return f"{parts.scheme}://{host}{shown}{parts.path}"
