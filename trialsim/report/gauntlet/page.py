"""The page of a gauntlet: one conclusion, false claims beside the cap, and every number behind them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from trialsim.design.gauntlet import Gauntlet, GauntletRules
from trialsim.protocol.writing import whole_file
from trialsim.report.frames import Table, frame_table
from trialsim.report.html import embed, render
from trialsim.report.theme import INK, LINES, SOFT, WARN, Drawn, blank

FORMAT = "trialsim.gauntlet/1"


def write_gauntlet(
    found: Gauntlet, rules: GauntletRules, source: str, by: tuple[str, ...], folder: Path
) -> Path:
    """Write a gauntlet as a page and as JSON; each file is complete or absent.

    Parameters
    ----------
    found : Gauntlet
    rules : GauntletRules
        By which it was run.
    source : str
        What the arms came from, in words.
    by : tuple of str
        Columns that made the groups.
    folder : Path
        Made if need be.

    Returns
    -------
    Path
        Of the page, which loads nothing from anywhere.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from trialsim.design.gauntlet import ControlArm, run_gauntlet
    >>> rules = GauntletRules(splits=20)
    >>> arms = [ControlArm(name, "OS", np.arange(1.0, 31.0), np.ones(30, bool)) for name in "ABC"]
    >>> with TemporaryDirectory() as place:
    ...     page = write_gauntlet(run_gauntlet(arms, rules), rules, "three arms", (), Path(place))
    ...     print(sorted(path.name for path in page.parent.iterdir()))
    ['gauntlet.html', 'gauntlet.json']
    """
    facts = {
        "format": FORMAT,
        "source": source,
        "grouped_by": list(by),
        "rules": {name: getattr(rules, name) for name in ("alpha", "cap", "controls", "splits", "seed")},
        "conclusion": found.conclusion(),
        "unreadable_splits": found.unreadable,
        **{
            name: json.loads(frame.to_json(orient="records", double_precision=15))
            for name, frame in (
                ("claims", found.claims), ("without_own_controls", found.alone), ("groups", found.groups),
                ("arms", found.arms), ("left_out", found.left_out),
            )
        },
    }  # fmt: skip
    page = folder / "gauntlet.html"
    told = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for path, text in ((page, _page(found, rules, source, by)), (folder / "gauntlet.json", told)):
        with whole_file(path) as scratch:
            scratch.write_text(text, encoding="utf-8")
    return page


def _page(found: Gauntlet, rules: GauntletRules, source: str, by: tuple[str, ...]) -> str:
    sentences = found.conclusion()
    group = found.overall["group"].iloc[0]
    per_group = found.claims[found.claims["group"] != group]
    return render(
        "gauntlet.html.j2",
        answer=sentences[0],
        sentences=sentences[1:],
        opened=bool(found.opened),
        source=source,
        by=", ".join(by) or "nothing: all trials are one group",
        rules=rules,
        cap=f"{found.most_claims:.2%}",
        unreadable=found.unreadable,
        figure=embed("false_claims", _drawn(found)),
        claims=_shown(found.overall, f"False claims of benefit, {group}"),
        alone=_shown(found.alone, "Without own controls: a whole arm against outside controls only"),
        groups=frame_table(found.groups, "Groups of trials that predict each other"),
        by_group=_shown(per_group, "False claims in each group") if len(per_group) else None,
        arms=frame_table(found.arms, "Control arms, each predicted from the others of its group"),
        left_out=frame_table(found.left_out, "Figures that took no part", text=True)
        if len(found.left_out)
        else None,
    )


def _shown(frame: pd.DataFrame, caption: str) -> Table:
    """Return a table of rates in percent, with intervals in one column."""
    one_group = len(set(frame["group"])) == 1
    rows = pd.DataFrame({} if one_group else {"group": frame["group"]}, index=frame.index)
    for name in ("borrowing", "setting", "control arm"):
        if name in frame:
            rows[name] = frame[name]
    rows["trials"] = frame["trials"].astype(str)
    rows["false claims"] = [f"{rate:.1%}" for rate in frame["false_claims"]]
    rows["95% interval"] = [
        f"{low:.1%} to {high:.1%}" for low, high in zip(frame["lower"], frame["upper"], strict=True)
    ]
    rows["cap"] = [f"{cap:.2%}" for cap in frame["cap"]]
    rows["gate"] = frame["gate"]
    if "gained" in frame:
        rows["worst trial"] = [
            f"{rate:.0%} in {trial}" for rate, trial in zip(frame["worst"], frame["worst_trial"], strict=True)
        ]
        rows["controls gained"] = [
            f"{more:+.0f} ({share:+.0%})"
            for more, share in zip(frame["gained"], frame["gained_share"], strict=True)
        ]
    return frame_table(rows, caption, text=True)


def _drawn(found: Gauntlet) -> Drawn:
    """Draw the rate of each way with its interval over trials, beside the cap."""
    rows = found.overall.iloc[::-1]
    figure = blank("", "false claims of benefit, %", "", height=120 + 32 * len(rows))
    for gate, colour in (("shut", WARN), ("open", LINES[0][0]), ("reference", SOFT)):
        own = rows[rows["gate"] == gate]
        if own.empty:
            continue
        rate = 100 * own["false_claims"]
        figure.add_scatter(
            x=rate, y=own["borrowing"], mode="markers", name=gate, marker={"color": colour, "size": 10},
            error_x={
                "type": "data", "symmetric": False, "array": 100 * own["upper"] - rate,
                "arrayminus": rate - 100 * own["lower"], "color": colour,
            },
        )  # fmt: skip
    figure.update_yaxes(categoryorder="array", categoryarray=rows["borrowing"].tolist())
    figure.update_xaxes(rangemode="tozero")
    figure.add_vline(x=100 * found.most_claims, line={"color": INK, "dash": "dash"}, annotation_text="cap")
    return Drawn(
        figure,
        "How often each way to borrow claims a benefit that is not there, with its 95 % interval over "
        f"trials; the dashed line is the cap of {found.most_claims:.2%}.",
    )
