"""``trialsim design`` for two arms whose outcomes are compared by their order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.design.answer import Answer, answers, few, two_arms
from trialsim.cli.design.options import (
    NUMBERS,
    POSITIVE,
    RATE,
    direction_option,
    level_options,
    total_option,
)

if TYPE_CHECKING:
    from trialsim.design.sizes.means import TwoArmSize


@click.command()
@click.option(
    "--categories",
    type=NUMBERS,
    required=True,
    help="Probability of each ordered category in controls, adding up to 1, such as 0.2,0.5,0.2,0.1.",
)
@click.option(
    "--odds-ratio",
    type=POSITIVE,
    required=True,
    help="Assumed odds ratio of the first categories, active over control; 1 is no effect.",
)
@click.option(
    "--margin",
    type=POSITIVE,
    default=1.0,
    show_default=True,
    help="Odds ratio under the null: 1 shows superiority, another value non-inferiority.",
)
@direction_option
@total_option
@level_options()
@answers
def ordinal(
    categories: tuple[float, ...],
    odds_ratio: float,
    margin: float,
    direction: Any,
    total: float | None,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size an ordinal outcome by proportional odds (Whitehead 1993).

    \b
    Example:
      trialsim design ordinal --categories 0.2,0.5,0.2,0.1 --odds-ratio 2.428
    """
    import pandas as pd

    from trialsim.design.other_trials import proportional_odds_power, proportional_odds_size
    from trialsim.design.other_trials.ranks import shifted_categories

    shared: dict[str, Any] = {
        "alpha": alpha,
        "allocation": allocation,
        "margin": margin,
        "direction": direction,
    }
    active = shifted_categories(categories, odds_ratio)
    table = pd.DataFrame(
        {"category": range(1, 1 + len(categories)), "control": categories, "active": active.round(4)}
    )
    against = "" if margin == 1 else f" against {margin:g}"
    headline = f"Proportional odds, odds ratio {odds_ratio:g}{against}, one-sided alpha {alpha:g}."
    if total is not None:
        found = proportional_odds_power(total, categories, odds_ratio, **shared)
        return Answer(headline, {"total": total, "power": found}, {"Categories": table})
    size = proportional_odds_size(categories, odds_ratio, power=power, **shared)
    facts, note = _that_can_claim(size, power, alpha, margin == 1)
    return Answer(headline, facts, {"Categories": table}, note)


@click.command()
@click.option("--win-probability", type=RATE, help="P(active > control) + half of P(equal); 0.5 is none.")
@click.option(
    "--ties",
    type=NUMBERS,
    help="Probability of each value that several people can share, such as 0.2,0.1.  [default: no ties]",
)
@click.option("--win-ratio", type=POSITIVE, help="In its place wins over losses, of a hierarchy of outcomes.")
@click.option(
    "--tied",
    type=click.FloatRange(0, 1, max_open=True),
    help="Win ratio: probability of a tied pair.  [default: 0]",
)
@click.option(
    "--null",
    type=RATE,
    default=0.5,
    show_default=True,
    help="Win probability under the null; below 0.5 a margin of non-inferiority.",
)
@direction_option
@total_option
@level_options()
@answers
def ranks(
    win_probability: float | None,
    ties: tuple[float, ...] | None,
    win_ratio: float | None,
    tied: float | None,
    null: float,
    direction: Any,
    total: float | None,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Size a comparison of ranks, from the probability that a treated one does better, or from a win ratio.

    \b
    Examples:
      trialsim design ranks --win-probability 0.65
      trialsim design ranks --win-ratio 1.5 --tied 0.1

    With --win-probability it is Wilcoxon's rank-sum test (Noether 1987), with --win-ratio that of wins in a
    hierarchy of outcomes (Yu and Ganju 2022).
    """
    from trialsim.design.other_trials import rank_sum_power, rank_sum_size, win_ratio_power, win_ratio_size
    from trialsim.errors import DesignError

    if (win_probability is None) == (win_ratio is None):
        raise DesignError("or --win-ratio is needed, and not both", field="--win-probability",
                          value=win_probability)  # fmt: skip
    if win_ratio is not None:
        if ties is not None:
            raise DesignError("goes with --win-probability", field="--ties", value=ties, mend="give --tied")
        if null != 0.5:
            raise DesignError("goes with --win-probability", field="--null", value=null, mend="leave it out")
        of_wins: dict[str, Any] = {
            "tied": tied or 0.0, "alpha": alpha, "allocation": allocation, "direction": direction
        }  # fmt: skip
        headline = f"Win ratio {win_ratio:g}, {tied or 0.0:.0%} of pairs tied, one-sided alpha {alpha:g}."
        if total is not None:
            return Answer(headline, {"total": total, "power": win_ratio_power(total, win_ratio, **of_wins)})
        found, note = _that_can_claim(win_ratio_size(win_ratio, power=power, **of_wins), power, alpha)
        return Answer(headline, found, note=note)
    if tied is not None:
        raise DesignError("goes with --win-ratio", field="--tied", value=tied, mend="give --ties")
    assert win_probability is not None
    shared: dict[str, Any] = {
        "alpha": alpha, "allocation": allocation, "ties": ties, "null": null, "direction": direction
    }  # fmt: skip
    against = "" if null == 0.5 else f" against {null:g}"
    headline = (
        f"Wilcoxon's rank sum, win probability {win_probability:g}{against}, one-sided alpha {alpha:g}."
    )
    if total is not None:
        return Answer(headline, {"total": total, "power": rank_sum_power(total, win_probability, **shared)})
    found, note = _that_can_claim(
        rank_sum_size(win_probability, power=power, **shared), power, alpha, null == 0.5
    )
    return Answer(headline, found, note=note)


def _that_can_claim(
    size: TwoArmSize, power: float, alpha: float, exact: bool = True
) -> tuple[dict[str, Any], str | None]:
    """Return a size at which ranks can claim at all, and what to say of it.

    The most extreme ranks of n controls and m treated have an exact p value of 1 / C(n + m, n): below some
    size no outcome of the trial is significant, whatever a large-sample formula says.
    """
    facts, note = two_arms(size, power), few(size.total)
    if not exact:  # against a margin no permutation has the null's law
        return facts, note
    control, active = size.whole
    ratio, asked = size.active / size.control, (control, active)
    while alpha * math.comb(control + active, control) < 1.0:
        control += 1
        active = max(active, math.ceil(ratio * control - 1e-9))
    if (control, active) == asked:
        return facts, note
    facts |= {"controls": control, "active": active, "total": control + active}
    least = f"With fewer, no ranks are significant at {alpha:g}: the exact p value cannot be that small."
    return facts, f"{least} {note}" if note else least
