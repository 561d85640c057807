"""A drive whose power can be cut: ext4 on a loop device on a file that is copied at one instant.

Three file systems, one in the other, each in an image file of the one around it:

    tray   is frozen (FIFREEZE) while a copy is taken: all that is written to it waits, so that
           the copy is of one instant, whoever writes
    cache  the drive's own cache: what was written to the drive reaches its image only when the
           drive is told to flush, or when the kernel likes; the rest is lost with the power
    data   what the tests write to

A copy of the cache's image is what a power cut leaves. `start_again` mounts it, and the image in
it; ext4 replays its journal, as it does when a machine starts again. Everything lies in /dev/shm
where that is large enough: flushing it costs nothing, so that tests do not wait for a real disk.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.servers import until

# <linux/fs.h>, and ext4's own
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
EXT4_IOC_SHUTDOWN = 0x8004587D
SHUTDOWN_NOW = (2).to_bytes(4, "little")  # without flushing its log
MEBIBYTE = 1024 * 1024
BLOCK_BYTES = "1024"
DATA_MEBIBYTES = 24
# All images of a drive, and copies of it; containers often have less than that in /dev/shm.
SCRATCH_BYTES = 512 * MEBIBYTE
UNMOUNT_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class FileSystem:
    """image: the file that it lies in. path: where it is mounted."""

    image: Path
    path: Path

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Whoever writes to it waits."""
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, FIFREEZE, 0)
            try:
                yield
            finally:
                fcntl.ioctl(handle, FITHAW, 0)
        finally:
            os.close(handle)

    def fill(self) -> Path:
        """Until not a byte more goes in; the file that is in the way."""
        path = self.path / "filler"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        size = MEBIBYTE
        try:
            while size:
                try:
                    os.write(handle, b"f" * size)
                    os.fsync(handle)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2
        finally:
            os.close(handle)
        return path

    def sync(self) -> None:
        run("sync", "--file-system", str(self.path))

    def refuse_writes(self) -> None:
        """What ext4 does when it finds itself damaged: from now on it can only be read."""
        run("mount", "-o", "remount,abort", str(self.path))

    def tear_out(self) -> None:
        """From now on, everything that is asked of it is an I/O error."""
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, SHUTDOWN_NOW)
        finally:
            os.close(handle)


@dataclass(slots=True)
class Drive:
    tray: FileSystem
    cache: FileSystem
    data: FileSystem
    scratch: Path
    copies: int = 0

    @property
    def path(self) -> Path:
        return self.data.path

    def cut_power(self, *also: subprocess.Popen[bytes]) -> Path:
        """An image for `start_again`: what a power cut at this instant leaves of the drive.

        also: processes that end in that instant.
        """
        return self.copy_of(self.cache.image, *also)

    def copy_of(self, image: Path, *also: subprocess.Popen[bytes]) -> Path:
        self.copies += 1
        copy = self.scratch / f"copy-{self.copies}.img"
        with self.tray.frozen():
            for process in also:
                process.kill()
            copy_sparse(image, copy)
        return copy

    def start_again(self, image: Path) -> None:
        """Under the same path, what is on `image`; nobody may have a file open."""
        for system in (self.data, self.cache):
            until(lambda path=system.path: succeeds("umount", str(path)))  # type: ignore[misc]
        # Another file than before: its loop device may not be gone yet, with blocks in memory.
        self.cache.image.unlink()
        copy_sparse(image, self.cache.image)
        for system in (self.cache, self.data):
            mount(system)


@contextmanager
def drive(*options: str, thin: bool = False) -> Iterator[Drive]:
    """A drive, empty, and its file system. options: of that file system's mount.

    thin: its file system's own blocks are there; those of files are looked for when written.
    """
    require_mounting()
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_folder())
        tray = stack.enter_context(made(scratch, "tray", DATA_MEBIBYTES + 40))
        outer = stack.enter_context(made(scratch, "cache", DATA_MEBIBYTES + 16, on=tray))
        data = stack.enter_context(
            made(scratch, "data", DATA_MEBIBYTES, *options, on=outer, solid=thin)
        )
        if thin:
            run("fstrim", str(data.path))
        yield Drive(tray, outer, data, scratch)


@contextmanager
def made(
    scratch: Path,
    name: str,
    mebibytes: int,
    *options: str,
    on: FileSystem | None = None,
    solid: bool = False,
) -> Iterator[FileSystem]:
    """A new file system, mounted. on: the one whose file it is."""
    image = (on.path if on else scratch) / f"{name}.img"
    image.touch()
    os.truncate(image, mebibytes * MEBIBYTE)
    # Its tables now, not by the kernel later; nothing kept back for root, as whom tests run.
    lazy = "lazy_itable_init=0,lazy_journal_init=0,nodiscard"
    run("mkfs.ext4", "-q", "-F", "-b", BLOCK_BYTES, "-m", "0", "-E", lazy, str(image))
    if solid:
        image.write_bytes(image.read_bytes())  # zeros, where it had holes
    with mounted(FileSystem(image, scratch / name), *options) as system:
        yield system


@contextmanager
def mounted(system: FileSystem, *options: str) -> Iterator[FileSystem]:
    mount(system, *options)
    try:
        yield system
    finally:
        unmount(system.path)


def mount(system: FileSystem, *options: str) -> None:
    system.path.mkdir(exist_ok=True)
    chosen = ",".join(("loop", "noatime", *options))
    run("mount", "-t", "ext4", "-o", chosen, str(system.image), str(system.path))


def unmount(path: Path) -> None:
    """Also where somebody still has a file open: then it is gone with the last of them."""
    try:
        until(lambda: succeeds("umount", str(path)), UNMOUNT_PATIENCE_SECONDS)
    except AssertionError:
        run("umount", "--lazy", str(path))


@contextmanager
def scratch_folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > SCRATCH_BYTES
    folder = Path(tempfile.mkdtemp(prefix="adserver-drive-", dir=memory if roomy else None))
    try:
        yield folder
    finally:
        # Never through a mount that would not go.
        if not any(entry.is_mount() for entry in folder.iterdir()):
            shutil.rmtree(folder)


def copy_sparse(source: Path, target: Path) -> None:
    """What is data, and nothing else: the images are mostly holes."""
    with source.open("rb") as read, target.open("wb") as written:
        end, at = os.fstat(read.fileno()).st_size, 0
        written.truncate(end)
        with suppress(OSError):  # ENXIO: no more data
            while at < end:
                at = os.lseek(read.fileno(), at, os.SEEK_DATA)
                until_hole = os.lseek(read.fileno(), at, os.SEEK_HOLE)
                os.pwrite(written.fileno(), os.pread(read.fileno(), until_hole - at, at), at)
                at = until_hole


def run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"


def succeeds(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@cache
def why_not() -> str:
    """Why nothing can be mounted here; empty if it can."""
    for program in ("mkfs.ext4", "mount", "umount", "fstrim"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if os.geteuid() != 0:
        return "only root can mount"
    try:
        with scratch_folder() as scratch, made(scratch, "probe", 4) as probe, probe.frozen():
            return ""
    except (AssertionError, OSError) as error:
        return str(error)


def require_mounting() -> None:
    """Where nothing can be mounted the test fails in CI and is skipped, loudly, elsewhere."""
    if not (why := why_not()):
        return
    message = f"NO FILE SYSTEM CAN BE MOUNTED ({why}): power cuts have not been tested"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
