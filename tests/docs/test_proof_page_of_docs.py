"""docs/proof.md says of proofs what they say of themselves."""

from __future__ import annotations

import re

from adserver.core.catalog import Campaign
from adserver.publishing.proof.digest import check_command
from adserver.publishing.proof.evidence import MAX_CAMPAIGNS, Wish, gather
from adserver.publishing.proof.finality import Stage
from adserver.publishing.proof.language import LANGUAGES
from adserver.publishing.proof.shown import MAX_PICTURE_BYTES
from tests.docs.pages import blocks, page
from tests.factories import campaign, catalog
from tests.memory import store
from tests.proven import AFTER, FINAL, FLIGHT, at

PAGE = page("proof.md")
DAY = 86_400


def ended() -> Campaign:
    """With 30 November, as the page has it."""
    return campaign("coffee-november", flight=FLIGHT)


def test_the_command_that_obtains_the_digest_is_the_one_that_documents_show() -> None:
    memory = store(catalog(ended()))
    evidence = gather(memory, memory, Wish(campaign="coffee-november"), AFTER, DAY)
    [delivery] = evidence.deliveries
    [block] = [one.text for one in blocks(PAGE) if "sha256sum" in one.text]
    assert block == f"{check_command(evidence, delivery)}\n"


def test_it_is_final_when_the_page_says_so() -> None:
    assert "ends with 30 November is final on 4 December at 01:00" in PAGE
    assert at("2026-12-04 01:00") == FINAL
    stages = re.findall(r"^\| \*\*(\w+)\*\* \|", PAGE, re.MULTILINE)
    assert stages == list(Stage)


def test_limits_and_languages_are_the_codes() -> None:
    assert f"at most {MAX_CAMPAIGNS}," in PAGE
    assert f"({MAX_PICTURE_BYTES // 1024**2} MiB in all)" in PAGE
    [line] = [line for line in PAGE.splitlines() if line.startswith("| `--language`")]
    assert set(re.findall(r"`(\w+)`", line)) == set(LANGUAGES)
