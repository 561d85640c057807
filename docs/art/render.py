"""Redraw every advertisement of the demonstration from its SVG source.

    python docs/art/render.py            # all of them; or name some: render.py brulerie-du-port

Wants Pillow, Chromium (or CHROMIUM=/path/to/it) and the fonts listed in FONTS; on Debian:
    apt-get install chromium fonts-ebgaramond fonts-lato fonts-bebas-neue fonts-sora \
        fonts-manrope fonts-averia-serif-gwf fonts-inter
The fonts are only used to draw: the pictures that are served carry no text but pixels.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ART = Path(__file__).resolve().parent
IMAGES = ART.parents[1] / "config" / "images"
CHROMIUM = os.environ.get("CHROMIUM", "chromium")
FONTS = ("EB Garamond", "Lato", "Bebas Neue", "Sora", "Manrope", "Averia Serif GWF", "Inter")

# What a publisher accepts for a display advertisement: heavier files are refused here already.
MAX_BYTES = {1: 100_000, 2: 200_000}
COLOURS = 256
# Chromium will not open a window narrower than this, so it draws on a larger page and we crop.
WINDOW = "1000,400"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def missing_fonts() -> list[str]:
    """Return the fonts that this machine would silently replace by another."""
    listed = subprocess.run(
        ["fc-list", ":", "family"], capture_output=True, text=True, check=True
    ).stdout
    families = {name for line in listed.splitlines() for name in line.split(",")}
    return [font for font in FONTS if font not in families]


def screenshot(source: Path, scale: int) -> Image.Image:
    """Draw one SVG at `scale` device pixels per CSS pixel and crop it to its exact size."""
    width, height = (int(n) for n in re.findall(r"(\d+)x(\d+)$", source.stem)[0])
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(
            '<!doctype html><meta charset="utf-8"><style>body{margin:0}svg{display:block}</style>'
            + source.read_text(encoding="utf-8"),
            encoding="utf-8",
        )
        shot = Path(folder, "shot.png")
        command = [
            CHROMIUM,
            *FLAGS,
            f"--force-device-scale-factor={scale}",
            f"--window-size={WINDOW}",
            f"--user-data-dir={folder}/profile",
            f"--screenshot={shot}",
            page.as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        with Image.open(shot) as drawn:
            return drawn.convert("RGB").crop((0, 0, width * scale, height * scale))


def compress(picture: Image.Image) -> bytes:
    """Return the picture as a palette PNG: flat art loses nothing that an eye would see."""
    packed = io.BytesIO()
    palette = picture.quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
    palette.save(packed, "PNG", optimize=True)
    return packed.getvalue()


def main(names: list[str]) -> int:
    """Draw the named advertisements (all without a name); 1 when something is wrong."""
    if absent := missing_fonts():
        print("missing fonts: " + ", ".join(absent), file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    status = 0
    for source in sorted(ART.glob("*.svg")):
        if names and not any(source.stem.startswith(name) for name in names):
            continue
        for scale in (1, 2):
            png = compress(screenshot(source, scale))
            target = IMAGES / f"{source.stem}{'' if scale == 1 else '@2x'}.png"
            target.write_bytes(png)
            verdict = ""
            if len(png) > MAX_BYTES[scale]:
                verdict, status = f"  heavier than {MAX_BYTES[scale]:,} bytes", 1
            print(f"{target.name:44} {len(png):>8,} bytes{verdict}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
