"""Measures for the claims about factor transfer (Kim, Park, Kwak, NeurIPS 2018)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from sta.analysis.claims.rules import Measurement
from sta.analysis.claims.workplace import Workplace
from sta.transfer import Study, objectives_named, run_study

UNIT = "seeds"
FEW = 50
TAUGHT = ("labels", "soft", "factor", "random-paraphraser")
Row = dict[str, Any]


def dense(place: Workplace, labels: int | None) -> Study:
    """Return the study of dense spectral students."""
    return Study(labels=labels, seeds=place.choose(8, 24), seed=place.seed)


def convolutional(place: Workplace) -> Measurement:
    """Accuracy, factor less labels, of convolutional spectral students with 50 labels."""
    study = Study(
        teacher="conv:16,32", student="spectral-conv:8,16", labels=FEW,
        seeds=place.choose(4, 8), seed=place.seed,
    )  # fmt: skip
    return _difference(place, study, "factor", "labels", taught=("labels", "factor"))


def rows_of(place: Workplace, study: Study, taught: tuple[str, ...] = TAUGHT) -> list[Row]:
    """Return the rows of a study, run as far as it is missing."""
    labels = "all" if study.labels is None else str(study.labels)
    name = f"{study.student.replace(':', '-').replace(',', '-')}-{labels}"

    def run() -> list[Row]:
        objectives = objectives_named(list(taught))

        def say(done: int, total: int) -> None:
            if done < total:
                place.say(f"students of {taught[done]}, {study.student}, {labels} labels")

        return run_study(study, objectives, place.folder / "transfer" / name, on_progress=say)

    found: list[Row] = place.once(f"objectives, {study.student}, {labels} labels", run)
    return found


def _difference(
    place: Workplace, study: Study, one: str, other: str, taught: tuple[str, ...] = TAUGHT
) -> Measurement:
    rows = rows_of(place, study, taught)
    first, second = (
        np.array([row["test_accuracy"] for row in rows if row["objective"] == name])
        for name in (one, other)
    )
    note = f"means {first.mean():.3f} and {second.mean():.3f}"
    return Measurement(tuple((first - second).tolist()), UNIT, asdict(study), note)


def factor_labels(place: Workplace) -> Measurement:
    """Accuracy, factor less labels, with 50 labels."""
    return _difference(place, dense(place, FEW), "factor", "labels")


def factor_soft(place: Workplace) -> Measurement:
    """Accuracy, factor less soft, with 50 labels."""
    return _difference(place, dense(place, FEW), "factor", "soft")


def paraphraser(place: Workplace) -> Measurement:
    """Accuracy, factors of a trained less those of a random paraphraser, with 50 labels."""
    return _difference(place, dense(place, FEW), "factor", "random-paraphraser")


def factor_all_labels(place: Workplace) -> Measurement:
    """Accuracy, factor less labels, with all labels."""
    return _difference(place, dense(place, None), "factor", "labels")
