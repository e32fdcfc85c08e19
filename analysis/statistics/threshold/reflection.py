"""Curves that rise with x: fitted over -x, and the fits turned back."""

from dataclasses import replace

from sta.analysis.statistics.curves import CurveSet, mean_curve
from sta.analysis.statistics.estimate import Estimate
from sta.analysis.statistics.threshold.family import FamilyFits
from sta.analysis.statistics.threshold.fit import ModelFit, ModelFits


def falls(curves: CurveSet) -> bool:
    """Whether y falls with x, by the sum over sizes of their covariance."""
    total = 0.0
    for curve in curves.curves:
        mean = mean_curve(curve)[0]
        total += float((curve.x - curve.x.mean()) @ (mean - mean.mean()))
    return not total > 0.0


def mirrored(curves: CurveSet) -> CurveSet:
    """Return the curves over -x."""
    turned = [
        replace(
            curve,
            x=-curve.x[::-1],
            values=curve.values[:, ::-1],
            error=None if curve.error is None else curve.error[::-1],
        )
        for curve in curves.curves
    ]
    return replace(curves, curves=tuple(turned))


def reflected(fits: FamilyFits) -> FamilyFits:
    """Return the same fits with x in place of -x."""
    turned = []
    for one in fits.agreements:
        if one.parameter == "x_c":
            common, values = _negative(one.common), tuple(-value for value in one.values)
            turned.append(replace(one, common=common, values=values))
        else:
            turned.append(one)
    return replace(
        fits,
        by_size={size: _reflected_models(one) for size, one in fits.by_size.items()},
        pooled=_reflected_models(fits.pooled),
        agreements=tuple(turned),
    )


def _reflected_models(models: ModelFits) -> ModelFits:
    return replace(models, fits={name: _reflected_fit(fit) for name, fit in models.fits.items()})


def _reflected_fit(fit: ModelFit) -> ModelFit:
    swap = {"x_c high": "x_c low", "x_c low": "x_c high", "x_m high": "x_m low"}
    places = {"x_c", "x_m"}
    return replace(
        fit,
        parameters={
            name: _negative(one) if name in places else one for name, one in fit.parameters.items()
        },
        pinned=tuple(swap.get(name, name) for name in fit.pinned),
        x_range=None if fit.x_range is None else (-fit.x_range[1], -fit.x_range[0]),
        replicates={
            name: -draws if name in places else draws for name, draws in fit.replicates.items()
        },
    )


def _negative(estimate: Estimate) -> Estimate:
    ci95 = None if estimate.ci95 is None else (-estimate.ci95[1], -estimate.ci95[0])
    value = None if estimate.value is None else -estimate.value
    return replace(estimate, value=value, ci95=ci95)
