"""Files named by their content."""

from __future__ import annotations

import string

from adserver.core.assets import DIGEST_HEX_LENGTH, digest_of


def test_a_digest_depends_on_every_byte_and_on_nothing_else() -> None:
    assert digest_of(b"picture") == digest_of(b"picture")
    assert digest_of(b"picture") != digest_of(b"picturf")


def test_a_digest_is_lowercase_hexadecimal_of_one_length() -> None:
    digest = digest_of(b"")
    assert len(digest) == DIGEST_HEX_LENGTH
    assert set(digest) <= set(string.hexdigits.lower())
