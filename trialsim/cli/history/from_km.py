"""``trialsim history from-km``: individual times from a published figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trialsim.errors import HistoryError

if TYPE_CHECKING:
    import pandas as pd

    from trialsim.prognosis.histories.published_curve import Reconstruction

FILE = click.Path(path_type=Path, dir_okay=False)
_ONE_ARM = "all"


@click.command("from-km")
@click.argument("curve", type=FILE)
@click.option(
    "--at-risk", type=FILE, required=True, help="CSV of time, at_risk, and arm if there are several."
)
@click.option("--events", multiple=True, metavar="[ARM=]N", help="Events in all of an arm, where published.")
@click.option(
    "-o", "--output", type=FILE, default=Path("history.csv"), show_default=True, help="CSV of participants."
)
@click.option("--force", is_flag=True, help="Overwrite an output that is there.")
def from_km(curve: Path, at_risk: Path, events: tuple[str, ...], output: Path, force: bool) -> None:
    """Turn a digitised Kaplan-Meier CURVE and its numbers at risk into individual times.

    \b
    Example:
      trialsim history from-km curve.csv --at-risk numbers.csv --events placebo=120

    CURVE is a CSV of time, survival (shares, not percent), and arm if there are several; about 100 points
    an arm are enough. OUTPUT has a row a participant: participant, arm, time, event (1, or 0 where
    censored). Nobody in it is a person: times are such that curve and numbers at risk are the published
    ones, covariates are unknown.
    """
    import pandas as pd

    from trialsim.prognosis.histories.published_curve import PublishedCurve, times_from_curve

    if output.exists() and not force:
        raise HistoryError("is there already", file=output, mend="give another --output, or --force")
    points = _arms(curve, "survival")
    risks = _arms(at_risk, "at_risk")
    if set(points) != set(risks):
        raise HistoryError(
            "names other arms than the curve", file=at_risk, field="arm", value=sorted(risks),
            mend=f"use {', '.join(sorted(points))}",
        )  # fmt: skip
    told = _events(events, sorted(points))
    made: dict[str, Reconstruction] = {}
    for arm, rows in points.items():
        try:
            made[arm] = times_from_curve(
                PublishedCurve.of(
                    rows["time"], rows["survival"], risks[arm]["time"], risks[arm]["at_risk"], told.get(arm)
                )
            )
        except HistoryError as refusal:
            refusal.file = at_risk if refusal.field in ("risk_time", "at_risk") else curve
            refusal.problem = refusal.problem if arm == _ONE_ARM else f"in arm {arm}: {refusal.problem}"
            raise
    table = pd.concat([one.frame.assign(arm=arm) for arm, one in made.items()], ignore_index=True)
    table.insert(0, "participant", range(1, len(table) + 1))
    _write(table, output)
    _say(made, output)


def _arms(path: Path, value: str) -> dict[str, pd.DataFrame]:
    """Return the rows of each arm of a file, as numbers."""
    from trialsim.prognosis.histories.rows import numbers, read_table

    rows = read_table(path)
    for name in ("time", value):
        if name not in rows.columns:
            raise HistoryError(
                "is not a column of the file",
                file=path,
                field=name,
                mend=f"name the columns time, {value}[, arm]",
            )
    found = rows.assign(**{name: numbers(rows[name], path) for name in ("time", value)})
    if "arm" not in rows.columns:
        return {_ONE_ARM: found}
    return {str(arm): own for arm, own in found.groupby("arm", sort=False)}


def _events(given: tuple[str, ...], arms: list[str]) -> dict[str, int]:
    found = {}
    for one in given:
        arm, _, number = one.rpartition("=")
        arm = arm or (_ONE_ARM if arms == [_ONE_ARM] else "")
        if arm not in arms or not number.isdecimal():
            raise HistoryError(
                "is no number of events of an arm", field="--events", value=one,
                mend=f"write ARM=N with ARM one of {', '.join(arms)}",
            )  # fmt: skip
        found[arm] = int(number)
    return found


def _write(table: pd.DataFrame, output: Path) -> None:
    partial = output.with_name(f".{output.name}.partial")
    try:
        table.to_csv(partial, index=False)
        partial.replace(output)
    except OSError as fault:
        partial.unlink(missing_ok=True)
        raise HistoryError(
            f"cannot be written: {fault.strerror or fault}", file=output, mend="give a folder that is there"
        ) from None


def _say(made: dict[str, Reconstruction], output: Path) -> None:
    import pandas as pd
    from rich.console import Console

    from trialsim.cli.terminal.tables import print_frame

    console = Console()
    print_frame(
        pd.DataFrame(
            {
                "arm": arm,
                "participants": f"{len(one.frame):,}",
                "events": f"{int(one.frame['event'].sum()):,}",
                "farthest from the curve": f"{one.farthest:.3f}",
                "numbers at risk missed by": str(one.risk_missed),
            }
            for arm, one in made.items()
        ),
        console,
        "Individual times that give the published curve",
    )
    console.print(f"wrote {output}", soft_wrap=True)
    console.print(
        f"Next:  trialsim new {output} --event event --time time"
        + ("" if list(made) == [_ONE_ARM] else " --filter arm=CONTROL"),
        soft_wrap=True,
    )
