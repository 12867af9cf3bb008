"""Every preprocessing learns from train rows only, is the same after JSON, and gives what its shape promises."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.contract.examples import SOURCES
from tutelage.core import catalog
from tutelage.core.shape.base import shape_from_record
from tutelage.core.shape.views import Series, Text
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.base import Fitted, Prepare

CASES = list(catalog.names("source"))


def fit(kind: str, folder: Path) -> tuple[Prepare, Fitted, RowsPart]:
    part = catalog.load("source", kind)(path=SOURCES[kind](folder)).collect().train
    if not isinstance(part, RowsPart):
        pytest.skip("not made of rows")
    prepare: Prepare = catalog.load("prepare", part.suits)()
    return prepare, prepare.fit(part), part


def is_padded(fitted: Fitted) -> bool:
    """Tell whether rows are of unequal length, padded batch by batch."""
    return any(fitted.shape.view(view) is not None for view in (Text, Series))


@pytest.mark.parametrize("kind", CASES)
def test_it_survives_json_and_gives_the_same_rows(kind: str, tmp_path: Path) -> None:
    prepare, fitted, part = fit(kind, tmp_path)
    restored = prepare.restore(json.loads(json.dumps(fitted.state())))
    rows = torch.tensor([4, 0, 2])
    before, after = fitted.apply(part).take(rows), restored.apply(part).take(rows)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert restored.shape == fitted.shape
    assert shape_from_record(json.loads(json.dumps(fitted.shape.model_dump(mode="json")))) == fitted.shape


@pytest.mark.parametrize("kind", CASES)
def test_the_finisher_gives_the_tensors_that_the_shape_promises(kind: str, tmp_path: Path) -> None:
    _, fitted, part = fit(kind, tmp_path)
    batch = fitted.finisher()(fitted.apply(part).take(torch.arange(5)))
    for name, spec in fitted.shape.tensors.items():
        places = batch[name].shape[1:2] if is_padded(fitted) else spec.sizes[:1]
        assert batch[name].shape == (5, *places, *spec.sizes[1:])
        assert places <= spec.sizes[:1], "more places than the shape has"
        assert str(batch[name].dtype) == f"torch.{spec.dtype}"
        if spec.highs:
            assert (batch[name] < torch.tensor(spec.highs)).all()


@pytest.mark.parametrize("kind", CASES)
def test_what_is_beside_the_inputs_passes_through_the_finisher(kind: str, tmp_path: Path) -> None:
    _, fitted, part = fit(kind, tmp_path)
    target = torch.arange(4)
    batch = fitted.finisher()(fitted.apply(part).take(torch.arange(4)) | {"target": target})
    assert torch.equal(batch["target"], target)


@pytest.mark.parametrize("kind", CASES)
def test_a_row_is_prepared_alike_alone_and_among_others(kind: str, tmp_path: Path) -> None:
    _, fitted, part = fit(kind, tmp_path)
    finisher = fitted.finisher()
    together = finisher(fitted.apply(part).take(torch.arange(6)))
    alone = finisher(fitted.apply(part.select(np.array([3]))).take(torch.arange(1)))
    for name in fitted.shape.tensors:
        places = min(together[name].shape[1], alone[name].shape[1]) if is_padded(fitted) else None
        torch.testing.assert_close(together[name][3:4, :places], alone[name][:, :places])
        if is_padded(fitted):
            assert not together[name][3:4, places:].any(), "what is behind a row's end is padding"


@pytest.mark.parametrize("kind", CASES)
def test_it_says_itself_in_words(kind: str, tmp_path: Path) -> None:
    _, fitted, part = fit(kind, tmp_path)
    assert fitted.say()
    assert all(len(decision) == 3 for decision in fitted.decisions())
    json.dumps(fitted.summary(part), default=str)
    json.dumps(fitted.reading())


@pytest.mark.parametrize("kind", CASES)
def test_what_becomes_of_a_row_is_told_and_changes_nothing(kind: str, tmp_path: Path) -> None:
    _, fitted, part = fit(kind, tmp_path)
    before = fitted.apply(part).take(torch.arange(3))
    for row in range(3):
        told = fitted.changes(part, row)
        assert all(isinstance(text, str) for change in told for text in (change.name, change.before, change.after, change.how))
        assert all(change.name and change.after for change in told)
        # Arrays are passed on as they are; of all else each piece is told.
        assert told or part.suits == "array"
    assert all(torch.equal(before[name], value) for name, value in fitted.apply(part).take(torch.arange(3)).items())
