"""Whether the model, before and after it has learnt, makes histories like this one."""

from __future__ import annotations

import pandas as pd

from trialsim.data import History, OutcomeHistory
from trialsim.prognosis import OutcomePrognosis, Prognosis, outcome_predictive_checks, predictive_checks
from trialsim.prognosis.validation import prior_outcome_prognosis, prior_prognosis
from trialsim.streams import stream
from trialsim.study.validation.findings import Finding

DRAWS = 500
MEANING = (
    "p is the share of the fitted model's histories above this one: near 0 or 1 the model does not make such "
    "histories. It is no error rate of a test.",
)


def checks_of_visits(
    past: History, model: Prognosis, seed: int, limits: tuple[float, float] | None = None
) -> Finding:
    """Return the checks of a score at visits; `limits` are those of its scale, where they are known."""
    prior = prior_prognosis(
        past, generator=stream(seed, "prior check", 0, "fit"), draws=DRAWS, terms=model.terms
    )
    frames = {
        kind: predictive_checks(
            past, one, generator=stream(seed, f"{kind} check", 0, "twins"), draws=DRAWS, limits=limits
        ).to_frame()
        for kind, one in (("prior", prior), ("posterior", model))
    }
    return _finding(frames)


def checks_of_outcomes(past: OutcomeHistory, model: OutcomePrognosis, seed: int) -> Finding:
    """Return the same of a response, level, count or event."""
    prior = prior_outcome_prognosis(
        past, generator=stream(seed, "prior check", 0, "fit"), draws=DRAWS, terms=model.terms
    )
    frames = {
        kind: outcome_predictive_checks(
            past, one, generator=stream(seed, f"{kind} check", 0, "twins"), draws=DRAWS
        ).to_frame()
        for kind, one in (("prior", prior), ("posterior", model))
    }
    return _finding(frames)


def _finding(frames: dict[str, pd.DataFrame]) -> Finding:
    """Return both checks side by side."""
    posterior = frames["posterior"]
    table = pd.DataFrame(
        {
            "statistic": posterior["statistic"],
            "history": posterior["observed"],
            **{
                f"{kind}, 90 %": [f"{row.low:.3g} to {row.high:.3g}" for row in frame.itertuples(index=False)]
                for kind, frame in frames.items()
            },
            "posterior p": posterior["p"],
        }
    )
    return Finding(f"Predictive checks, {DRAWS} histories that the model makes of each kind", table, MEANING)
