"""Units after UCUM: what a code means, and the linear law that turns one unit into another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from trialsim.errors import HistoryError
from trialsim.exchange.histories.ucum_table import METRIC, OFTEN_MEANT, PLAIN, PREFIXES, SPECIAL

LONGEST_CODE = 60
_LARGEST_EXPONENT = 30
_DEEPEST = 8
_ANNOTATION = re.compile(r"\{[\x20-\x7a\x7c\x7e]*?\}")
_EXPONENT = re.compile(r"[+-]?\d{1,2}")
_DIGITS = re.compile(r"\d{1,12}")
_AMOUNTS = "mol/mol"
# No quantity of a patient is beyond; a code such as Ym30 is.
_SMALLEST = Fraction(1, 10**60)


@dataclass(frozen=True)
class Unit:
    """A unit as a number of base units: x of it are ``factor * x + offset``.

    Parameters
    ----------
    code : str
        As it was written.
    factor, offset : Fraction
        Exact, so that 10*3/uL are 10*9/L to the last bit. Offset is 0 but for temperatures.
    dimensions : tuple of (str, int)
        Base units and their powers, by name; the mole is one of them. What divides moles by moles has the
        dimension ``mol/mol``: it is no percentage of a mass, as HbA1c in mmol/mol and in % shows.
    """

    code: str
    factor: Fraction
    offset: Fraction
    dimensions: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Law:
    """Turns numbers of one unit into another: ``times * x + plus``."""

    times: float
    plus: float


@lru_cache(maxsize=4096)
def unit_of(code: str) -> Unit:
    """Return what a UCUM code means.

    Parameters
    ----------
    code : str
        Case-sensitive, such as ``mg/dL``, ``10*9/L``, ``mm[Hg]``, ``mL/min/{1.73_m2}``.

    Returns
    -------
    Unit
        Factor and dimensions.

    Raises
    ------
    HistoryError
        UCUM has no such unit, or it is not among those that are read here; the code is named.

    Source: The Unified Code for Units of Measure, version 2.1, sections 2.1 to 2.3.

    Examples
    --------
    >>> unit_of("mg/dL").dimensions, unit_of("mg/dL").factor
    ((('g', 1), ('m', -3)), Fraction(10, 1))
    >>> unit_of("mmHg")
    Traceback (most recent call last):
        ...
    trialsim.errors.HistoryError: is no unit of UCUM that is read here. Got 'mmHg'. Mend: is 'mm[Hg]' meant?
    Say so under [aliases].
    """
    if code in SPECIAL:
        degree, at_zero = SPECIAL[code]
        return Unit(code, _exact(degree), _exact(at_zero), (("K", 1),))
    reader = _Reader(code)
    if not code or len(code) > LONGEST_CODE or (found := reader.whole()) is None:
        raise _unknown(code)
    factor, dimensions = found
    if not _SMALLEST < factor < 1 / _SMALLEST:
        raise _unknown(code)
    powers = {name: power for name, power in dimensions.items() if power}
    if reader.amounts == {-1, 1} and not powers.get("mol"):
        powers[_AMOUNTS] = 1
    return Unit(code, factor, Fraction(0), tuple(sorted(powers.items())))


def _unknown(code: str) -> HistoryError:
    meant = OFTEN_MEANT.get(code.strip())
    return HistoryError(
        "is no unit of UCUM that is read here", value=code[:LONGEST_CODE],
        mend=f"is {meant!r} meant? Say so under [aliases]" if meant
        else "write it after UCUM, such as mg/dL, mmol/L, 10*9/L, mm[Hg], Cel, /min; name what the data call "
        "it under [aliases]",
    )  # fmt: skip


class _Reader:
    """Reads a code from left to right: main = ['/'] term; term = component (('.' | '/') component)*."""

    def __init__(self, code: str) -> None:
        self.code, self.at, self.amounts = code, 0, set[int]()

    def whole(self) -> tuple[Fraction, dict[str, int]] | None:
        sign = -1 if self._take("/") else 1
        found = self._term(sign, 0)
        return found if found is not None and self.at == len(self.code) else None

    def _take(self, mark: str) -> bool:
        if self.code.startswith(mark, self.at):
            self.at += len(mark)
            return True
        return False

    def _term(self, sign: int, depth: int, outer: int = 1) -> tuple[Fraction, dict[str, int]] | None:
        factor, powers = Fraction(1), dict[str, int]()
        while True:
            part = self._component(depth, sign * outer)
            if part is None:
                return None
            factor *= part[0] ** sign
            for name, power in part[1].items():
                powers[name] = powers.get(name, 0) + sign * power
            if self._take("."):
                sign = 1
            elif self._take("/"):
                sign = -1
            else:
                return factor, powers

    def _component(self, depth: int, sign: int) -> tuple[Fraction, dict[str, int]] | None:
        if depth > _DEEPEST:
            return None
        if self._take("("):
            inner = self._term(1, depth + 1, sign)
            return inner if inner is not None and self._take(")") else None
        if found := _ANNOTATION.match(self.code, self.at):
            self.at = found.end()
            return Fraction(1), {}
        return self._annotatable(sign)

    def _annotatable(self, sign: int) -> tuple[Fraction, dict[str, int]] | None:
        start = self.at
        symbol = self._symbol()
        if symbol is None:
            digits = _DIGITS.match(self.code, start)
            if digits is None or int(digits[0]) == 0:
                return None
            self.at = digits.end()
            base, powers = Fraction(digits[0]), dict[str, int]()
        else:
            base, powers = symbol
            if exponent := _EXPONENT.match(self.code, self.at):
                power = int(exponent[0])
                if power == 0 or abs(power) > _LARGEST_EXPONENT:
                    return None
                self.at = exponent.end()
                base, powers = base**power, {name: one * power for name, one in powers.items()}
        if amount := powers.get("mol"):
            self.amounts.add(1 if sign * amount > 0 else -1)
        if found := _ANNOTATION.match(self.code, self.at):
            self.at = found.end()
        return base, powers

    def _symbol(self) -> tuple[Fraction, dict[str, int]] | None:
        """Return the longest atom here: plain ones as they are, metric ones with a prefix or without."""
        rest = self.code[self.at :]
        best: tuple[int, Fraction, dict[str, int]] | None = None
        for length in range(min(12, len(rest)), 0, -1):
            word = rest[:length]
            meaning = _atom(word)
            if meaning is not None and not _goes_on(rest[length:]):
                best = (length, *meaning)
                break
        if best is None:
            return None
        self.at += best[0]
        return best[1], best[2]


def _goes_on(rest: str) -> bool:
    """Return whether letters follow: then the word so far is no whole symbol."""
    return bool(rest) and (rest[0].isalpha() or rest[0] in "[_'%*^")


def _atom(word: str) -> tuple[Fraction, dict[str, int]] | None:
    if word in PLAIN and word != "1":
        return _exact(PLAIN[word][0]), PLAIN[word][1]
    if word in METRIC:
        return _exact(METRIC[word][0]), METRIC[word][1]
    for length in (1, 2):
        prefix, atom = word[:length], word[length:]
        if prefix in PREFIXES and atom in METRIC:
            factor, powers = METRIC[atom]
            return _exact(PREFIXES[prefix]) * _exact(factor), powers
    return None


def _exact(number: float) -> Fraction:
    return Fraction(repr(number))


def conversion(given: str, wanted: str, molar_mass: float | None = None) -> Law:
    """Return the law that turns numbers of one unit into another.

    Parameters
    ----------
    given, wanted : str
        UCUM codes.
    molar_mass : float, optional
        g/mol of what was measured: needed between moles and grams.

    Returns
    -------
    Law
        ``times * x + plus``.

    Raises
    ------
    HistoryError
        A unit is unknown, or the two do not measure the same.

    Examples
    --------
    >>> round(conversion("mmol/L", "mg/dL", molar_mass=180.156).times, 4)
    18.0156
    >>> law = conversion("[degF]", "Cel")
    >>> round(law.times * 98.6 + law.plus, 6)
    37.0
    """
    if given == wanted:
        unit_of(given)
        return Law(1.0, 0.0)
    have, want = unit_of(given), unit_of(wanted)
    own, asked = dict(have.dimensions), dict(want.dimensions)
    times = have.factor / want.factor
    moles = own.get("mol", 0) - asked.get("mol", 0)
    grams = own.get("g", 0) - asked.get("g", 0)
    if moles and grams == -moles and _same_but(own, asked, {"mol", "g"}):
        if molar_mass is None:
            raise HistoryError(
                f"cannot be turned into {wanted}: moles and grams need the molar mass of what was measured",
                value=given, mend="give molar_mass in g/mol, such as 180.156 of glucose",
            )  # fmt: skip
        return Law(float(times * _exact(molar_mass) ** moles), 0.0)
    if own != asked:
        hint = "give convert = [{ from = ..., times = ..., plus = ... }]"
        if _AMOUNTS in (*own, *asked):
            hint += ", for HbA1c from mmol/mol to %: times = 0.09148, plus = 2.152 (NGSP)"
        raise HistoryError(f"does not measure what {wanted} measures", value=given, mend=hint)
    return Law(float(times), float((have.offset - want.offset) / want.factor))


def _same_but(own: dict[str, int], asked: dict[str, int], names: set[str]) -> bool:
    return {k: v for k, v in own.items() if k not in names} == {
        k: v for k, v in asked.items() if k not in names
    }
