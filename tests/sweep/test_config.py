import pytest

from sta.data import load_preset, preset_names
from sta.errors import ConfigError, FileFormatError
from sta.spectral import Recipe
from sta.sweep import config_from_table, load_config, make_plan


def test_every_preset_is_complete_and_survives_its_own_round_trip():
    for name in preset_names():
        config = load_config(name)
        assert config_from_table(config.to_dict()) == config
        assert make_plan(config).students


def test_the_paper_preset_is_the_published_protocol():
    """arXiv 2310.12612's code: learning rates, batches, penalties, sizes, epochs."""
    config = load_config("paper.toml")
    kinds = ["spectral", "direct", "group-lasso"]
    recipes = config_from_table({"student": {"kinds": kinds}}).kinds
    spectral, direct, lasso = (recipes[kind] for kind in kinds)
    assert (spectral.learning_rate, spectral.batch_size) == (0.005, 300)
    assert (direct.learning_rate, direct.batch_size) == (0.002, 500)
    assert (spectral.l2_phi, spectral.l2_eigenvalues, direct.l2_phi) == (0.01, 5e-4, 0.01)
    assert spectral.train == ("phi", "lambda_out") and direct.train == ("phi",)
    assert lasso.group_lasso == pytest.approx(2 * (0.01 * 5e-4) ** 0.5, rel=1e-9)
    assert (config.training.epochs, config.data.train_patterns) == (2000, 8000)
    teacher = config.teacher
    assert (teacher.input_width, teacher.widths, teacher.later_widths) == (10, (20,), (20,))
    own = Recipe()
    assert all(getattr(spectral, name) == getattr(own, name) for name in vars(own))


def test_an_ablation_inherits_and_changes_one_thing():
    config = load_config("ablation")
    spectral, only = config.kinds["spectral"], config.kinds["spectral-phi-only"]
    changed = {n for n in vars(spectral) if getattr(spectral, n) != getattr(only, n)}
    assert changed == {"widths", "l2_eigenvalues"}
    widths = {s.student_width for s in make_plan(config).students if s.kind == "spectral-phi-only"}
    assert widths == {200}


def test_a_file_is_laid_over_its_preset(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('preset = "demo"\n[student]\ntrials = 9\n')
    config = load_config(path)
    assert config.student.trials == 9
    assert config.teacher.widths == tuple(load_preset("demo")["teacher"]["widths"])
    assert config.kinds["direct"].learning_rate == 0.002


@pytest.mark.parametrize(
    "table, message",
    [
        ({"trainig": {}}, "'trainig'; did you mean 'training'"),
        ({"training": {"epoch": 3}}, "'training.epoch'; did you mean 'epochs'"),
        ({"kinds": {"spectral": {"l2phi": 3}}}, "did you mean 'l2_phi'"),
        ({"student": {"widths": [-3]}}, "student.widths = -3 is out of range"),
        ({"student": {"widths": [0]}}, "must be 1 to"),
        ({"student": {"widths": 3}}, "must be a list"),
        ({"student": {"widths": []}}, "student.widths is empty"),
        ({"student": {"widths": ["ten"]}}, "'ten' must be of type int"),
        ({"student": {"kinds": ["spectrl"]}}, "did you mean 'spectral'"),
        ({"student": {"kinds": []}}, "empty"),
        ({"student": {"spectral_layers": [2]}}, "layer 2"),
        ({"student": {"spectral_layers": []}}, "empty"),
        ({"student": {"readout": "loud"}}, "readout"),
        ({"training": {"epochs": True}}, "True must be of type int"),
        ({"training": {"epochs": 2.5}}, "2.5 must be of type int"),
        ({"training": {"dtype": "float16"}}, "float16"),
        ({"training": 3}, "must be a table"),
        ({"teacher": {"kind": "file"}}, "teacher.path"),
        ({"teacher": {"kind": "tree"}}, "tree"),
        ({"seed": -1}, "seed = -1"),
        ({"kinds": {"spectral": {"learning_rate": float("nan")}}}, "learning_rate"),
        ({"kinds": {"spectral": {"train": ["lambda"]}}}, "lambda"),
        ({"kinds": {"mine": {"like": "yours"}}, "student": {"kinds": ["mine"]}}, "yours"),
        ({"preset": "papr"}, "papr"),
        ({"kinds": {"spectrall": {}}}, "did you mean 'spectral'"),
        ({"kinds": {"group-lasso": {"l2phi": 1}}}, "did you mean 'l2_phi'"),
        ({"kinds": {"spectral": 5}}, "must be a table"),
        ({"student": {"widths": [20, 20]}}, "20 twice"),
        ({"teacher": {"kind": "file", "path": "x", "draws": 2}}, "one teacher"),
        ({"teacher": {"kind": "linear", "widths": [2, 3]}}, "linear teacher has one"),
        ({"student": {"widths": [10**12]}}, "out of range"),
        ({"training": {"threshold": 2.0}}, "out of range"),
    ],
)
def test_a_wrong_setting_is_named(table, message):
    with pytest.raises(ConfigError, match=message.replace("[", r"\[")) as caught:
        config_from_table(table)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_no_toml(tmp_path):
    with pytest.raises(FileFormatError, match="does not exist"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = = 3")
    with pytest.raises(ConfigError, match="not TOML"):
        load_config(tmp_path / "bad.toml")


def test_a_folder_with_a_presets_name_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    assert load_config("demo") == config_from_table(load_preset("demo"))
    (tmp_path / "paper").write_text("seed = 5")
    assert load_config("paper").seed == 5
