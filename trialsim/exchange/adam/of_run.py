"""The ADaM-like data sets of a run: its replicates, and the participants of some of its trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trialsim.errors import BundleError
from trialsim.exchange.adam.dataset import Dataset
from trialsim.exchange.adam.people import SimulatedTrial, measurements, subjects, times, twins
from trialsim.exchange.adam.replicates import replicates
from trialsim.protocol.declared import DeclaredTrial
from trialsim.study.bundles import open_bundle
from trialsim.study.bundles.of_declared_trial import BundledTrial
from trialsim.study.bundles.replay_declared import replay_declared_trial
from trialsim.study.bundles.tables import read_frame

_EXAMPLES = ("5th percentile", "50th percentile", "95th percentile")


def datasets_of_run(
    folder: Path, trials: Sequence[tuple[str, int]] = (), history: Path | None = None
) -> tuple[Dataset, ...]:
    """Return the ADaM-like data sets of a run.

    Parameters
    ----------
    folder : Path
        The bundle of the run.
    trials : sequence of (str, int)
        Cells and replicates whose participants are wanted; otherwise those of the first cell whose estimate
        is at the 5th, 50th and 95th percentile.
    history : Path, optional
        File of the history that its people come from, where they do.

    Returns
    -------
    tuple of Dataset
        ``ADSL``, ``ADEFF`` and ``ADTTE`` as the endpoint has them, ``ADTWIN`` where there are twins, and
        ``ADSIM``. ``ADSIM`` alone where a design adapts as it draws and keeps no participants, and where
        people are participants of a history, with their own baseline values: these are not synthetic.

    Raises
    ------
    BundleError
        The folder is no bundle, a trial is not in it, keeps no participants, or has those of a history.

    Examples
    --------
    >>> found = datasets_of_run(Path("reports/example"), [("alternative", 55)])
    >>> [(one.name, len(one.frame)) for one in found]
    [('ADSL', 444), ('ADEFF', 3108), ('ADTWIN', 2664), ('ADSIM', 24000)]
    """
    study = open_bundle(folder, history)
    if trials and has_people_of_history(study.trial):
        raise BundleError(
            "has people who are participants of a history, with their own baseline values: not synthetic",
            file=folder,
            mend="export without --trial, which writes every simulated trial and nobody's values",
        )
    simulated = [_simulated(study, *one) for one in (trials or _chosen(study))]
    found = [replicates(study)]
    if simulated:
        people = [subjects(simulated), measurements(simulated), times(simulated), twins(simulated)]
        found = [*(one for one in people if one is not None), *found]
    return tuple(found)


def has_people_of_history(trial: DeclaredTrial) -> bool:
    """Return whether simulated trials recruit participants of a history, as they were at baseline."""
    return trial.population is not None and trial.population.kind == "history"


def _chosen(study: BundledTrial) -> list[tuple[str, int]]:
    if study.cells[0].trial.in_stages or has_people_of_history(study.trial):
        return []
    examples = read_frame(study.folder / "examples", "trials")
    first = examples[examples["cell"] == study.cells[0].name]
    first = first[first["analysis"] == first["analysis"].iloc[0]]
    chosen = first[first["rule"].isin(_EXAMPLES)]
    return [
        (str(cell), int(number)) for cell, number in zip(chosen["cell"], chosen["replicate"], strict=True)
    ]


def _simulated(study: BundledTrial, name: str, replicate: int) -> SimulatedTrial:
    cell = study.cell(name)
    again = replay_declared_trial(study, cell, replicate)
    if not again.identical:
        raise BundleError(
            f"trial {replicate} of {name} is not the recorded one when it is computed again",
            file=study.folder,
            mend="see why: trialsim verify --replay, and export on the machine that ran it",
        )
    return SimulatedTrial(name, replicate, again.participants, cell.trial, study.registers(cell.trial))
