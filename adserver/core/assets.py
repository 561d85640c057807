"""A file that travels with a generation: a picture or an HTML document, named by its content."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

# 128 bits: two different files with one name would need 2^64 files.
DIGEST_HEX_LENGTH = 32
IMAGE = "image/"
AVIF = frozenset((b"avif", b"avis"))
# Brands of a file that are looked at.
MAX_BRANDS = 64
SVG = "image/svg+xml"
# Where an SVG that begins with comments has to have begun as one.
SVG_HEAD_BYTES = 4_096
BEGINS_AS_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:[^-]|-[^-])*-->\s*)*<svg[\s/>]"
)


@dataclass(frozen=True, slots=True)
class Asset:
    data: bytes
    media_type: str


class Refusal(StrEnum):
    """Why a file of the store is not served."""

    CONTENT = "content"  # its bytes are not those that were applied
    KIND = "kind"  # it is called a picture of a kind that it is not


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGEST_HEX_LENGTH]


def refusal_of(digest: str, asset: Asset) -> Refusal | None:
    """Why this must not be served under its digest; None where it is what was applied."""
    if digest_of(asset.data) != digest:
        return Refusal.CONTENT
    if asset.media_type.startswith(IMAGE) and picture_kind(asset.data) != asset.media_type:
        return Refusal.KIND
    return None


def picture_kind(data: bytes) -> str:
    """A picture's media type by the bytes that it begins with, as browsers tell it; "" for others.

    https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern; AVIF: its own specification.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:14] == b"WEBPVP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        return "image/avif" if AVIF & brands(data) else ""
    return SVG if BEGINS_AS_SVG.match(data[:SVG_HEAD_BYTES]) else ""


def brands(data: bytes) -> set[bytes]:
    """What a file of ISO boxes says that it is (ISO/IEC 14496-12, 4.3)."""
    end = min(int.from_bytes(data[:4], "big"), 16 + 4 * MAX_BRANDS)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
