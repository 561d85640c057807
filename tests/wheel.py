"""`make wheel`: the built wheel in a virtual environment of its own, away from the checkout.

The packages come from the environment that runs this, so that nothing is fetched; the code, its
templates, scripts and the demonstration's set-up must come from the wheel.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

CHECK = """
import pathlib, sys
import adserver
from adserver.publishing.read import read_folder
from adserver.serving.assets import tag_source
from adserver.store.connect import script
from adserver.wiring.demo import shipped_folder

home = pathlib.Path(adserver.__file__).parent
assert str(home).startswith(sys.prefix), home
assert shipped_folder() == home / "demo" / "config"
assert not read_folder(shipped_folder()).problems
assert tag_source() and script("count")
for name in ("demo/templates/base.html", "demo/static/blog.css", "serving/static/ads.css"):
    assert (home / name).is_file(), name
print(f"adserver {adserver.__version__} runs from its wheel")
"""


def main(folder: Path) -> None:
    (wheel,) = folder.glob("*.whl")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        venv.create(home, with_pip=False)
        python = home / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
        subprocess.run([*pip, "--no-deps", str(wheel.resolve())], check=True)
        # Behind the new environment's own packages, so that the checkout cannot be seen.
        packages = {**os.environ, "PYTHONPATH": "", "EXTRA": sysconfig.get_paths()["purelib"]}
        check = f"import os, sys; sys.path.append(os.environ['EXTRA']){CHECK}"
        subprocess.run([python, "-c", check], check=True, cwd=home, env=packages)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
