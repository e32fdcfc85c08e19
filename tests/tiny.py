"""A sweep of 16 students that trains in a second."""

from typing import Any

TINY: dict[str, Any] = {
    "seed": 3,
    "teacher": {"input_width": 4, "widths": [3], "later_widths": [4], "draws": 2},
    "student": {"widths": [4, 6], "trials": 2, "kinds": ["spectral", "direct"]},
    "data": {"train_patterns": 120, "test_patterns": 80},
    "training": {"epochs": 6, "history_points": 3, "dtype": "float64"},
    "kinds": {"spectral": {"batch_size": 50}, "direct": {"batch_size": 50}},
}
