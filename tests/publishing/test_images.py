"""Pictures, by their bytes and by their names, and never from outside the folder."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from adserver.core.assets import Asset, digest_of, picture_kind, refusal_of
from adserver.core.catalog import Size
from adserver.publishing.findings import Complaint
from adserver.publishing.folder import Folder
from adserver.publishing.images import MAX_BYTES, Picture, Pictures
from tests.publishing.campaign_folder import draw, draw_svg

FORMS = [
    ("b.png", "PNG", "image/png"),
    ("b.jpg", "JPEG", "image/jpeg"),
    ("b.JPEG", "JPEG", "image/jpeg"),
    ("b.gif", "GIF", "image/gif"),
    ("b.webp", "WEBP", "image/webp"),
    ("b.avif", "AVIF", "image/avif"),
]


def look(at: Path, name: str, data: bytes) -> Picture | Complaint:
    path = at / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Pictures(Folder(at)).read(name)


def code_of(at: Path, name: str, data: bytes) -> str:
    complaint = look(at, name, data)
    assert isinstance(complaint, Complaint)
    return complaint.code


def without_pixels() -> bytes:
    """A PNG that has its header and its end, and nothing between."""
    data = draw(728, 90)
    return data[:33] + data[-12:]


@pytest.mark.parametrize(("name", "form", "media_type"), FORMS)
def test_a_picture_is_read(name: str, form: str, media_type: str, tmp_path: Path) -> None:
    data = draw(300, 250, form)
    picture = look(tmp_path, name, data)
    assert isinstance(picture, Picture)
    image = picture.image
    assert (image.name, image.media_type, image.density) == (name, media_type, 1)
    assert image.size == Size(300, 250)
    assert image.digest == digest_of(data)
    assert picture.weight_bytes == len(data)


def test_a_2x_picture_has_half_its_pixels_in_css(tmp_path: Path) -> None:
    picture = look(tmp_path, "b-300x250@2x.png", draw(600, 500))
    assert isinstance(picture, Picture)
    assert (picture.image.size, picture.image.density) == (Size(300, 250), 2)


@pytest.mark.parametrize(("name", "form", "_media_type"), FORMS)
def test_half_a_picture_is_refused(name: str, form: str, _media_type: str, tmp_path: Path) -> None:
    data = draw(300, 250, form)
    assert code_of(tmp_path, name, data[: len(data) // 2]) == "bad_image"


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("b.png", b"", "bad_image"),
        ("b.png", b"GIF89a", "bad_image"),
        ("b.png", without_pixels(), "bad_image"),
        ("b.png", draw(10, 10, "BMP"), "bad_image"),
        ("b.jpg", draw(10, 10), "wrong_ending"),
        ("b", draw(10, 10), "wrong_ending"),
        ("b-11x10.png", draw(10, 10), "wrong_name"),
        ("b-10x10@2x.png", draw(10, 10), "wrong_name"),
        ("b@2x.png", draw(11, 10), "odd_double"),
        ("b.gif", draw(8001, 1, "GIF"), "image_too_large"),
        ("b.svg", b"", "bad_image"),
        ("b.svg", draw(10, 10), "wrong_ending"),
        ("b.png", draw_svg(10, 10), "wrong_ending"),
        ("b.svg", draw_svg(10, 10, "<script/>"), "svg_refused"),
        ("b.png", draw_svg(10, 10, "<script/>"), "svg_refused"),
        ("b@2x.svg", draw_svg(10, 10), "svg_refused"),
        ("b-11x10.svg", draw_svg(10, 10), "wrong_name"),
        ("b.svg", draw_svg(8001, 1), "image_too_large"),
        ("b.svg", b"<!--" + b"x" * 5_000 + b"-->" + draw_svg(10, 10), "bad_image"),
        ("b.gif", b"GIF89a" + b"x" * MAX_BYTES, "file_too_large"),
    ],
)
def test_what_is_no_good_picture_is_refused(
    name: str, data: bytes, code: str, tmp_path: Path
) -> None:
    assert code_of(tmp_path, name, data) == code


def test_a_drawing_is_a_picture_of_its_own_size(tmp_path: Path) -> None:
    picture = look(tmp_path, "b-728x90.svg", draw_svg(728, 90))
    assert isinstance(picture, Picture)
    assert picture.image.media_type == "image/svg+xml"
    assert (picture.image.size, picture.image.density) == (Size(728, 90), 1)


def animated(frames: int, side: int) -> bytes:
    """A GIF of many large frames, and few bytes."""
    one = Image.new("P", (side, side))
    drawn = BytesIO()
    more = [Image.new("P", (side, side), n % 2) for n in range(1, frames)]
    one.save(drawn, "GIF", save_all=True, append_images=more, duration=20)
    return drawn.getvalue()


SCRIPT = b"<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        # Both a picture and a page: the picture is what is served, as what it is.
        ("b.gif", b"GIF89a" + draw(10, 10, "GIF")[6:-1] + b"\x21\xfe\x19" + SCRIPT + b"\x00;"),
        ("b.png", draw(10, 10) + SCRIPT),
        ("b.jpg", draw(10, 10, "JPEG") + SCRIPT),
        ("b.gif", animated(30, 500)),
    ],
    ids=["gif and html", "png and html", "jpeg and html", "many frames"],
)
def test_a_picture_that_is_more_is_taken_as_the_picture_that_it_is(
    name: str, data: bytes, tmp_path: Path
) -> None:
    picture = look(tmp_path, name, data)
    assert isinstance(picture, Picture)
    assert picture.image.media_type == picture_kind(data)
    assert refusal_of(picture.image.digest, Asset(data, picture.image.media_type)) is None


@pytest.mark.parametrize("before", [SCRIPT, b"\n", b"\xef\xbb\xbf", b"\0"])
def test_nothing_stands_before_a_picture(before: bytes, tmp_path: Path) -> None:
    assert code_of(tmp_path, "b.png", before + draw(10, 10)) == "bad_image"


TURNED = [(1, ""), (3, "turned_image"), (6, "turned_image")]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "code"), [(1, ""), (3, "turned_image"), (6, "turned_image")]
)
def test_a_picture_that_a_browser_would_turn_is_refused(
    form: str, orientation: int, code: str, tmp_path: Path
) -> None:
    note = Image.Exif()
    note[0x0112] = orientation
    drawn = BytesIO()
    Image.new("RGB", (728, 90)).save(drawn, form, exif=note)
    found = look(tmp_path, f"b.{form.lower()}", drawn.getvalue())
    assert (found.code if isinstance(found, Complaint) else "") == code


@pytest.mark.parametrize("note", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff", b"Exif\0\0nonsense"])
def test_a_note_that_cannot_be_read_turns_nothing(note: bytes, tmp_path: Path) -> None:
    drawn = BytesIO()
    Image.new("RGB", (728, 90)).save(drawn, "JPEG", exif=note)
    assert isinstance(look(tmp_path, "b-728x90.jpg", drawn.getvalue()), Picture)


@pytest.mark.parametrize("side", [12_000, 30_000, 2**31 - 1])
def test_a_bomb_is_refused_by_its_header(side: int, tmp_path: Path) -> None:
    assert code_of(tmp_path, "b.png", png_header(side)) in ("image_too_large", "bad_image")


def png_header(side: int) -> bytes:
    """A PNG that says it is enormous, and holds nothing."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    size = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../b.png", "a/../../b.png", "a\\b.png", "C:/b.png", "a\nb", "x" * 201]
)
def test_a_path_stays_in_the_folder(path: str, tmp_path: Path) -> None:
    complaint = Folder(tmp_path).read(path, 10)
    assert isinstance(complaint, Complaint)
    assert complaint.code == "bad_path"


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.png").write_bytes(draw(10, 10))
    inside = tmp_path / "config"
    inside.mkdir()
    (inside / "b.png").symlink_to(tmp_path / "outside.png")
    complaint = Pictures(Folder(inside)).read("b.png")
    assert isinstance(complaint, Complaint)
    assert complaint.code == "outside_folder"


def test_a_link_within_the_folder_and_a_linked_folder_are_fine(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "a.png").write_bytes(draw(10, 10))
    (real / "b.png").symlink_to(real / "a.png")
    (tmp_path / "config").symlink_to(real)
    assert isinstance(Pictures(Folder(tmp_path / "config")).read("b.png"), Picture)


def test_what_is_no_file_is_told_with_the_nearest_that_is(tmp_path: Path) -> None:
    (tmp_path / "banner.png").write_bytes(b"")
    for name, hint in (("baner.png", "did you mean `banner.png`?"), ("none/x.png", "")):
        complaint = Folder(tmp_path).read(name, 10)
        assert isinstance(complaint, Complaint)
        assert (complaint.code, complaint.hint) == ("no_such_file", hint)


def test_a_file_is_read_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "b.png").write_bytes(draw(10, 10))
    pictures = Pictures(folder)
    first = pictures.read("b.png")
    (tmp_path / "b.png").unlink()
    assert pictures.read("b.png") is first
    assert len(folder.kept) == 1
