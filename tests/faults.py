"""What fault runs share: a sweep of a few seconds, in this process or in another one."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from pandas.testing import assert_frame_equal

from sta.sweep import config_from_table, read_tables, run_sweep
from sta.sweep.config import merge
from tiny import TINY

# Eight shards of about a third of a second, saved every tenth of a second.
TABLE = merge(
    TINY,
    {
        "training": {"epochs": 500, "ensemble": 2, "dtype": "float32"},
        "student": {"widths": [4, 6]},
    },
)
CONFIG = config_from_table(TABLE)
INTERVAL = 0.1

SCRIPT = """
import json, sys
from pathlib import Path
from sta.errors import StaError
from sta.sweep import config_from_table, run_sweep
if __name__ == "__main__":
    table, folder, workers, scheduler = sys.argv[1:]
    try:
        run_sweep(config_from_table(json.loads(table)), Path(folder), workers=int(workers),
                  scheduler=scheduler or None, interval=0.1)
    except StaError as error:
        sys.exit(f"StaError: {error}")
"""


def start(folder, workers=2, scheduler=""):
    """Start the sweep in a session of its own."""
    script = folder.parent / "sweep.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-P", str(script), json.dumps(TABLE), str(folder)]
    return subprocess.Popen(
        [*command, str(workers), scheduler],
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, seconds=90):
    """Return the first true value of a condition, or its last value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    return condition()


def wait_for_training(folder, dice, seconds=1.0):
    """Wait until something is saved, and a random while longer."""
    shards = folder / "shards"
    assert wait_for(lambda: any(shards.glob("*.pt")) or any(shards.glob("*.partial")))
    time.sleep(dice.random() * seconds)


def kill_group(process, number=signal.SIGKILL):
    """Send a signal to a process and all its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def workers_of(process):
    """Return the process numbers of the pool's workers: spawned by multiprocessing."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            words = (entry / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if parent == process.pid and b"spawn_main" in words:
            found.append(int(entry.name))
    return found


def same(folder, quiet):
    """Assert that the tables are those of an undisturbed run, bit for bit."""
    found, expected = read_tables(folder), read_tables(quiet)
    assert_frame_equal(found.students, expected.students, check_exact=True)
    assert_frame_equal(found.ramps, expected.ramps, check_exact=True)


def resume(folder):
    """Run the sweep to its end in this process."""
    run_sweep(CONFIG, folder, workers=1)


def dice_of(name):
    """Return random numbers that differ between faults and are the same on every run."""
    return random.Random(name)
