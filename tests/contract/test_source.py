"""Every source reads its example, names its rows, hashes its content, and claims nothing that is not its own."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.contract.examples import SOURCES
from tutelage.core import catalog
from tutelage.core.errors import TutelageError
from tutelage.data.part.base import RowsPart
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.recognize import recognize

KINDS = catalog.names("source")


def collect(kind: str, folder: Path) -> Collected:
    source: Source = catalog.load("source", kind)(path=SOURCES[kind](folder))
    return source.collect()


def test_every_source_has_an_example() -> None:
    assert set(KINDS) == set(SOURCES), "add an example of the new kind to tests/contract/examples.py"


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_recognized_by_its_own_source_only(kind: str, tmp_path: Path) -> None:
    path = SOURCES[kind](tmp_path)
    assert recognize(path) is catalog.load("source", kind)


@pytest.mark.parametrize("kind", KINDS)
def test_nonsense_is_not_claimed_and_not_read(kind: str, tmp_path: Path) -> None:
    source: type[Source] = catalog.load("source", kind)
    (tmp_path / "empty").mkdir()
    (tmp_path / "strange.xyz").write_bytes(b"\x00\x01\x02")
    for path in (str(tmp_path / "empty"), str(tmp_path / "strange.xyz"), str(tmp_path / "nowhere")):
        assert not source.recognizes(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_path_written_in_full_means_the_same_everywhere(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = SOURCES[kind](tmp_path)
    source: type[Source] = catalog.load("source", kind)
    monkeypatch.chdir(tmp_path)
    relative = path.replace(f"{tmp_path}/", "")
    full = source.anywhere(relative)
    monkeypatch.chdir("/")
    assert source.recognizes(full)
    assert source.anywhere(full) == full


@pytest.mark.parametrize("kind", KINDS)
def test_clean_data_has_no_problems_and_the_same_fingerprint_each_time(kind: str, tmp_path: Path) -> None:
    path = SOURCES[kind](tmp_path)
    source: type[Source] = catalog.load("source", kind)
    first, second = source(path=path).collect(), source(path=path).collect()
    assert first.problems == ()
    assert first.train.fingerprint == second.train.fingerprint
    assert first.name
    assert first.train.kind in catalog.names("defaults"), "auto must know what to do with this kind of data"


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_located_selected_and_shown(kind: str, tmp_path: Path) -> None:
    part = collect(kind, tmp_path).train
    if not isinstance(part, RowsPart):
        pytest.skip("not made of rows")
    rows = np.array([3, 1, 7])
    chosen = part.select(rows)
    assert len(chosen) == 3
    assert [chosen.locate(index) for index in range(3)] == [part.locate(row) for row in rows]
    assert len({part.locate(row) for row in range(len(part))}) == len(part)
    assert chosen.fingerprint != part.fingerprint
    assert chosen.renamed("other").name == "other"
    assert part.suits in catalog.names("prepare")
    assert isinstance(chosen.show(0), dict)
    if part.labels is not None:
        assert chosen.labels is not None
        assert chosen.labels.tolist() == part.labels[rows].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_a_test_part_that_is_not_there_is_told(kind: str, tmp_path: Path) -> None:
    source: type[Source] = catalog.load("source", kind)
    with pytest.raises(TutelageError):
        source(path=SOURCES[kind](tmp_path), test=str(tmp_path / "nowhere")).collect()


@pytest.mark.parametrize("kind", KINDS)
def test_data_that_vanish_are_told(kind: str, tmp_path: Path) -> None:
    path = SOURCES[kind](tmp_path)
    if not Path(path).exists():
        pytest.skip("not on disk")
    for entry in tmp_path.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    with pytest.raises(TutelageError):
        catalog.load("source", kind)(path=path).collect()
