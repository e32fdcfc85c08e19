"""The overlaps of an infinitely large network along training, by integration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import OdeSolution, solve_ivp

from sta.errors import ConfigError
from sta.quadratic.overlaps import Array, check_overlaps, drift, order_parameter, population_loss
from sta.quadratic.stability import critical_learning_rate
from sta.quadratic.system import System

BLOWN_UP = 1e4  # times the scale of the start and the solution
END, SOLVED, DIVERGED = "end", "solved", "diverged"


@dataclass(frozen=True)
class Flow:
    """Overlaps along training.

    Attributes
    ----------
    system : System
    gradient_flow : bool
        Whether the noise of SGD was left out.
    alpha : (n,) array
        Steps over N at which the overlaps are given.
    student : (n, ..., p, p) array
        Q.
    mixed : (n, ..., p, p*) array
        M.
    loss : (n, ...) array
        Population loss.
    order_parameter : (n, ...) array
        m2 = a tr(M M^T) / (b tr T^2).
    stop : str
        Why it ended: "end" (of the time asked for), "solved" (the loss fell to the floor asked
        for) or "diverged".
    message : str
        The same in a sentence; of a divergence, with the critical learning rate.
    dense : OdeSolution
        The integrator's own interpolant; used by `at`.
    """

    system: System
    gradient_flow: bool
    alpha: Array
    student: Array
    mixed: Array
    loss: Array
    order_parameter: Array
    stop: str
    message: str
    dense: OdeSolution

    def at(self, alpha: Array | float) -> tuple[Array, Array]:
        """Return Q and M at any alpha up to the last, from the dense output."""
        times = np.asarray(alpha, dtype=float)
        shapes = self.student.shape[1:], self.mixed.shape[1:]
        student, mixed = _unpack(self.dense(times.ravel()).T, *shapes)
        return student.reshape(times.shape + shapes[0]), mixed.reshape(times.shape + shapes[1])


def integrate_flow(
    system: System,
    student: Array,
    mixed: Array,
    alpha: Array | float,
    *,
    gradient_flow: bool = False,
    loss_floor: float = 0.0,
    rtol: float = 1e-9,
    atol: float = 1e-12,
    on_progress: Callable[[float], None] | None = None,
) -> Flow:
    """Integrate the motion of the overlaps, with an explicit method of order 8.

    Parameters
    ----------
    system : System
        What is trained.
    student : (..., p, p) array
        Q at the start; a stack moves with one common step.
    mixed : (..., p, p*) array
        M at the start.
    alpha : array or float
        Increasing times to report, or the last of 201 equally spaced ones.
    gradient_flow : bool
        Whether to leave out the noise of SGD, of order eta^2.
    loss_floor : float
        Excess over Delta / 2 at which to stop; of a stack, of its largest.
    rtol, atol : float
        Tolerances of the integrator; atol in units of b / a.
    on_progress : callable, optional
        Called with alpha now and then.

    Returns
    -------
    Flow
        What was reached, also of a run that diverged.

    Raises
    ------
    ConfigError
        If times are not positive and increasing.
    ShapeError
        If no weights have these overlaps.
    """
    times = _times(alpha)
    student, mixed = np.asarray(student, dtype=float), np.asarray(mixed, dtype=float)
    check_overlaps(system, student, mixed)
    shapes = student.shape, mixed.shape
    unit = system.teacher_scale / system.student_scale
    bound = BLOWN_UP * max(unit * system.teacher_trace, float(np.abs(student).max()))
    floor = loss_floor + system.label_noise / 2.0

    def motion(t: float, state: Array) -> Array:
        if on_progress is not None:
            on_progress(t)
        with np.errstate(over="ignore", invalid="ignore"):
            return _pack(*drift(system, *_unpack(state, *shapes), gradient_flow=gradient_flow))

    def blown_up(_: float, state: Array) -> float:
        return float(bound - np.abs(state).max())

    def solved(_: float, state: Array) -> float:
        return float(np.max(population_loss(system, *_unpack(state, *shapes))) - floor)

    events: list[Callable[[float, Array], float]] = [blown_up]
    if loss_floor > 0.0:
        events.append(solved)
    for event in events:
        event.terminal = True  # type: ignore[attr-defined]
    with np.errstate(over="ignore", invalid="ignore"):
        found = solve_ivp(
            motion, (0.0, times[-1]), _pack(student, mixed), method="DOP853",
            dense_output=True, events=events, rtol=rtol, atol=atol * unit,
        )  # fmt: skip
    stop = END if found.status == 0 else SOLVED if _fired(found.t_events, 1) else DIVERGED
    reached = times
    if stop != END:  # the last point is where it stopped
        reached = np.append(times[times < found.sol.t_max], found.sol.t_max)
    states = found.sol(reached).T
    students, mixeds = _unpack(states, *shapes)
    return Flow(
        system, gradient_flow, reached, students, mixeds,
        population_loss(system, students, mixeds), order_parameter(system, mixeds),
        stop, _message(system, stop, found, gradient_flow), found.sol,
    )  # fmt: skip


def _times(alpha: Array | float) -> Array:
    times = np.asarray(alpha, dtype=float)
    if times.ndim == 0:
        times = np.linspace(0.0, float(times), 201)
    if times[-1] <= 0.0 or times[0] < 0.0 or not np.all(np.diff(times) > 0.0):
        raise ConfigError(f"alpha up to {times[-1]:g}: times must be increasing and end above 0")
    return times


def _fired(events: list[Array], number: int) -> bool:
    return len(events) > number and len(events[number]) > 0


def _message(system: System, stop: str, found: object, gradient_flow: bool) -> str:
    last = found.sol.t_max  # type: ignore[attr-defined]
    if stop == END:
        return f"reached alpha = {last:g}"
    if stop == SOLVED:
        return f"the loss fell to its floor at alpha = {last:g}"
    said = f"the overlaps blew up at alpha = {last:.4g}"
    critical = critical_learning_rate(system)
    if gradient_flow or system.spherical or system.learning_rate < critical:
        return f"{said}: the start is too far away for eta = {system.learning_rate:g}; start nearer"
    return f"{said}: eta = {system.learning_rate:g} is above the critical {critical:.6g}; lower it"


def _pack(student: Array, mixed: Array) -> Array:
    return np.concatenate([student.ravel(), mixed.ravel()])


def _unpack(states: Array, student: tuple[int, ...], mixed: tuple[int, ...]) -> tuple[Array, Array]:
    """Split states (..., n) into Q and M of the given shapes."""
    size, lead = int(np.prod(student)), states.shape[:-1]
    return (
        states[..., :size].reshape(lead + student),
        states[..., size:].reshape(lead + mixed),
    )
