"""Many students: settings, plan, shards, and tables."""

from sta.sweep.config import SweepConfig, config_from_table, load_config
from sta.sweep.plan import Plan, StudentId, make_plan, read_plan
from sta.sweep.rankings import ranked_ramps
from sta.sweep.run import SweepProgress, SweepStatus, run_part, run_sweep, sweep_status
from sta.sweep.shard import train_students
from sta.sweep.tables import SweepTables, gather_tables, read_tables, shards_of

__all__ = [
    "Plan",
    "StudentId",
    "SweepConfig",
    "SweepProgress",
    "SweepStatus",
    "SweepTables",
    "config_from_table",
    "gather_tables",
    "load_config",
    "make_plan",
    "ranked_ramps",
    "read_plan",
    "read_tables",
    "run_part",
    "run_sweep",
    "shards_of",
    "sweep_status",
    "train_students",
]
