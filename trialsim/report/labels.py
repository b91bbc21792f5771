"""One table from internal names to printed labels, used by every page."""

from __future__ import annotations

LABELS = {
    "unadjusted": "Unadjusted",
    "ancova": "Baseline ANCOVA",
    "prognostic": "Prognostic adjustment",
    "discounted": "Discounted",
    "undiscounted": "Undiscounted",
    "worst_plausible": "Worst plausible",
    "active_fixed": "Prognostic, active arm fixed",
    "alternative": "Alternative",
    "null": "Null",
    "history_drift": "History drift",
    "useless_twin": "Useless twin",
    "common": "one slope for both arms",
    "interacted": "one slope an arm",
    "hc0": "robust (HC0)",
    "hc1": "robust (HC1)",
    "hc2": "robust (HC2)",
    "hc3": "robust (HC3)",
    "model": "model-based",
}

ACRONYMS = {
    "aipw": "AIPW",
    "mmrm": "MMRM",
    "ancova": "ANCOVA",
    "rmst": "RMST",
    "lwyy": "LWYY",
    "cox": "Cox",
    "ii": "II",
}


def label(name: str) -> str:
    """Return what a name is called in print.

    Examples
    --------
    >>> label("ancova"), label("faster_decline"), label("mmrm_all_observed")
    ('Baseline ANCOVA', 'Faster decline', 'MMRM all observed')
    >>> label("mmrm[low]")
    'MMRM: low'
    """
    if name in LABELS:
        return LABELS[name]
    if name.endswith("]"):
        analysis, _, arm = name[:-1].partition("[")
        return f"{label(analysis)}: {arm}"
    words = [ACRONYMS.get(word, word) for word in name.split("_")]
    return " ".join(words)[:1].upper() + " ".join(words)[1:]


def design_label(name: str) -> str:
    """Return what a design is called in print.

    Examples
    --------
    >>> design_label("discounted")
    'Prognostic, discounted'
    """
    return "Prognostic, discounted" if name == "discounted" else label(name)


def share(value: float) -> str:
    """Return a share as a percentage with one decimal.

    Examples
    --------
    >>> share(0.1266)
    '12.7 %'
    >>> share(-0.0001)
    '0.0 %'
    """
    return f"{round(100 * value, 1) + 0.0:.1f} %"


def with_error(value: float, error: float, digits: int = 3) -> str:
    """Return a number with its Monte Carlo standard error.

    Examples
    --------
    >>> with_error(0.9012, 0.003)
    '0.901 ± 0.003'
    """
    return f"{value:.{digits}f} ± {error:.{digits}f}"
