"""A file that travels with a generation: a picture or an HTML document, named by its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

# 128 bits: two different files with one name would need 2^64 files.
DIGEST_HEX_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Asset:
    data: bytes
    media_type: str


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGEST_HEX_LENGTH]
