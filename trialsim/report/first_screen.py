"""The first screen of a trial's report: what a meeting needs before it reads on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialsim.disease.evidence import LABELS
from trialsim.protocol.declared import DeclaredTrial
from trialsim.report.evidence import evidence_counts
from trialsim.report.frames import frame_table
from trialsim.report.labels import label, share
from trialsim.report.sizes import ERRORS, POWERS, called
from trialsim.study.declared import DeclaredPlan, DeclaredResult
from trialsim.study.description.describe import described_cell
from trialsim.study.sizing.tables import AS_DECLARED, DISCOUNTED


@dataclass(frozen=True)
class Tile:
    """One number of the first screen: what it is, the number with its error, and what to know about it."""

    name: str
    value: str
    note: str


def first_screen(trial: DeclaredTrial, plan: DeclaredPlan, result: DeclaredResult) -> list[Tile]:
    """Return the tiles of the first screen, in reading order.

    Parameters
    ----------
    trial, plan, result : DeclaredTrial, DeclaredPlan, DeclaredResult
        What was asked, what was simulated, and what was found.

    Returns
    -------
    list of Tile
        Sizes with and without twins where they were asked for, else the planned size; power; type I error;
        and how many of the sources are published, computed, recalled or assumed.
    """
    tiles = _sizes(result) or [_planned(plan, result)]
    tiles += [tile for tile in (_power(result), _error(result)) if tile is not None]
    return [*tiles, _evidence(trial, result)]


def _sizes(result: DeclaredResult) -> list[Tile]:
    sizes, savings = result.sizes, result.savings
    if sizes.empty:
        return []
    if savings.empty:
        return [_size(row, label(str(row["analysis"]))) for row in sizes.to_dict("records")[:2]]
    best = savings[savings["best"]]
    first = best[best["score"] == AS_DECLARED].iloc[0]
    scored = sizes[(sizes["analysis"] == first["analysis"]) & (sizes["score"] == AS_DECLARED)].iloc[0]
    rival = sizes[sizes["analysis"] == first["beyond"]].iloc[0]
    tiles = [
        _size(scored.to_dict(), "With placebo twins"),
        _size(rival.to_dict(), f"Without: {called(rival)}"),
    ]
    discounted = best[(best["score"] == DISCOUNTED) & (best["analysis"] == first["analysis"])]
    judged = discounted.iloc[0] if len(discounted) else first
    which = "discounted" if len(discounted) else "undiscounted"
    saved = frame_table(
        pd.DataFrame([judged[["participants_saved", "participants_saved_mcse"]].to_dict()]), ""
    )
    tiles.append(
        Tile(
            "Saved beyond the best without a twin",
            saved.rows[0][0],
            f"participants, {which}: {share(float(judged['share_saved']))}; undiscounted "
            f"{share(float(first['share_saved']))}",
        )
    )
    return tiles


def _size(row: dict[Any, Any], name: str) -> Tile:
    low, high = row["participants_lower_95"], row["participants_upper_95"]
    controls = round(row["controls"])
    return Tile(
        name,
        f"{row['participants']:,}",
        f"participants, {controls:,} of them controls; 95 % interval {low:,.0f} to {high:,.0f}",
    )


def _planned(plan: DeclaredPlan, result: DeclaredResult) -> Tile:
    cell = described_cell(plan)
    frame = result.operating_characteristics
    row = frame[frame["cell"] == cell.name].iloc[0]
    return Tile(
        "Participants planned", f"{cell.participants:,}",
        f"{row['expected_size']:,.0f} expected in scenario {label(cell.scenario).lower()}",
    )  # fmt: skip


def _power(result: DeclaredResult) -> Tile | None:
    frame = result.operating_characteristics
    found = frame[frame["measure"].isin(POWERS)]
    if found.empty:
        return None
    # The trial runs at the size of the analysis with the score: its power is the one that was asked for.
    scored = result.savings["analysis"].iloc[:1].tolist() if len(result.savings) else []
    row = found[found["analysis"].isin(scored)] if scored else found
    return _rate((row if len(row) else found).iloc[0], label(str(found.iloc[0]["measure"])))


def _error(result: DeclaredResult) -> Tile | None:
    """Return the largest type I error of any scenario and analysis."""
    frame = result.operating_characteristics
    found = frame[frame["measure"].isin(ERRORS)]
    if found.empty:
        return None
    worst = found.iloc[int(found["rejection_rate"].to_numpy().argmax())]
    return _rate(worst, f"{label(str(worst['measure']))}, the largest of {len(found)}")


def _rate(row: pd.Series, name: str) -> Tile:
    value = frame_table(pd.DataFrame([row[["rejection_rate", "rejection_rate_mcse"]].to_dict()]), "")
    use = "" if row["usable"] else "; not to be used"
    return Tile(
        name, value.rows[0][0],
        f"{label(str(row['analysis']))}, scenario {label(str(row['scenario'])).lower()}{use}",
    )  # fmt: skip


def _evidence(trial: DeclaredTrial, result: DeclaredResult) -> Tile:
    """Count two things and say which is which: sources of the protocol, and numbers of the people."""
    counts = evidence_counts(trial)
    said = f"in the protocol: {_counted(counts)}" if counts else "in the protocol: none is named"
    if len(result.evidence):
        numbers: dict[str, int] = {name: int(result.evidence[name].sum()) for name in LABELS}
        said += f". Numbers of card and disease model, {sum(numbers.values())}: {_counted(numbers)}"
    total = sum(counts.values())
    return Tile("The numbers rest on", f"{total} source{'' if total == 1 else 's'}", said)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)
