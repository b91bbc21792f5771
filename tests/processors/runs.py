"""Small runs, one a kind: all that each computes below the posterior, as tables."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.small_trial import TRIAL
from trialsim.analysis.borrowing import BinaryBorrowingDesign, map_prior_binomial, map_prior_normal
from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.population import draw_covariates, read_card
from trialsim.protocol.declared import DeclaredTrial, read_trial, trial_from_dict
from trialsim.streams import stream
from trialsim.study import open_bundle, plan_trial, run_cells
from trialsim.study.bundles import declared_work
from trialsim.study.bundles.replay import choose_blocks
from trialsim.study.declared import declared_result
from trialsim.study.people.registers import Registers
from trialsim.study.running.backend import InProcess

ROOT = Path(__file__).parents[2]
# Two-sided, of every run here: on which side of it a p value lies is a decision.
LEVEL = 0.05
Computed = dict[str, pd.DataFrame]
_FEW = {"replicates": 200, "block": 100, "truth": 20_000}
_COUNT = """kind = "count"
direction = "higher_is_worse"
rate = 0.9
dispersion = 0.6
months = 12.0
"""


def _of_file(name: str, *analyses: str, **changed: Any) -> Callable[[], Computed]:
    """Return the run of a protocol of the repository, with these analyses (all if none), small."""

    def run() -> Computed:
        tables = read_trial(ROOT / "protocols" / f"{name}.toml").to_dict()
        tables["simulation"] |= _FEW
        if analyses:
            tables["analyses"] = [one for one in tables["analyses"] if one["kind"] in analyses]
        return _declared(trial_from_dict(tables | changed))

    return run


def _modelled(name: str, analysis: str, *adjust: str, participants: int) -> Callable[[], Computed]:
    """Return the run of a disease model's protocol without twins: no posterior is fitted."""
    one = {"kind": analysis, "adjust": list(adjust)}
    return _of_file(
        name, analyses=[one], history=None, twins=None, sizing=None, participants=participants,
        population={"kind": "card", "card": f"../cohorts/{_CARDS[name]}.toml", "register": 2_000},
    )  # fmt: skip


_CARDS = {"leukopenia": "leukopenia", "ms_lesions": "ms_relapsing"}


def _ancova() -> Computed:
    return _declared(trial_from_dict(tomllib.loads(TRIAL.format(seed=1, participants=80, effect=1.0))))


def _declared(trial: DeclaredTrial) -> Computed:
    """Return the rows of every cell, its true effects, and every table of the result."""
    registers = Registers(folder=ROOT / "protocols")
    plan = plan_trial(trial, register_of=registers)
    rows: dict[str, list[pd.DataFrame]] = {}
    sums = run_cells(
        declared_work(trial, registers),
        plan.cells,
        record=lambda block: rows.setdefault(block.cell, []).append(block.rows),
    )
    found = {f"rows of {cell}": pd.concat(parts, ignore_index=True) for cell, parts in rows.items()}
    return found | declared_result(plan, sums).frames()


def _population() -> Computed:
    """Return people of two cards, of continuous, binary and ordered covariates, with their associations."""
    cards = {name: read_card(ROOT / "cohorts" / f"{name}.toml") for name in ("alzheimers_early", "copd")}
    return {
        name: draw_covariates(card, 5_000, stream(1, name, 0, "register")).to_frame()
        for name, card in cards.items()
    }


def _borrowing() -> Computed:
    """Return MAP priors of two outcomes, robust, and what a trial that uses one would claim."""
    n = np.array([74, 166, 328, 20, 25, 58])
    normal = map_prior_normal(
        [-51, -49, -36, -47, -90, -54],
        88 / np.sqrt(n),
        mean_prior=(0, 88),
        heterogeneity_scale=44,
        unit_sd=88,
    )
    binary = map_prior_binomial([23, 12, 19, 9, 39], [107, 44, 51, 39, 139], heterogeneity_scale=1.0)
    history = BetaMixture([0.48, 0.32, 0.2], [2.5, 14.6, 1], [19.1, 120.2, 1])
    design = BinaryBorrowingDesign(BetaMixture(1, 0.5, 1), history, 24, 6)
    rates = [(0.1, 0.1), (0.3, 0.1), (0.5, 0.25)]
    return {
        "normal prior": normal.to_frame(),
        "normal sizes": normal.effective_sample_sizes(),
        "binary prior": binary.to_frame(),
        "binary sizes": binary.effective_sample_sizes(),
        "claims": pd.DataFrame({"decision": design.decisions.ravel(), "above": design.probabilities.ravel()}),
        "power": pd.DataFrame({"power": [design.rejection_probability(*pair) for pair in rates]}),
    }


def _twins() -> Computed:
    """Return blocks of the committed example: people and scores are drawn from its stored posterior."""
    study = open_bundle(ROOT / "reports" / "example")
    chosen = choose_blocks(study, 2, "processors")
    work = study.work([cell for cell, _ in chosen])
    blocks = InProcess().run(work, chosen)
    return {f"rows of {cell.name}, block {index}": block.rows
            for (cell, index), block in zip(chosen, blocks, strict=True)}  # fmt: skip


RUNS: dict[str, Callable[[], Computed]] = {
    "ANCOVA": _ancova,
    "MMRM": _of_file("depression_estimands", "mmrm", "mmrm_all_observed"),
    "imputation (jump to reference)": _of_file("depression_estimands", "jump_to_reference"),
    "survival, looks": _of_file("survival_delayed_effect"),
    "binary, g-computation, size re-estimated": _of_file("exacerbation_minimisation"),
    "counts, disease model, looks": _modelled("ms_lesions", "negative_binomial", participants=200),
    "ordinal": _of_file("ordinal_recovery"),
    "recurrent events": _of_file("recurrent_infections", grid=[]),
    "disease model of differential equations": _modelled(
        "leukopenia", "g_computation", "leukocytes", participants=120
    ),
    "marker and event": _of_file("joint_marker_event"),
    "people of a card": _population,
    "borrowing": _borrowing,
    "twins from a stored posterior": _twins,
}
