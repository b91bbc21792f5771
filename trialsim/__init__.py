"""Virtual clinical trials with placebo twins: from a protocol and a history to a sized control arm.

``import trialsim as ts`` is all that a session needs; what is used is imported then.

- `ts.run(path)`: a protocol file to its answer.
- `ts.size(effect, sd, ...)`: the size of a trial of means; `ts.design` has all other designs.
- `ts.analyse(data, method=...)`: one trial by a named method, those of other packages too.
- `ts.analysis`: how is a trial read? `ts.analysis.mmrm(data, ...)` and all other analyses of a data frame.
- `ts.design`: how big, and at what risk? Its functions solve designs: sizes, bounds, borrowing.
- `ts.protocol`, `ts.population`, `ts.disease`, `ts.prognosis`, `ts.trial`, `ts.study`, `ts.report`: the rest.
- `ts.Covariates`, `ts.History`, `ts.Twins`, `ts.Estimates`: what rooms hand to each other.

The steps from a protocol to a sized control arm, each usable alone:

- `read_trial`, `read_card`, `disease_model`: what is asked, of whom, and what happens to them.
- `learn_twins`, `fit_prognosis`: placebo twins, and what they add beyond the baseline.
- `Registers`: the people of each world. `control_arm_of`: sizes by formula, and what they rest on.
"""

import sys
from typing import TYPE_CHECKING

# `python -m trialsim` looks for every module in the folder that it is started in first, and would run a
# json.py of somebody else's. Modules come from Python alone, but for a source tree that is not installed.
if sys.argv[:1] == ["-m"] and "trialsim" in sys.orig_argv and not __file__.startswith(sys.path[0] + "/"):
    del sys.path[0]

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim import analysis, design, disease, population, prognosis, protocol, report, study, trial
    from trialsim.analysis.by_name.by_method import analyse
    from trialsim.data import Covariates, Estimates, History, Twins
    from trialsim.design.sizes.size_for_mean import size, size_for_power
    from trialsim.disease.registry import disease_model
    from trialsim.population.card_files.reading import read_card
    from trialsim.population.cards.card import CohortCard
    from trialsim.population.drawing.draw import draw_covariates
    from trialsim.prognosis.twins.fitting import fit_prognosis
    from trialsim.prognosis.twins.longitudinal import Prognosis
    from trialsim.protocol.declared.trial import DeclaredTrial, read_trial
    from trialsim.study.control_arm.plan import control_arm_of
    from trialsim.study.people.learning import learn_twins
    from trialsim.study.people.registers import Registers
    from trialsim.study.protocol_file import run
    from trialsim.version import __version__
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "CohortCard",
    "Covariates",
    "DeclaredTrial",
    "Estimates",
    "History",
    "Prognosis",
    "Registers",
    "Twins",
    "__version__",
    "analyse",
    "analysis",
    "control_arm_of",
    "design",
    "disease",
    "disease_model",
    "draw_covariates",
    "fit_prognosis",
    "learn_twins",
    "population",
    "prognosis",
    "protocol",
    "read_card",
    "read_trial",
    "report",
    "run",
    "size",
    "size_for_power",
    "study",
    "trial",
]
