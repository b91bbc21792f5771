"""The strongest analyses without a twin: a score is worth what it adds to the best of them."""

from __future__ import annotations

from dataclasses import dataclass

from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial
from trialsim.protocol.declared.analyses import WITH_TWINS
from trialsim.registry import reader
from trialsim.study.declared.adjusting import COVARIATES, SCORE


@dataclass(frozen=True)
class Sized:
    """An analysis whose size is asked for.

    Parameters
    ----------
    analysis : AnalysisDeclared
        The analysis.
    why : str
        ``declared``, or which rival of a scored analysis it is.
    instead_of : str
        Label of the scored analysis that it stands beside; empty for declared ones.
    """

    analysis: AnalysisDeclared
    why: str = "declared"
    instead_of: str = ""

    @property
    def scored(self) -> bool:
        """Whether the analysis uses the prognostic score."""
        return SCORE in self.analysis.adjust


def with_rivals(trial: DeclaredTrial, best_single: str | None = None) -> tuple[Sized, ...]:
    """Return the analyses to size: those asked for, and beside each scored one its rivals without a twin.

    The rivals are the same analysis *without the score*, with *the same covariates entered directly*, and
    with the *best single covariate*; for a score at visits also *MMRM*. What is declared already is not
    added again.

    Parameters
    ----------
    trial : DeclaredTrial
        With ``[sizing]``.
    best_single : str, optional
        The covariate that tells most by itself, out of sample in the history.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> trial = read_trial("protocols/ordinal_recovery.toml")
    >>> scored = AnalysisDeclared(kind="proportional_odds", name="with_twins", adjust=("score",))
    >>> trial = trial.model_copy(update={"analyses": (scored,)})
    >>> [one.analysis.label for one in with_rivals(trial)]
    ['with_twins', 'with_twins_without_score']
    >>> trial = read_trial("protocols/copd_twins.toml")
    >>> scored = AnalysisDeclared(kind="aipw", adjust=("score",))
    >>> [one.why for one in with_rivals(trial.model_copy(update={"analyses": (scored,)}))]
    ['declared', 'without the score', 'MMRM']
    """
    asked = trial.sizing.analyses if trial.sizing is not None else ()
    declared = [one for one in trial.analyses if not asked or one.label in asked]
    found = [Sized(one) for one in declared]
    known = {_identity(one) for one in declared}

    def add(kind: str, adjust: tuple[str, ...], of: AnalysisDeclared, name: str, why: str) -> None:
        read = reader(kind, trial.outcome.kind)
        # What stands in without covariates may be a test without an estimate, which has no margin.
        if read is not None and read.without_adjust and not adjust and not of.limits:
            kind = read.without_adjust
            read = reader(kind, trial.outcome.kind)
        label = f"{of.label.removesuffix(WITH_TWINS)}_{name}"[:40]
        changed: dict[str, object] = {"kind": kind, "adjust": adjust, "name": label}
        taken = () if read is None else [one.name for one in read.settings]
        fields = type(of).model_fields
        changed |= {name: fields[name].default for name in ("slopes", "variance") if name not in taken}
        made = of.model_copy(update=changed)
        if _identity(made) not in known:
            known.add(_identity(made))
            found.append(Sized(made, why, of.label))

    for one in declared:
        if SCORE not in one.adjust:
            continue
        rest = tuple(name for name in one.adjust if name != SCORE)
        add(one.kind, rest, one, "without_score", "without the score")
        covariates = trial.twins.covariates if trial.twins is not None else ()
        if covariates:
            add(one.kind, (*rest, COVARIATES), one, COVARIATES, "the same covariates entered directly")
        # A single covariate is all of them.
        if best_single in covariates and best_single not in rest and len(covariates) > 1:
            add(one.kind, (*rest, best_single), one, "best_covariate", "best single covariate")
        if one.kind in ("ancova", "aipw") and len(getattr(trial.outcome, "weeks", ())) > 1:
            add("mmrm", rest, one, "mmrm", "MMRM")
    return tuple(found)


def _identity(one: AnalysisDeclared) -> tuple[object, ...]:
    settings = (one.tau, one.rho, one.gamma, one.slopes, one.variance)
    return one.kind, tuple(sorted(one.adjust)), *settings, one.null
