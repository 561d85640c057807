"""Pictures: what they are by their bytes, never by their name alone, and how large.

Only headers are decoded, so a picture that would unpack to gigabytes costs nothing here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePosixPath
from types import MappingProxyType

from PIL import Image as Pillow

from adserver.core.assets import SVG, SVG_HEAD_BYTES, picture_kind
from adserver.core.catalog import Image, Size
from adserver.publishing.findings import Complaint
from adserver.publishing.folder import Folder
from adserver.publishing.nodes import quoted
from adserver.publishing.svg import read_svg

MAX_BYTES = 1024 * 1024
MAX_PIXELS_A_SIDE = 8_000
# IAB New Ad Portfolio: the initial load of a display ad stays within 150 kB.
HEAVY_BYTES = 150_000

FORMATS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "PNG": ("image/png", (".png",)),
        "JPEG": ("image/jpeg", (".jpg", ".jpeg")),
        "GIF": ("image/gif", (".gif",)),
        "WEBP": ("image/webp", (".webp",)),
        "AVIF": ("image/avif", (".avif",)),
        "SVG": (SVG, (".svg",)),
    }
)
MEDIA_TYPES = {name: media_type for name, (media_type, _) in FORMATS.items()}
# Also what nobody would serve as such, as it should be told what is wrong with it.
LOOKS_LIKE_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:svg|!DOCTYPE\s+svg|\?xml|!--)", re.IGNORECASE
)
ENDINGS = {ending: name for name, (_, endings) in FORMATS.items() for ending in endings}
KNOWN = "PNG, JPEG, GIF, WebP, AVIF or SVG"

# By Pillow.
DECODED = [name for name in FORMATS if name != "SVG"]

# Exif 2.32, 4.6.4: cameras note how they were held, and browsers turn the picture by it, so that
# it would stand in a place of another shape than its own.
ORIENTATION, UPRIGHT = 0x0112, 1

DOUBLE = "@2x"
WRITTEN_SIZE = re.compile(r"-([0-9]+)x([0-9]+)$")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was accepted, and how many bytes it has."""

    image: Image
    weight_bytes: int


@dataclass(slots=True)
class Pictures:
    """The pictures of a folder, each looked at once however many creatives use it."""

    folder: Folder
    seen: dict[str, Picture | Complaint] = field(default_factory=dict)

    def read(self, relative: str) -> Picture | Complaint:
        if relative not in self.seen:
            self.seen[relative] = self._read(relative)
        picture = self.seen[relative]
        if isinstance(picture, Picture):
            self.folder.used[relative] = picture.image.digest
        return picture

    def _read(self, relative: str) -> Picture | Complaint:
        path = PurePosixPath(relative)
        data = self.folder.read(relative, MAX_BYTES)
        if isinstance(data, Complaint):
            return data
        found = identify(data, relative)
        if isinstance(found, Complaint):
            return found
        form, pixels = found
        media_type = MEDIA_TYPES[form]
        if picture_kind(data) != media_type:  # then no node would serve it
            return unreadable(data, relative)
        complaint = check_ending(path, form) or check_pixels(relative, pixels)
        density = 2 if path.stem.endswith(DOUBLE) else 1
        if form == "SVG" and density == 2:
            message = f"{quoted(path.name)} is SVG, which is sharp on every screen"
            return Complaint("svg_refused", message, "delete it: the one without @2x will do")
        complaint = complaint or check_name(path, pixels, density)
        if complaint:
            return complaint
        size = Size(pixels.width // density, pixels.height // density)
        digest = self.folder.keep(relative, data, media_type)
        return Picture(Image(digest, path.name, media_type, size, density), len(data))


def identify(data: bytes, relative: str) -> tuple[str, Size] | Complaint:
    """Format and pixels, by the bytes."""
    if LOOKS_LIKE_SVG.match(data[:SVG_HEAD_BYTES]):
        size = read_svg(data, relative)
        return size if isinstance(size, Complaint) else ("SVG", size)
    try:
        with warnings.catch_warnings():
            # Pillow warns of pictures that unpack large; our own limit says it better.
            warnings.simplefilter("ignore")
            with Pillow.open(BytesIO(data), formats=DECODED) as picture:
                form, size = str(picture.format), Size(*picture.size)
                turned = orientation(picture.info.get("exif")) != UPRIGHT
                picture.verify()
    except Pillow.DecompressionBombError:
        return too_large(relative)
    except Exception:  # Pillow's decoders raise whatever they like
        return unreadable(data, relative)
    if ends_early(data, form):
        return unreadable(data, relative)
    return is_turned(relative) if turned else (form, size)


def orientation(note: bytes | None) -> int:
    """As the picture's head says it: asking the picture itself would decode it."""
    exif = Pillow.Exif()
    try:
        exif.load(note or b"")
        said = exif.get(ORIENTATION, UPRIGHT)
    except Exception:  # a note that nobody can read turns nothing
        return UPRIGHT
    return said if isinstance(said, int) else UPRIGHT


def is_turned(relative: str) -> Complaint:
    message = f"{quoted(relative)} is turned by a note in it (EXIF orientation), not by its pixels"
    return Complaint("turned_image", message, "turn it in a picture editor and export it again")


def unreadable(data: bytes, relative: str) -> Complaint:
    if not data:
        return Complaint("bad_image", f"{quoted(relative)} is empty")
    message = f"{quoted(relative)} is damaged, or no {KNOWN} picture"
    return Complaint("bad_image", message, "open it in a picture editor and export it again")


def ends_early(data: bytes, form: str) -> bool:
    """Half a file, as a broken upload leaves it; Pillow's verify sees most of it for PNG."""
    match form:
        case "PNG":
            return not has_pixels(data)
        case "JPEG":
            return b"\xff\xd9" not in data
        case "GIF":
            return b"\x3b" not in data[-64:]
        case "WEBP":
            return len(data) < int.from_bytes(data[4:8], "little") + 8
    return False


def has_pixels(data: bytes) -> bool:
    """Whether a PNG's chunks have any image data (PNG, section 11.2.3)."""
    at = len(b"\x89PNG\r\n\x1a\n")
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind == b"IDAT" and length:
            return True
        at += length + 12
    return False


def check_ending(path: PurePosixPath, form: str) -> Complaint | None:
    if ENDINGS.get(path.suffix.lower()) == form:
        return None
    ending = FORMATS[form][1][0]
    article = "an" if form in ("AVIF", "SVG") else "a"
    message = f"{quoted(str(path))} holds {article} {form} picture, which its name does not say"
    return Complaint("wrong_ending", message, f"name it {path.with_suffix(ending).name}")


def check_pixels(relative: str, pixels: Size) -> Complaint | None:
    return too_large(relative) if max(pixels.width, pixels.height) > MAX_PIXELS_A_SIDE else None


def too_large(relative: str) -> Complaint:
    message = f"{quoted(relative)} has more than {MAX_PIXELS_A_SIDE:,} pixels a side"
    return Complaint("image_too_large", message, "make it smaller")


def check_name(path: PurePosixPath, pixels: Size, density: int) -> Complaint | None:
    """`b-970x250.png` has 970x250 pixels, `b-970x250@2x.png` twice as many each way."""
    name = quoted(path.name)
    if density == 2 and (pixels.width % 2 or pixels.height % 2):
        message = f"{name} has {pixels} pixels: a @2x picture has an even number each way"
        return Complaint("odd_double", message, "export it at exactly twice the size")
    written = WRITTEN_SIZE.search(path.stem.removesuffix(DOUBLE))
    if written is None:
        return None
    said = Size(int(written[1]), int(written[2]))
    if (said.width * density, said.height * density) == (pixels.width, pixels.height):
        return None
    wanted = f"{said.width * density}x{said.height * density}"
    message = f"{name} should have {wanted} pixels by its name, and has {pixels}"
    return Complaint("wrong_name", message, "rename it, or export it in the right size")
