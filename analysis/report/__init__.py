"""A sweep as one self-contained HTML page.

from sta.analysis.report import write_report

write_report(Path("out"), Path("report.html"))
"""

from sta.analysis.report.data import (
    StudentGraph,
    SweepData,
    history_table,
    measure_graphs,
    read_sweep,
)
from sta.analysis.report.page import Report, write_report

__all__ = [
    "Report",
    "StudentGraph",
    "SweepData",
    "history_table",
    "measure_graphs",
    "read_sweep",
    "write_report",
]
