"""A table of p values to the hypotheses that may be claimed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from trialsim.analysis.multiplicity.graphs import (
    Graph,
    bonferroni_holm_graph,
    fixed_sequence,
    hochberg,
    holm,
)
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, number
from trialsim.analysis.one_trial.tidy_frame import Columns, as_names, check_roles, read_numbers
from trialsim.data import Floats
from trialsim.errors import AnalysisError

Procedure = Literal["holm", "hochberg", "fixed-sequence", "graph"]
_TITLES: dict[str, str] = {
    "holm": "Holm's step-down test",
    "hochberg": "Hochberg's step-up test",
    "fixed-sequence": "Tests in a fixed sequence",
    "graph": "Graphical multiple test",
}


@dataclass(frozen=True, repr=False)
class ClaimsResult(Printed):
    """What may be claimed of several hypotheses.

    Parameters
    ----------
    frame : DataFrame
        hypothesis, p_value, adjusted_p (the smallest family-wise level that claims it), claimed.
    procedure : {"holm", "hochberg", "fixed-sequence", "graph"}
    alpha : float
        Family-wise level, one-sided or two-sided as the p values are.
    """

    frame: pd.DataFrame
    procedure: Procedure
    alpha: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row a hypothesis."""
        return self.frame.copy()

    def _title(self) -> str:
        return f"{_TITLES[self.procedure]} of {len(self.frame)} hypotheses"

    def _facts(self) -> Facts:
        claimed = self.frame.loc[self.frame["claimed"], "hypothesis"]
        return {
            "family-wise level": number(self.alpha),
            "claimed": ", ".join(map(str, claimed)) or "none",
        }

    def _tables(self) -> Tables:
        return {"Hypotheses": self.frame}


def several_hypotheses(
    data: pd.DataFrame,
    *,
    p_value: str,
    hypothesis: str,
    procedure: Procedure = "holm",
    alpha: float = 0.05,
    weight: str | None = None,
    transitions: Columns | None = None,
) -> ClaimsResult:
    """Say which of several hypotheses may be claimed while the family-wise error is kept.

    Parameters
    ----------
    data : DataFrame
        A row a hypothesis; for a fixed sequence in its order.
    p_value : str
        Column of p values, in [0, 1].
    hypothesis : str
        Column of names, each once.
    procedure : {"holm", "hochberg", "fixed-sequence", "graph"}
        Holm's with weights where they are given; a graph needs weights and transitions.
    alpha : float
        Family-wise level, in (0, 1); one-sided or two-sided as the p values are.
    weight : str, optional
        Column of the shares of alpha at the start, summing to at most 1.
    transitions : str or sequence of str, optional
        One column a hypothesis, in the order of the rows: the share of a claimed hypothesis's alpha that
        goes to that one.

    Returns
    -------
    ClaimsResult
        Adjusted p values, and what is claimed.

    Raises
    ------
    AnalysisError
        P values, weights or transitions that cannot be, or that do not go with the procedure.

    Notes
    -----
    See `trialsim.analysis.multiplicity.graphs`: Bretz, Maurer, Brannath and Posch (2009), Hochberg (1988).

    Examples
    --------
    >>> data = pd.DataFrame({"name": ["low", "high", "death"], "p": [0.03, 0.012, 0.02]})
    >>> print(several_hypotheses(data, p_value="p", hypothesis="name"))
    Holm's step-down test of 3 hypotheses
      family-wise level  0.05
      claimed            low, high, death
    <BLANKLINE>
    Hypotheses
      hypothesis p_value adjusted_p claimed
             low  0.0300     0.0400    True
            high  0.0120     0.0360    True
           death  0.0200     0.0400    True
    """
    if procedure not in _TITLES:
        raise AnalysisError(f"must be one of {', '.join(_TITLES)}", field="procedure", value=procedure)
    if not 0.0 < alpha < 1.0:
        raise AnalysisError("is not in (0, 1)", field="alpha", value=alpha)
    names = as_names(transitions)
    check_roles(data, [p_value, hypothesis, *as_names(weight), *names])
    p = read_numbers(data, p_value)
    labels = tuple(map(str, data[hypothesis]))
    weights = None if weight is None else read_numbers(data, weight)
    adjusted = _adjusted(procedure, p, labels, weights, data[names].to_numpy(dtype=np.float64))
    # As in `Graph.rejects`: a p value at the level itself is claimed, whatever its last bit.
    claimed = adjusted <= alpha * (1.0 + 1e-12)
    frame = pd.DataFrame({"hypothesis": labels, "p_value": p, "adjusted_p": adjusted, "claimed": claimed})
    return ClaimsResult(frame, procedure, alpha)


def _adjusted(
    procedure: Procedure, p: Floats, labels: tuple[str, ...], weights: Floats | None, transition: Floats
) -> Floats:
    if procedure == "graph":
        if weights is None or transition.shape[1] != len(p):
            raise AnalysisError(
                "needs weights, and one column of transitions a hypothesis", field="procedure",
                value=procedure, mend="give --weight, and --transitions in the order of the rows",
            )  # fmt: skip
        return Graph(weights, transition, labels).adjusted(p)
    if transition.shape[1]:
        raise AnalysisError("go with a graph", field="transitions", mend="leave them out, or ask for a graph")
    if procedure == "holm":
        return holm(p) if weights is None else bonferroni_holm_graph(len(p), weights).adjusted(p)
    if weights is not None:
        raise AnalysisError("go with holm and graph", field="weight", mend="leave them out")
    return hochberg(p) if procedure == "hochberg" else fixed_sequence(p)
