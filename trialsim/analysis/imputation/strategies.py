"""Which strategy imputes whom: one for all, one an arm, or one a kind such as the cause of stopping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.analysis.imputation.kernel import LMCF
from trialsim.analysis.imputation.visit_frame import VisitFrame, last_visits
from trialsim.analysis.one_trial.tidy_frame import check_roles, codes_of, row_name
from trialsim.data import Ints
from trialsim.errors import AnalysisError

STRATEGIES = ("MAR", "J2R", "CR", "CIR", "LMCF")


@dataclass(frozen=True)
class Rules:
    """The strategies of a trial.

    Parameters
    ----------
    labels, names : tuple of str
        Arms or kinds, and the strategy of each.
    codes : ndarray of int (C,)
        Strategy of each cell; see `trialsim.analysis.imputation.kernel.cell_of`.
    kind : ndarray of int (N,)
        Kind of each participant; empty where the arm decides.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    codes: Ints
    kind: Ints


def strategy_code(name: object) -> int:
    """Return the kernel's code of a strategy."""
    if name not in STRATEGIES:
        known = ", ".join(STRATEGIES)
        raise AnalysisError("is no strategy", field="strategy", value=name, mend=f"use one of {known}")
    return STRATEGIES.index(str(name))


def rules_of(
    data: pd.DataFrame,
    participant: str,
    frame: VisitFrame,
    strategy: str | Mapping[str, str],
    by: str | None,
) -> Rules:
    """Return the strategies, or refuse those that leave a participant without one."""
    if by is None:
        labels: tuple[str, ...] = frame.arms
        kind = np.zeros(0, np.int64)
    else:
        if isinstance(strategy, str):
            raise AnalysisError(
                "must name a strategy for each kind", field="strategy", value=strategy,
                mend=f"map the labels of {by} to strategies",
            )  # fmt: skip
        labels, kind = _kinds(data, participant, frame, by)
    chosen = _named(strategy, labels, by)
    codes = np.array([strategy_code(name) for name in chosen])
    if by is not None:
        codes = np.concatenate([codes, codes])
    own = codes[kind if by is not None else frame.arm]
    if (np.isnan(frame.outcomes).all(axis=1) & (own == LMCF)).any():
        raise AnalysisError("no_outcome_to_carry_forward: the imputation model cannot be fitted")
    return Rules(tuple(labels), tuple(chosen), codes, kind)


def _named(strategy: str | Mapping[str, str], labels: Sequence[str], by: str | None) -> list[str]:
    """Return the strategy of each label."""
    if isinstance(strategy, str):
        return [strategy] * len(labels)
    by_label = {str(label): name for label, name in strategy.items()}
    if set(by_label) != set(labels):
        raise AnalysisError(
            f"must name a strategy for each {'arm' if by is None else 'kind'}",
            field="strategy",
            value=sorted(by_label),
            mend=f"name {' and '.join(labels)}",
        )
    return [by_label[label] for label in labels]


def _kinds(data: pd.DataFrame, participant: str, frame: VisitFrame, by: str) -> tuple[tuple[str, ...], Ints]:
    """Return the labels of the kinds, and that of each participant (N,); who stops early must have one."""
    check_roles(data, [participant, by])
    codes, levels = codes_of(data[by])
    who, people = pd.factorize(data[participant].array)
    known = codes >= 0
    of_person = np.full(len(people), -1)
    of_person[who[known]] = codes[known]
    changed = known & (of_person[who] != codes)
    if changed.any():
        raise AnalysisError(
            f"must be one in all rows of a participant, but changes in {row_name(changed)}",
            field=by,
            mend="give the kind of each participant in every row, or in one",
        )
    kind = of_person[frame.people]
    lost = (kind < 0) & (last_visits(frame.outcomes) < len(frame.visits))
    if lost.any():
        rows = np.isin(who, frame.people[lost])
        raise AnalysisError(
            f"is missing for a participant who stops early, in {row_name(rows)}",
            field=by,
            mend="name why each participant stopped",
        )
    seen = np.flatnonzero(np.bincount(kind[kind >= 0], minlength=len(levels)))
    if not len(seen):
        raise AnalysisError("names no kind of participant", field=by, mend="leave strategy_by out")
    rank = np.zeros(len(levels), np.int64)
    rank[seen] = np.arange(len(seen))
    return tuple(str(levels[k]) for k in seen), np.where(kind < 0, 0, rank[kind])
