"""One door to every analysis of a data frame, by the name of its method."""

from __future__ import annotations

from typing import Any

import pandas as pd

from trialsim.analysis.one_trial.tidy_frame import Columns, as_names
from trialsim.errors import AnalysisError
from trialsim.registry.interface import Estimator
from trialsim.registry.registered import estimator


def analyse(data: pd.DataFrame, *, method: str, score: Columns | None = None, **options: Any) -> Any:
    """Read one trial by a named method.

    Parameters
    ----------
    data : DataFrame
        A row a participant, a visit or an episode, as the method reads it.
    method : str
        Name of a registered estimator, such as ``"mmrm"`` or ``"g-computation"``.
    score : str or sequence of str, optional
        Columns of prognostic scores: a further covariate of a method that adjusts.
    **options
        Columns and options of the method; `trialsim.registry.estimator` (method) lists them.

    Returns
    -------
    result
        Prints as a table; what the method's own function returns.

    Raises
    ------
    AnalysisError
        The method or an option is unknown, or the data cannot be read.

    Examples
    --------
    >>> data = pd.DataFrame({"y": [1.0, 2, 3, 3, 4, 6], "twin": [1.0, 2, 2, 1, 2, 3]})
    >>> data["arm"] = [0, 0, 0, 1, 1, 1]
    >>> found = analyse(data, method="ancova", outcome="y", arm="arm", score="twin")
    >>> float(found.effects[0].round(3))
    1.833
    """
    one = estimator(method)
    return one.frame(data, **with_score(one, score, options))


def with_score(one: Estimator, score: Columns | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with prognostic scores among the covariates, or in the method's own place for them.

    Raises
    ------
    AnalysisError
        The method takes no covariates.
    """
    if score is None:
        return options
    if "score" in one.options:
        return options | {"score": score}
    if "covariates" not in one.options:
        raise AnalysisError(
            f"{one.name} takes no covariates", field="score", value=score, mend="use a method that adjusts"
        )
    own = as_names(options.get("covariates"))
    return options | {"covariates": [*own, *(name for name in as_names(score) if name not in own)]}
