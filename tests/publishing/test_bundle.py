"""The config folder on its way: all that reading asks for, whole, and trusted in nothing."""

from __future__ import annotations

import io
import os
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.errors import BundleError
from adserver.publishing import bundle
from adserver.publishing.bundle import (
    ABOUT,
    MARK,
    MAX_FILE_BYTES,
    MAX_LINE,
    About,
    announced,
    gather,
    pack,
    spooled,
    unpack,
)
from adserver.publishing.read import read_folder
from tests.cli.command import CAMPAIGN, write_folder

DEMO = Path(__file__).parents[2] / "config"

ABOUT_IT = About()


def packed(folder: Path, about: About = ABOUT_IT) -> bytes:
    with spooled() as into:
        pack(gather(folder), about, into)
        return into.read()


def arrived(data: bytes, into: Path) -> Path:
    into.mkdir(exist_ok=True)
    return unpack(io.BytesIO(data), into)[1]


def test_the_shipped_folder_arrives_as_it_reads_here(tmp_path: Path) -> None:
    about = About("blog/config", "ana@desk", "4fd3+")
    stream = io.BytesIO(packed(DEMO, about) + b"y\n")
    said, folder = unpack(stream, tmp_path)
    assert said == about
    assert folder == tmp_path / "blog/config"
    assert read_folder(folder).catalog == read_folder(DEMO).catalog
    assert read_folder(folder).files == read_folder(DEMO).files
    assert stream.read() == b"y\n"


def test_only_what_reading_may_ask_for_is_sent(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN)
    unread = ("secret.key", ".git/config.yaml", "images/.b.png", "notes.txt", "prometheus/a.yml")
    for name in (*unread, "images/b.PNG", "campaigns/stray.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / MARK).parent.mkdir()
    (folder / MARK).write_bytes(b"{}")
    assert gather(folder).files.keys() == {
        "site.yaml",
        "slots.yaml",
        "campaigns/a.yaml",
        "campaigns/stray.txt",
        "images/b.PNG",
        MARK,
    }
    assert (arrived(packed(folder), tmp_path / "there") / MARK).read_bytes() == b"{}"


def test_links_are_followed_inside_of_the_folder_alone(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.png").write_bytes(b"secret")
    (folder / "images").mkdir()
    (folder / "images/own.png").write_bytes(b"own")
    (folder / "images/link.png").symlink_to("own.png")
    (folder / "images/out.png").symlink_to(outside / "b.png")
    (folder / "images/lost.png").symlink_to("nowhere.png")
    (folder / "pictures").symlink_to("images")
    (folder / "elsewhere").symlink_to(outside)
    (folder / "images/b\\c.png").write_bytes(b"own")
    os.mkfifo(folder / "images/pipe.png")
    found = gather(folder)
    assert found.left_out == {
        "elsewhere": "is a link to a folder outside",
        **{
            f"{at}/{name}": why
            for at in ("images", "pictures")
            for name, why in {
                "b\\c.png": "`" + f"{at}/b\\c.png" + "` has a backslash or a control character",
                "lost.png": "is a link that leads nowhere",
                "out.png": "is a link to a file outside",
                "pipe.png": "is no regular file",
            }.items()
        },
    }
    there = arrived(packed(folder), tmp_path / "there")
    for name in ("images/link.png", "pictures/own.png"):
        assert (there / name).read_bytes() == b"own"
        assert not (there / name).is_symlink()
    assert b"secret" not in packed(folder)


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN)
    (folder / "images").mkdir()
    (folder / "images/again").symlink_to("../images")
    [(_, why)] = gather(folder).left_out.items()
    assert why == "is more than 32 folders deep"


def test_what_is_too_large_for_reading_is_too_large_there_as_well(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN)
    (folder / "campaigns/big.yaml").write_bytes(b"# " + b"x" * 5_000_000)
    there = arrived(packed(folder), tmp_path / "there")
    assert (there / "campaigns/big.yaml").stat().st_size == MAX_FILE_BYTES
    assert [one.code for one in read_folder(there).problems] == ["file_too_large"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no folder"):
        gather(tmp_path / "absent")


def test_too_many_files_and_too_many_bytes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN)
    monkeypatch.setattr(bundle, "MAX_FILES", 3)
    assert len(gather(folder).files) == 3
    whole = packed(folder)
    monkeypatch.setattr(bundle, "MAX_BYTES", 100)
    with pytest.raises(BundleError, match="too much to send"):
        packed(folder)
    monkeypatch.setattr(bundle, "MAX_FILE_BYTES", 10)
    with pytest.raises(BundleError, match="larger than a config folder"):
        arrived(whole, tmp_path / "there")
    monkeypatch.setattr(bundle, "MAX_FILES", 2)
    with pytest.raises(BundleError, match="more than 2 files"):
        gather(folder)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN)
    found = gather(folder)
    (folder / "site.yaml").unlink()
    with pytest.raises(BundleError, match=r"site\.yaml cannot be read: No such file"):
        pack(found, About(), io.BytesIO())


@given(st.integers(0, 100_000))
def test_a_bundle_that_is_cut_short_is_never_taken_for_whole(at: int) -> None:
    whole = WHOLE
    cut = whole[: min(at, len(whole) - 1)]
    with pytest.raises(BundleError):
        unpack(io.BytesIO(cut), Path("/nonexistent"))


def tar_of(*entries: tarfile.TarInfo, about: bytes | None = b'{"called": "config"}') -> bytes:
    """A bundle that somebody else has made. Files hold as many `x` as they are long."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as tar:
        if about is not None:
            first = tarfile.TarInfo(ABOUT)
            first.size = len(about)
            tar.addfile(first, io.BytesIO(about))
        for entry in entries:
            tar.addfile(entry, io.BytesIO(b"x" * entry.size))
    data = into.getvalue()
    return f"adserver-bundle 1 {len(data)}\n".encode() + data


def entry(name: str, kind: bytes = tarfile.REGTYPE, **values: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    for key, value in values.items():
        setattr(made, key, value)
    return made


WHOLE = tar_of(entry("site.yaml", size=3), entry("campaigns/a.yaml", size=700))


@pytest.mark.parametrize(
    "bad",
    [
        entry("../evil.yaml"),
        entry("/etc/evil.yaml"),
        entry("a/../../evil.yaml"),
        entry("evil\n.yaml"),
        entry("evil.yaml", pax_headers={"path": "site.yaml\0evil.yaml"}),
        entry("link.yaml", tarfile.SYMTYPE, linkname="/etc/passwd"),
        entry("link.yaml", tarfile.LNKTYPE, linkname="/etc/passwd"),
        entry("device.yaml", tarfile.CHRTYPE),
        entry("pipe.yaml", tarfile.FIFOTYPE),
        entry("folder", tarfile.DIRTYPE),
    ],
    ids=lambda one: f"{one.name!r}-{one.type!r}",
)
def test_what_no_folder_of_ours_has_is_refused(bad: tarfile.TarInfo, tmp_path: Path) -> None:
    into = tmp_path / "into"
    with pytest.raises(BundleError, match="which is no file of a config folder"):
        arrived(tar_of(entry("site.yaml", size=3), bad), into)
    assert {path.name for path in tmp_path.rglob("*")} <= {"into", "config", "site.yaml"}


def said_before(kind: bytes, said: bytes) -> bytes:
    """A bundle with an entry of a tar's own in front of its file."""
    own = tarfile.TarInfo("./PaxHeaders/x")
    own.type, own.size = kind, len(said)
    padded = said + b"\0" * (-len(said) % tarfile.BLOCKSIZE)
    data = own.tobuf(tarfile.USTAR_FORMAT) + padded
    data += entry("site.yaml").tobuf(tarfile.USTAR_FORMAT) + b"\0" * 1_024
    return f"adserver-bundle 1 {len(data)}\n".encode() + data


LONG = 20_000_000
SPARSE = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.XHDTYPE, f"{LONG} comment=".encode().ljust(LONG - 1, b"A") + b"\n"),
        (tarfile.XHDTYPE, f"{LONG} path=".encode().ljust(LONG - 1, b"A") + b"\n"),
        (tarfile.XHDTYPE, b"9 a=bcde\n" * (LONG // 9)),
        (tarfile.XHDTYPE, SPARSE),
        (tarfile.XHDTYPE, b"9 size=9\n"),
        (tarfile.XHDTYPE, b""),
        (tarfile.XGLTYPE, b"9 path=x\n"),
        (tarfile.SOLARIS_XHDTYPE, b"9 path=x\n"),
        (tarfile.GNUTYPE_LONGNAME, b"A" * LONG),
        (tarfile.GNUTYPE_LONGLINK, b"A" * LONG),
        (tarfile.GNUTYPE_SPARSE, b""),
    ],
    ids=lambda one: ascii(one[:24]),
)
def test_what_a_tar_says_in_front_of_a_file_takes_no_memory(
    kind: bytes, said: bytes, tmp_path: Path
) -> None:
    data = said_before(kind, said)
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=r"than its path|no file of a config folder"):
            arrived(data, tmp_path)
        # What has arrived is on disk above so much.
        assert tracemalloc.get_traced_memory()[1] < LONG
    finally:
        tracemalloc.stop()


def test_a_path_that_is_said_in_front_of_its_file_is_its_path(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="does not say what it is"):  # control: as far as that
        arrived(said_before(tarfile.XHDTYPE, b"18 path=site.yaml\n"), tmp_path)


def test_a_path_that_comes_twice_or_through_a_file_is_refused(tmp_path: Path) -> None:
    for number, names in enumerate((("a.yaml", "a.yaml"), ("a.yaml", "a.yaml/b.yaml"))):
        with pytest.raises(BundleError, match=f"cannot be unpacked: `{names[1]}`: ") as refused:
            arrived(tar_of(*(entry(name, size=1) for name in names)), tmp_path / str(number))
        assert str(tmp_path) not in str(refused.value)


def test_a_file_that_is_larger_than_any_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="larger than a config folder may be"):
        arrived(tar_of(entry("a.yaml", size=MAX_FILE_BYTES + 1)), tmp_path)


@pytest.mark.parametrize(
    "about",
    [
        b'{"called": "../out"}',
        b'{"called": "/tmp/x"}',
        b'{"called": ""}',
        b'{"called": "."}',
        b'{"called": 7}',
        b"[]",
        b"not json",
        None,
    ],
)
def test_a_bundle_that_does_not_say_well_what_it_is_is_refused(
    about: bytes | None, tmp_path: Path
) -> None:
    with pytest.raises(BundleError):
        arrived(tar_of(entry("site.yaml", size=3), about=about), tmp_path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"", "expected a config folder on stdin"),
        (b"hello world\n", "expected a config folder on stdin"),
        (b"adserver-bundle 1 -5\n", "expected a config folder on stdin"),
        (b"adserver-bundle 2 5\n", "sent in version 2, this release reads 1"),
        (b"adserver-bundle 1 999999999999\n", "more than a config folder may have"),
    ],
)
def test_what_is_no_bundle_is_told(line: bytes, told: str) -> None:
    with pytest.raises(BundleError, match=told):
        announced(line)


def test_the_first_line_is_as_long_as_it_may_be(tmp_path: Path) -> None:
    line = packed(write_folder(tmp_path, a=CAMPAIGN)).split(b"\n")[0]
    assert len(line) == MAX_LINE - 1


def test_damage_on_the_way_is_told(tmp_path: Path) -> None:
    data = bytearray(WHOLE)
    data[30:40] = b"\xff" * 10
    with pytest.raises(BundleError):
        arrived(bytes(data), tmp_path)
