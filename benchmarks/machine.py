"""What a number was measured on."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path


def machine() -> str:
    """The day, the processor, how many there are of it, and Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    cpu = names[0] if names else platform.machine()
    cores = len(os.sched_getaffinity(0))
    day = time.strftime("%Y-%m-%d")
    return f"{day}, {cpu}, {cores} cores, Python {platform.python_version()}"
