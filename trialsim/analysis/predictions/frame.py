"""AIPW with anybody's predictions, from a data frame."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from trialsim.analysis.linear.design import read_design
from trialsim.analysis.one_trial.deciding import raise_unless_decided, stands_in
from trialsim.analysis.one_trial.tidy_frame import Columns, as_names, check_level, is_number
from trialsim.analysis.predictions.block import aipw_block, mixture_of
from trialsim.analysis.predictions.kernel import Mixture
from trialsim.analysis.predictions.result import PredictionsResult
from trialsim.errors import AnalysisError


def aipw(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    score: Columns = (),
    covariates: Columns = (),
    strata: Columns = (),
    control: Hashable | None = None,
    active: Hashable | None = None,
    level: float = 0.95,
) -> PredictionsResult:
    """Compare the means of two randomised arms by AIPW, with anybody's predictions of the outcome.

    With `covariates` alone this is cross-fitted AIPW, each participant predicted without themselves. With
    `score` alone it is prediction-powered inference for trials (PPCT). With both it is hybrid AIPW (H-AIPW).

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    outcome : str
        Column of a number, or of 0 and 1; rows where it is missing are left out.
    arm : str
        Column of the arm.
    score : str or sequence of str
        Columns of predictions of the outcome, from any model, fixed before the outcomes were seen. One on
        another scale, such as a log odds, is better named among `covariates`, whose model calibrates it.
    covariates : str or sequence of str
        Baseline columns: numbers enter as they are, text, booleans and categories as factors.
    strata : str or sequence of str
        Factors of the randomisation, whatever their type.
    control, active : optional
        Labels in `arm`; by default the first is the control, and the only other one is active.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    PredictionsResult
        Prints as a table; `to_frame`, and `candidates` with the weight of each way of predicting.

    Raises
    ------
    AnalysisError
        If a column cannot be used, an arm is too small, or the outcome is the same for everybody.

    Notes
    -----
    Formulas and sources: `trialsim.analysis.predictions.kernel`, which serves simulated trials as well.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> trial = pd.DataFrame({"arm": np.arange(60) % 2, "model": rng.normal(5, 2, 60)})
    >>> trial["chg"] = 10 - trial["model"] - trial["arm"] + rng.normal(size=60)  # turned round
    >>> print(aipw(trial, outcome="chg", arm="arm", score="model").candidates.round(2).to_string(index=False))
          candidate  weight  estimate  standard_error
          arm means    1.97     -1.37            0.50
    model, as it is   -0.97     -1.72            0.93
    """
    check_level(level)
    scores, names = as_names(score), as_names(covariates)
    for one in scores:
        if one in data.columns and not is_number(data[one]):
            raise AnalysisError("must hold numbers", field=one, mend="name a column of predictions")
    design = read_design(
        data, outcome=outcome, arm=arm, covariates=[*names, *scores], strata=strata, control=control,
        active=active, two_arms=True,
    )  # fmt: skip
    known = design.from_columns(scores)
    y, a = design.outcome[None], design.arm[None]
    x, z = design.covariates[None, :, ~known], design.covariates[None, :, known]
    found = aipw_block(y, a, x, z)
    raise_unless_decided(found, outcome)
    failed = found.status[0] > 0
    mixture = mixture_of(y, a == 1, x, z)
    return PredictionsResult(
        comparison=f"{design.arms[1]} - {design.arms[0]}",
        effect=float(found.estimate[0]),
        variance=float(np.nan if failed else mixture.variance[0]),
        df=float(found.df[0]),
        level=level,
        counts={name: int(n) for name, n in zip(design.arms, design.counts, strict=True)},
        left_out=design.left_out,
        candidates=_table(mixture, x.shape[2] > 0, scores),
        instead=stands_in(found),
    )


def _table(mixture: Mixture, adjusted: bool, scores: Sequence[str]) -> pd.DataFrame:
    labels = ["covariates in a linear model" if adjusted else "arm means"]
    labels += [f"{name}, as it is" for name in scores]
    errors = np.sqrt(np.diagonal(mixture.covariance[0]))
    return pd.DataFrame(
        {
            "candidate": labels,
            "weight": mixture.weights[0],
            "estimate": mixture.each[0],
            "standard_error": errors,
        }
    )
