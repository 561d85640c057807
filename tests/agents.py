"""User agents of robots and of people, from packages that others publish: fetched once, then kept.

None of them is in this repository, and the rules were not made from them. Their licences: Matomo's
fixtures, which the Python port of its Device Detector ships (MIT), are under the LGPL 3;
`user-agents` is under the BSD licence, `top-user-agents` under the MIT licence.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.fetched import content, fetched

# File → its SHA-256, and what fetches it into the working directory.
MATOMO = "device_detector-6.5.1.tar.gz"
SEEN = "user-agents-2.1.198.tgz"
TOP = "top-user-agents-2.1.138.tgz"
PACKAGES: dict[str, tuple[str, Sequence[str]]] = {
    MATOMO: (
        "610ed34b173b96ee91aa38165084695bbf76f6a5bd76bbb4fd777f7af1ff4170",
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--no-binary", ":all:", "--require-hashes", "--requirement", "/dev/stdin"),
        ],
    ),
    SEEN: (
        "581c4f5074669b6f125263b8ddf302d221a26a06842488c6cc8d50dc5c5c0851",
        ["npm", "pack", "--silent", "user-agents@2.1.198"],
    ),
    TOP: (
        "1a0a2769adff6cad92f08b408c60ca5331a881d0d1645f90020cb6895e3939c1",
        ["npm", "pack", "--silent", "top-user-agents@2.1.138"],
    ),
}
FIXTURES = "device_detector-6.5.1/device_detector/tests/fixtures/upstream"
LINE = re.compile(r"^ +user_agent: (.+)$", re.MULTILINE)
# The fixtures of what people hold in their hands, sit in or look at.
DEVICES = re.compile(
    r"/(smartphone|phablet|tablet|tv|console|car_browser|smart_display|wearable|camera|desktop|"
    r"portable_media_player|feature_phone|peripheral)(-[0-9]+)?\.yml$"
)


def robots(folder: Path) -> list[bytes]:
    """Those by which Matomo tests that it knows robots, each once. folder: where files are kept."""
    with package(folder, MATOMO) as archive:
        return list(dict.fromkeys(in_fixture(archive, f"{FIXTURES}/bots.yml")))


def devices(folder: Path) -> list[bytes]:
    """Those by which Matomo tests that it knows phones, televisions, consoles and the like."""
    with package(folder, MATOMO) as archive:
        names = filter(DEVICES.search, archive.getnames())
        return list(dict.fromkeys(one for name in names for one in in_fixture(archive, name)))


def browsers(folder: Path) -> list[bytes]:
    """Those that are in use now."""
    with package(folder, SEEN) as archive:
        seen = [one["userAgent"] for one in read_json(archive, "package/dist/user-agents.json")]
    with package(folder, TOP) as archive:
        seen += read_json(archive, "package/src/index.json")
    return list(dict.fromkeys(one.encode("latin-1", "replace") for one in seen))


def in_fixture(archive: tarfile.TarFile, name: str) -> Iterator[bytes]:
    for written in LINE.findall(content(archive, name).decode()):
        text = written.strip()
        if text[0] in "'\"" and text[-1] == text[0]:
            text = text[1:-1].replace("''", "'")
        yield text.encode("latin-1", "replace")


def read_json(archive: tarfile.TarFile, name: str):
    return json.loads(content(archive, name))


def package(folder: Path, name: str) -> tarfile.TarFile:
    digest, command = PACKAGES[name]
    what, version = name.removesuffix(".tar.gz").split("-", 1)
    # For pip, which runs what is in a package that it is to look at: checked before that.
    asks = f"{what}=={version} --hash=sha256:{digest}\n"
    return fetched(folder, name, digest, command, asks=asks, without="robots have not been tested")
