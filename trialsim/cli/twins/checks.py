"""Prior and posterior predictive checks on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from trialsim.data import History
    from trialsim.prognosis import OutcomeHistory, OutcomePrognosis, Prognosis
    from trialsim.protocol import Protocol

DRAWS = 500


def print_checks(asked: Protocol, past: History, prognosis: Prognosis, console: Console) -> None:
    """Print whether the model, before and after it has learnt, makes histories like this one."""
    from trialsim.disease import score_model
    from trialsim.prognosis import ModelTerms, predictive_checks
    from trialsim.prognosis.validation import prior_prognosis
    from trialsim.streams import stream

    disease = score_model(asked.disease.model, **asked.disease.options)
    prior = prior_prognosis(
        past,
        generator=stream(asked.seed, "prior check", 0, "fit"),
        draws=DRAWS,
        terms=ModelTerms.of(asked.prognosis),
    )
    frames = {}
    for kind, model in (("prior", prior), ("posterior", prognosis)):
        frames[kind] = predictive_checks(
            past,
            model,
            generator=stream(asked.seed, f"{kind} check", 0, "twins"),
            draws=DRAWS,
            limits=(disease.lower, disease.upper),
        ).to_frame()
    _print(frames["prior"], frames["posterior"], console)


def print_outcome_checks(
    past: OutcomeHistory, prognosis: OutcomePrognosis, seed: int, console: Console
) -> None:
    """Print the same for a response, level, count or event."""
    from trialsim.prognosis import outcome_predictive_checks
    from trialsim.prognosis.validation import prior_outcome_prognosis
    from trialsim.streams import stream

    prior = prior_outcome_prognosis(
        past,
        generator=stream(seed, "prior check", 0, "fit"),
        draws=DRAWS,
        terms=prognosis.terms,
    )
    made = {
        kind: outcome_predictive_checks(
            past, model, generator=stream(seed, f"{kind} check", 0, "twins"), draws=DRAWS
        ).to_frame()
        for kind, model in (("prior", prior), ("posterior", prognosis))
    }
    _print(made["prior"], made["posterior"], console)


def _print(prior: pd.DataFrame, posterior: pd.DataFrame, console: Console) -> None:
    """Print both checks side by side, and what p is."""
    import pandas as pd

    from trialsim.cli.terminal.tables import print_frame

    table = pd.DataFrame(
        {
            "statistic": posterior["statistic"],
            "history": posterior["observed"],
            **{
                f"{kind}, 90 %": [f"{row.low:.3g} to {row.high:.3g}" for row in frame.itertuples(index=False)]
                for kind, frame in (("prior", prior), ("posterior", posterior))
            },
            "posterior p": posterior["p"],
        }
    )
    print_frame(table, console, f"Predictive checks, {DRAWS} histories that the model makes of each kind")
    console.print(
        "p is the share of the fitted model's histories above this one: near 0 or 1 the model does not make "
        "such histories. It is no error rate of a test.",
        highlight=False,
    )
