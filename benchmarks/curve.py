"""What grows, as a picture: `python -m benchmarks.curve` draws it anew from its numbers.

Three panels side by side, of campaigns, slots and workers, each on a logarithmic axis of its own;
1 is twenty campaigns in three slots. A plain SVG, as `benchmarks.chart` makes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import log
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.chart import RESULTS, STYLE

NUMBERS = RESULTS / "growth.json"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "growth.svg"
WIDTH, HEIGHT, TOP, FOOT, SIDE, BETWEEN = 800, 330, 96, 64, 48, 36
PANELS = ("campaigns", "slots", "workers")
LINES = {"slots_ratio": ("few", "a slot"), "events_ratio": ("many", "an impression")}
LEAST_REACH = 1.25
LINE_STYLE = """\
polyline.few,polyline.many{fill:none;stroke-width:2}
polyline.few{stroke:#0969da}polyline.many{stroke:#8250df}
"""

Row = Mapping[str, Any]


def main() -> None:
    draw()


def draw() -> None:
    kept = json.loads(NUMBERS.read_text("utf-8"))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(curves(kept["rows"], kept["machine"]), "utf-8")


def curves(rows: Sequence[Row], machine: str) -> str:
    title = "Requests per second as a publisher grows"
    highest = max(median(row[name]) for row in rows for name in LINES)
    reach = max(LEAST_REACH, highest * 1.1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{title}">',
        f"<style>{STYLE}{LINE_STYLE}</style>",
        f'<rect class="back" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="6"/>',
        f'<text class="title" x="20" y="32">{title}</text>',
        *legend(),
        *(part for n, panel in enumerate(PANELS) for part in drawn(panel, n, rows, reach)),
        f'<text class="soft" x="20" y="{HEIGHT - 12}">1 is twenty campaigns in three slots, '
        f"measured in turn. {escape(machine)}</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def legend() -> Iterator[str]:
    for number, (kind, what) in enumerate(LINES.values()):
        at = 20 + 140 * number
        yield f'<rect class="{kind}" x="{at}" y="46" width="12" height="12" rx="2"/>'
        yield f'<text class="soft" x="{at + 18}" y="57">{what}</text>'


def of_panel(panel: str, rows: Sequence[Row]) -> list[Row]:
    """Those that differ in nothing else, from the smallest."""
    others = ["alike", *(name for name in PANELS if name != panel)]
    alike: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault(tuple(row["size"][name] for name in others), []).append(row)
    return sorted(max(alike.values(), key=len), key=lambda row: int(row["size"][panel]))


def drawn(panel: str, number: int, rows: Sequence[Row], reach: float) -> Iterator[str]:
    some = of_panel(panel, rows)
    width = (WIDTH - 2 * SIDE - 2 * BETWEEN) / len(PANELS)
    left = SIDE + number * (width + BETWEEN)
    sizes = [int(row["size"][panel]) for row in some]
    wide = log(sizes[-1] / sizes[0]) or 1.0
    across = [left + width * log(size / sizes[0]) / wide for size in sizes]

    def up(ratio: float) -> float:
        return HEIGHT - FOOT - (HEIGHT - FOOT - TOP) * ratio / reach

    yield text(left, TOP - 14, panel)
    for half in range(int(reach * 2) + 1):
        kind, at = "one" if half == 2 else "grid", up(half / 2)
        ends = f'x1="{left:.1f}" x2="{left + width:.1f}" y1="{at:.1f}" y2="{at:.1f}"'
        yield f'<line class="{kind}" {ends}/>'
        yield text(left - 26, at + 4, f"{half / 2:g}")
    for at, size in zip(across, sizes, strict=True):
        yield text(at, HEIGHT - FOOT + 18, f"{size:,}", anchor="middle")
    for name, (kind, _) in LINES.items():
        heights = [up(median(row[name])) for row in some]
        points = [f"{x:.1f},{y:.1f}" for x, y in zip(across, heights, strict=True)]
        yield f'<polyline class="{kind}" points="{" ".join(points)}"/>'
        for x, y in zip(across, heights, strict=True):
            yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def text(x: float, y: float, said: str, anchor: str = "start") -> str:
    return f'<text class="soft" text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{said}</text>'


if __name__ == "__main__":
    main()
