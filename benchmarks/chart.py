"""The last run as a picture: `python -m benchmarks.chart` draws it anew from its numbers.

A plain SVG with no script, which brings its own background, so that it can be read whatever the
page around it looks like, and is dark where the reader's system is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.table import MOST_SHED

RESULTS = Path(__file__).parent / "results"
LAST = RESULTS / "last.json"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "speed.svg"
WORKERS = 1
# What is drawn, from top to bottom, and as what.
DRAWN = {
    "N": "nginx: a slot's bytes, from a file",
    "S": "a slot: decided, signed, counted",
    "S-U": "the same, no head like another",
    "D": "three slots in one call, as JSON",
    "I-int": "an impression, synced each second",
    "I": "an impression, on disk first",
    "C-int": "a click, synced each second",
    "C": "a click, on disk first",
    "M": "page views, beacons and clicks",
}
OTHERS = frozenset({"N"})
WIDTH, LEFT, RIGHT, TOP, FOOT = 800, 262, 130, 96, 56
ROW, BAR, GAP = 46, 14, 3
# So many times what the reference does is as far as the axis goes, at the least.
LEAST_REACH = 1.25
STYLE = """\
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2328}
.back{fill:#ffffff;stroke:#d1d9e0}.title{font-size:17px;font-weight:600}
.soft{fill:#59636e;font-size:12px}.grid{stroke:#d1d9e0}.one{stroke:#1f2328;stroke-dasharray:4 3}
.value{stroke:#ffffff;stroke-width:4px;paint-order:stroke}
.few{fill:#0969da}.many{fill:#8250df}.other{fill:#818b98}
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.back{fill:#0d1117;stroke:#3d444d}
.soft{fill:#9198a1}.grid{stroke:#3d444d}.one{stroke:#f0f6fc}
.value{stroke:#0d1117}
.few{fill:#4493f8}.many{fill:#ab7df8}.other{fill:#656c76}}
"""


@dataclass(frozen=True, slots=True)
class Bars:
    """One row: its ratio to its reference by the number of connections, and its CPU in words.

    shed: by connections, the share that was not decided, where that makes it other work.
    """

    what: str
    ratios: Mapping[int, float]
    cpu: str
    shed: Mapping[int, float]
    other: bool = False


def main() -> None:
    draw(LAST, PICTURE)


def draw(numbers: Path, picture: Path) -> None:
    kept = json.loads(numbers.read_text("utf-8"))
    picture.write_text(chart(bars_of(kept["lines"]), kept["machine"]), "utf-8")


def bars_of(lines: Sequence[Mapping[str, Any]]) -> list[Bars]:
    """Of the rows that are drawn, those that were measured."""
    found = []
    for name, what in DRAWN.items():
        own = [line for line in lines if line["row"] == name and line["workers"] == WORKERS]
        if own:
            cpu = own[0]["server_cpu_microseconds"]["median"]
            said = f"{cpu:.0f} µs ({own[0]['cpu_ratio']:.2f})"
            ratios = {line["connections"]: line["rate_ratio"] for line in own}
            shed = {line["connections"]: line["shed_share"]["median"] for line in own}
            too_much = {many: share for many, share in shed.items() if share > MOST_SHED}
            found.append(Bars(what, ratios, said, too_much, name in OTHERS))
    return found


def chart(rows: Sequence[Bars], machine: str) -> str:
    height = TOP + ROW * len(rows) + FOOT
    highest = max((ratio for row in rows for ratio in row.ratios.values()), default=0.0)
    connections = sorted({many for row in rows for many in row.ratios})
    reach = max(LEAST_REACH, highest * 1.1)
    title = "Requests per second, beside an app that does nothing"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{title}">',
        f"<style>{STYLE}</style>",
        f'<rect class="back" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        f'<text class="title" x="20" y="32">{title}</text>',
        *legend(connections),
        f'<text class="soft" x="{WIDTH - 20}" y="57" text-anchor="end">'
        f"CPU a request, {connections[0] if connections else 0} connections (ratio)</text>",
        *axis(reach, height),
        *(part for number, row in enumerate(rows) for part in drawn(row, number, reach)),
        f'<text class="soft" x="20" y="{height - 30}">1 is a bare ASGI callable on stock uvicorn '
        "that answers the same bytes to the same requests. One worker each.</text>",
        f'<text class="soft" x="20" y="{height - 12}">{escape(machine)}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def legend(connections: Sequence[int]) -> Iterator[str]:
    at = 20
    for many, kind in zip(connections, ("few", "many"), strict=False):
        yield f'<rect class="{kind}" x="{at}" y="46" width="12" height="12" rx="2"/>'
        yield f'<text class="soft" x="{at + 18}" y="57">{many} connections</text>'
        at += 140


def axis(reach: float, height: int) -> Iterator[str]:
    for quarter in range(int(reach * 4) + 1):
        place = across(quarter / 4, reach)
        line = "one" if quarter == 4 else "grid"
        yield (
            f'<line class="{line}" x1="{place:.1f}" x2="{place:.1f}" y1="{TOP - 10}" '
            f'y2="{height - FOOT}"/>'
        )
        if quarter % 2 == 0:
            yield (
                f'<text class="soft" x="{place:.1f}" y="{TOP - 20}" text-anchor="middle">'
                f"{quarter / 4:g}</text>"
            )


def across(ratio: float, reach: float) -> float:
    return LEFT + ratio / reach * (WIDTH - LEFT - RIGHT)


def drawn(row: Bars, number: int, reach: float) -> Iterator[str]:
    top = TOP + number * ROW
    middle = top + BAR + GAP / 2
    yield f'<text x="{LEFT - 12}" y="{middle + 4:.1f}" text-anchor="end">{escape(row.what)}</text>'
    for place, (many, ratio) in enumerate(sorted(row.ratios.items())):
        kind = "other" if row.other else ("few", "many")[place % 2]
        at, end = top + place * (BAR + GAP), across(ratio, reach)
        yield (
            f'<rect class="{kind}" x="{LEFT}" y="{at}" width="{end - LEFT:.1f}" height="{BAR}" '
            'rx="2"/>'
        )
        said = f"{ratio:.2f}" + (f", {row.shed[many]:.0%} shed" if many in row.shed else "")
        yield f'<text class="soft value" x="{end + 6:.1f}" y="{at + 11}">{said}</text>'
    yield (
        f'<text x="{WIDTH - 20}" y="{middle + 4:.1f}" text-anchor="end">{escape(row.cpu)}</text>'
    )


if __name__ == "__main__":
    main()
