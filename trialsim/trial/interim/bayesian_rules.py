"""Bayesian rules for adaptive trials with binary outcomes: posterior and predictive probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaln, gammaln, roots_legendre

from trialsim.data import Floats
from trialsim.errors import DesignError
from trialsim.trial.interim.staged import Rule, StageAction, StagedState

_NODES = 96


def probability_best(successes: ArrayLike, n: ArrayLike, prior: tuple[float, float] = (1.0, 1.0)) -> Floats:
    """Return the posterior probability (R, A) that each arm has the largest response rate.

    Beta(a, b) priors, by Gauss–Legendre quadrature of the largest of independent betas.

    Parameters
    ----------
    successes : array (R, A)
        Responders of each arm.
    n : array (R, A)
        Participants of each arm, at least as many.
    prior : pair of float
        a and b of every arm's Beta prior, above 0.

    Returns
    -------
    ndarray (R, A)
        Rows that sum to 1.

    Examples
    --------
    >>> probability_best(np.array([[3.0, 3.0]]), np.array([[10.0, 10.0]])).round(6)
    array([[0.5, 0.5]])
    """
    successes = np.asarray(successes, dtype=np.float64)
    n = np.asarray(n, dtype=np.float64)
    a, b = successes + prior[0], n - successes + prior[1]
    nodes, weights = roots_legendre(_NODES)
    # Nodes over the span where any arm has mass keep the rule accurate for large trials.
    mean, spread = a / (a + b), np.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
    low = np.clip((mean - 9 * spread).min(axis=1), 0.0, 1.0)
    high = np.clip((mean + 9 * spread).max(axis=1), 0.0, 1.0)
    x = low[:, None] + (high - low)[:, None] * (nodes + 1) / 2
    inside = np.clip(x[:, None, :], 1e-300, 1 - 1e-16)
    a3, b3 = a[:, :, None], b[:, :, None]
    density = np.exp((a3 - 1) * np.log(inside) + (b3 - 1) * np.log1p(-inside) - betaln(a3, b3))
    below = betainc(a3, b3, inside)
    out = np.empty(a.shape)
    for arm in range(a.shape[1]):
        others = np.delete(below, arm, axis=1).prod(axis=1)
        out[:, arm] = (density[:, arm] * others * weights).sum(axis=1) * (high - low) / 2
    return out


def thompson_rule(
    batch: int,
    generator: np.random.Generator,
    *,
    claim: float,
    power: float = 0.5,
    least: float = 0.1,
    futility: float = 0.0,
) -> Rule:
    """Return a response-adaptive rule for binary outcomes with a Bayesian decision.

    Parameters
    ----------
    batch : int
        Participants of the next stage over all arms.
    generator : numpy.random.Generator
        Stream ``randomisation``, which splits each batch.
    claim : float
        Efficacy is claimed when an active arm's posterior probability of being best is at or above it.
    power : float
        Arms are allocated in proportion to their probability of being best to this power (Thall and
        Wathen 2007, Eur. J. Cancer 43:859); 0 allocates equally.
    least : float
        Smallest share of any arm.
    futility : float
        The trial stops when the best active arm's probability is below it.

    Returns
    -------
    callable
        A rule for `simulate_staged`.

    Raises
    ------
    DesignError
        A batch, power or bound that cannot be, or a least share of 1 over the arms or more.

    Examples
    --------
    >>> rule = thompson_rule(20, np.random.default_rng(1), claim=0.99)
    >>> n, every = np.full((1, 2), 20), np.ones((1, 2), dtype=bool)
    >>> total = np.array([[4.0, 9.0]])
    >>> rule(StagedState(0, n, total, total, n, total, every, every[:, 0])).next_n
    array([[ 5, 15]])
    """
    if batch < 1 or not 0 < claim <= 1 or power < 0 or not 0 <= futility < claim:
        raise DesignError(
            "needs batch ≥ 1, 0 ≤ futility < claim ≤ 1 and power ≥ 0",
            field="thompson_rule",
            value=(batch, claim, power, futility),
        )

    def decide(state: StagedState) -> StageAction:
        arms = state.n.shape[1]
        if not 0 <= least * arms < 1:
            raise DesignError(f"must be below 1/{arms}", field="least", value=least)
        best = probability_best(state.total, state.n.astype(np.float64))
        leader = best[:, 1:].max(axis=1)
        decision = np.where(leader >= claim, 1, np.where(leader < futility, -1, 0)).astype(np.int8)
        weight = np.clip(best, 0.0, 1.0) ** power
        share = least + (1 - least * arms) * weight / weight.sum(axis=1, keepdims=True)
        return StageAction(decision, next_n=generator.multinomial(batch, share))

    return decide


def predictive_rule(
    look_n: Sequence[int], final_n: int, claim: float, *, stop_above: float, stop_below: float
) -> Rule:
    r"""Return the rule of a two-arm binary trial that is watched by its predictive probability.

    Parameters
    ----------
    look_n : sequence of int (K,)
        Participants an arm at each stage, the last one `final_n`.
    final_n : int
        Participants an arm at the end.
    claim : float
        Success at the end: P(p₁ > p₀ | all data) at or above it, with uniform priors.
    stop_above, stop_below : float
        The trial stops when the predictive probability of that success is at or above, or below.

    Returns
    -------
    callable
        A rule for `simulate_staged`.

    Raises
    ------
    DesignError
        Looks that do not ascend to the final size, or bounds that cannot be.

    Notes
    -----
    Both arms' future successes are beta-binomial; the predictive probability sums over every pair of
    them, on a table made once for each look.

    Examples
    --------
    >>> from trialsim.trial.interim.staged import simulate_staged
    >>> rule = predictive_rule((20, 40), 40, 0.95, stop_above=0.95, stop_below=0.05)
    >>> rng = np.random.default_rng(1)
    >>> trials = simulate_staged("binary", (0.2, 0.8), [[20, 20], [20, 20]], rule, 50, rng)
    >>> bool((trials.stage == 0).any())
    True
    """
    ns = list(look_n)
    if not ns or ns[-1] != final_n or ns != sorted(set(ns)) or ns[0] < 1:
        raise DesignError("must ascend and end with final_n", field="look_n", value=ns)
    if not 0 <= stop_below < stop_above <= 1 or not 0 < claim < 1:
        raise DesignError(
            "needs 0 ≤ stop_below < stop_above ≤ 1 and a claim in (0, 1)",
            field="predictive_rule",
            value=(claim, stop_above, stop_below),
        )
    success = _success_table(final_n) >= claim

    def decide(state: StagedState) -> StageAction:
        k = state.stage
        counts = state.total.astype(np.int64)
        if k == len(ns) - 1:
            return StageAction(success[counts[:, 0], counts[:, 1]].astype(np.int8))
        table = predictive_table(ns[k], final_n, success)
        chance = table[counts[:, 0], counts[:, 1]]
        return StageAction(
            np.where(chance >= stop_above, 1, np.where(chance < stop_below, -1, 0)).astype(np.int8)
        )

    return decide


def predictive_table(n: int, final_n: int, success: ArrayLike) -> Floats:
    """Return the predictive probability (n + 1, n + 1) of final success by control and active successes.

    Parameters
    ----------
    n : int
        Participants seen in each arm.
    final_n : int
        Participants of each arm at the end, at least n.
    success : array of bool (final_n + 1, final_n + 1)
        Whether the end is a success, by control and active responders.

    Returns
    -------
    ndarray (n + 1, n + 1)
        In [0, 1], by control and active responders seen, under uniform priors.

    Examples
    --------
    >>> ends = np.arange(5)
    >>> predictive_table(2, 4, ends[None, :] > ends[:, None]).round(2)
    array([[0.27, 0.84, 0.99],
           [0.03, 0.33, 0.84],
           [0.  , 0.03, 0.27]])
    """
    success = np.asarray(success)
    weights = _beta_binomial(n, final_n - n)
    final = np.zeros((n + 1, final_n + 1))
    for y in range(n + 1):
        final[y, y : y + final_n - n + 1] = weights[y]
    # A plain sum: BLAS would depend on the number of threads in its last digits.
    inner = (final[:, None, :] * success.astype(np.float64)[None, :, :]).sum(axis=2)
    return np.asarray((final[:, None, :] * inner[None, :, :]).sum(axis=2))


def _beta_binomial(n: int, future: int) -> Floats:
    """Return P(x of `future` succeed | y of n did), (n + 1, future + 1), uniform prior."""
    y, x = np.arange(n + 1)[:, None], np.arange(future + 1)[None, :]
    choose = gammaln(future + 1) - gammaln(x + 1) - gammaln(future - x + 1)
    return np.asarray(np.exp(choose + betaln(1 + y + x, 1 + n - y + future - x) - betaln(1 + y, 1 + n - y)))


def _success_table(n: int) -> Floats:
    """Return P(p₁ > p₀ | successes) for n participants an arm (n + 1, n + 1), control by active."""
    s0, s1 = np.divmod(np.arange((n + 1) ** 2), n + 1)
    pairs = np.column_stack([s0, s1]).astype(np.float64)
    best = probability_best(pairs, np.full(pairs.shape, float(n)))
    return best[:, 1].reshape(n + 1, n + 1)
