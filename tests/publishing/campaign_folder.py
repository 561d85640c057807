"""A config folder to try things in: the good one of tests/data, with pictures drawn for it."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path

from PIL import Image

from adserver.publishing.read import Reading, read_folder

DATA = Path(__file__).parent.parent / "data"

# Every picture that a file of tests/data names: the pixels that it really has.
DRAWN = {
    "b-970x250.png": (970, 250),
    "b-970x250@2x.png": (1940, 500),
    "b-728x90.png": (728, 90),
    "b-320x100.png": (320, 100),
    "wrong-728x90.png": (727, 90),
    "odd@2x.png": (801, 90),
    "lonely-728x90@2x.png": (1456, 180),
    "broad-1200x250.png": (1200, 250),
    "wide.gif": (8001, 1),
}


def draw(width: int, height: int, form: str = "PNG") -> bytes:
    drawn = BytesIO()
    Image.new("RGB", (width, height), (120, 40, 90)).save(drawn, form)
    return drawn.getvalue()


def draw_svg(width: int, height: int, content: str = "<rect/>") -> bytes:
    size = f"width='{width}' height='{height}'"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size}>{content}</svg>".encode()


def draw_all(images: Path) -> None:
    images.mkdir(exist_ok=True)
    for name, (width, height) in DRAWN.items():
        form = "GIF" if name.endswith(".gif") else "PNG"
        (images / name).write_bytes(draw(width, height, form))
    (images / "really-a-png.jpg").write_bytes(draw(728, 90))
    (images / "half.png").write_bytes(draw(728, 90)[:100])
    (images / "words.png").write_bytes(b"not a picture")
    (images / "scripted.svg").write_bytes(draw_svg(728, 90, "<script>alert(1)</script>"))
    (images / "drawing.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    (images / "hidden-svg.png").write_bytes(draw_svg(320, 100))
    (images / "c-728x90.svg").write_bytes(draw_svg(728, 90))
    # A comment chunk makes a picture heavy without making it large.
    (images / "heavy.gif").write_bytes(draw(300, 90, "GIF")[:-1] + filler(160_000) + b";")
    (images / "too-heavy.gif").write_bytes(draw(300, 90, "GIF")[:-1] + filler(1_100_000) + b";")


def filler(count: int) -> bytes:
    """A GIF comment of about `count` bytes."""
    return b"\x21\xfe" + (b"\xff" + b"x" * 255) * (count // 256) + b"\x00"


def make_folder(at: Path) -> Path:
    """A copy of the good folder, which a test then makes worse."""
    folder = at / "config"
    shutil.copytree(DATA / "good", folder)
    draw_all(folder / "images")
    return folder


SMALLEST = """\
tier: house
slots: [home-top]
link: https://blog.example/lettre
creatives:
  - {id: lettre, text: {headline: La lettre}}
"""


def read_with(folder: Path, **campaigns: str) -> Reading:
    """What the folder says with these campaign files (`_` in a name stands for `-`)."""
    for name, text in campaigns.items():
        path = folder / "campaigns" / f"{name.replace('_', '-')}.yaml"
        path.write_text(text, encoding="utf-8")
    return read_folder(folder)


def told(reading: Reading, folder: Path, about: str = "") -> list[str]:
    """The problems as `line:column: severity: message`, other files than `about` named first."""
    lines = []
    for problem in reading.problems:
        file = Path(problem.file).relative_to(folder).as_posix()
        before = "" if file == about else f"{file}:"
        place = f"{before}{problem.line}:{problem.column}"
        lines.append(f"{place}: {problem.severity}: {problem.message}")
    return lines


def codes(reading: Reading) -> list[str]:
    return [problem.code for problem in reading.problems]
