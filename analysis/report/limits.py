"""What the data do not support, in plain words."""

from __future__ import annotations

from sta.analysis.report.cells import all_cells_shown, healthy_students
from sta.analysis.report.closeness import chance_limits
from sta.analysis.report.data import SweepData


def limits(data: SweepData) -> list[str]:
    """Return the limits that follow from how the sweep was laid out.

    Parameters
    ----------
    data : SweepData
        The sweep.

    Returns
    -------
    list of str
        A sentence each.
    """
    config = data.plan.config
    said = [*_about_students(data)]
    if config.teacher.draws == 1:
        said.append(
            "There is one draw of each teacher. Every number here is about that teacher; the"
            " spread over trials says nothing about other teachers of the same width."
        )
    if len(config.teacher.widths) == 1:
        said.append(
            "There is one teacher width, so universality across teachers, and any scaling with the"
            " teacher's width, is untested."
        )
    widths = {w for kind in config.kinds.values() for w in kind.widths or config.student.widths}
    if len(widths) == 1:
        said.append("There is one student width, so nothing is said about other widths.")
    said += [
        "A ramp that falls on one curve when drawn against n / h_T is no finite-size scaling: no"
        " size grows towards a limit here, and critical exponents 1/ν and β/ν are not estimated.",
        "The models are fitted to the ramp on its linear scale, where costs below about one per"
        " cent of the ramp carry almost no weight. A kink seen only on the logarithmic scale is"
        " neither confirmed nor excluded by the fits.",
        "An effective size equal to the teacher's width can be a coincidence where the student"
        " underfits; read it beside the relative test error.",
        *chance_limits(data),
        "Kinds differ in learning rate and batch size as well as in their penalty (see the"
        " settings); a difference between kinds is that of whole recipes.",
    ]
    if not all_cells_shown(data):
        said.append(
            "There are too many widths to draw them all; figures with a panel a width show the"
            " smallest, a middle and the largest of each teacher. The tables hold all."
        )
    return said


def _about_students(data: SweepData) -> list[str]:
    said = []
    kept = healthy_students(data)
    lost = len(data.students) - len(kept)
    if lost:
        said.append(
            f"{lost} of {len(data.students)} students diverged and are left out everywhere; what"
            " is said holds for training runs that survive."
        )
    cells = kept.groupby(["kind", "teacher_width", "student_width"]).size()
    if len(cells) and cells.min() < 3:
        said.append(
            f"Some kinds and widths have {int(cells.min())} healthy student"
            f"{'' if cells.min() == 1 else 's'}; below three there are no intervals."
        )
    elif len(cells) and cells.min() < 10:
        said.append(
            f"With {int(cells.min())} students in the smallest group, intervals and standard"
            " deviations are themselves uncertain by some tens of per cent (the published study"
            " has 10 to 30 per width)."
        )
    taken = int(cells.clip(upper=data.graphs_per_group).sum()) if len(cells) else 0
    if taken < len(kept):
        said.append(
            f"Paths, in-strengths and matching were measured on {taken} of {len(kept)} students"
            f" (at most {data.graphs_per_group} per kind and width)."
        )
    return said
