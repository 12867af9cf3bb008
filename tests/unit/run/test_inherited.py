"""A student of a size begins with its teacher's largest channels; who cannot, begins from nothing, as before."""

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

import tutelage
from tests.contract.examples import image_folder, table
from tutelage.core import layout
from tutelage.core.errors import RecipeError, RunError
from tutelage.core.shape.array import ArrayShape
from tutelage.model.arch.mlp import MLP
from tutelage.planning.origin import OriginWish
from tutelage.run import inherited as inherited_module
from tutelage.run.inherited import fits_wholly, inherited
from tutelage.run.origin import begun_network
from tutelage.run.run import Run
from tutelage.task.classify import Classify
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

pytestmark = pytest.mark.slow
STEPS = 6


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("pictures")
    model = {"kind": "cnn", "stem": 8, "widths": [16, 32], "depth": 2}
    return tutelage.train(image_folder(folder), steps=STEPS, model=model, out=folder / "teacher", precision="float32", quiet=True)


def reason_of(run: Run, key: str) -> str:
    return next(each.reason for each in run.decided.decisions if each.key == key)


def filters(weights: torch.Tensor) -> set[tuple[float, ...]]:
    return {tuple(row.flatten().tolist()) for row in weights}


def test_a_student_begins_with_channels_of_its_teacher_and_itself_alone_from_nothing(pictures: Run, tmp_path: Path) -> None:
    student = tutelage.distill(pictures.path, student="small", out=tmp_path / "student", quiet=True)
    plan, teacher = student.decided, pictures.decided
    assert plan.origin is not None
    assert (plan.origin.path, plan.origin.fresh, plan.origin.factor) == (str(pictures.path.resolve()), (), 0.3)
    assert "the channels with the largest weights" in reason_of(student, "start_from")
    assert (plan.model.depth, teacher.model.depth) == (2, 2)  # type: ignore[union-attr]
    begun = begun_network(plan, student.data())
    assert begun is not None
    # What reads the pictures keeps its eight channels; the layer behind it has fewer now.
    second = [name for name, value in begun.network.state_dict().items() if value.dim() == 4][1]
    ours, theirs = begun.network.state_dict()[second], pictures.predictor.network.state_dict()[second]
    assert filters(ours) < filters(theirs)
    record = student.result["distillation"]
    assert record["student"]["num_parameters"] == record["alone"]["num_parameters"] <= record["teacher"]["num_parameters"] / 4
    alone = Run.open(f"{student.path}-alone")
    assert alone.decided.origin is None
    assert (alone.decided.model, alone.result["last_step"]) == (plan.model, student.result["last_step"])
    assert (plan.batch_size, plan.total_steps) == (teacher.batch_size, teacher.total_steps)


def test_one_that_was_cut_off_goes_on_with_the_same_bits(pictures: Run, tmp_path: Path) -> None:
    wishes: dict[str, Any] = {"alone": False, "quiet": True, "save": {"every_seconds": 0}}
    student = tutelage.distill(pictures.path, student="small", out=tmp_path / "student", **wishes)
    newest = checkpoints(student.path)[-1]
    whole = digest(load_checkpoint(newest))
    newest.unlink()
    (student.path / layout.RESULT).unlink()
    tutelage.resume(student.path, quiet=True)
    assert digest(load_checkpoint(checkpoints(student.path)[-1])) == whole


def test_who_says_otherwise_is_obeyed(pictures: Run, tmp_path: Path) -> None:
    student = tutelage.distill(
        pictures.path, student="small", out=tmp_path / "student", alone=False, quiet=True, start_from=OriginWish()
    )
    assert student.decided.origin is None
    assert student.decided.model.depth == 1  # type: ignore[union-attr]


def test_a_network_whose_channels_cannot_be_followed_has_students_that_begin_from_nothing(tmp_path: Path) -> None:
    teacher = tutelage.train(table(tmp_path), steps=STEPS, out=tmp_path / "teacher", quiet=True)
    student = tutelage.distill(teacher.path, student="small", out=tmp_path / "student", alone=False, quiet=True)
    assert student.decided.origin is None


def test_what_reads_fewer_channels_is_fitted_to_what_it_gave_before(pictures: Run, tmp_path: Path) -> None:
    model = {"kind": "cnn", "stem": 8, "widths": [8, 16], "depth": 2}
    source = pictures.files.recipe().source
    run = tutelage.train(source, start_from=pictures.path, model=model, steps=1, out=tmp_path / "run", quiet=True)
    data, plan = run.data(), run.decided
    assert "what reads them is fitted to what it gave before" in reason_of(run, "start_from")
    with mock.patch.object(inherited_module, "refit"):
        plain = begun_network(plan, data)
    fitted, again = begun_network(plan, data), begun_network(plan, data)
    assert plain is not None
    assert fitted is not None
    assert again is not None
    assert all(torch.equal(value, again.network.state_dict()[name]) for name, value in fitted.network.state_dict().items())
    rows = plan.task.finisher(data.fitted)(data.train.rows.take(torch.arange(len(data.train))))["image"]
    with torch.no_grad():
        wanted = pictures.predictor.network(rows)
        apart = [float((begun.network.eval()(rows) - wanted).square().mean()) for begun in (fitted, plain)]
    assert apart[0] < apart[1]


def test_a_training_that_starts_from_a_wider_run_takes_its_largest_channels_too(pictures: Run, tmp_path: Path) -> None:
    model = {"kind": "cnn", "stem": 8, "widths": [8, 16], "depth": 2}
    source = pictures.files.recipe().source
    run = tutelage.train(source, start_from=pictures.path, model=model, steps=2, out=tmp_path / "run", quiet=True)
    assert run.decided.origin is not None
    assert run.decided.origin.fresh == ()
    assert "the channels with the largest weights" in reason_of(run, "start_from")


def test_weights_of_a_network_that_is_not_wider_are_as_they_were() -> None:
    shape, task = ArrayShape(sizes=(6,)), Classify()
    made = {name: task.make_network(MLP(hidden=(width,)), shape, 3) for name, width in (("ours", 16), ("wide", 32))}
    weights = {name: value.detach() for name, value in made["ours"].state_dict().items()}
    asked: dict[str, Any] = {"task": task, "model": MLP(hidden=(16,)), "shape": shape, "num_outputs": 3}
    assert inherited(weights, made["wide"], **asked).weights is weights
    fewer = inherited(weights, task.make_network(MLP(hidden=(16,)), shape, 2), **asked)
    assert fewer.weights is weights, "a head of fewer classes makes no layer narrower"
    assert not fits_wholly(weights, made["wide"])
    assert fits_wholly(weights, made["ours"])


def test_a_run_of_pictures_starts_no_training_of_rows(tmp_path: Path) -> None:
    digits = tutelage.train("sklearn:digits", model="mlp", steps=2, out=tmp_path / "digits", quiet=True)
    with pytest.raises(RecipeError, match=r"start_from = .*: that run takes .*, and these data are"):
        tutelage.train("sklearn:iris", start_from=digits.path, steps=2, out=tmp_path / "run", quiet=True)


def test_a_run_that_has_not_ended_says_so(tmp_path: Path) -> None:
    begun = tutelage.train("sklearn:iris", steps=2, out=tmp_path / "run", quiet=True)
    (begun.path / layout.BEST / layout.PREDICTOR).unlink()
    opened = tutelage.open_run(begun.path)
    opened.__dict__["result"] = {}
    with pytest.raises(RunError, match=r"has not ended, so it has no model yet\. Finish it: tutelage resume"):
        opened.predict_proba("sklearn:iris")
