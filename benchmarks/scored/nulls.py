"""Type I error of every analysis that takes a score, over endpoints, randomisations, looks and scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.scored.histories import learnt_twins
from trialsim.protocol.declared import DeclaredTrial, grid_points, trial_from_dict
from trialsim.study.declared.engine import engine_of
from trialsim.study.people.registers import Registers
from trialsim.trial.register import Register

ALPHA, LIMIT = 0.05, 0.055
PARTICIPANTS, BLOCK = 200, 500

ANALYSES: dict[str, tuple[str, ...]] = {
    "score": ("ancova", "mmrm"),
    "response": ("g_computation", "log_odds_ratio"),
    "level": ("mean_score", "proportional_odds"),
    "count": ("negative_binomial",),
    "recurrent": ("lwyy", "negative_binomial"),
    "time_to_event": ("adjusted_log_rank", "cox"),
}
ENDPOINTS: dict[str, dict[str, Any]] = {
    "score": {"direction": "higher_is_worse", "weeks": [12.0, 24.0]},
    "response": {"direction": "higher_is_better", "months": 6.0},
    "level": {"direction": "higher_is_better", "levels": ["none", "some", "much", "most"], "months": 6.0},
    "count": {"months": 12.0},
    "recurrent": {"months": 12.0},
    "time_to_event": {},
}
LAWS: dict[str, dict[str, Any]] = {
    "score": {"mean": [20.0, 20.5, 21.0], "sd": [5.0, 5.2, 5.5], "correlation": 0.8},
    "response": {"probability": 0.4},
    "level": {"shares": [0.3, 0.3, 0.25, 0.15]},
    "count": {"rate": 0.1, "dispersion": 0.5},
    "recurrent": {"rate": 0.1, "dispersion": 0.5},
    "time_to_event": {"law": {"kind": "median", "median": 10.0}},
}
STRENGTHS = {
    "score": {"partial_correlation": 0.4}, "response": {"auc": 0.75}, "level": {"auc": 0.75},
    "count": {"partial_correlation": 0.35}, "recurrent": {"partial_correlation": 0.35},
    "time_to_event": {"c_index": 0.7},
}  # fmt: skip
RATIO = {"response": "odds_ratio", "level": "odds_ratio", "time_to_event": "hazard_ratio"}
OUTCOME_DRIFT = {
    "score": {"outcome_shift": 1.0}, "response": {"odds_ratio": 1.6}, "level": {"odds_ratio": 1.6},
    "count": {"rate_ratio": 1.4}, "recurrent": {"rate_ratio": 1.4}, "time_to_event": {"hazard_ratio": 1.4},
}  # fmt: skip
RANDOMISATIONS: dict[str, dict[str, Any]] = {
    "simple": {"kind": "simple"},
    "blocked": {"kind": "permuted_blocks", "block_sizes": [4]},
    "stratified": {"kind": "permuted_blocks", "block_sizes": [4], "strata": ["older", "sex"]},
    "minimised": {"kind": "minimisation", "factors": ["older", "sex"], "probability": 0.8},
}
SCORES = ("learned", "useless", "drifted", "assumed")


@dataclass(frozen=True)
class NullWorld:
    """A world without an effect: its trials are read by every analysis of the endpoint.

    Parameters
    ----------
    endpoint, randomisation, score : str
        As in `ENDPOINTS`, `RANDOMISATIONS` and `SCORES`.
    looks : int
        1, or 2 with O'Brien-Fleming spending.
    """

    endpoint: str
    randomisation: str
    looks: int
    score: str

    @property
    def trial(self) -> DeclaredTrial:
        """The resolved trial: its only scenario is the null."""
        (point,) = grid_points(trial_from_dict(self._tables()))
        assert point.trial is not None, point.refusal
        return point.trial

    def _tables(self) -> dict[str, Any]:
        kind, assumed = self.endpoint, self.score == "assumed"
        effect = {"kind": "shift", "value": 0.0} if kind == "score" else _ratio(kind)
        course = LAWS[kind] | {"source": "made up"} if assumed else {"course": {"kind": "history"}}
        made: dict[str, Any] = {
            "format": "trialsim.protocol/2", "name": "null", "title": "Null", "question": "Type I error?",
            "seed": 20261130, "participants": PARTICIPANTS,
            "arms": [{"name": "placebo", "role": "control"}, {"name": "active", "role": "active"}],
            "endpoints": [{"kind": kind, "name": "y", **ENDPOINTS[kind], **course}],
            "effects": [{"arm": "active", "source": "none", **effect}],
            "enrolment": {"kind": "planned", "rates": [20.0], "durations": [10.0], "source": "made up"},
            "randomisation": RANDOMISATIONS[self.randomisation],
            "design": self._design(),
            "analyses": [{"kind": one, "adjust": ["score"]} for one in ANALYSES[kind]],
            "simulation": {"replicates": 1000, "block": BLOCK},
            "scenarios": [{"name": "null", "kind": "null", "why": "type I error"} | self._people()],
            "twins": {"source": "assumed", **STRENGTHS[kind]},
        }  # fmt: skip
        if not assumed:
            made["population"] = {"kind": "history", "register": 50_000}
            made["history"] = {"file": "made_up.csv"}
            made["twins"] = {"source": "learned", "covariates": ["age", "sex", "severity"]}
        if self.randomisation in ("stratified", "minimised"):
            made["strata"] = _factors(kind, assumed)
        elif kind in ("score", "response", "level", "recurrent", "time_to_event"):
            made["discontinuation"] = [_leaving(kind)]
        return made

    def _people(self) -> dict[str, Any]:
        if self.score == "useless":
            return {"twins": "useless"}
        if self.score == "drifted":
            return {"drift": {**OUTCOME_DRIFT[self.endpoint], "covariate_shift": {"severity": 0.5}}}
        return {}

    def _design(self) -> dict[str, Any]:
        survival = self.endpoint == "time_to_event"
        if self.looks == 1:
            return {"kind": "fixed", "alpha": ALPHA, **({"events": 110} if survival else {})}
        timing = {"timing": "events", "events": [55, 110]} if survival else _HALF
        return {"kind": "group_sequential", "alpha": ALPHA, "efficacy": {"rule": "lan_demets_obf"}, **timing}


_HALF: dict[str, Any] = {"timing": "information", "information": [0.5, 1.0]}


def _ratio(kind: str) -> dict[str, Any]:
    return {"kind": RATIO.get(kind, "rate_ratio"), "value": 1.0}


def _factors(kind: str, assumed: bool) -> list[dict[str, Any]]:
    """Return two factors that tell of the outcome; under a marginal law by their own."""
    made: list[dict[str, Any]] = [
        {"name": "older", "levels": ["no", "yes"], "source": "made up"},
        {"name": "sex", "levels": ["f", "m"], "source": "made up"},
    ]
    for factor, cut, adds in zip(made, (62.0, 0.5), (0.8, 0.4), strict=True):
        if assumed:
            points = 3.0 * adds if kind == "score" else adds
            factor |= {"shares": [0.5, 0.5], "outcome": [0.0, points]}
        else:
            factor |= {"covariate": "age" if factor["name"] == "older" else "sex", "cuts": [cut]}
    return made


def _leaving(kind: str) -> dict[str, Any]:
    cause = {"cause": "left", "cumulative": {"placebo": 0.15, "active": 0.15}, "source": "made up"}
    return cause | {"mechanism": "MCAR"} | ({"by_month": 12.0} if kind == "time_to_event" else {})


def null_worlds(score: str, fraction: int = 1) -> Iterator[NullWorld]:
    """Return the worlds of a score: 44 of them, with 80 cells by analysis, or one in `fraction` (1, 2, 4).

    The choice is a Latin square: over the four scores, a quarter has each endpoint, randomisation and number
    of looks once, and each score meets each randomisation equally often.
    """
    at_score = SCORES.index(score)
    for e, endpoint in enumerate(ENDPOINTS):
        for r, randomisation in enumerate(RANDOMISATIONS):
            for looks in (1, 2):
                # Recurrent events are served with one look.
                served = not (endpoint == "recurrent" and looks == 2)
                if served and (at_score + r + e + looks) % fraction == 0:
                    yield NullWorld(endpoint, randomisation, looks, score)


def register_of(world: NullWorld) -> Register:
    """Return whom the trials of a world recruit from."""
    learnt = None if world.score == "assumed" else learnt_twins(world.endpoint)
    found = Registers(learnt)(world.trial)
    assert found is not None
    return found


@dataclass(frozen=True)
class Errors:
    """How often an analysis of a null world claimed an effect, and how often it gave no answer."""

    analysis: str
    claimed: float
    mcse: float
    undecided: float


def type_one_errors(world: NullWorld, replicates: int) -> list[Errors]:
    """Return the type I error of every analysis of a world, over so many trials."""
    trial = world.trial
    engine = engine_of(trial, register_of(world))
    claims = {one.label: 0 for one in trial.analyses}
    none = dict(claims)
    blocks = -(-replicates // BLOCK)
    for block in range(blocks):
        for name, reading in engine.read(BLOCK, trial.seed, block).readings.items():
            claims[name] += int((reading.stopping.decision == 1).sum())
            none[name] += reading.decided().get("none", 0)
    n = blocks * BLOCK
    return [
        Errors(name, had / n, (had / n * (1 - had / n) / n) ** 0.5, none[name] / n)
        for name, had in claims.items()
    ]
