"""What shows that the numbers are those of the protocol: seeds, versions, order of events, verification."""

from __future__ import annotations

from trialsim.report.guidances.run import Run
from trialsim.report.guidances.said import Answer, CitedTable, Words, answered, say
from trialsim.study.bundles.alone.files import strict_json
from trialsim.study.bundles.alone.sealing import LOG, log_lines

_PROGRAMS = ("trialsim", "python", "numpy", "scipy", "numba", "pymc", "nutpie", "system", "machine")


def software(run: Run) -> Answer:
    """Return seed, versions and how anybody makes the numbers again."""
    versions = run.study.manifest["versions"]
    rows = tuple((Words(name), Words(str(versions[name]))) for name in _PROGRAMS if name in versions)
    said = say(
        "Chance comes from the seed {seed}; each stream is named by what it is for, so that scenarios of one "
        "size share their chance. The numbers do not depend on the number of processes.",
        seed=run.declared("seed"),
    )  # fmt: skip
    again = say("{command} computes any trial again, and {verify} all of them.",
                command="trialsim replay RUN CELL REPLICATE", verify="trialsim verify RUN --level "
                                                                     "V3")  # fmt: skip
    return answered(said, again, tables=[CitedTable("Versions", ("part", "version"), rows)])


def plan_before_outcomes(run: Run) -> Answer:
    """Return the order of events: the protocol and the plan were frozen before the first outcome."""
    events = [strict_json(line, LOG) for line in log_lines(run.study.folder)]
    rows = tuple((Words(one["event"]), Words(one["time"]), Words(str(one["of"])[:12])) for one in events)
    return answered(
        say("The plan is the protocol, frozen before the first outcome was simulated; events are chained by "
            "hashes (tamper-evident), their times are those of the machine that ran."),
        tables=[CitedTable("Events", ("event", "time", "hash of"), rows)],
    )  # fmt: skip


def verification(run: Run) -> Answer:
    """Return what a verification of the bundle found, and what it did not look at."""
    rows = tuple((Words("holds"), Words(said)) for said in run.checked)
    rows += tuple((Words("not checked"), Words(said)) for said in run.not_checked)
    return answered(
        say("Before this page was written, the bundle was held against itself:"),
        tables=[CitedTable("Verification", ("state", "what"), rows)],
    )


def deviations(run: Run) -> Answer:
    """Return what departs from the plan: cells that were refused, and the rule that ended cells."""
    left = len(run.plan.refused)
    if left:
        return answered(say("Some planned cells were refused before anything ran; they stand with their "
                            "reasons "
                            "under scenarios. Nothing else departs from the plan."))  # fmt: skip
    return answered(say("Every planned cell ran, and what ran is what was planned: the verification "
                        "holds the "
                        "plan against the protocol."))  # fmt: skip
