"""A run goes on as its plan says: what another version would decide otherwise about the data is kept, or refused."""

from pathlib import Path
from typing import Any

import pytest

from tutelage.cli.main import main
from tutelage.core.errors import RunError
from tutelage.data.prepare.kept import Kept
from tutelage.data.prepare.table import Table
from tutelage.run.run import Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "train.csv").write_text("n,kind\n" + "1,a\n2,b\n" * 30, encoding="utf-8")
    words = ["train", str(folder / "train.csv"), "--target", "kind", "--steps", "3", "--out", str(folder / "run")]
    assert main([*words, "--set", "model.members=1", "--set", "model.hidden=[8]", "--quiet"]) == 0
    return folder / "run"


def test_the_same_data_come_again_with_the_preprocessing_of_the_plan(trained: Path) -> None:
    run = Run.open(trained)
    data: Any = run.data()
    assert isinstance(run.decided.prepare, Table)
    assert data.prepare == run.decided.prepare


def test_data_that_would_be_parted_otherwise_now_are_refused_with_both_sizes(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutelage.task.parts.SMALL_VALIDATION_FRACTION", 0.3)
    with pytest.raises(RunError, match=r"has changed .*\(\d+ train, .* then, \d+ train, .* now\).* the version of tutelage"):
        Run.open(trained).data()


def test_a_preprocessing_that_a_plan_cannot_have_is_named_with_its_file(trained: Path) -> None:
    run = Run.open(trained)
    vars(run)["decided"] = run.decided.but(prepare=Kept(of="table", state={"columns": None}))
    with pytest.raises(RunError, match=r"run/plan\.json: prepare\.state is not what .* no longer as it was .* Bring an"):
        run.data()


def test_other_data_are_refused(trained: Path) -> None:
    path = trained.parent / "train.csv"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("2,b", "3,b"), encoding="utf-8")
    try:
        with pytest.raises(RunError, match="has changed since this run began"):
            Run.open(trained).data()
    finally:
        path.write_text(before, encoding="utf-8")
