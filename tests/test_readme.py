"""The README's commands, run as a reader would run them, in its order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sta.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


BLOCKS = re.findall(r"^```([a-z ]+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def lines(language: str) -> list[str]:
    return [line for name, block in BLOCKS if name == language for line in block.splitlines()]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A folder with the repository's data in it, and `sta` on the path."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "data").symlink_to(ROOT / "data")
    programs = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": programs + os.pathsep + os.environ["PATH"]}

    def run(command: list[str]) -> str:
        result = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{command}: {result.stderr}"
        return result.stdout

    return run


def test_setting_up_takes_two_commands():
    """They are run by .ci/run and by whoever starts; here only that they are what it says."""
    first, second = lines("sh")[:2]
    assert first.endswith(".venv/bin/sta demo") and "pip install '.[dev]'" in first
    assert second == ".venv/bin/pytest -n auto --dist loadfile"


def test_commands_and_scripts(reader):
    output = []
    for name, block in BLOCKS:
        if name == "python":
            output.append(reader([sys.executable, "-P", "-c", block]))
        elif name == "sh" and ".venv" not in block:
            for line in block.splitlines():
                command = line.split()
                assert command[0] == "sta"
                output.append(reader(command))
                assert output[-1].strip()
    table = next(text for text in output if "(10, 27, 20) against (10, 20, 20)" in text)
    assert re.search(r"^hidden units matched +20 +20", table, re.MULTILINE)
    assert any(text.startswith("dp 235200000 error of log|p| at most 0.03") for text in output)


@pytest.mark.slow
def test_slow_commands(reader):
    for line in lines("sh slow"):
        if line.startswith("sta"):
            assert reader(line.split()).strip()


def test_every_command_is_shown():
    shown = {line.split()[1] for line in lines("sh")[2:]} | {"demo"}
    assert shown == set(COMMANDS)


def test_the_picture_is_there_and_no_number_is_unbacked():
    for path in re.findall(r"!\[.*?\]\((.*?)\)", TEXT):
        assert (ROOT / path).is_file()
    assert "pip install sta" not in TEXT
