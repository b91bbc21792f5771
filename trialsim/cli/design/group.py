"""``trialsim design``: one method a kind of trial."""

from __future__ import annotations

import click

from trialsim.cli.design.arms import anova, arms, clusters, one_arm, wedge
from trialsim.cli.design.event_counts import events, k_sample
from trialsim.cli.design.history import borrowed, enrolment, success
from trialsim.cli.design.looks import bounds, conditional, delayed
from trialsim.cli.design.marginal_contrasts import marginal
from trialsim.cli.design.ranked import ordinal, ranks
from trialsim.cli.design.several import graph
from trialsim.cli.design.survival import survival
from trialsim.cli.design.two_arms import counts, means, rates, strata
from trialsim.cli.design.visits import mmrm


@click.group()
def design() -> None:
    """Size a trial, or find its bounds, by formula: one method a kind of trial.

    \b
    Examples:
      trialsim design means --effect 0.5 --sd 1.2
      trialsim design bounds --looks 0.5,0.75,1 --futility hsd:-2
      trialsim design survival --help

    \b
    Two arms       means, rates, ordinal, ranks, counts, strata, marginal
    Events         events, survival, k-sample
    More arms      arms, anova
    Clusters       clusters, wedge
    One arm        one-arm
    Visits         mmrm
    Several looks  bounds, conditional, delayed
    Hypotheses     graph
    The past       borrowed, success
    Enrolment      enrolment

    Each prints a table, JSON with --json, and writes its table with --csv FILE. For what a prognostic score
    saves, see trialsim size; for fewer controls by borrowing, trialsim frontier.
    """


for method in (
    means, rates, ordinal, ranks, counts, strata, marginal, events, survival, k_sample, arms, anova, clusters,
    wedge, one_arm, mmrm, bounds, conditional, delayed,
    borrowed, success, enrolment, graph,
):  # fmt: skip
    design.add_command(method)
