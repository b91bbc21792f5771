"""Speed of the general MMRM, its type I error in small trials, and a million trials without a surprise."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.analysis import mmrm
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.analysis.repeated_measures.block import BLOCK_TOLERANCE
from trialsim.data import Floats
from trialsim.streams import stream

ROOT = Path(__file__).parents[1]
FEV = ROOT.parent / "shared" / "data" / "fev" / "fev_data.csv"
SIZES = (20, 30, 50, 75, 100, 150, 200)
METHODS = ("z", "satterthwaite", "kenward-roger-linear")
MAP_REPLICATES = 40_000
MILLION = 1_000_000
COMPARED = 300


def simulated(
    generator: np.random.Generator,
    replicates: int,
    participants: int,
    visits: int = 5,
    covariates: int = 3,
    dropout: float = 0.25,
    gaps: float = 0.0,
) -> tuple[Floats, Floats, Floats]:
    """Return null trials: outcomes (R, N, V), arms (N,) and covariates (R, N, P).

    Visits share a participant effect and a random walk; `dropout` is the share lost by the last visit,
    evenly over the visits after the first; `gaps` that of single outcomes missing besides.
    """
    x = generator.standard_normal((replicates, participants, covariates))
    outcome = generator.standard_normal((replicates, participants, visits))
    np.cumsum(outcome, axis=2, out=outcome)
    outcome += generator.standard_normal((replicates, participants, 1)) + 0.4 * x.sum(axis=2, keepdims=True)
    stays = generator.random((replicates, participants, 1)) >= dropout * np.arange(visits) / (visits - 1)
    outcome[~stays] = np.nan
    if gaps:
        outcome[generator.random(outcome.shape) < gaps] = np.nan
    return outcome, np.arange(participants) % 2.0, x


def rate(name: str, goal: float | None, df: str, replicates: int = 400, **options: object) -> Figure:
    """Return fits a second at n = 400, 5 visits, 3 covariates, 3% intermittent gaps."""
    data = simulated(stream(1, "", 0, "analysis"), replicates, 400, gaps=0.03)
    with threadpool_limits(1):
        spent = seconds(lambda: fit_mmrm_block(*data, df=df, **options))
    fit = 1e6 * spent / replicates
    limit = f"the Gram sums alone take 16 µs, {16 / fit:.0%} of a fit's {fit:.0f} µs"
    return Figure(name, replicates / spent, "fits/s", goal, limit=limit)


def mmrm_general() -> Iterator[Figure]:
    yield rate("mmrm_general estimate and SE", 5_000.0, "z")
    yield rate("mmrm_general estimate and SE, covariates by visit", None, "z", by_visit=True)
    yield rate("mmrm_general estimate and SE, toeph", None, "z", covariance="toeph")


def mmrm_general_kr() -> Iterator[Figure]:
    yield rate("mmrm_general_kr Kenward-Roger", 2_000.0, "kenward-roger-linear")
    yield rate("mmrm_general_kr Satterthwaite", 2_000.0, "satterthwaite")
    yield rate(
        "mmrm_general_kr Kenward-Roger, covariates by visit", None, "kenward-roger-linear", by_visit=True
    )


def fev_like() -> pd.DataFrame:
    """Return the FEV data of the R package mmrm, or a simulated trial of its shape where it is missing."""
    if FEV.exists():
        return pd.read_csv(FEV)
    generator = stream(2, "", 0, "analysis")
    frame = pd.DataFrame({"USUBJID": np.repeat([f"PT{k}" for k in range(200)], 4)})
    frame["AVISIT"] = np.tile(["VIS1", "VIS2", "VIS3", "VIS4"], 200)
    for name, levels in (("ARMCD", ["PBO", "TRT"]), ("RACE", ["a", "b", "c"]), ("SEX", ["f", "m"])):
        frame[name] = np.repeat(generator.choice(levels, 200), 4)
    frame["FEV1"] = 40 + 6 * generator.standard_normal(800) + 3 * np.repeat(generator.standard_normal(200), 4)
    frame.loc[generator.random(800) < 0.33, "FEV1"] = np.nan
    return frame


def mmrm_fev() -> Iterator[Figure]:
    frame = fev_like()
    roles = {"outcome": "FEV1", "arm": "ARMCD", "visit": "AVISIT", "participant": "USUBJID"}
    with threadpool_limits(1):
        spent = seconds(lambda: mmrm(frame, covariates=["RACE", "SEX"], control="PBO", **roles), 101)
        start = time.perf_counter()
        peer = mixed_lm(frame.dropna(subset=["FEV1"]))
        peer_spent = time.perf_counter() - start
    exact = mmrm(frame, covariates=["RACE", "SEX"], control="PBO", **roles).contrasts.iloc[0]
    yield Figure(
        "mmrm_fev one call",
        1e3 * spent,
        "ms",
        2.0,
        at_most=True,
        peer=f"statsmodels MixedLM work-around {peer_spent:.1f} s, {peer} (here {exact['estimate']:.4f}, "
        f"SE {exact['standard_error']:.4f})",
        ratio=peer_spent / spent,
        limit=f"the fit alone takes about 0.3 ms, {0.3 / (1e3 * spent):.0%} of it; the rest reads the frame",
    )


def mixed_lm(frame: pd.DataFrame) -> str:
    """Fit statsmodels' nearest model: random effects of visits with a free covariance, plus a free scale."""
    model = smf.mixedlm(
        "FEV1 ~ RACE + SEX + ARMCD * AVISIT", frame, groups="USUBJID", re_formula="0 + C(AVISIT)"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = model.fit(reml=True, method="lbfgs")
        except np.linalg.LinAlgError as error:
            return f"failed: {error}"
    return f"estimate {found.params['ARMCD[T.TRT]']:.4f}, SE {found.bse['ARMCD[T.TRT]']:.4f}"


def type_one_errors(participants: int, replicates: int) -> dict[str, float]:
    """Return rejections at two-sided .05 in null trials with 25% dropout, by method."""
    rejected: Counter[str] = Counter()
    block = 2_000
    for index in range(replicates // block):
        generator = stream(20261121, f"mmrm null {participants}", index, "analysis")
        data = simulated(generator, block, participants, covariates=1)
        for df in METHODS:
            found = fit_mmrm_block(*data, by_visit=True, df=df)
            rejected[df] += int(found.rejects(0.05).sum())
    return {df: rejected[df] / replicates for df in METHODS}


def mmrm_type_one_map() -> Iterator[Figure]:
    """Write docs/mmrm_type_one_error.md."""
    with threadpool_limits(1):
        found = {size: type_one_errors(2 * size, MAP_REPLICATES) for size in SIZES}
    error = np.sqrt(0.05 * 0.95 / MAP_REPLICATES)
    lines = [
        "# Type I error of the MMRM in small trials",
        "",
        "Null trials with two arms, 5 visits, a baseline covariate by visit, an unstructured covariance and",
        f"25% dropout completely at random; {MAP_REPLICATES:,} replicates a row; two-sided level .05 at the",
        f"last visit; Monte Carlo standard error {error:.4f}.",
        "Written by `python -m benchmarks mmrm_type_one_map`.",
        "",
        "| n an arm | z | Satterthwaite | Kenward-Roger (linear) |",
        "|---|---|---|---|",
    ]
    for size, row in found.items():
        lines.append(f"| {size} | " + " | ".join(f"{row[df]:.4f}" for df in METHODS) + " |")
    write("mmrm_type_one_error.md", lines)
    worst = max(abs(row[METHODS[-1]] - 0.05) for size, row in found.items() if size >= 100)
    yield Figure(
        "mmrm_type_one_map worst Kenward-Roger departure from .05 at n >= 100 an arm",
        worst / error,
        "MC errors",
        3.0,
        at_most=True,
    )


def write(name: str, lines: list[str]) -> None:
    """Write a page under docs/."""
    target = ROOT / "docs" / name
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def mmrm_million_trials() -> Iterator[Figure]:
    """Write docs/mmrm_million_trials.md: statuses of trials of 30 to 400 an arm, half of them with gaps."""
    statuses: dict[tuple[int, float], Counter[str]] = {}
    sizes = [int(size) for size in np.unique(np.geomspace(30, 400, 10).round())]
    block = 500
    start = time.perf_counter()
    with threadpool_limits(1):
        for index in range(MILLION // block):
            generator = stream(20261121, "mmrm million", index, "analysis")
            size, gaps = sizes[index % len(sizes)], 0.03 * (index // len(sizes) % 2)
            data = simulated(generator, block, 2 * size, covariates=1, gaps=gaps)
            found = fit_mmrm_block(*data, by_visit=True)
            tally = statuses.setdefault((size, gaps), Counter())
            tally.update(found.reasons[k] for k in found.status)
    spent = time.perf_counter() - start
    total = sum(statuses.values(), Counter())
    lines = [
        f"# {total.total():,} simulated trials through the MMRM",
        "",
        "Two arms, 5 visits, a baseline covariate by visit, 25% dropout, an unstructured covariance, REML",
        "with Satterthwaite degrees of freedom. Without gaps the fit is closed-form, with them by Newton.",
        "Written by `python -m benchmarks mmrm_million_trials`.",
        "",
        "| n an arm | gaps | trials | statuses |",
        "|---|---|---|---|",
    ]
    for (size, gaps), tally in sorted(statuses.items()):
        named = ", ".join(f"{reason} {count:,}" for reason, count in tally.most_common())
        lines.append(f"| {size} | {gaps:.0%} | {tally.total():,} | {named} |")
    write("mmrm_million_trials.md", lines)
    yield Figure(
        f"mmrm_million_trials failures in {total.total():,} trials",
        total.total() - total["ok"],
        "trials",
        0.0,
        at_most=True,
        limit=f"{dict(total)}; {total.total() / spent:,.0f} simulated and fitted a second",
    )


def differences(participants: int, visits: int, tolerance: float) -> list[float]:
    """Return the largest differences of estimate, standard error and degrees of freedom."""
    generator = stream(3, f"{participants} {visits}", 0, "analysis")
    data = simulated(generator, COMPARED, participants, visits, covariates=1)
    closed, newton = (
        fit_mmrm_block(*data, by_visit=True, tolerance=tolerance, closed_form=way) for way in (True, False)
    )
    gaps = (
        np.abs(newton.estimate - closed.estimate) / closed.standard_error,
        np.abs(newton.standard_error / closed.standard_error - 1),
        np.abs(newton.df / closed.df - 1),
    )
    return [float(gap.max()) for gap in gaps]


def mmrm_closed_form_and_newton() -> Iterator[Figure]:
    """Write docs/mmrm_closed_form_and_newton.md: the two ways to the same REML fit, side by side."""
    lines = [
        "# Closed form against Newton's method",
        "",
        "The same monotone trials (25% dropout, a baseline covariate by visit, unstructured REML,",
        f"Satterthwaite) by both ways; largest difference over {COMPARED} trials: of the estimate in",
        "standard errors, of the standard error and the degrees of freedom relative. Newton's method as",
        "blocks have it (decrement 1e-10 left) and run to rounding.",
        "Written by `python -m benchmarks mmrm_closed_form_and_newton`.",
        "",
        "| n | visits | Newton to | estimate | standard error | df |",
        "|---|---|---|---|---|---|",
    ]
    worst = 0.0
    for participants, visits in ((100, 3), (200, 4), (400, 5), (400, 8)):
        for tolerance, ends in ((BLOCK_TOLERANCE, f"{BLOCK_TOLERANCE:g}"), (1e-20, "rounding")):
            largest = differences(participants, visits, tolerance)
            cells = [f"{participants}", f"{visits}", ends, *(f"{value:.1e}" for value in largest)]
            lines.append("| " + " | ".join(cells) + " |")
            if ends == "rounding":
                worst = max(worst, *largest)
    write("mmrm_closed_form_and_newton.md", lines)
    yield Figure(
        "mmrm_closed_form_and_newton largest difference run to rounding", worst, "", 1e-9, at_most=True
    )


BENCHMARKS = {
    "mmrm_general": mmrm_general,
    "mmrm_general_kr": mmrm_general_kr,
    "mmrm_fev": mmrm_fev,
    "mmrm_type_one_map": mmrm_type_one_map,
    "mmrm_million_trials": mmrm_million_trials,
    "mmrm_closed_form_and_newton": mmrm_closed_form_and_newton,
}
