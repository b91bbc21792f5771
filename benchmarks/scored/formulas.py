"""Sizes by formula beside sizes that are searched for, by endpoint, analysis, score, looks and dropout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmarks.scored.nulls import ENDPOINTS, LAWS, RATIO, STRENGTHS
from trialsim.protocol.declared import DeclaredTrial, trial_from_dict
from trialsim.study.people.registers import Registers
from trialsim.study.sizing.sizes import size_trial

LARGEST_GAP, TRIALS = 0.02, 20_000
# Few enough effects that sizes are of 200 to 500 participants, where large samples are not far.
EFFECTS: dict[str, dict[str, Any]] = {
    "score": {"kind": "shift", "value": -1.0},
    "response": {"value": 2.0},
    "level": {"value": 1.8},
    "count": {"value": 0.68},
    "recurrent": {"value": 0.68},
    "time_to_event": {"value": 0.72},
}
PLAIN: dict[str, tuple[str, ...]] = {
    "score": ("ancova", "mmrm"),
    "response": ("g_computation", "log_odds_ratio"),
    "level": ("mean_score", "proportional_odds"),
    "count": ("negative_binomial",),
    "recurrent": ("lwyy", "negative_binomial"),
    "time_to_event": ("log_rank", "cox"),
}
SCORED: dict[str, tuple[str, ...]] = PLAIN | {"time_to_event": ("adjusted_log_rank", "cox")}


@dataclass(frozen=True)
class SizedWorld:
    """A trial whose analyses are sized, with and without the score.

    Parameters
    ----------
    endpoint : str
        As in `ENDPOINTS`.
    looks : str
        ``one``, ``two`` with O'Brien-Fleming spending, or ``three`` with Pocock's bounds.
    dropout : float
        Share of each arm that is lost, completely at random.
    controls : bool
        Whether the controls alone vary.
    """

    endpoint: str
    looks: str = "one"
    dropout: float = 0.0
    controls: bool = False

    @property
    def name(self) -> str:
        """What is varied, in words."""
        more = [f"{self.looks} look" + ("s" if self.looks != "one" else "")]
        more += [f"dropout {self.dropout:.0%}"] if self.dropout else []
        more += ["controls alone"] if self.controls else []
        return f"{self.endpoint}, {', '.join(more)}"

    def trial(self, trials: int = TRIALS) -> DeclaredTrial:
        """Return the trial, whose search takes so many trials in its last round."""
        kind = self.endpoint
        law: dict[str, Any] = LAWS[kind] | {"source": "made up"}
        if kind == "score":
            law |= {"sd": [3.0, 3.2, 3.5]}
        sizing: dict[str, Any] = {"power": 0.9, "trials": trials, "correlation_discount": 1.0}
        if self.controls:
            sizing |= {"vary": "controls", "active": 220}
        made: dict[str, Any] = {
            "format": "trialsim.protocol/2", "name": "sized", "title": "Sized", "question": "How many?",
            "seed": 20261130, "participants": 400,
            "arms": [{"name": "placebo", "role": "control"}, {"name": "active", "role": "active"}],
            "endpoints": [{"kind": kind, "name": "y", **ENDPOINTS[kind], **law}],
            "effects": [{"arm": "active", "source": "made up", **_kind(kind), **EFFECTS[kind]}],
            "enrolment": {"kind": "planned", "rates": [40.0], "durations": [10.0], "source": "made up"},
            "randomisation": {"kind": "permuted_blocks", "block_sizes": [4]},
            "design": self._design(),
            "analyses": [
                *({"kind": one, "name": f"{one}_scored", "adjust": ["score"]} for one in SCORED[kind]),
                *({"kind": one} for one in PLAIN[kind]),
            ],
            "sizing": sizing,
            "twins": {"source": "assumed", **STRENGTHS[kind]},
            "simulation": {"replicates": 1000, "block": 500},
            "scenarios": [{"name": "works", "kind": "alternative", "why": "power"}],
        }  # fmt: skip
        if self.dropout:
            cause = {"cause": "left", "mechanism": "MCAR", "source": "made up",
                     "cumulative": {"placebo": self.dropout, "active": self.dropout}}  # fmt: skip
            made["discontinuation"] = [cause | ({"by_month": 12.0} if kind == "time_to_event" else {})]
        return trial_from_dict(made)

    def _design(self) -> dict[str, Any]:
        survival, shares = self.endpoint == "time_to_event", {"two": (0.5, 1.0), "three": (0.4, 0.7, 1.0)}
        if self.looks == "one":
            return {"kind": "fixed", **({"events": 260} if survival else {})}
        at = list(shares[self.looks])
        timing = {"timing": "events", "events": [round(260 * one) for one in at]} if survival else {
            "timing": "information", "information": at}  # fmt: skip
        rule = {"two": "lan_demets_obf", "three": "pocock"}[self.looks]
        return {"kind": "group_sequential", "efficacy": {"rule": rule}, **timing}


def _kind(kind: str) -> dict[str, str]:
    return {} if kind == "score" else {"kind": RATIO.get(kind, "rate_ratio")}


def sized_worlds() -> Iterator[SizedWorld]:
    """Return the worlds: 56 cells by analysis."""
    for endpoint in EFFECTS:
        yield SizedWorld(endpoint)
        if endpoint != "recurrent":
            yield SizedWorld(endpoint, "two")
    yield SizedWorld("score", dropout=0.25)
    yield SizedWorld("response", "three")
    yield SizedWorld("response", controls=True)


def formula_and_search(world: SizedWorld, trials: int = TRIALS) -> pd.DataFrame:
    """Return the size of each analysis by search and by formula, with what the search's chance allows.

    Columns: `searched`, `mcse`, `formula`, `name`, and `gap`, formula over search minus 1.
    """
    found = size_trial(world.trial(trials), Registers()).sizes.set_index("analysis")
    mcse = (found["participants_upper_95"] - found["participants_lower_95"]) / (2 * 1.96)
    # The middle of the interval is the size before it is rounded up.
    searched = (found["participants_upper_95"] + found["participants_lower_95"]) / 2
    return pd.DataFrame(
        {
            "searched": searched,
            "mcse": mcse,
            "formula": found["participants_by_formula"],
            "name": found["formula"],
            "gap": found["participants_by_formula"] / searched - 1,
        }
    )
