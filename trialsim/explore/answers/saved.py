"""The design on the page as a protocol that ``trialsim run`` accepts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from trialsim.errors import DesignError
from trialsim.explore.answers.design import size_of, with_looks
from trialsim.explore.answers.looks import looks_of
from trialsim.explore.answers.state import State, size_options
from trialsim.protocol.declared import trial_from_dict
from trialsim.streams import stream
from trialsim.study.from_numbers.scale import outcome_scale
from trialsim.study.from_numbers.sized import Sized, size_from_numbers
from trialsim.study.starting.page import toml

WEEKS_PER_MONTH = 365.25 / 84
SEED = 20261130
LONGEST_TITLE = 200
_SOURCE = "Chosen on the page of trialsim explore"
_PEOPLE = 200_000


@dataclass(frozen=True)
class Saved:
    """A protocol, and what of the page it does not hold.

    Parameters
    ----------
    text : str
        TOML, format ``trialsim.protocol/2``.
    notes : tuple of str
        What differs, in sentences.
    """

    text: str
    notes: tuple[str, ...]


def protocol_of(state: State, title: str = "", sized_for: str = "discounted") -> Saved:
    """Return the protocol of a state.

    Parameters
    ----------
    state : mapping
        As `read_state` gives it.
    title : str
        Free text; TOML escapes what it must.
    sized_for : str
        Whose size the trial has: ``ancova``, ``undiscounted``, ``discounted`` or ``worst_plausible``.

    Raises
    ------
    DesignError, ProtocolError
        The state cannot be sized, or cannot be a protocol.
    """
    tables = protocol_tables(state, title, sized_for)
    trial_from_dict(tables)
    return Saved(_text(tables), notes_of(state))


def notes_of(state: State) -> tuple[str, ...]:
    """Return what a protocol of a state does not hold."""
    notes = [
        "Simulated trials have the size that is shown; trialsim run searches sizes where [sizing] is added."
    ]
    if state["scale"] != "continuous" and state["baseline_correlation"]:
        notes.append(
            "The score of the protocol tells what score and baseline covariates tell together: "
            "a law without covariates has no other baseline."
        )
    if state["scale"] == "count" and (state["dropout"] or state["dropout_active"]):
        notes.append("Its participants are those with an outcome: analyses of a count know no dropout.")
    notes.append("Drift, cap and past participants belong to trialsim frontier, and are not in the protocol.")
    return tuple(notes)


def protocol_tables(state: State, title: str = "", sized_for: str = "discounted") -> dict[str, Any]:
    """Return the tables of the protocol of a state, for `trialsim.protocol.declared.trial_from_dict`."""
    answer = size_from_numbers(size_options(state))
    looks = looks_of(int(state["looks"]), state["alpha"], state["power"])
    arms = with_looks(size_of(sized_for, answer), looks.inflation)
    if state["scale"] == "count":
        arms = _analysed(state, arms)
    made: Made = _OUTCOMES[state["scale"]](state)
    parts = [part // math.gcd(*arms) for part in arms]
    tables: dict[str, Any] = {
        "format": "trialsim.protocol/2",
        "name": "explored_design",
        "title": (title.strip() or "A design from the explorer")[:LONGEST_TITLE],
        "question": "Does the design hold the power that its formula says?",
        "seed": SEED,
        "participants": sum(arms),
        "arms": [
            {"name": name, "role": name, "allocation": float(part)}
            for name, part in zip(("control", "active"), parts, strict=True)
        ],
        "endpoints": [made.endpoint | {"source": _SOURCE}],
        "effects": [made.effect | {"arm": "active", "source": _SOURCE}],
        "twins": {"source": "assumed", **made.strength},
        "randomisation": {"kind": "permuted_blocks", "block_sizes": [sum(parts)]},
        "analyses": list(made.analyses),
        "simulation": {"replicates": 4000, "block": 250},
        "scenarios": [
            {"name": "works", "kind": "alternative", "why": "The assumed effect holds"},
            {"name": "null", "kind": "null", "why": "Type I error of every analysis"},
            {"name": "useless_score", "kind": "other", "twins": "useless", "why": "The score says nothing"},
        ],
    }
    if lost := _lost(state):
        tables["discontinuation"] = [lost]
    if enrolment := _enrolment(state, sum(arms)):
        tables["enrolment"] = enrolment
    tables["design"] = _design(state, answer, arms)
    return tables


@dataclass(frozen=True)
class Made:
    """Endpoint, effect, score and analyses of one kind of outcome; the last analysis uses the score."""

    endpoint: dict[str, Any]
    effect: dict[str, Any]
    strength: dict[str, float]
    analyses: tuple[dict[str, Any], ...]


def _continuous(state: State) -> Made:
    """Return a score at one visit whose baseline spreads as its change does."""
    sd, rho = state["sd"], state["baseline_correlation"]
    last = sd * math.sqrt(2 + 2 * rho)
    better = state["effect"] > 0
    return Made(
        {
            "name": "score", "kind": "score",
            "weeks": [round(max(state["follow_up"], 0.1) * WEEKS_PER_MONTH, 4)],
            "direction": "higher_is_better" if better else "higher_is_worse",
            "mean": [0.0, 0.0], "sd": [sd, last], "correlation": (sd + rho * sd) / last,
        },
        {"kind": "shift", "value": state["effect"]},
        {"partial_correlation": max(state["partial_correlation"], 0.0)},
        (
            {"kind": "unadjusted"},
            {"kind": "ancova"},
            {"kind": "ancova", "name": "prognostic", "adjust": ["score"]},
        ),
    )  # fmt: skip


def _binary(state: State) -> Made:
    rate = state["control_rate"]
    at = float(ndtri(1 - rate))
    told = float(np.exp(-(at**2) / 2) / math.sqrt(2 * math.pi) / math.sqrt(rate * (1 - rate)))
    return Made(
        {
            "name": "response", "kind": "response", "probability": rate, "months": state["follow_up"],
            "direction": "higher_is_better" if state["odds_ratio"] > 1 else "higher_is_worse",
        },
        {"kind": "odds_ratio", "value": state["odds_ratio"]},
        {"auc": auc_of(_latent(state, told), rate)},
        ({"kind": "log_odds_ratio"}, {"kind": "log_odds_ratio", "name": "prognostic", "adjust": ["score"]}),
    )  # fmt: skip


def auc_of(rho: float, rate: float) -> float:
    """Return the area under the ROC curve of a score with latent correlation ρ, for a response of a rate.

    Examples
    --------
    >>> round(auc_of(0.0, 0.3), 6), round(auc_of(0.6, 0.3), 3)
    (0.5, 0.787)
    """
    grid = np.linspace(-8, 8, 4001)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    response = ndtr((rho * grid - ndtri(1 - rate)) / math.sqrt(1 - rho**2))
    with_it = density * response / np.sum(density * response)
    without = density * (1 - response) / np.sum(density * (1 - response))
    return float(np.sum(with_it * (np.cumsum(without) - without / 2)))


def _count(state: State) -> Made:
    return Made(
        {
            "name": "events", "kind": "count", "rate": state["control_rate"],
            "dispersion": state["dispersion"], "months": state["exposure"],
            "direction": "higher_is_worse" if state["rate_ratio"] < 1 else "higher_is_better",
        },
        {"kind": "rate_ratio", "value": state["rate_ratio"]},
        {"partial_correlation": _together(state)},
        (
            {"kind": "negative_binomial"},
            {"kind": "negative_binomial", "name": "prognostic", "adjust": ["score"]},
        ),
    )  # fmt: skip


def _survival(state: State) -> Made:
    chance = stream(SEED, "explored design", 0, "outcome")
    latent, entered = chance.standard_normal(_PEOPLE), state["accrual"] * chance.random(_PEOPLE)
    hazard = math.log(2) / state["control_median"]
    # Few in the latent order have early events: a long life is more of the outcome.
    time = -np.log(ndtr(-latent)) / hazard
    followed = np.minimum(time, state["duration"] - entered)
    told = abs(float(np.corrcoef((time <= followed) - hazard * followed, latent)[0, 1]))
    return Made(
        {
            "name": "event", "kind": "time_to_event",
            "law": {"kind": "median", "median": state["control_median"]},
        },
        {"kind": "hazard_ratio", "value": state["hazard_ratio"]},
        {"c_index": 0.5 + math.asin(_latent(state, told)) / math.pi},
        ({"kind": "cox"}, {"kind": "cox", "name": "prognostic", "adjust": ["score"]}),
    )  # fmt: skip


_OUTCOMES: Mapping[str, Callable[[State], Made]] = {
    "continuous": _continuous,
    "binary": _binary,
    "count": _count,
    "survival": _survival,
}


def _together(state: State) -> float:
    """Return the correlation of the outcome with all that score and baseline covariates tell."""
    baseline, score = state["baseline_correlation"], max(state["partial_correlation"], 0.0)
    return math.sqrt(1 - (1 - baseline**2) * (1 - score**2))


def _latent(state: State, told: float) -> float:
    """Return ρ of the latent order: the correlation with the outcome is ρ times what the order tells."""
    rho = _together(state) / told
    if rho >= 1:
        raise DesignError(
            "is more than any score can tell of this outcome", field="partial_correlation",
            value=state["partial_correlation"],
            mend=f"let score and baseline explain less than {told**2:.0%}",
        )  # fmt: skip
    return rho


def _analysed(state: State, arms: tuple[int, int]) -> tuple[int, int]:
    """Return those with an outcome: analyses of a count take the same follow-up of everybody."""
    lost = (state["dropout"], state["dropout_active"])
    control, active = (math.ceil(n * (1 - share) - 1e-9) for n, share in zip(arms, lost, strict=True))
    return control, active


def _lost(state: State) -> dict[str, Any]:
    if state["scale"] == "count":
        return {}
    survival = state["scale"] == "survival"
    shares = (state["loss"],) * 2 if survival else (state["dropout"], state["dropout_active"])
    if not any(shares):
        return {}
    made = {
        "cause": "dropout", "cumulative": dict(zip(("control", "active"), shares, strict=True)),
        "mechanism": "MCAR", "source": _SOURCE,
    }  # fmt: skip
    if survival:
        return made | {"by_month": 1.0}
    # What those who stop would have had with treatment: the effect that the formula sizes for.
    return made | ({"after": "kept", "strategy": "hypothetical"} if state["scale"] == "continuous" else {})


def _enrolment(state: State, participants: int) -> dict[str, Any]:
    if state["scale"] == "survival":
        if state["accrual"] <= 0:
            raise DesignError("must be above 0 in a protocol", field="accrual", value=state["accrual"],
                              mend="give the months over which participants enter")  # fmt: skip
        rate, months = participants / state["accrual"], state["accrual"]
    elif state["per_month"]:
        rate, months = state["per_month"], participants / state["per_month"]
    else:
        return {}
    return {"kind": "planned", "rates": [rate], "durations": [months], "spread": "uniform", "source": _SOURCE}


def _design(state: State, answer: Sized, arms: tuple[int, int]) -> dict[str, Any]:
    looks, alpha = int(state["looks"]), state["alpha"] / 2
    survival = state["scale"] == "survival"
    if looks == 1:
        return {"kind": "fixed", "alpha": alpha} | ({"month": state["duration"]} if survival else {})
    shares = [(k + 1) / looks for k in range(looks)]
    made: dict[str, Any] = {
        "kind": "group_sequential",
        "alpha": alpha,
        "efficacy": {"rule": "lan_demets_obf"},
    }
    if not survival:
        return made | {"timing": "information", "information": shares}
    options = size_options(state)
    scale: Any = outcome_scale("survival", {name: options[name] for name in _LAW})
    events = sum(n * scale.event_probability(treated) for n, treated in zip(arms, (False, True), strict=True))
    return made | {"timing": "events", "events": [max(1, round(share * events)) for share in shares]}


_LAW = ("control_median", "hazard_ratio", "accrual", "duration", "loss")


def _text(tables: Mapping[str, Any]) -> str:
    """Return tables as TOML: numbers first, then tables and lists of tables."""
    lines = ["# Made by trialsim explore:", "#   trialsim run THIS_FILE"]
    single = {key: value for key, value in tables.items() if not _is_table(value)}
    lines += [f"{key} = {toml(value)}" for key, value in single.items()]
    for key, value in tables.items():
        for one in value if isinstance(value, list) else [value]:
            if key not in single:
                lines += ["", f"[[{key}]]" if isinstance(value, list) else f"[{key}]"]
                lines += [f"{name} = {toml(inner)}" for name, inner in one.items()]
    return "\n".join(lines) + "\n"


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and all(isinstance(one, dict) for one in value)
    )
