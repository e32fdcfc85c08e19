"""Numbers as text, with as many digits as their uncertainty allows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MISSING = "–"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: object, digits: int = 3) -> str:
    """Write a number with some significant digits; a dash for what is missing.

    Examples
    --------
    >>> number(0.012345), number(24), number(-1.2345e-7), number(float("nan"))
    ('0.0123', '24', '−1.23×10⁻⁷', '–')
    """
    if isinstance(value, bool | str) or value is None:
        return MISSING if value is None else str(value)
    if isinstance(value, int | np.integer):
        return _signed(str(int(value)))
    if not isinstance(value, float | np.floating) or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    value = float(value)
    exponent = _exponent(value, digits)
    if -4 <= exponent < 5:
        return _signed(f"{value:.{max(0, digits - 1 - exponent)}f}")
    return _signed(f"{value / 10.0**exponent:.{digits - 1}f}×{_power(exponent)}")


def count(value: object) -> str:
    """Write a mean or median of whole numbers without idle zeros.

    Examples
    --------
    >>> count(20.0), count(18.5), count(190.4)
    ('20', '18.5', '190')
    """
    found = _finite(value)
    return MISSING if found is None else _signed(f"{found:.3g}")


def spread(mean: object, sd: object) -> str:
    """Write a mean and its standard deviation, rounded to the deviation's leading digits.

    Two digits where the deviation begins with 1 or 2, else one.

    Examples
    --------
    >>> spread(24.333, 3.512), spread(0.1312, 0.0191), spread(20.0, 0.0), spread(3.0, None)
    ('24 ± 4', '0.131 ± 0.019', '20 ± 0', '3.00')
    """
    first, second = _finite(mean), _finite(sd)
    if first is None or second is None:
        return number(mean)
    return _together([first, second], second, "{} ± {}")


def interval(value: object, low: object, high: object) -> str:
    """Write a value with its interval, rounded to the leading digits of its half width.

    Examples
    --------
    >>> interval(1.6745, 0.6956, 2.0), interval(0.0, -0.4, 0.31), interval(1.5, None, None)
    ('1.7 [0.7, 2.0]', '0.0 [−0.4, 0.3]', '1.50 (no interval)')
    """
    numbers = [_finite(one) for one in (value, low, high)]
    if numbers[0] is None:
        return MISSING
    if numbers[1] is None or numbers[2] is None:
        return f"{number(value)} (no interval)"
    width = 0.5 * (numbers[2] - numbers[1])
    return _together([n for n in numbers if n is not None], width, "{} [{}, {}]")


def estimate(record: Mapping[str, Any] | None) -> str:
    """Write an estimate of the collapse's JSON: value, 95 % interval."""
    if not record:
        return MISSING
    low, high = record.get("ci95") or (None, None)
    return interval(record.get("value"), low, high)


def sample(values: ArrayLike | Sequence[float | None]) -> str:
    """Write mean and standard deviation of a sample, without the values that are missing.

    Examples
    --------
    >>> sample([1.0, 2.0, 3.0, None])
    '2.0 ± 1.0'
    """
    found = np.array(
        [v for v in (_finite(one) for one in np.asarray(values, object)) if v is not None]
    )
    if not found.size:
        return MISSING
    return spread(float(found.mean()), float(found.std(ddof=1)) if found.size > 1 else None)


def _finite(value: object) -> float | None:
    if isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value):
        return float(value)
    return None


def _exponent(value: float, digits: int) -> int:
    """Return the decimal exponent after rounding to the digits."""
    return int(f"{abs(value):.{digits - 1}e}".partition("e")[2])


def _power(exponent: int) -> str:
    return "10" + str(exponent).translate(SUPERSCRIPTS)


def _signed(text: str) -> str:
    return text.replace("-", "−")


def _together(numbers: Sequence[float], width: float, form: str) -> str:
    """Write numbers with the decimals that `width` deserves, and with one power of ten."""
    largest = max(abs(one) for one in numbers)
    if largest == 0:
        return form.format(*("0" for _ in numbers))
    power = _exponent(largest, 2)
    factor = 10.0**power if not -3 <= power < 5 else 1.0
    decimals = _decimals(width / factor, largest / factor)
    text = form.format(*(_signed(f"{one / factor:.{decimals}f}") for one in numbers))
    return text if factor == 1.0 else f"({text})×{_power(power)}"


def _decimals(width: float, largest: float) -> int:
    """Return the decimals that show one leading digit of `width`, or two that begin with 1 or 2."""
    if width <= 1e-9 * largest:
        return 0 if float(largest).is_integer() else min(max(0, 2 - _exponent(largest, 3)), 8)
    exponent = _exponent(width, 2)
    return min(max(0, (width / 10.0**exponent < 2.95) - exponent), 12)
