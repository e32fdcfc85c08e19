"""Words below the figures: what is seen, and how it was computed."""

from __future__ import annotations

import pandas as pd

from sta.analysis.figures.dag import MAX_UNITS
from sta.analysis.report.cells import healthy_students
from sta.analysis.report.data import SweepData
from sta.analysis.report.graph_drawing import MOST_EDGES
from sta.errors import StaError


def group_size(students: pd.DataFrame) -> str:
    """Say how many students stand behind a point, such as "3 to 5 healthy students ..."."""
    counts = students.groupby(["kind", "teacher_width", "student_width"]).size()
    low, high = (0, 0) if counts.empty else (int(counts.min()), int(counts.max()))
    number = f"{low}" if low == high else f"{low} to {high}"
    return f"{number} healthy students per kind and width"


def curves_drawn(data: SweepData) -> str:
    """Say how many students stand behind a learning curve, which may be fewer than healthy."""
    try:
        return group_size(data.history.drop_duplicates("student_id"))
    except StaError:
        return group_size(data.students.iloc[:0])


def captions(data: SweepData) -> dict[str, str]:
    """Return the caption of every figure, by the figure's name."""
    t, group = f"{data.threshold:g}", group_size(healthy_students(data))
    beside = (
        "Above the curves: Wasserstein-1 distance to the teacher over the standard deviation of"
        " the teacher's values, mean ± standard deviation over students, and three"
        " p-values, medians over students: the chance of random networks of the teacher's shape"
        " and weights, of the student with its weights shuffled, and of students before training to"
        " be as close."
    )
    graphs = (
        f"Students pruned at L > {t} of their own largest importance, without retraining; at most"
        f" {data.graphs_per_group} students per kind and width, the first by trial."
    )
    return {
        "overview": (
            "Units above the threshold against the student's width; what it costs to keep only the"
            " n most important units; and the path weights of pruned students against the"
            " teacher's. The same in full, with definitions, in the figures below."
        ),
        "size": (
            f"How many units a student needs. Effective size: units whose importance L exceeds {t}"
            " of the student's own largest, with L = |λ_out| ‖φ‖ √h (for conventional students"
            " ‖w‖ √h). Lines: means; bands: ± 1 standard deviation; small markers: single students"
            f" ({group}). Dashed: the teacher's width; dotted: all units. Both axes logarithmic;"
            " kinds stand a little apart from the true width."
        ),
        "threshold": (
            "Does the count hang on the threshold? Effective size as a function of the threshold"
            f" on L / L_max, mean ± 1 standard deviation ({group}); both axes logarithmic. A"
            " plateau at the dashed line (the teacher's width) means it does not; a steady slope"
            f" means that the count at {t} (dotted) is a convention."
        ),
        "histogram": (
            "Distribution of importances over units. Importances are divided by the largest of all"
            " trials of the same kind and width, as in the paper, so that one outlying trial"
            f" shrinks the others; bins of 0.05; per cent of all units ({group})."
        ),
        "ranks": (
            "Importances in falling order, each student divided by its own largest. Thick: mean;"
            f" thin: single students ({group}). A drop right after the dashed line says that the"
            " student has as many units of weight as its teacher; the table of effective sizes"
            " gives the rank of the largest drop. Ranks beyond three times the teacher's width"
            " are not shown."
        ),
        "losses": (
            "Errors after training, before pruning. Filled markers: mean squared error on fresh"
            f" test patterns, with the range from the smallest to the largest student ({group});"
            " open markers: on the training patterns. Without noise the error of predicting the"
            " mean is the variance of the teacher's output."
        ),
        "learning": (
            "Course of training of the widest students whose files are there: test error and"
            f" effective size at threshold {t}, both logarithmic. Lines: means; bands: smallest to"
            f" largest student ({curves_drawn(data)})."
        ),
        "ramp": (
            "Cost of pruning at the largest student width: the test error with the n most important"
            " units kept minus the error with all, averaged over trials and divided by the same for"
            " n = 0; no retraining. Bands: 95 % intervals from a bootstrap over whole trials"
            f" ({group}). Right: logarithmic above 10⁻⁴, linear below. Shown up to n = 3 h_T."
        ),
        "ramp_widths": (
            "The same ramps, one panel a kind and one line a student width. Lines that fall on each"
            " other mean that the cost depends on n / h_T alone. Bands: 95 % intervals."
        ),
        "ramp_fits": (
            "Models fitted to the mean ramp at each kind's largest width, by least squares with"
            " weights from the spread over trials: a threshold A ((x_c − x) / x_c)^β + c, an"
            " exponential a exp(−b x) + c, a stretched exponential A exp(−(b x)^p) + c, and a"
            " smooth crossover A / (1 + exp((x − x_m) / w)) + c. Points: means with 95 % intervals."
            " The fit uses the whole ramp and gives every point a standard deviation of at least"
            " 1 % of the ramp's height, so that what happens below y ≈ 10⁻² hardly enters it: look"
            " there for what the models miss. Which model predicts unseen trials best is in the"
            " table of fits."
        ),
        "collapse": (
            "Mean ramps of several sizes L (the teacher's width, or the student's where there is"
            " one teacher width), and the best collapse y = L^(−β/ν) F((x − x_c) L^(1/ν)) with x ="
            " n / h_T. Below: residuals, the exponents for other windows and smallest sizes, and"
            " what the evidence loses when one of them is held. A flat profile means that the"
            " exponent is not determined by these data, whatever value the fit has. Error bars are"
            " over whole trials."
        ),
        "paths": (
            "Path weights in ascending order against their rank. A path is a product of signed"
            " weights from an input to a unit of the last trained layer; every path counts once."
            " Lines: mean over students; bands: ± 1 standard deviation; dashed: teacher. The height"
            " of a panel, without the writing, is 1.5 times the teacher's range; steeper ends run"
            f" out of it. {beside} {graphs}"
        ),
        "strength": (
            "In-strengths of the first hidden layer, the sums of signed incoming weights, over"
            " their range over all students of a kind (the teacher's by the teacher's own), as in"
            f" the paper; bins of 0.1; per cent of units. Dashed: teacher. {beside} As the sums"
            " depend on the scale of a ReLU unit's incoming weights, which its outgoing ones can"
            f" make up for, see the next figure. {graphs}"
        ),
        "strength_balanced": (
            "The same after the weights into each hidden unit were scaled to length one, which"
            f" leaves the function of a ReLU network alone. {beside} {graphs}"
        ),
        "networks": (
            "The first student of the first two kinds at the largest width, pruned, with its"
            " teacher; incoming weights of hidden units scaled to length one. Student units stand"
            " at the height of the teacher's unit they are matched to, the darker the larger the"
            " cosine of their incoming weights; hollow ones have no partner. Width and strength of"
            " a line: abs(w) over the largest of its layer in both networks; area of a dot: share"
            f" of the layer's path mass. At most {MOST_EDGES} edges a network, the strongest; of"
            f" very wide layers the {MAX_UNITS} units of most mass."
        ),
    }
