"""Numbers and estimates in words."""

import numpy as np

from sta.analysis.statistics.resampling import Estimate

ROUNDING = 1e-12
MOST_DIGITS = 8


def show(estimate: Estimate, digits: int = 3) -> str:
    """Write an estimate as "value [low, high]", with digits enough to tell the three apart.

    Examples
    --------
    >>> show(Estimate(1.0934, 0.01, (1.071, 1.1159)))
    '1.09 [1.07, 1.12]'
    >>> show(Estimate(0.592604, 0.00015, (0.592301, 0.592907)))
    '0.5926 [0.5923, 0.5929]'
    """
    if estimate.value is None:
        return "unknown"
    if estimate.ci95 is None:
        return f"{number(estimate.value, digits)} (no interval)"
    low, high = estimate.ci95
    while digits < MOST_DIGITS and low < estimate.value < high:
        shown = [number(one, digits) for one in (low, estimate.value, high)]
        if len(set(shown)) == 3:
            break
        digits += 1
    value, least, most = (number(one, digits) for one in (estimate.value, low, high))
    return f"{value} [{least}, {most}]"


def number(value: float, digits: int = 3) -> str:
    """Write a number to some significant digits, without an exponent where it is readable.

    Examples
    --------
    >>> number(672.4, 2), number(0.00123, 2), number(4.2e-6, 2), number(-3e-18)
    ('670', '0.0012', '4.2e-06', '0')
    """
    if abs(value) < ROUNDING:
        return "0"
    if 1e-3 <= abs(value) < 1e6:
        return np.format_float_positional(
            float(value), precision=digits, unique=False, fractional=False, trim="-"
        )
    return f"{value:.{digits}g}"
