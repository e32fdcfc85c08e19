"""Very many trials in batches: means stay, labels are shared, spreads come from whole trials."""

import numpy as np
import pandas as pd
import pytest

from sta.analysis.statistics import many
from sta.analysis.statistics.many import arrange


def tables(teachers, trials, kinds=("direct", "spectral"), width=3):
    rng = np.random.default_rng(0)
    students = pd.DataFrame(
        [
            {
                "student_id": f"{kind}-{seed}-{trial}",
                "kind": kind,
                "student_width": width,
                "teacher_width": 2,
                "teacher_seed": seed,
                "trial": trial,
            }
            for kind in kinds
            for seed in range(teachers)
            for trial in range(trials)
        ]
    )
    ramps = students.loc[students.index.repeat(width + 1)].reset_index(drop=True)
    ramps["n_kept"] = np.tile(np.arange(width + 1), len(students))
    ramps["mse"] = rng.normal(size=len(ramps))
    ramps["delta_mse"] = ramps["mse"] - 1
    return students, ramps


def test_few_trials_stay_as_they_are():
    students, ramps = tables(4, 10)
    found = arrange(students, ramps)
    assert found.students is students and found.mean_ramps is ramps and found.first_ramps is ramps
    assert not found.note


@pytest.mark.parametrize(("teachers", "trials"), [(1, 2400), (4, 600), (1200, 2)])
def test_batches_keep_means_and_hold_whole_units(teachers, trials):
    students, ramps = tables(teachers, trials)
    found = arrange(students, ramps)
    units = found.students[["teacher_seed", "trial"]].drop_duplicates()
    assert len(units) == many.MOST_UNITS
    assert len(found.mean_ramps) == 2 * 4 * many.MOST_UNITS
    before = ramps.groupby(["kind", "n_kept"])["delta_mse"].mean()
    after = found.mean_ramps.groupby(["kind", "n_kept"])["delta_mse"].mean()
    assert np.allclose(after, before, atol=1e-12)
    # a batch is of one teacher, or a teacher of one batch; both kinds of a trial share it
    pairs = pd.DataFrame({"old": students["teacher_seed"], "new": found.students["teacher_seed"]})
    assert pairs.drop_duplicates()["old"].nunique() == len(pairs.drop_duplicates())
    both = students[["teacher_seed", "trial"]].assign(
        batch=list(zip(found.students["teacher_seed"], found.students["trial"], strict=True))
    )
    assert (both.groupby(["teacher_seed", "trial"])["batch"].nunique() == 1).all()
    assert len(found.first_students) == 2 * many.MOST_TRIALS
    assert set(found.first_ramps["student_id"]) == set(found.first_students["student_id"])
    assert f"{teachers * trials} trials" in found.note


def test_the_standard_error_is_that_of_all_trials():
    students, ramps = tables(1, 4000, kinds=("spectral",))
    found = arrange(students, ramps).mean_ramps
    whole = ramps[ramps["n_kept"] == 1]["mse"]
    batches = found[found["n_kept"] == 1]["mse"]
    ratio = batches.sem() / whole.sem()
    assert ratio == pytest.approx(1, abs=3 / np.sqrt(2 * many.MOST_UNITS))
