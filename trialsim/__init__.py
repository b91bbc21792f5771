"""Virtual clinical trials with placebo twins: from a protocol and a history to a sized control arm.

``import trialsim as ts`` is all that a session needs; what is used is imported then.

- `ts.run(path)`: a protocol file to its answer.
- `ts.size(effect, sd, ...)`: the size of a trial of means; `ts.design` has all other designs.
- `ts.analyse(data, method=...)`: one trial by a named method, those of other packages too.
- `ts.analysis`: how is a trial read? `ts.analysis.mmrm(data, ...)` and all other analyses of a data frame.
- `ts.design`: how big, and at what risk? Its functions solve designs: sizes, bounds, borrowing.
- `ts.protocol`, `ts.population`, `ts.disease`, `ts.prognosis`, `ts.trial`, `ts.study`, `ts.report`: the rest.
- `ts.Covariates`, `ts.History`, `ts.Twins`, `ts.TrialBlock`, `ts.Estimates`: what rooms hand to each other.

The main job's steps, each usable alone:

- `read_protocol`, `read_card`, `disease_model`: what is asked, of whom, and what happens to them.
- `generate_history`, `load_history`: past placebo participants.
- `fit_prognosis`, `learn`: placebo twins, and what they add beyond the baseline.
- `build_registers`, `plan_from`, `plan_cells`: worlds, sizes, and what is to be simulated.
- `Job`, `simulate`: simulation at those sizes.
- `run_study`, `write_report`: all of it at once, and the page that shows it.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim import analysis, design, disease, population, prognosis, protocol, report, study, trial
    from trialsim.analysis.by_name.by_method import analyse
    from trialsim.data import Covariates, Estimates, History, TrialBlock, Twins
    from trialsim.design.sizes.size_for_mean import size, size_for_power
    from trialsim.disease.registry import disease_model
    from trialsim.population.card_files.reading import read_card
    from trialsim.population.cards.card import CohortCard
    from trialsim.population.drawing.draw import draw_covariates
    from trialsim.prognosis.twins.fitting import fit_prognosis
    from trialsim.prognosis.twins.longitudinal import Prognosis
    from trialsim.protocol.protocol import Protocol, cohort_path, read_protocol
    from trialsim.report.page import write_report
    from trialsim.study.protocol_file import run
    from trialsim.study.sized.cells import plan_cells
    from trialsim.study.sized.history import generate_history, load_history
    from trialsim.study.sized.job import Job
    from trialsim.study.sized.run import build_registers, learn, plan_from, run_study
    from trialsim.study.sized.simulation import simulate
    from trialsim.version import __version__
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "CohortCard",
    "Covariates",
    "Estimates",
    "History",
    "Job",
    "Prognosis",
    "Protocol",
    "TrialBlock",
    "Twins",
    "__version__",
    "analyse",
    "analysis",
    "build_registers",
    "cohort_path",
    "design",
    "disease",
    "disease_model",
    "draw_covariates",
    "fit_prognosis",
    "generate_history",
    "learn",
    "load_history",
    "plan_cells",
    "plan_from",
    "population",
    "prognosis",
    "protocol",
    "read_card",
    "read_protocol",
    "report",
    "run",
    "run_study",
    "simulate",
    "size",
    "size_for_power",
    "study",
    "trial",
    "write_report",
]
