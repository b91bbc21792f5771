"""``trialsim design``: one method a kind of trial."""

from __future__ import annotations

import click

from trialsim.cli.design.arms import anova, arms, clusters, mmrm, one_arm, wedge
from trialsim.cli.design.history import borrowed, enrolment, success
from trialsim.cli.design.looks import bounds, conditional, delayed
from trialsim.cli.design.marginal_contrasts import marginal
from trialsim.cli.design.several import graph
from trialsim.cli.design.survival import events, k_sample, survival
from trialsim.cli.design.two_arms import counts, means, ordinal, ranks, rates, strata


@click.group()
def design() -> None:
    """Size a trial, or find its bounds, by formula: one method a kind of trial.

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

    \b
    Examples:
      trialsim design means --effect 0.5 --sd 1.2
      trialsim design bounds --looks 0.5,0.75,1 --futility hsd:-2
      trialsim design survival --help
    """


for method in (
    means, rates, ordinal, ranks, counts, strata, marginal, events, survival, k_sample, arms, anova, clusters,
    wedge, one_arm, mmrm, bounds, conditional, delayed,
    borrowed, success, enrolment, graph,
):  # fmt: skip
    design.add_command(method)
