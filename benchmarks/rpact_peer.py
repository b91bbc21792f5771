"""R's rpact beside us in the same run, where it is installed; else its times from another machine."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

_TIMED = """
suppressMessages(library(rpact))
work <- function() {{ {work}; invisible(NULL) }}
invisible(work())
spent <- sum(system.time(for (i in seq_len({repeats})) work())[1:2])
cat(as.character(packageVersion("rpact")), 1000 * spent / {repeats} / {units}, "\\n")
"""

THREE_LOOKS = 'getDesignCharacteristics(getDesignGroupSequential(kMax = 3, typeOfDesign = "asOF"))'
FIVE_LOOKS = (
    'getDesignCharacteristics(getDesignGroupSequential(kMax = 5, beta = 0.1, typeOfDesign = "asOF", '
    'typeBetaSpending = "bsHSD", gammaB = -2, bindingFutility = FALSE))'
)
SURVIVAL = (
    'getSimulationSurvival(getDesignGroupSequential(kMax = 3, typeOfDesign = "asOF", '
    "informationRates = c(165, 248, 330) / 330), lambda2 = 0.0577622650466621, hazardRatio = 0.7, "
    "accrualTime = c(0, 24), maxNumberOfSubjects = 480, plannedEvents = c(165, 248, 330), "
    "dropoutRate1 = 0.05, dropoutRate2 = 0.05, dropoutTime = 12, directionUpper = FALSE, "
    "maxNumberOfIterations = 2000)"
)


@dataclass(frozen=True)
class Peer:
    """A peer's time in words, and in milliseconds where it was measured in this run."""

    words: str
    milliseconds: float | None = None

    def ratio(self, ours: float) -> float | None:
        """Return how many times slower the peer is; None where it was not measured here."""
        return None if self.milliseconds is None else self.milliseconds / ours


def rpact(work: str, elsewhere: str, repeats: int = 5, units: int = 1) -> Peer:
    """Return what rpact needs for some work in CPU time; `elsewhere` is said where it is not installed.

    Parameters
    ----------
    work : str
        An expression of R.
    elsewhere : str
        Its time on another machine, in words.
    repeats, units : int
        How often it is done, and how many units (such as trials) one time holds.
    """
    script = shutil.which("Rscript")
    if script is None:
        return Peer(elsewhere)
    code = _TIMED.format(work=work, repeats=repeats, units=units)
    done = subprocess.run([script, "-e", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return Peer(elsewhere)
    version, time = done.stdout.split()[-2:]
    return Peer(f"rpact {version} {float(time):.3g} ms of CPU", float(time))
