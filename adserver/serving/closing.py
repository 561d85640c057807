"""Closing a port so that nobody is cut who could connect.

Whoever has connected waits in the kernel's queue until a worker accepts. Closing the socket resets
everybody there, and whoever is half connected when it happens. So first nobody new gets in: a
filter drops packets that begin a connection. Their senders send them again a second later, when
the port is closed, and are refused, which is an honest answer. Then the queue is emptied.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import time

# linux/filter.h and asm-generic/socket.h; Python does not name it.
SO_ATTACH_FILTER = 26
LOAD_BYTE, AND, JUMP_IF_EQUAL, RETURN = 0x30, 0x54, 0x15, 0x06
# Of a TCP header: where its flags are; the one that begins a connection, and the one that goes on.
FLAGS_OFFSET, SYN, ACK = 13, 0x02, 0x10
WHOLE = 0xFFFF_FFFF
# struct sock_filter: code, steps to jump if true, if false, operand.
BEGINS_NOTHING = (
    (LOAD_BYTE, 0, 0, FLAGS_OFFSET),
    (AND, 0, 0, SYN | ACK),
    (JUMP_IF_EQUAL, 0, 1, SYN),
    (RETURN, 0, 0, 0),
    (RETURN, 0, 0, WHOLE),
)
# struct tcp_info of linux/tcp.h: of a socket that listens, `tcpi_unacked` is its queue.
QUEUED, QUEUED_OFFSET, INFO_BYTES = struct.Struct("I"), 24, 104
TABLES = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
SYN_RECEIVED = "03"
# Longer than a round trip to anywhere; who has not finished its handshake by then never may.
HANDSHAKE_SECONDS = 1.0
LOOK_SECONDS = 0.02


def let_nobody_in(listening: socket.socket) -> None:
    """Who is about to be connected still is; returns when all of them are, or after a second."""
    program = b"".join(struct.pack("HBBI", *step) for step in BEGINS_NOTHING)
    kept = ctypes.create_string_buffer(program, len(program))
    prog = struct.pack("HL", len(BEGINS_NOTHING), ctypes.addressof(kept))
    with contextlib.suppress(OSError):  # elsewhere than on Linux: there the queue is emptied, too
        listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, prog)
    port = listening.getsockname()[1]
    end = time.monotonic() + HANDSHAKE_SECONDS
    while half_connected(port) and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)


def waiting(listening: socket.socket) -> int:
    """How many are connected, and not yet accepted by anybody who listens; 0 where it is not
    known."""
    try:
        said = listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
        found: int = QUEUED.unpack_from(said, QUEUED_OFFSET)[0]
    except (AttributeError, OSError, struct.error):  # elsewhere than on Linux
        return 0
    return found


def half_connected(port: int) -> bool:
    """Whether a handshake with that port is under way."""
    ours = f":{port:04X}"
    for table in TABLES:
        with contextlib.suppress(OSError), open(table, encoding="ascii") as lines:
            for line in lines:
                fields = line.split(None, 4)
                if fields[3] == SYN_RECEIVED and fields[1].endswith(ours):
                    return True
    return False
