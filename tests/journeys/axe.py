"""axe-core, which looks for what keeps people with disabilities out: fetched once, then kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.fetched import content, fetched

VERSION = "4.10.3"
SHA256 = "0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]

# In every frame, before the page: an ad's frame has an origin of its own, which axe has to allow.
SET_UP = "\n;axe.configure({allowedOrigins: ['<unsafe_all_origins>']});"
RUN = "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})"


def axe_source(folder: Path) -> str:
    """The script, for `add_init_script`. folder: where it is kept."""
    with fetched(
        folder,
        f"axe-core-{VERSION}.tgz",
        SHA256,
        ["npm", "pack", "--silent", f"axe-core@{VERSION}"],
        without="accessibility has not been tested",
    ) as archive:
        return content(archive, "package/axe.min.js").decode() + SET_UP


def complaints(page: Page) -> list[str]:
    """`rule: selectors` of everything that breaks a rule, in the page and its frames."""
    found: dict[str, Any] = page.evaluate(RUN, RULES)
    assert found["passes"], "no rule has looked at anything"
    return [
        f"{rule['id']}: {[node['target'] for node in rule['nodes']]}"
        for rule in found["violations"]
    ]
