"""`targeting` of a campaign file: which pages and readers are wanted, read into clauses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from adserver.core.catalog import Clause, ContextKey, Device, Site
from adserver.core.targeting import COUNTRY, DEVICE, FACTS, LANGUAGE, SITE, URL, fold
from adserver.publishing.nodes import ListNode, MapNode, Node, Scalar, quoted
from adserver.publishing.schema import MAX_TEXT, Fields, expected, is_text, read_text
from adserver.publishing.suggest import did_you_mean, listed, nearest_or_all

WORDS = ("any", "all", "none")
# Of one clause; a list of pages that is longer is a section, or a tag.
MAX_VALUES = 1_000
MAX_PATTERN = 2_048
COUNTRY_CODE = re.compile("[A-Za-z]{2}")
# RFC 4647, 2.1; the languages that have a code have one of two or three letters.
LANGUAGE_RANGE = re.compile(r"\*|[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,7}")
# What those are called that are written most, in English and by themselves.
LANGUAGES = {
    "french": "fr", "français": "fr", "francais": "fr", "english": "en", "anglais": "en",
    "german": "de", "deutsch": "de", "spanish": "es", "español": "es", "italian": "it",
    "italiano": "it", "dutch": "nl", "nederlands": "nl", "portuguese": "pt", "português": "pt",
}  # fmt: skip
PATTERN_BEGINS = ("/", "http://", "https://", "*")


def read_targeting(campaign: Fields, site: Site | None) -> tuple[Clause, ...]:
    """In the order of their facts' names. site: None where it could not be read."""
    if "targeting" not in campaign:
        return ()
    targeting = campaign.table("targeting", "{section: [tech, business]}")
    if targeting is None:
        return ()
    declared = {key.name: key for key in site.context} if site else {}
    if site is not None:
        known = (*FACTS, *declared)
        targeting.only(known, {key: hint_at(key, known) for key in targeting.node.entries})
    values = Values(targeting, site, declared)
    clauses = (read_clause(targeting, key.text, node, values) for key, node in entries(targeting))
    return tuple(sorted((one for one in clauses if one), key=lambda clause: clause.fact))


def hint_at(key: str, known: Sequence[str]) -> str:
    """What may be meant by a key that is not known: another one, or one of the site's own."""
    near = did_you_mean(key, known)
    first = f"{near} Else" if near else f"known keys are {listed(known)}; or"
    return f"{first} declare it under `context` in site.yaml"


def entries(fields: Fields) -> list[tuple[Scalar, Node]]:
    return list(fields.node.entries.values())


def read_clause(targeting: Fields, fact: str, node: Node, values: Values) -> Clause | None:
    """A list means any; a mapping says any, all or none."""
    if not isinstance(node, MapNode):
        return Clause(fact, any=values.read(fact, f"{targeting.where}{fact}", node))
    clause = Fields(node, targeting.findings, f"{targeting.where}{fact}.")
    clause.only(WORDS)
    read = {
        word.text: values.read(fact, f"{clause.where}{word.text}", some)
        for word, some in entries(clause)
        if word.text in WORDS
    }
    if not clause.node.entries:
        clause.findings.error(
            node,
            "missing_key",
            f"`{targeting.where}{fact}` asks for nothing",
            "write any, all or none",
        )
    contradiction = set(map(fold, read.get("none", ()))) & {
        fold(value) for word in ("any", "all") for value in read.get(word, ())
    }
    for value in sorted(contradiction):
        message = f"`{targeting.where}{fact}` wants {quoted(value)}, and does not want it"
        clause.findings.error(node, "contradiction", message, "remove it from one of the two")
    return Clause(fact, **read)


class Values:
    """Reads the values of a clause, each as its fact has them."""

    def __init__(
        self, targeting: Fields, site: Site | None, declared: dict[str, ContextKey]
    ) -> None:
        self._findings = targeting.findings
        self._site = site
        self._declared = declared

    def read(self, fact: str, name: str, node: Node) -> tuple[str, ...]:
        """The values as written, each once."""
        if not (isinstance(node, ListNode) and node.items):
            hint = f"write [{node.text}]" if is_text(node) else ""
            expected(node, self._findings, name, "a list of values", hint)
            return ()
        if len(node.items) > MAX_VALUES:
            expected(node, self._findings, name, f"at most {MAX_VALUES:,} values")
            return ()
        # In a path, case makes another page.
        form = str if fact == URL else fold
        read = {form(value): value for value in self._read_items(fact, name, node.items)}
        return tuple(read.values())

    def _read_items(self, fact: str, name: str, items: list[Node]) -> Iterator[str]:
        for item in items:
            longest = MAX_PATTERN if fact == URL else MAX_TEXT
            text = read_text(item, self._findings, f"an item of {name}", longest)
            if text is not None and self._fits(fact, name, item, text):
                yield text

    def _fits(self, fact: str, name: str, item: Node, text: str) -> bool:
        """Whether a page could ever bring this value."""
        if fact == URL:
            return self._pattern(name, item, text)
        closed = self._closed(fact)
        if closed:
            if fold(text) in map(fold, closed):
                return True
            hint = nearest_or_all(text, closed, "there are")
            message = f"`{name}`: no page can have {quoted(text)}"
            self._findings.error(item, "unknown_value", message, hint)
            return False
        form, what = FORMS.get(fact, (None, ""))
        if form is not None and not form.fullmatch(text):
            meant = LANGUAGES.get(fold(text)) if fact == LANGUAGE else None
            hint = f"write {meant}" if meant else ""
            expected(item, self._findings, f"an item of {name}", what, hint)
            return False
        return True

    def _closed(self, fact: str) -> tuple[str, ...]:
        if fact == DEVICE:
            return tuple(device.value for device in Device)
        if fact == SITE:
            return tuple(self._site.sites) if self._site else ()
        declared = self._declared.get(fact)
        return declared.one_of if declared else ()

    def _pattern(self, name: str, item: Node, text: str) -> bool:
        if not text.startswith(PATTERN_BEGINS):
            hint = f"write /{text} for pages of all sites" if ":" not in text else ""
            what = "a pattern that begins with `/`, `https://` or `*`"
            expected(item, self._findings, f"an item of {name}", what, hint)
            return False
        if "?" in text or "#" in text:
            message = f"`{name}`: what stands behind `?` or `#` in an address is never compared"
            self._findings.error(item, "query_in_pattern", message, "remove it from there on")
            return False
        if any(character.isspace() for character in text):
            expected(item, self._findings, f"an item of {name}", "a pattern without spaces")
            return False
        return True


FORMS = {
    COUNTRY: (COUNTRY_CODE, "a country's two letters such as FR"),
    LANGUAGE: (LANGUAGE_RANGE, "a language such as fr or fr-CA"),
}
