"""The picture of the answer on the first page: sizes of the committed example, as an SVG without a script.

Run ``python -m benchmarks.answer_picture`` after the example was made again; it writes docs/answer.svg.
"""

from __future__ import annotations

import csv
from html import escape
from pathlib import Path

from trialsim.report.labels import label

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "reports" / "example" / "results" / "sizes.csv"
PICTURE = ROOT / "docs" / "answer.svg"
WIDTH, LEFT, RIGHT, ROW, TOP = 860, 330, 60, 34, 74
TWIN, OTHER = "#0072b2", "#8a8a8a"  # blue and grey: told apart in print and by colour-blind readers


def picture(rows: list[dict[str, str]]) -> str:
    """Return the SVG: one point and its 95 % interval for each analysis.

    Parameters
    ----------
    rows : list of dict
        The rows of sizes.csv.
    """
    highest = max(float(row["participants_upper_95"]) for row in rows)
    lowest = min(float(row["participants_lower_95"]) for row in rows)
    first = int(lowest // 50) * 50
    last = int(highest // 50 + 1) * 50

    def x(value: float) -> float:
        return LEFT + (value - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    height = TOP + ROW * len(rows) + 46
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="title" font-family="system-ui, sans-serif" font-size="14">',
        '<title id="title">Participants that each analysis needs for a power of 90 %, with 95 % intervals'
        "</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="16" y="28" font-size="17" font-weight="600" fill="#1b1b1b">'
        "How many participants does the trial need for a power of 90 %?</text>",
        f'<text x="16" y="50" fill="{TWIN}">● with placebo twins</text>',
        '<text x="170" y="50" fill="#5a5a5a">● without</text>',
        '<text x="250" y="50" fill="#5a5a5a">line: 95 % interval of the simulation</text>',
    ]
    for tick in range(first, last + 1, 50):
        lines += [
            f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP - 8}" y2="{height - 34}" '
            'stroke="#e3e3e3"/>',
            f'<text x="{x(tick):.1f}" y="{height - 14}" text-anchor="middle" fill="#5a5a5a">{tick}</text>',
        ]
    for position, row in enumerate(rows):
        y = TOP + ROW * position + 12
        with_twin = row["score"] != "not used"
        colour = TWIN if with_twin else OTHER
        how = {"discounted": ", score discounted", "worst plausible": ", score worst plausible"}
        called = label(row["why"] if row["why"] != "declared" else row["analysis"]) + how.get(
            row["score"], ""
        )
        called = called[0].upper() + called[1:]
        size = float(row["participants"])
        lines += [
            f'<text x="{LEFT - 16}" y="{y + 5}" text-anchor="end" fill="#1b1b1b">{escape(called)}</text>',
            f'<line x1="{x(float(row["participants_lower_95"])):.1f}" '
            f'x2="{x(float(row["participants_upper_95"])):.1f}" y1="{y}" y2="{y}" stroke="{colour}" '
            'stroke-width="3"/>',
            f'<circle cx="{x(size):.1f}" cy="{y}" r="6" fill="{colour}"/>',
            f'<text x="{x(float(row["participants_upper_95"])) + 8:.1f}" y="{y + 5}" fill="#1b1b1b">'
            f"{size:.0f}</text>",
        ]
    return "\n".join([*lines, "</svg>", ""])


def sizes_of_the_example() -> list[dict[str, str]]:
    """Return the rows of the example's sizes, in its order."""
    with RESULTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Write docs/answer.svg."""
    PICTURE.write_text(picture(sizes_of_the_example()), encoding="utf-8")


if __name__ == "__main__":
    main()
