"""Bad files that are made when they are needed: too large to keep, or bad by what lies around them.

Each recipe writes `campaigns/<its name>.yaml` into a folder; what is told of it stands in
tests/data/bad, beside that of the files that are kept there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.publishing.campaign_folder import DATA, draw

MIB = 1024 * 1024
CAMPAIGN = """\
advertiser: Brûlerie du Port
tier: remnant
slots: [home-top]
link: https://brulerie.example/automne
creatives:
  - {id: lettre, text: {headline: La lettre}}
"""
TEXT = "text: {headline: La lettre}"

Recipe = Callable[[Path], str | bytes]
"""Prepares the folder around the file, and answers what stands in it."""


def picture(name: str) -> str:
    return CAMPAIGN.replace(TEXT, f"alt: a, images: [{name}]")


def five_thousand_levels(folder: Path) -> str:
    return CAMPAIGN + "targeting: " + "[" * 5_000 + "]" * 5_000 + "\n"


def five_thousand_levels_of_lines(folder: Path) -> str:
    return "".join(f"{' ' * level}a:\n" for level in range(1_000))


def ten_megabyte_scalar(folder: Path) -> str:
    return CAMPAIGN.replace("La lettre", "x" * 10 * MIB)


def five_thousand_digits(folder: Path) -> str:
    return CAMPAIGN + f"weight: {'9' * 5_000}\n"


def digits_behind_the_point(folder: Path) -> str:
    return CAMPAIGN + f"price: {{cpm: 0.{'3' * 5_000}}}\n"


def three_thousand_character_host(folder: Path) -> str:
    return CAMPAIGN.replace("brulerie.example", f"{'a' * 3_000}.example")


def forty_megabyte_picture(folder: Path) -> str:
    with (folder / "images" / "huge.png").open("wb") as file:
        file.write(draw(728, 90))
        file.truncate(40 * MIB)
    return picture("images/huge.png")


def picture_that_unpacks_to_gigabytes(folder: Path) -> str:
    """Its header says 50,000 pixels each way."""
    data = draw(728, 90)
    side = (50_000).to_bytes(4, "big")
    (folder / "images" / "bomb.png").write_bytes(data[:16] + side + side + data[24:])
    return picture("images/bomb.png")


def symlink_out_of_the_folder(folder: Path) -> str:
    (folder.parent / "secret.png").write_bytes(draw(728, 90))
    (folder / "images" / "linked.png").symlink_to(folder.parent / "secret.png")
    return picture("images/linked.png")


def symlinked_folder(folder: Path) -> str:
    (folder.parent / "elsewhere").mkdir(exist_ok=True)
    (folder.parent / "elsewhere" / "b.png").write_bytes(draw(728, 90))
    (folder / "linked").symlink_to(folder.parent / "elsewhere")
    return picture("linked/b.png")


def picture_that_is_a_pipe(folder: Path) -> str:
    """Whoever opened it would wait for ever."""
    os.mkfifo(folder / "images" / "pipe.png")
    return picture("images/pipe.png")


def twin_pictures(folder: Path) -> str:
    for name in ("caf\u00e9.png", "cafe\u0301.png"):
        (folder / "images" / name).write_bytes(draw(970, 250))
    return picture("images/caf\u00e9.png")


def too_many_targeted_values(folder: Path) -> str:
    values = ", ".join(f"v{number}" for number in range(1_001))
    return CAMPAIGN + f"targeting: {{tags: [{values}]}}\n"


def html_of_a_megabyte(folder: Path) -> str:
    (folder / "html" / "large.html").write_text(f"<p>{'x' * MIB}</p>", encoding="utf-8")
    return CAMPAIGN.replace(TEXT, "html: html/large.html, size: 970x250")


def utf_32(folder: Path) -> bytes:
    return CAMPAIGN.encode("utf-32")


def half_a_letter(folder: Path) -> bytes:
    """A file that was cut in the middle of a character."""
    return CAMPAIGN.encode() + "order: é".encode()[:-1]


RECIPES: dict[str, Recipe] = {
    f"made-{recipe.__name__.replace('_', '-')}": recipe
    for recipe in (
        five_thousand_levels,
        five_thousand_levels_of_lines,
        ten_megabyte_scalar,
        five_thousand_digits,
        digits_behind_the_point,
        three_thousand_character_host,
        forty_megabyte_picture,
        picture_that_unpacks_to_gigabytes,
        symlink_out_of_the_folder,
        symlinked_folder,
        picture_that_is_a_pipe,
        twin_pictures,
        too_many_targeted_values,
        html_of_a_megabyte,
        utf_32,
        half_a_letter,
    )
}
KEPT = sorted(path.stem for path in (DATA / "bad").glob("*.yaml"))
NAMES = [*KEPT, *RECIPES]


def put(name: str, folder: Path) -> Path:
    """The bad file of this name, kept or made, in the folder."""
    path = folder / "campaigns" / f"{name}.yaml"
    if name in RECIPES:
        text = RECIPES[name](folder)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    else:
        path.write_bytes((DATA / "bad" / path.name).read_bytes())
    return path


def expected_of(name: str) -> list[str]:
    """What is told of it, as `line:column: severity: message`."""
    return (DATA / "bad" / f"{name}.expected").read_text(encoding="utf-8").splitlines()


def refused(name: str) -> bool:
    """Whether it keeps the folder from being applied; some are only warned of."""
    return any(" error: " in line for line in expected_of(name))
