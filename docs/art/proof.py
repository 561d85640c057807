"""Redraw the picture of a proof of delivery in docs/proof.md, from the demonstration's files.

    python docs/art/proof.py

Wants Chromium and the test tools of requirements-dev.lock. The counts are made up by a rule
(tests/proven.py), so that the picture is the same each time.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import adserver  # noqa: E402
from adserver.publishing.proof.evidence import Wish, gather  # noqa: E402
from adserver.publishing.proof.language import Language  # noqa: E402
from adserver.publishing.proof.page import page  # noqa: E402
from tests.browser import open_browser  # noqa: E402
from tests.proven import AFTER, NAME, delivered_store  # noqa: E402

TARGET = ROOT / "docs" / "images" / "proof.png"
TICKET_LIFE = 86_400
# CSS pixels: as far down as the first creative.
VIEWPORT = {"width": 1000, "height": 1504}
COLOURS = 256


def document() -> str:
    memory = delivered_store()
    evidence = gather(memory, memory, Wish(campaign=NAME), AFTER, TICKET_LIFE)
    return page(evidence, memory, Language("en"), adserver.__version__)


def screenshot(text: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "proof.html")
        file.write_text(text, encoding="utf-8")
        with open_browser() as browser, browser.new_context(viewport=VIEWPORT) as context:
            shown = context.new_page()
            shown.goto(file.as_uri())
            return shown.screenshot()


def main() -> None:
    with Image.open(io.BytesIO(screenshot(document()))) as drawn:
        palette = drawn.convert("RGB").quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
    palette.save(TARGET, "PNG", optimize=True)
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
