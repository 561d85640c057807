"""A config folder to begin with: small, explained by comments, and without a problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from urllib.parse import urlsplit

from jinja2 import Environment

from adserver.core.problems import Problem
from adserver.publishing.files import parse
from adserver.publishing.findings import Findings
from adserver.publishing.json_schema import schema_files
from adserver.publishing.schema import NAME
from adserver.publishing.site_file import read_site
from adserver.publishing.text_templates import text_templates
from adserver.publishing.yaml_text import scalar

HOUSE_FILE = "campaigns/house.yaml"
# What `plan` and `apply` note down in the folder is of this copy of it alone.
GITIGNORE = ".adserver/\n"
LABELS = {
    "de": "Anzeige",
    "en": "Advertisement",
    "es": "Publicidad",
    "fr": "Publicité",
    "it": "Pubblicità",
    "nl": "Advertentie",
    "pt": "Publicidade",
}
WORDS = {
    "fr": {
        "home_top": "En haut de la page d’accueil",
        "post_top": "Au-dessus de l’article",
        "post_bottom": "Sous l’article",
        "headline": "Votre annonce pourrait être ici",
        "body": "Cette place est libre, et nos lecteurs la regardent.",
        "cta": "Écrivez-nous",
    },
    "en": {
        "home_top": "At the top of the front page",
        "post_top": "Above the article",
        "post_bottom": "Below the article",
        "headline": "Your advertisement could be here",
        "body": "This place is free, and our readers look at it.",
        "cta": "Write to us",
    },
}


@dataclass(frozen=True, slots=True)
class Publication:
    """Who begins, as `site.yaml` says it. site: the address of its pages."""

    name: str
    site: str
    language: str
    timezone: str
    currency: str


def starting_files(publication: Publication) -> dict[str, str]:
    """The text of each file, by its path in the folder."""
    facts = {
        **asdict(publication),
        "site_key": site_key(publication.site),
        "labels": labels(publication.language),
        "words": WORDS.get(primary(publication.language), WORDS["en"]),
        "link": f"{publication.site.rstrip('/')}/",
    }
    return {
        "site.yaml": fill("site.yaml.j2", facts),
        "slots.yaml": fill("slots.yaml.j2", facts),
        HOUSE_FILE: fill("house.yaml.j2", facts),
        ".gitignore": GITIGNORE,
        **schema_files(),
    }


def problems_of(publication: Publication) -> list[Problem]:
    """What `validate` would say of this publication's `site.yaml`."""
    findings = Findings("site.yaml")
    node = parse(starting_files(publication)["site.yaml"], findings)
    if node is not None:
        read_site(node, findings)
    return findings.problems


def primary(language: str) -> str:
    return language.partition("-")[0].lower()


def labels(language: str) -> Mapping[str, str]:
    """The word of the site's language first, and the English one for its other pages."""
    own = LABELS.get(primary(language), LABELS["en"])
    return {language: own} | {"en": LABELS["en"]}


def site_key(address: str) -> str:
    """A short name for the site: `gazette` of https://www.gazette.example."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return "site"
    first = host.removeprefix("www.").partition(".")[0]
    return first if NAME.fullmatch(first) and not first.isdigit() and first != host else "site"


def fill(template: str, facts: Mapping[str, object]) -> str:
    return templates().get_template(template).render(facts)


@cache
def templates() -> Environment:
    return text_templates("start", yaml=scalar)
