"""Which estimator answers to a name, what does it read, and what does it estimate?

- `Estimator`: one analysis under its name; `frame` reads one trial from a data frame.
- `Reader`: how it reads simulated trials of one kind of endpoint; `block` reads thousands of them.
- `Seen` and its kinds: what a look at simulated trials shows to a reader.
- `register`, `estimator`, `estimators`, `reader`, `served`: all of them by name, of other packages too.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.registry.block_reader import Reader, Setting, Truth
    from trialsim.registry.interface import Estimator, Option
    from trialsim.registry.registered import (
        ENTRY_POINTS,
        estimator,
        estimators,
        reader,
        readers,
        register,
        served,
        simulated_names,
    )
    from trialsim.registry.seen import (
        Seen,
        SeenJoint,
        SeenRecurrences,
        SeenTimes,
        SeenValues,
        SeenVisits,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ENTRY_POINTS",
    "Estimator",
    "Option",
    "Reader",
    "Seen",
    "SeenJoint",
    "SeenRecurrences",
    "SeenTimes",
    "SeenValues",
    "SeenVisits",
    "Setting",
    "Truth",
    "estimator",
    "estimators",
    "reader",
    "readers",
    "register",
    "served",
    "simulated_names",
]
