"""Which terms a model has beyond its linear ones, and what a history must hold for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trialsim.data import Bools, Floats, History
from trialsim.errors import HistoryError
from trialsim.prognosis.histories.learnable import FEWEST_BEFORE_COVARIATES, FEWEST_PER_COVARIATE
from trialsim.prognosis.models.shapes import KNOT_SHARES, Shapes, knots_of

FEWEST_PER_SHAPE = 10
FEWEST_PER_VARIANCE = 25
FEWEST_STUDIES = 3
FEWEST_IN_A_STUDY = 5
_FLAT = 1e-9


@dataclass(frozen=True)
class ModelTerms:
    """Terms of a model beyond its linear ones; none by default.

    Parameters
    ----------
    splines : tuple of str
        Covariates that may act along a curve: restricted cubic splines. In the Gaussian model also
        ``baseline``, here and in what follows.
    interactions : tuple of pairs of str
        Products of two covariates.
    variance : tuple of str
        Covariates that the spread of outcomes around the regression depends on; Gaussian model alone.
    studies : bool
        Whether each study of the history has an effect of its own; twins are then those of a new study,
        and their spread holds the variance between studies. Gaussian model alone: the other families
        have such effects from three studies on without being asked.
    visit_scales : bool
        Whether changes at each visit are over their own standard deviation in the history: for outcomes
        whose spread grows otherwise than by participants' levels and slopes. Gaussian model alone.

    Raises
    ------
    HistoryError
        A term is named twice, or a covariate is to interact with itself.

    Examples
    --------
    >>> ModelTerms(splines=("age",), interactions=(("age", "mmse"),)).extra_columns
    3
    >>> ModelTerms(interactions=(("age", "age"),))
    Traceback (most recent call last):
        ...
    trialsim.errors.HistoryError: prognosis.interactions: age cannot interact with itself. Mend: ...
    """

    splines: tuple[str, ...] = ()
    interactions: tuple[tuple[str, str], ...] = ()
    variance: tuple[str, ...] = ()
    studies: bool = False
    visit_scales: bool = False

    def __post_init__(self) -> None:
        pairs = tuple(tuple(sorted(pair)) for pair in self.interactions)
        for field, named in (
            ("splines", self.splines),
            ("interactions", pairs),
            ("variance_covariates", self.variance),
        ):
            if len(set(named)) < len(named):
                raise HistoryError("names a term twice", field=f"prognosis.{field}", mend="name it once")
        for pair in pairs:
            if len(set(pair)) == 1:
                raise HistoryError(
                    f"{pair[0]} cannot interact with itself",
                    field="prognosis.interactions",
                    mend="name two covariates, or put it under splines",
                )

    @property
    def extra_columns(self) -> int:
        """Number of columns that splines and interactions add."""
        return (len(KNOT_SHARES) - 2) * len(self.splines) + len(self.interactions)

    @property
    def of_one_group(self) -> bool:
        """Whether all participants share one spread and no study differs: the model of `gram` then."""
        return not (self.variance or self.studies)

    def identity(self) -> dict[str, object]:
        """Return what changes a result; nothing for the default, whose results keep their address."""
        return {} if self == ModelTerms() else {"terms": self.facts()}

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> ModelTerms:
        """Return the terms that `facts` wrote."""
        pairs = tuple((one, other) for one, other in facts.get("interactions", []))
        return cls(
            tuple(facts.get("splines", [])),
            pairs,
            tuple(facts.get("variance", [])),
            facts.get("studies", False),
            facts.get("visit_scales", False),
        )

    def facts(self) -> dict[str, object]:
        """Return the terms as JSON-like facts."""
        return {
            "splines": list(self.splines),
            "interactions": [list(pair) for pair in self.interactions],
            "variance": list(self.variance),
            "studies": self.studies,
            "visit_scales": self.visit_scales,
        }


def require_terms(history: History, terms: ModelTerms, file: Path | str | None = None) -> None:
    """Raise if a history cannot carry the terms; `require_learnable` holds for the linear ones.

    Beyond the 20 + 2 (P + 1) participants that the linear terms need at the last visit, each column of
    a spline or an interaction needs 10, and each covariate of the variance 25: the log of an SD is known
    within 1 / sqrt(2 n), about .14 for 25. Study effects need three studies of five participants each.

    Raises
    ------
    HistoryError
        Names the field of the protocol's ``[prognosis]`` table, and the number needed.
    """
    known = ("baseline", *history.covariates.names)
    require_known(terms, known, file)
    measured: Bools = np.asarray(np.isfinite(history.baseline) & np.isfinite(history.outcomes[:, -1]))
    _require_size(int(measured.sum()), len(known), terms, file)
    kept = np.isfinite(history.baseline) & np.isfinite(history.outcomes).any(axis=1)
    values = np.column_stack([history.baseline, history.covariates.values])[kept]
    require_shapes(values, known, terms, file)
    if terms.studies:
        _require_studies(history.group[measured], file)
    if terms.visit_scales:
        _require_visits(history, kept, file)


def require_known(terms: ModelTerms, known: tuple[str, ...], file: Path | str | None = None) -> None:
    """Raise if a term names what is no covariate of the history."""
    for field, asked in (
        ("splines", terms.splines),
        ("interactions", tuple(name for pair in terms.interactions for name in pair)),
        ("variance_covariates", terms.variance),
    ):
        if unknown := sorted(set(asked) - set(known)):
            raise HistoryError(
                f"{unknown[0]} is no covariate of the prognosis",
                file=file,
                field=f"prognosis.{field}",
                mend=f"name some of {', '.join(known)}",
            )


def _require_size(last: int, columns: int, terms: ModelTerms, file: Path | str | None) -> None:
    linear = FEWEST_BEFORE_COVARIATES + FEWEST_PER_COVARIATE * columns
    for field, fewest in (
        ("splines" if terms.splines else "interactions", linear + FEWEST_PER_SHAPE * terms.extra_columns),
        (
            "variance_covariates",
            linear + FEWEST_PER_SHAPE * terms.extra_columns + FEWEST_PER_VARIANCE * len(terms.variance),
        ),
    ):
        if last < fewest:
            raise HistoryError(
                f"the history is too small for these terms: {last} participants have a baseline and an "
                f"outcome at the last visit, at least {fewest} are needed",
                file=file,
                field=f"prognosis.{field}",
                mend="give a larger history or fewer terms",
            )


def require_shapes(
    values: Floats, known: tuple[str, ...], terms: ModelTerms, file: Path | str | None = None
) -> None:
    """Raise if values (N, P), NaN where missing, have no room for a curve or a product that is asked for."""
    for name in terms.splines:
        if (np.diff(knots_of(values[:, known.index(name)])) <= 0).any():
            raise HistoryError(
                f"{name} takes too few values for a spline: its quantiles "
                f"{', '.join(f'{share:g}' for share in KNOT_SHARES)} are not different",
                file=file,
                field="prognosis.splines",
                mend="leave it out, its linear term stays",
            )
    unitless = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    shapes, filled = Shapes.learn(known, unitless, terms.splines, terms.interactions)
    spread = shapes.columns(known, filled).std(axis=0)
    for label, sd in zip(shapes.labels, spread, strict=True):
        if sd < _FLAT:
            raise HistoryError(
                f"{label} is the same for everybody, so nothing can be learnt from it",
                file=file,
                field="prognosis.splines" if "'" in label else "prognosis.interactions",
                mend="leave it out, or keep a wider population",
            )


def _require_visits(history: History, kept: Bools, file: Path | str | None) -> None:
    seen = np.isfinite(history.outcomes[kept]).sum(axis=0)
    fewest = int(seen.argmin())
    if seen[fewest] < FEWEST_PER_VARIANCE:
        raise HistoryError(
            f"{seen[fewest]} participants have an outcome at week {history.weeks[fewest]:g}; at least "
            f"{FEWEST_PER_VARIANCE} are needed at every visit that has a spread of its own",
            file=file,
            field="prognosis.visit_scales",
            mend="leave that visit out, or use one scale for all",
        )
    change = (history.outcomes - history.baseline[:, None])[kept]
    for week, at_visit in zip(history.weeks, change.T, strict=True):
        if np.ptp(at_visit[np.isfinite(at_visit)]) < _FLAT:
            raise HistoryError(
                f"everybody changes alike at week {week:g}, so that it has no spread",
                file=file,
                field="prognosis.visit_scales",
                mend="leave that visit out, or use one scale for all",
            )


def _require_studies(group: np.ndarray, file: Path | str | None) -> None:
    sizes = np.unique(group, return_counts=True)[1]
    large = int((sizes >= FEWEST_IN_A_STUDY).sum())
    if large < FEWEST_STUDIES:
        raise HistoryError(
            f"{large} studies have {FEWEST_IN_A_STUDY} participants or more at the last visit; at least "
            f"{FEWEST_STUDIES} are needed to tell studies apart",
            file=file,
            field="prognosis.study_effects",
            mend="name the study of each participant as history.columns.group, or leave study effects out",
        )
