"""Simulation-based calibration: whether a sampler finds the parameters that made the data.

Parameters are drawn from the prior, data from the parameters, and the posterior is sampled as ever. The
rank of each true value among its posterior draws is then uniform, whatever the model (Cook, Gelman and
Rubin 2006; Talts et al. 2018). Uniformity is judged by simultaneous bands of the ranks' distribution
function (Saeilynoja, Buerkner and Vehtari 2022), at 95 % over all quantities of a model together. Beside
the parameters a quantity that depends on the data, the log likelihood, is ranked: it finds
posteriors that ignore part of the data (Modrak et al. 2023).

The result of the long study is kept as a small record with the date of the study and the hash of the code
that makes the model: prior, likelihood and exact draws, not how a sampler is called, nor where its parts
are imported from. A record of other code, or an old one, proves nothing.
"""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

from trialsim.data import Bools, Floats, Ints
from trialsim.errors import HistoryError

FORMAT_TAG = "trialsim.sbc/1"
OLDEST_WEEKS = 26
CONFIDENCE = 0.95
_NULL_STUDIES = 20_000
# A file, and the names at its top level that make the model; no names for the whole file.
Source = tuple[Path, tuple[str, ...]]
_SKIPPED_TOKENS = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


@dataclass(frozen=True)
class RankRecord:
    """What became of a calibration study.

    Parameters
    ----------
    model : str
        Name of the model.
    source : str
        `source_hash` of the code that makes it.
    day : str
        Date of the study, ISO.
    seed, simulations : int
        Master seed, and fits.
    settings : dict
        Size of each fit and of its data, in words and numbers.
    counts : dict of str to list of int (L+1,)
        How often each rank among L draws occurred, by quantity.
    worst_rhat, divergences : float
        Largest R-hat of any fit, and divergent iterations in all: no fit is left out.
    """

    model: str
    source: str
    day: str
    seed: int
    simulations: int
    settings: dict[str, Any]
    counts: dict[str, list[int]]
    worst_rhat: float
    divergences: float

    def save(self, path: Path) -> None:
        """Write the record as JSON."""
        text = json.dumps({"format": FORMAT_TAG, **asdict(self)}, sort_keys=True)
        path.write_text(text.replace("], ", "],\n") + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> RankRecord:
        """Read what `save` wrote."""
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts.pop("format", None) != FORMAT_TAG:
            raise HistoryError(f"is not of the format {FORMAT_TAG}", file=path, mend="run the study again")
        return cls(**facts)


def require_current(record: RankRecord, sources: Sequence[Source], today: date) -> None:
    """Raise if a record is of other sources than these, or older than 26 weeks.

    Raises
    ------
    HistoryError
        Says which of the two it is.
    """
    mend = f"run python -m benchmarks.calibrate_posteriors {record.model}"
    if record.source != source_hash(sources):
        raise HistoryError(
            f"the calibration record of {record.model} is of other sources", field="source", mend=mend
        )
    weeks = (today - date.fromisoformat(record.day)).days / 7
    if not 0 <= weeks <= OLDEST_WEEKS:
        raise HistoryError(
            f"the calibration record of {record.model} is not from the last {OLDEST_WEEKS} weeks",
            field="day",
            value=record.day,
            mend=mend,
        )


def source_hash(sources: Sequence[Source]) -> str:
    """Return the hash of the code in files: comments, docstrings, layout and imports do not count.

    Imports say where a name is kept, so that a file may move without a new study; the code that makes a
    model is itself among the sources.

    Raises
    ------
    HistoryError
        A file lacks a name that should make the model.
    """
    state = blake2b(digest_size=16)
    for file, names in sources:
        before = tokenize.NEWLINE
        code = _definitions(file, names)
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            starts_line = before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
            is_docstring = token.type == tokenize.STRING and starts_line
            if token.type not in (tokenize.COMMENT, tokenize.NL):
                before = token.type
            if token.type not in _SKIPPED_TOKENS and not is_docstring:
                state.update(token.string.encode() + b"\0")
    return state.hexdigest()


def _definitions(file: Path, names: tuple[str, ...]) -> str:
    """Return the text of a file, or of the named definitions at its top level, without any import."""
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    tree = ast.parse(text)
    found: set[str] = set()
    kept: list[int] = []
    for node in tree.body:
        here = _defined(node)
        if not names or here & set(names):
            found |= here
            decorators = [one.lineno for one in getattr(node, "decorator_list", [])]
            kept += range(min([node.lineno, *decorators]) - 1, node.end_lineno or node.lineno)
    if absent := sorted(set(names) - found):
        raise HistoryError(
            f"does not define {', '.join(absent)}", file=file, mend="name what makes the model"
        )
    dropped = {line for node in ast.walk(tree) if _only_imports(node) for line in _lines_of(node)}
    return "".join(f"{lines[line]}\n" for line in kept if line not in dropped)


def _defined(node: ast.stmt) -> set[str]:
    """Return the names that a statement at the top level of a file defines."""
    if isinstance(node, ast.Assign):
        return {one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name)}
    return {node.name} if hasattr(node, "name") else set()


def _only_imports(node: ast.AST) -> bool:
    """Return whether a node is an import, or an `if TYPE_CHECKING` over imports alone."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return all(isinstance(one, ast.Import | ast.ImportFrom) for one in node.body) and not node.orelse
    return isinstance(node, ast.Import | ast.ImportFrom)


def _lines_of(node: ast.AST) -> range:
    return range(node.lineno - 1, node.end_lineno)  # type: ignore[attr-defined]


def count_ranks(ranks: Ints, draws: int) -> Ints:
    """Return how often each rank 0 to `draws` occurs (draws + 1,)."""
    return np.bincount(ranks, minlength=draws + 1)


def ecdf_bands(
    simulations: int, draws: int, confidence: float, generator: np.random.Generator
) -> tuple[Ints, Ints]:
    """Return the least and the largest cumulative counts (L+1,) of uniform ranks, held simultaneously.

    At z = (r+1)/(L+1) the count is binomial. The pointwise level is the quantile of the smallest
    two-sided tail probability along the whole function in simulated uniform studies.

    Examples
    --------
    >>> low, high = ecdf_bands(200, 19, 0.95, np.random.default_rng(1))
    >>> bool((low <= 10 * np.arange(1, 21)).all() and (high >= 10 * np.arange(1, 21)).all())
    True
    """
    share = np.arange(1, draws + 2) / (draws + 1)
    uniform = np.full(draws + 1, 1 / (draws + 1))
    table = _tails(np.arange(simulations + 1)[:, None], simulations, share)
    smallest = np.empty(_NULL_STUDIES)
    for part in np.array_split(np.arange(_NULL_STUDIES), 40):
        cumulative = generator.multinomial(simulations, uniform, size=len(part)).cumsum(axis=1)
        smallest[part] = table[cumulative, np.arange(draws + 1)].min(axis=1)
    allowed = table >= np.quantile(smallest, 1 - confidence)
    return allowed.argmax(axis=0), simulations - allowed[::-1].argmax(axis=0)


def _tails(cumulative: Ints, simulations: int, share: Floats) -> Floats:
    """Return twice the smaller tail probability of cumulative counts."""
    below = binom.cdf(cumulative, simulations, share)
    above = binom.sf(cumulative - 1, simulations, share)
    return np.asarray(2 * np.minimum(below, above).clip(max=0.5))


def uniform(record: RankRecord, generator: np.random.Generator) -> dict[str, bool]:
    """Return of each quantity whether its ranks stay inside the bands; 95 % for all of them together."""
    draws = len(next(iter(record.counts.values()))) - 1
    each = 1 - (1 - CONFIDENCE) / len(record.counts)
    low, high = ecdf_bands(record.simulations, draws, each, generator)
    return {name: bool(_inside(np.cumsum(counts), low, high).all()) for name, counts in record.counts.items()}


def _inside(cumulative: Ints, low: Ints, high: Ints) -> Bools:
    return np.asarray((cumulative >= low) & (cumulative <= high))
