"""What a sized trial answers: one sentence, and the tables that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialsim.prognosis.validation.rivals import REFERENCE
from trialsim.protocol.declared import DeclaredTrial
from trialsim.report.frames import Table, frame_table, plain
from trialsim.report.labels import label, share, with_error
from trialsim.study.control_arm import SupplementaryAnalyses
from trialsim.study.declared import DeclaredResult
from trialsim.study.declared.claims import analysis_of
from trialsim.study.sizing.tables import AS_DECLARED, DISCOUNTED

POWERS = ("power", "disjunctive power")
ERRORS = ("type I error", "family-wise error")
# Reasons of a row whose analysis's own name says what it is.
NAMED_BY_LABEL = ("declared", "without the score")
ASSUMED = (
    "The strength of the score is assumed: the saving follows from the assumption and is no evidence of it"
)


def answer(trial: DeclaredTrial, result: DeclaredResult) -> list[str]:
    """Return the sentences that answer the question: sizes if they were asked for, else power and error."""
    sizes, savings = result.sizes, result.savings
    if trial.sizing is None or sizes.empty:
        return _of_claims(result)
    power = f"{trial.sizing.power:.0%}".replace("%", " %")
    if trial.grid:
        return _over_grid(trial, sizes, savings)
    if savings.empty:
        return [
            f"{label(row['analysis'])} needs {row['participants']:,} participants "
            f"({round(row['controls']):,} controls) for a power of {power}"
            for row in sizes.to_dict("records")
        ]
    best = savings[savings["best"]]
    first = best[best["score"] == AS_DECLARED].iloc[0]
    scored = sizes[(sizes["analysis"] == first["analysis"]) & (sizes["score"] == AS_DECLARED)].iloc[0]
    rival = sizes[sizes["analysis"] == first["beyond"]].iloc[0]
    sentences = [
        f"With placebo twins {scored['participants']:,} participants ({round(scored['controls']):,} "
        f"controls) have a power of {power}; the best without a twin, {called(rival)}, "
        f"needs {rival['participants']:,} ({round(rival['controls']):,} controls)"
    ]
    held = best[(best["score"] == DISCOUNTED) & (best["analysis"] == first["analysis"])]
    judged = held.iloc[0] if len(held) else first
    sentences.append(_verdict(judged, trial.sizing.smallest_worthwhile_saving))
    others = best[(best["analysis"] == first["analysis"]) & (best["score"] != judged["score"])]
    if len(others):
        sentences.append("; ".join(_figure(row) for _, row in others.iterrows()).capitalize())
    if trial.twins is not None and trial.twins.source == "assumed":
        sentences.append(ASSUMED)
    sentences += _of_card(trial, result.reproduction)
    return [*sentences, *_of_history(result.twins, trial.outcome.kind)]


def called(row: Mapping[Any, Any] | pd.Series) -> str:
    """Return what a row of sizes is called: a rival that nobody declared by what it is.

    Examples
    --------
    >>> called({"analysis": "ancova", "why": "declared"})
    'Baseline ANCOVA'
    >>> called({"analysis": "prognostic_covariates", "why": "the same covariates entered directly"})
    'the same covariates entered directly'
    """
    return label(str(row["analysis"])) if row["why"] in NAMED_BY_LABEL else str(row["why"])


def _of_claims(result: DeclaredResult) -> list[str]:
    """Return the power of each analysis where there is an effect, its arms, and the largest error."""
    frame = result.operating_characteristics
    # What is said of single arms stands in a sentence of its own.
    frame = frame[frame["analysis"].map(analysis_of) == frame["analysis"]]
    works = frame[frame["measure"].isin(POWERS)]
    sentences = []
    if len(works):
        first = works[works["cell"] == works["cell"].iloc[0]]
        said = ", ".join(f"{label(str(row['analysis']))} {_rate(row)}" for _, row in first.iterrows())
        measure, scenario = (label(str(first[name].iloc[0])) for name in ("measure", "scenario"))
        sentences.append(f"{measure} in scenario {scenario.lower()}: {said}")
        sentences += _of_arms(result.arms, str(first["cell"].iloc[0]), str(first["analysis"].iloc[0]))
    wrong = frame[frame["measure"].isin(ERRORS)]
    if len(wrong):
        worst = wrong.iloc[int(wrong["rejection_rate"].to_numpy().argmax())]
        sentences.append(
            f"The largest {worst['measure']} of {len(wrong)} is {_rate(worst)} "
            f"({label(str(worst['analysis']))}, scenario {label(str(worst['scenario'])).lower()})"
        )
    return sentences


def _of_arms(arms: pd.DataFrame, cell: str, analysis: str) -> list[str]:
    """Return how often each active arm is claimed and, with a declared harm, chosen."""
    if "claim" not in arms:
        return []
    mine = arms[(arms["cell"] == cell) & (arms["analysis"] == analysis)].dropna(subset="claim")
    said = []
    for column, word in (("claim", "claimed"), ("chosen", "chosen for benefit and harm")):
        if column in mine:
            each = ", ".join(
                f"{row['arm']} {with_error(row[column], row[f'{column}_mcse'])}" for _, row in mine.iterrows()
            )
            said.append(f"Arms {word} by {label(analysis)}: {each}")
    return said


def _rate(row: pd.Series) -> str:
    use = "" if row["usable"] else " (not to be used)"
    return f"{with_error(float(row['rejection_rate']), float(row['rejection_rate_mcse']))}{use}"


def _over_grid(trial: DeclaredTrial, sizes: pd.DataFrame, savings: pd.DataFrame) -> list[str]:
    """Return what sizes and savings over a grid lie between; each point stands in the tables."""
    scored = sizes[sizes["score"] == AS_DECLARED]
    rows = scored if len(scored) else sizes
    rows = rows[rows["analysis"] == rows["analysis"].iloc[0]]
    said = [
        f"At {len(rows)} points of the grid {label(str(rows['analysis'].iloc[0]))} needs "
        f"{rows['participants'].min():,} to {rows['participants'].max():,} participants; every point is "
        "simulated at its own size"
    ]
    if len(savings):
        best = savings[savings["best"] & (savings["score"] == AS_DECLARED)]
        best = best[best["analysis"] == rows["analysis"].iloc[0]]
        low, high = share(best["share_saved"].min()), share(best["share_saved"].max())
        said.append(f"Beyond the best analysis without a twin it saves {low} to {high} of the participants")
        if trial.twins is not None and trial.twins.source == "assumed":
            said.append(ASSUMED)
    return said


def _of_card(trial: DeclaredTrial, beside: pd.DataFrame) -> list[str]:
    """Say that sizes rest on a model's rates and not on those of a real history, where these are others.

    The spread of scores is the history's own in the people of a card; rates of events, shares of responses
    and levels, and means of counts are the disease model's.
    """
    people = trial.population
    if people is None or people.kind != "card" or trial.outcome.kind == "score" or beside.empty:
        return []
    others = beside[~beside["agree"].astype(bool)]
    if others.empty:
        return []
    row = others.iloc[0]
    return [
        f"Sizes rest on the disease model and not on the history: {row['moment']} is {row['register']:.3g} "
        f"among the people of the card and {row['history']:.3g} in the history, beyond chance; dials of "
        "endpoints.course can bring the model there"
    ]


def _of_history(twins: pd.DataFrame, kind: str) -> list[str]:
    """Return what the twins rest on: their history, their gate, and whether it supports a saving."""
    if twins.empty:
        return []
    row = twins.iloc[0]
    made = "generated from the trial's own model, which is optimistic" if row["generated"] else row["history"]
    rival = row["best_without_twin"]
    if rival == REFERENCE:
        rival = "the baseline alone" if kind == "score" else "no adjustment"
    saving, low, high = (round(row[name], 3) + 0.0 for name in ("saving", "saving_low_90", "saving_high_90"))
    share = f"{saving:.1%} (90 % interval {low:.1%} to {high:.1%})"
    said = [
        f"The twins learnt from {row['participants']:,} participants ({made}); out of sample they save "
        f"{share.replace('%', ' %').replace('  ', ' ')} beyond the best rival, {rival}"
    ]
    if row["faults"]:
        said.append(f"The gate is shut: {row['faults']}")
    if not row["supported"]:
        said.append("No saving supported by the history")
    return said


def _figure(row: pd.Series) -> str:
    """Return a saving as a clause, with its Monte Carlo error."""
    which = "undiscounted" if row["score"] == AS_DECLARED else str(row["score"])
    saved, error = row["participants_saved"], row["participants_saved_mcse"]
    return f"{which}, it is {saved:.0f} ± {error:.0f} participants ({share(row['share_saved'])})"


def answer_facts(
    trial: DeclaredTrial, result: DeclaredResult, beside: SupplementaryAnalyses | None = None
) -> dict[str, Any]:
    """Return what the first screen says as plain JSON types: sentences, sizes, savings and type I error."""
    frame = result.operating_characteristics
    nulls = frame[frame["scenario"].isin([one.name for one in trial.scenarios if one.kind == "null"])]
    worst = None
    if len(nulls):
        row = nulls.sort_values("rejection_rate", kind="stable").iloc[-1]
        worst = {
            "scenario": str(row["scenario"]), "analysis": str(row["analysis"]),
            "rate": float(row["rejection_rate"]), "mcse": float(row["rejection_rate_mcse"]),
        }  # fmt: skip
    best = result.savings[result.savings["best"]] if len(result.savings) else result.savings
    facts: dict[str, Any] = {
        "sentences": answer(trial, result),
        "sizes": {
            f"{row['analysis']}, score {row['score']}": int(row["participants"])
            for _, row in result.sizes.iterrows()
        },
        "savings_beyond_the_best_without_a_twin": {
            f"{row['analysis']}, {row['score']}": {
                "participants": float(row["participants_saved"]),
                "mcse": float(row["participants_saved_mcse"]),
            }
            for _, row in best.iterrows()
        },
        "largest_type_one_error": worst,
    }  # fmt: skip
    if beside is not None:
        plan = beside.arm.plan
        facts["beyond_baseline_ancova_by_formula"] = {
            "supported": plan.supported,
            "reason": plan.reason,
            "generated_history": beside.arm.optimistic,
            "participants_saved": {one.figure: one.participants_saved for one in plan.savings},
            "share_saved": {one.figure: one.share_saved for one in plan.savings},
        }
    return facts


def _verdict(row: pd.Series, smallest: float) -> str:
    saved = (
        f"{row['participants_saved']:.0f} ± {row['participants_saved_mcse']:.0f} participants "
        f"({row['share_saved']:.1%}) beyond the best analysis without a twin"
    ).replace("%", " %")
    which = "discounted" if row["score"] == DISCOUNTED else "undiscounted"
    if row["share_saved_lower_90"] > smallest:
        return f"The {which} saving is {saved}"
    return f"No saving supported: the {which} saving is {saved}, and its lower bound is too small"


def _twins_table(twins: pd.DataFrame) -> Table:
    """Return what twins rest on, a fact a row, in words."""
    columns, caption = ("fact", "value"), "What the twins rest on"
    if twins.empty:
        return Table(columns, [], caption, text=True)
    row = twins.iloc[0]

    def told(name: str) -> str:
        return "" if pd.isna(row[name]) else share(row[name])

    slope = "" if pd.isna(row["slope"]) else with_error(float(row["slope"]), float(row["slope_se"]))
    rows = [
        ("source", plain(row["source"])),
        ("history", plain(row["history"])),
        ("history made by the trial's own model", plain(bool(row["generated"]))),
        ("participants learnt from", plain(int(row["participants"]))),
        ("calibration slope, out of sample (± SE)", slope),
        ("outcomes inside the twin's 95 % interval, out of sample", told("coverage_95")),
        ("p value that the twin's probabilities are uniform", plain(float(row["pit_p"]))),
        ("fits that were made again, longer", plain(int(row["fits_repeated"]))),
        ("best way to adjust without a twin", plain(row["best_without_twin"])),
        (
            "participants saved beyond it, out of sample (90 % interval)",
            f"{told('saving')} ({told('saving_low_90')} to {told('saving_high_90')})",
        ),
        ("saving supported by the history", plain(bool(row["supported"]))),
    ]
    return Table(columns, [each for each in rows if each[1]], caption, text=True)


def size_tables(result: DeclaredResult) -> dict[str, Table]:
    """Return the tables of sizes and savings by name."""
    sizes, savings = result.sizes.copy(), result.savings.copy()
    if len(sizes):
        interval = zip(sizes.pop("participants_lower_95"), sizes.pop("participants_upper_95"), strict=True)
        sizes.insert(
            list(sizes).index("participants") + 1,
            "95 % interval",
            [f"{low:,.0f} to {high:,.0f}" for low, high in interval],
        )
        sizes["analysis"] = [label(name) for name in sizes["analysis"]]
    if len(savings):
        savings = savings.drop(columns="share_saved_lower_90")
        for column in ("analysis", "beyond"):
            savings[column] = [label(name) for name in savings[column]]
        savings["controls_saved"] = [f"{round(value, 0) + 0.0:,.0f}" for value in savings["controls_saved"]]
        if "months_saved" in savings:
            savings["months_saved"] = [
                "" if value != value else f"{round(value, 1) + 0.0:.1f}" for value in savings["months_saved"]
            ]
        best = savings.pop("best")
        savings["share_saved"] = [share(value) for value in savings["share_saved"]]
    return {
        "sizes": frame_table(
            sizes,
            "Participants that each analysis needs, searched with Monte Carlo error, and by formula",
        ),
        "twins": _twins_table(result.twins),
        "rivals": frame_table(
            result.rivals,
            "Variance that each way to adjust leaves, relative to baseline adjustment, out of sample",
        ),
        "reproduction": frame_table(
            result.reproduction,
            "The history beside the people that trials recruit from: means, spreads and rates of the outcome",
        ),
        "savings": frame_table(
            savings[best] if len(savings) else savings,
            "Participants that the score saves beyond the best analysis without a twin (± Monte Carlo SE). "
            "Discounted: the score is weakened by the declared discount first",
        ),
        "savings_beyond_each": frame_table(
            savings,
            "Participants that the score saves beyond each analysis without a twin (± Monte Carlo SE)",
        ),
    }
