"""Files named by their content."""

from __future__ import annotations

import string
from io import BytesIO

import pytest
from PIL import Image

from adserver.core.assets import (
    DIGEST_HEX_LENGTH,
    Asset,
    Refusal,
    digest_of,
    picture_kind,
    refusal_of,
)


def test_a_digest_depends_on_every_byte_and_on_nothing_else() -> None:
    assert digest_of(b"picture") == digest_of(b"picture")
    assert digest_of(b"picture") != digest_of(b"picturf")


def test_a_digest_is_lowercase_hexadecimal_of_one_length() -> None:
    digest = digest_of(b"")
    assert len(digest) == DIGEST_HEX_LENGTH
    assert set(digest) <= set(string.hexdigits.lower())


def drawn(form: str, **options: object) -> bytes:
    data = BytesIO()
    Image.new("RGB", (8, 8), (120, 40, 90)).save(data, form, **options)
    return data.getvalue()


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
    ],
)
def test_a_picture_is_what_its_bytes_say(form: str, media_type: str) -> None:
    data = drawn(form)
    assert picture_kind(data) == media_type
    assert refusal_of(digest_of(data), Asset(data, media_type)) is None
    other = "image/gif" if form != "GIF" else "image/png"
    assert refusal_of(digest_of(data), Asset(data, other)) is Refusal.KIND
    assert refusal_of(digest_of(data), Asset(data + b"<script>", media_type)) is Refusal.CONTENT


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\ufeff",
        " \n",
        "<?xml version='1.0'?>\n",
        "<!-- a --><!-- - b - > -->",
        "<?xml?><!---->",
    ],
)
def test_an_svg_begins_as_one(before: str) -> None:
    assert picture_kind(f"{before}<svg width='1'>".encode()) == "image/svg+xml"
    assert picture_kind(f"{before}<html><svg width='1'>".encode()) == ""
    assert picture_kind(f"{before}<!DOCTYPE svg><svg width='1'>".encode()) == ""


def test_an_avif_may_name_itself_behind_a_more_general_kind() -> None:
    box = b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf"
    assert picture_kind(box) == "image/avif"
    assert picture_kind(box.replace(b"avif", b"heic")) == ""
    assert picture_kind(b"\xff\xff\xff\xffftypmif1") == ""


@pytest.mark.parametrize("data", [b"", b"<svgx/>", b"<!doctype html>", b"%PDF-1.7", b"RIFF"])
def test_what_is_no_picture_is_of_no_kind(data: bytes) -> None:
    assert picture_kind(data) == ""
    assert refusal_of(digest_of(data), Asset(data, "image/png")) is Refusal.KIND


def test_a_document_is_held_to_its_digest_alone() -> None:
    data = b"<!doctype html>"
    assert refusal_of(digest_of(data), Asset(data, "text/html")) is None
    assert refusal_of(digest_of(data), Asset(data + b" ", "text/html")) is Refusal.CONTENT
