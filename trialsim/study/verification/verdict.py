"""What a verification found: the level that was reached, and all that was not checked."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = {
    "V0": "integrity: every file is the one that was sealed",
    "V1": "arithmetic: tables and report follow from the replicates",
    "V2": "spot replay: blocks that the verifier chose follow from the inputs",
    "V3": "full replay: every block follows from the inputs",
    "V4": "oracles: published numbers are computed here",
    "V5": "refit: the posterior is that of the history",
}


@dataclass(frozen=True)
class Finding:
    """What one level checked.

    Parameters
    ----------
    level : str
        A key of `LEVELS`.
    checked : tuple of str
        What holds, one sentence each.
    problems : tuple of str
        What does not.
    not_checked : tuple of str
        What the level would be about, and could not be checked, each with the reason.
    """

    level: str
    checked: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a verification found.

    Parameters
    ----------
    root, seal : str
        Of the manifest.
    findings : tuple of Finding
        One a level, in their order; the first that has a problem is the last.
    not_asked : tuple of str
        What nobody asked to be checked.
    """

    root: str
    seal: str
    findings: tuple[Finding, ...]
    not_asked: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no level found a problem."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """All problems, of the level that found them."""
        return tuple(said for one in self.findings for said in one.problems)

    @property
    def reached(self) -> tuple[str, ...]:
        """The levels that hold: nothing speaks against them, and something was checked."""
        return tuple(one.level for one in self.findings if one.checked and not one.problems)

    def in_words(self) -> list[str]:
        """Return one line a level, then what was not checked; a verdict always says both.

        Examples
        --------
        >>> Verdict("ab", "cd", (Finding("V0", ("9 files",)),), ("the inputs",)).in_words()[-1]
        'Not checked: the inputs'
        """
        lines = [f"Root {self.root}", f"Seal {self.seal}"]
        for one in self.findings:
            held = "does NOT hold" if one.problems else "holds" if one.checked else "not checked"
            lines.append(f"{one.level} {LEVELS[one.level]}: {held}")
            lines += [f"   {said}" for said in (*one.checked, *one.problems)]
        untold = (*(said for one in self.findings for said in one.not_checked), *self.not_asked)
        return lines + [f"Not checked: {said}" for said in untold]
