"""What a gauntlet found: false claims beside the cap, what they are worth, and one conclusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta

from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, number

ALL = "all groups"
_REFERENCE = "none"
_ALONE = ("one past trial", "all past trials pooled", "their prediction (map)")
_LEVEL = 0.95


@dataclass(frozen=True, repr=False)
class Gauntlet(Printed):
    """False claims of benefit, by every way to borrow, on trials without effect made of real control arms.

    Parameters
    ----------
    claims : DataFrame
        One row a group (and ``all groups``) and way: ``false_claims`` is the mean over left-out trials,
        ``monte_carlo_error`` that of the random splits, ``lower`` and ``upper`` the 95 % interval over
        trials (Clopper and Pearson, of as many claims as the rates of the trials add up to), ``worst`` and
        ``worst_trial``, ``gained`` extra controls (n (V_none / V − 1), mean), ``gained_share`` that in own
        controls, and ``gate``: open, shut, or reference.
    alone : DataFrame
        The same without own controls: whole arms against outside controls only.
    groups : DataFrame
        One row a group: trials, participants, events, the SD of the log hazards, and in how many the
        trial left out is inside its 95 % prediction.
    arms : DataFrame
        One row a left-out control arm: what it was, and what the others predicted.
    left_out : DataFrame
        Figures that took no part, with why.
    most_claims : float
        The cap on the rate of false claims.
    splits : int
        Asked of each arm.
    unreadable : int
        Splits of all arms in which a part had no event; they are not in the rates.
    """

    claims: pd.DataFrame
    alone: pd.DataFrame
    groups: pd.DataFrame
    arms: pd.DataFrame
    left_out: pd.DataFrame
    most_claims: float
    splits: int
    unreadable: int

    @classmethod
    def of(
        cls, rows: pd.DataFrame, alone: pd.DataFrame, left_out: pd.DataFrame, most: float, splits: int
    ) -> Gauntlet:
        """Return the tables of a gauntlet from a row a left-out arm and way, and a row an arm."""
        names = [*alone["group"].unique(), ALL]
        if len(names) == 2:
            names = names[:1]
        claims = [_claims(_of_group(rows, name), name, most) for name in names]
        outside = [_outside(_of_group(alone, name), name, most) for name in names]
        groups = [_group(one, str(name)) for name, one in alone.groupby("group", sort=False)]
        first = rows[rows["borrowing"] == _REFERENCE]
        return cls(
            pd.concat(claims, ignore_index=True),
            pd.concat(outside, ignore_index=True),
            pd.DataFrame(groups),
            alone.drop(columns=list(_ALONE)),
            left_out,
            most,
            splits,
            int(splits * len(first) - first["splits"].sum()),
        )

    @property
    def overall(self) -> pd.DataFrame:
        """Rows of all groups together."""
        return self.claims[self.claims["group"] == self.claims["group"].iloc[-1]].reset_index(drop=True)

    @property
    def opened(self) -> list[str]:
        """Ways whose gate is open over all groups."""
        found = self.overall
        return [str(name) for name in found.loc[found["gate"] == "open", "borrowing"]]

    def conclusion(self) -> list[str]:
        """Return what follows, in sentences; the first is the answer."""
        ways: dict[str, dict[str, Any]] = {
            str(row["borrowing"]): {str(name): value for name, value in row.items()}
            for row in self.overall.to_dict("records")
        }
        own = ways.pop(_REFERENCE)
        trials, cap, opened = own["trials"], f"{self.most_claims:.2%}", self.opened
        least = min(ways, key=lambda name: float(ways[name]["false_claims"]))
        if opened:
            answer = (
                f"Open to {len(opened)} of {len(ways)} ways to borrow, {'; '.join(opened)}: on the control "
                f"arms of these {trials} trials they keep false claims of benefit within {cap}"
            )
            gains = "; ".join(f"{name} {ways[name]['gained_share']:+.0%}" for name in opened)
            use = f"What they are worth, as a share of the trial's own controls: {gains}"
        else:
            answer = (
                f"Shut: on the control arms of these {trials} trials no way to borrow keeps false claims of "
                f"benefit within {cap}; {least} comes nearest, with {ways[least]['false_claims']:.1%}"
            )
            use = "Size the control arm of such a trial as if there were no past controls"
        widest = max(opened or [least], key=lambda name: float(ways[name]["upper"]))
        upper = float(ways[widest]["upper"])
        doubt = (
            f"{trials} trials cannot show more: by their number alone the rate of {widest} may be as high as "
            f"{upper:.1%}"
            if upper > self.most_claims
            else "The intervals over trials lie below the cap as well"
        )
        at = max(ways, key=lambda name: float(ways[name]["worst"]))
        return [
            answer,
            use,
            f"Without borrowing {own['false_claims']:.1%} of trials claim, as they may where nothing works",
            doubt,
            f"At worst, {at} claims a benefit in {ways[at]['worst']:.0%} of the splits of "
            f"{ways[at]['worst_trial']}",
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return the claims, one row a group and way."""
        return self.claims.copy()

    def _title(self) -> str:
        return f"Gauntlet of {len(self.arms)} control arms, each left out in turn"

    def _facts(self) -> Facts:
        return {"cap on false claims": number(self.most_claims), "splits of each arm": str(self.splits)}

    def _tables(self) -> Tables:
        return {
            "False claims of benefit": self.overall.drop(columns=["group", "setting", "worst_trial"]),
            "Without own controls": self.alone,
            "Groups": self.groups,
        }

    def _notes(self) -> Sequence[str]:
        return [f"{sentence}." for sentence in self.conclusion()]


def rate_interval(rates: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean of T rates of trials, by Clopper and Pearson.

    The rates add up to s; s of T claims have the limits Beta(s, T − s + 1) and Beta(s + 1, T − s). A claim
    drawn by each trial's rate would be binomial with the same mean and vary more: the interval is wide.

    Examples
    --------
    >>> tuple(round(limit, 4) for limit in rate_interval(np.array([0.0, 1.0, 0.0, 0.0])))
    (0.0063, 0.8059)
    """
    total, trials = float(np.sum(rates)), len(rates)
    tail = (1 - _LEVEL) / 2
    lower = 0.0 if total <= 0 else float(beta.ppf(tail, total, trials - total + 1))
    upper = 1.0 if total >= trials else float(beta.ppf(1 - tail, total + 1, trials - total))
    return lower, upper


def _of_group(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows if name == ALL else rows[rows["group"] == name]


def _rates(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return the mean rate of each trial over its outcomes: its people are counted once."""
    return rows.groupby("trial")[column].mean()


def _claims(rows: pd.DataFrame, name: str, most: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"group": name, "borrowing": way, "setting": own["setting"].iloc[0]}
        | _summary(_rates(own, "false_claims"))
        | {
            "monte_carlo_error": _error_of_splits(own),
            "worst": own["false_claims"].max(),
            "worst_trial": _named(own.iloc[int(own["false_claims"].argmax())], name),
            "gained": own["gained"].mean(),
            "gained_share": own["gained_share"].mean(),
            "cap": most,
            "gate": "reference" if way == _REFERENCE else _gate(_rates(own, "false_claims"), most),
        }
        for way, own in rows.groupby("borrowing", sort=False)
    )


def _named(row: pd.Series, group: str) -> str:
    return f"{row['trial']} ({row['group']})" if group == ALL else str(row["trial"])


def _outside(rows: pd.DataFrame, name: str, most: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"group": name, "control arm": way}
        | _summary(_rates(rows, way))
        | {"cap": most, "gate": _gate(_rates(rows, way), most)}
        for way in _ALONE
    )


def _summary(rates: pd.Series) -> dict[str, float]:
    lower, upper = rate_interval(rates.to_numpy())
    return {"trials": len(rates), "false_claims": float(rates.mean()), "lower": lower, "upper": upper}


def _gate(rates: pd.Series, most: float) -> str:
    return "open" if rates.mean() <= most else "shut"


def _error_of_splits(rows: pd.DataFrame) -> float:
    """Return the Monte Carlo error of the mean over trials of their mean rates."""
    variance = rows["false_claims"] * (1 - rows["false_claims"]) / rows["splits"]
    arms = rows.groupby("trial")["false_claims"].transform("size")
    return float(np.sqrt((variance / arms**2).sum()) / rows["trial"].nunique())


def _group(rows: pd.DataFrame, name: str) -> dict[str, object]:
    return {
        "group": name,
        "trials": len(rows),
        "participants": int(rows["participants"].sum()),
        "events": int(rows["events"].sum()),
        "sd_of_log_hazards": float(rows["log_hazard"].std(ddof=1)),
        "inside_95": int(rows["inside_95"].sum()),
    }
