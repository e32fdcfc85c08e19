"""What may be claimed about a transition, from the collapse, the threshold fits and the order.

A transition is claimed on one of three grounds: the sizes collapse, with exponents that are told
apart and x_c inside the data; they do, but by the logarithm of the size as well as by powers, so
that no exponent is quoted; or a threshold predicts unseen trials better than every smooth model,
more than chance allows.  Which numbers are quoted follows from the ground.  Nothing is called
"second order": what is tested is whether the order parameter vanishes continuously.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sta.analysis.statistics.curves import CurveSet
from sta.analysis.statistics.estimate import quotable
from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import Estimate
from sta.analysis.statistics.scaling.logarithm import LogarithmicCollapse, logarithmic_collapse
from sta.analysis.statistics.scaling.master import Corrections, ScalingCollapse, fit_collapse
from sta.analysis.statistics.transition.order import TransitionOrder, transition_order
from sta.analysis.statistics.words import show
from sta.errors import StaError

MIN_NEAR = 6
NO_SCALING = "no scaling collapse: {}"


@dataclass(frozen=True)
class Claim:
    """The conclusion about one set of curves.

    Attributes
    ----------
    transition
        Whether a transition is claimed.
    ground
        "collapse", "logarithm", "threshold", or "none".
    identified
        Whether 1/nu and beta/nu are told apart.
    estimates
        x_c, inv_nu, beta_over_nu and beta; null with the reason where not supported.
    collapse
        The collapse; None where it could not be fitted.
    logarithm
        The logarithm of the size in the place of its powers; None where they are not claimed.
    order
        Of a claimed transition; None otherwise.
    sentence
        The conclusion in words.
    tests
        What led to it, one line a test.
    """

    transition: bool
    ground: str
    identified: bool
    estimates: Mapping[str, Estimate]
    collapse: ScalingCollapse | None
    logarithm: LogarithmicCollapse | None
    order: TransitionOrder | None
    sentence: str
    tests: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def claim_transition(
    curves: CurveSet,
    threshold: Mapping[str, Any],
    *,
    corrections: Corrections = "auto",
    window: float | None = None,
    seed: int = 0,
    distribution: CurveSet | None = None,
) -> Claim:
    """Decide what curves of one or more sizes show.

    Parameters
    ----------
    curves
        The curves, x as given.
    threshold
        Model, x_c, beta and message of the threshold fits, x_c in the same x.
    corrections, window, seed
        Of the collapse; see `fit_collapse`.
    distribution
        Curves whose distribution over trials shows the order of the transition, if others than
        `curves` (batches of trials do not).
    """
    collapse, reason = _collapse(curves, corrections, window, seed)
    scaled = collapse is not None and collapse.good and collapse.identifiability.identified
    scaled = scaled and collapse is not None and _inside(collapse.estimates["x_c"], curves)
    logarithm = logarithmic_collapse(collapse.fit, seed=seed) if scaled and collapse else None
    sharp = threshold["model"] == "threshold"
    ground = "threshold" if sharp else "none"
    if logarithm is not None:
        ground = "collapse" if logarithm.told_apart else "logarithm"
    if ground == "logarithm" and collapse is not None and logarithm is not None:
        estimates = _without_powers(collapse, logarithm)
    else:
        estimates = _estimates(ground, collapse, reason, threshold, curves)
    order = None
    if ground != "none" and curves.replicated:
        near = _near(distribution or curves, estimates["x_c"].value)
        order = transition_order(near, estimates["beta"], seed=seed)
    tests = (
        _threshold_test(threshold),
        *_collapse_tests(collapse, reason),
        *([] if logarithm is None else [f"logarithm of the size: {logarithm.message}"]),
        *_order_tests(order),
    )
    return Claim(
        ground != "none",
        ground,
        ground == "collapse",
        estimates,
        collapse,
        logarithm,
        order,
        _sentence(ground, estimates, collapse, threshold, order),
        tests,
    )


def _collapse(
    curves: CurveSet, corrections: Corrections, window: float | None, seed: int
) -> tuple[ScalingCollapse | None, str]:
    try:
        return fit_collapse(curves, corrections=corrections, window=window, seed=seed), ""
    except StaError as error:
        return None, str(error)


def _estimates(
    ground: str,
    collapse: ScalingCollapse | None,
    reason: str,
    threshold: Mapping[str, Any],
    curves: CurveSet,
) -> dict[str, Estimate]:
    if collapse is not None and ground == "collapse":
        return dict(collapse.estimates)
    if collapse is None:
        why = NO_SCALING.format(reason)
    elif not collapse.good:
        why = NO_SCALING.format("no window and smallest size gives a good fit")
    elif not collapse.identifiability.identified:
        why = "not identified: " + "; ".join(collapse.identifiability.reasons)
    else:
        why = NO_SCALING.format("its x_c is at the end of the data")
    nothing = {name: Estimate(reason=why) for name in ("inv_nu", "beta_over_nu")}
    if ground == "none":
        none = Estimate(reason=f"no transition is claimed: {threshold['message']}")
        return {"x_c": none, **nothing, "beta": none}
    found = {name: quotable(threshold[name]) for name in ("x_c", "beta")}
    branch = None if collapse is None else collapse.branch
    if branch is not None and branch.good and _inside(branch.x_c, curves):
        # the Gaussian process rounds a singular point, so the sharp model is the better estimate
        others = {"x_c": branch.x_c, "beta": branch.beta}
        found = {name: _with_other(one, others[name]) for name, one in found.items()}
    return {"x_c": found["x_c"], **nothing, "beta": found["beta"]}


def _without_powers(
    collapse: ScalingCollapse, logarithm: LogarithmicCollapse
) -> dict[str, Estimate]:
    """Return x_c of the better of two collapses, and why there are no exponents."""
    why = Estimate(reason=f"not identified: {logarithm.message}")
    pair = [logarithm.x_c, collapse.estimates["x_c"]]
    if logarithm.gain is not None and logarithm.gain > 0.0:
        pair.reverse()
    exponents = dict.fromkeys(("inv_nu", "beta_over_nu", "beta"), why)
    return {"x_c": _with_other(*pair), **exponents}


def _near(curves: CurveSet, x_c: float | None) -> CurveSet:
    """Return the half of every curve that is nearer to x_c; all of it where that is too little.

    A steep part far from the transition, as at the start of a pruning ramp, is no jump.
    """
    if x_c is None:
        return curves
    cut = []
    for curve in curves.curves:
        distance = np.abs(curve.x - x_c)
        inside = distance <= 0.5 * distance.max()
        cut.append(curve.select(inside) if inside.sum() >= MIN_NEAR else curve)
    return replace(curves, curves=tuple(cut))


def _with_other(one: Estimate, other: Estimate) -> Estimate:
    """Half the distance to the other method's value is the systematic error."""
    if one.value is None or other.value is None:
        return one
    return replace(one, systematic=0.5 * abs(one.value - other.value))


def _inside(x_c: Estimate, curves: CurveSet) -> bool:
    low = min(float(curve.x[0]) for curve in curves.curves)
    high = max(float(curve.x[-1]) for curve in curves.curves)
    return x_c.ci95 is not None and low < x_c.ci95[0] and x_c.ci95[1] < high


def _threshold_test(threshold: Mapping[str, Any]) -> str:
    return f"threshold fits: {threshold['model']} ({threshold['message']})"


def _collapse_tests(collapse: ScalingCollapse | None, reason: str) -> list[str]:
    if collapse is None:
        return [f"collapse: not fitted ({reason})"]
    quality, row = collapse.quality, collapse.stability.variant
    p = "unknown" if quality.p_value is None else f"{quality.p_value:.2g}"
    tests = [
        f"collapse: {quality.n_points} points of {quality.n_sizes} sizes"
        f" {'with' if row.corrections else 'without'} a correction to scaling,"
        f" goodness of fit p = {p}"
    ]
    found = collapse.identifiability
    words = "told apart" if found.identified else "; ".join(found.reasons)
    tests.append(f"identifiability of 1/nu and beta/nu: {words}")
    if collapse.branch is not None:
        p = "unknown" if collapse.branch.p_value is None else f"{collapse.branch.p_value:.2g}"
        tests.append(f"power-law branch with 1/nu held: goodness of fit p = {p}")
    return tests


def _order_tests(order: TransitionOrder | None) -> list[str]:
    if order is None:
        return []
    return [f"order, {one.name}: {one.message}" for one in order.tests]


def _sentence(
    ground: str,
    estimates: Mapping[str, Estimate],
    collapse: ScalingCollapse | None,
    threshold: Mapping[str, Any],
    order: TransitionOrder | None,
) -> str:
    if ground == "none":
        return f"No transition is claimed: {threshold['message']}."
    kind = {"continuous": "A continuous transition", "first order": "A first-order transition"}
    head = kind.get(order.outcome if order else "", "A transition (its order is undecided)")
    numbers = f"x_c = {show(estimates['x_c'])}, beta = {show(estimates['beta'])}"
    if ground == "logarithm":
        return (
            f"{head}: x_c = {show(estimates['x_c'])}; the logarithm of the size collapses the"
            " curves as well as powers do, so no exponent is identified."
        )
    if ground == "collapse" and collapse is not None:
        exponents = (
            f"1/nu = {show(estimates['inv_nu'])}, beta/nu = {show(estimates['beta_over_nu'])}"
        )
        sizes = f"{collapse.quality.n_sizes} sizes collapse"
        return f"{head}: {numbers}, {exponents}; {sizes}."
    if collapse is not None and collapse.good:
        return f"{head}: {numbers}; nu not identified."
    return f"{head}: {numbers}; the sizes give no collapse, so nu is not known."
