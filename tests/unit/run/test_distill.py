"""A student under teachers: equal to plain training where these count nothing, the same bits after a break, fair comparisons."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tutelage
from tests.contract.examples import chars, image_folder, table, text_folder
from tutelage.core import catalog, layout
from tutelage.core.errors import RecipeError, RunError, UsageError
from tutelage.predictor.companion import FloorShare
from tutelage.report.record import read_run
from tutelage.report.sections.distillation import DistillationSection
from tutelage.run.run import Run
from tutelage.run.start import Request, plan_training
from tutelage.run.teachers import FixedAnswers, LiveAnswers
from tutelage.task.beside import Beside
from tutelage.task.rows import RowsData
from tutelage.task.taught import TEACHER, Taught
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

pytestmark = pytest.mark.slow
STEPS = 6
NUMBERS = "size,form,amount\n" + "".join(f"{i % 7},{'xyz'[i % 3]},{2 * (i % 7) + 0.1 * (i % 5):.2f}\n" for i in range(80))


def teach(source: Any, out: Path, **wishes: Any) -> Run:
    return tutelage.train(source, steps=STEPS, out=out, quiet=True, **wishes)


def study(teacher: Run, out: Path, **wishes: Any) -> Run:
    return tutelage.distill(teacher.path, out=out, quiet=True, alone=False, **wishes)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A teacher of pictures, which are changed at random."""
    folder = tmp_path_factory.mktemp("pictures")
    return teach(image_folder(folder), folder / "teacher", precision="float32", save={"every_seconds": 0})


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A teacher of a table: a network of several members, beside a floor or not."""
    folder = tmp_path_factory.mktemp("cells")
    return teach(table(folder), folder / "teacher", precision="float32")


def show_distillation(run: Run) -> str:
    return str(DistillationSection().show(read_run(run.path)))


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.predictor.network.state_dict()


def same(one: Run, other: Run) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def prepared(run: Run) -> RowsData:
    data = run.data()
    assert isinstance(data, RowsData)
    return data


@pytest.mark.parametrize("wish", [{"terms": []}, {"terms": [{"kind": "soft_targets", "weight": 0}]}])
def test_a_weight_of_zero_is_plain_training_bit_for_bit(pictures: Run, tmp_path: Path, wish: dict[str, Any]) -> None:
    plain = teach(pictures.files.recipe().source, tmp_path / "plain", precision="float32")
    student = study(pictures, tmp_path / "student", student=pictures.decided.model, distill=wish)
    assert same(student, plain)


def test_a_teacher_that_counts_changes_the_student(pictures: Run, tmp_path: Path) -> None:
    student = study(pictures, tmp_path / "student", student=pictures.decided.model)
    assert student.decided.distill is not None
    assert student.decided.distill.views == "live"
    assert not same(student, pictures)


def test_a_teacher_is_in_evaluation_mode_and_gets_no_gradient(pictures: Run) -> None:
    data, teacher = prepared(pictures), pictures.predictor
    teacher.module.train()
    answers = LiveAnswers([teacher], pictures.decided.task, data)  # type: ignore[arg-type]
    before = {name: value.clone() for name, value in teacher.network.state_dict().items()}
    batch = teacher.module.finisher(data.train.labelled().take(torch.arange(4)))
    found = answers(batch, torch.arange(4))[TEACHER]
    assert not found.requires_grad
    assert not any(module.training for module in teacher.module.modules())
    assert all(parameter.grad is None for parameter in teacher.network.parameters())
    assert all(torch.equal(before[name], value) for name, value in teacher.network.state_dict().items())


def test_no_parameter_of_a_teacher_is_among_the_students(pictures: Run) -> None:
    recipe = pictures.files.recipe().but(distill={"teachers": [str(pictures.path)]})
    plan, gathered, _ = plan_training(Request(recipe))
    from tutelage.run.compose import compose

    problem = compose(plan, gathered.data).problem
    assert isinstance(problem.task, Taught)
    count = sum(parameter.numel() for parameter in problem.task.parameters())
    assert count == sum(parameter.numel() for parameter in problem.task.learner.parameters())
    assert TEACHER in problem.stream.next()


@pytest.mark.parametrize("runs", ["pictures", "cells"])
def test_answers_that_are_kept_are_those_of_the_moment(runs: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(runs)
    data, task = prepared(run), run.decided.task
    two = [run.predictor, run.predictor]
    fixed, live = FixedAnswers(two, task, data), LiveAnswers(two, task, data)  # type: ignore[arg-type]
    numbers = torch.tensor([5, 0, 3, 11])
    batch = run.predictor.module.finisher(data.train.labelled().take(numbers))
    assert torch.allclose(fixed(batch, numbers)[TEACHER], live(batch, numbers)[TEACHER], rtol=0, atol=1e-6)
    said = run.predictor.answers(data.train.part.select(numbers.numpy()))
    assert np.allclose(fixed(batch, numbers)[TEACHER].numpy(), said, rtol=0, atol=1e-6)


def test_the_plain_model_beside_a_teacher_is_never_left_out_in_silence(tmp_path: Path) -> None:
    teacher = teach(text_folder(tmp_path), tmp_path / "teacher").predictor
    assert teacher.fitted is not None
    data = prepared(Run.open(tmp_path / "teacher"))
    if teacher.companion is None:
        floor = Beside(catalog.load("floor", "word_pairs")(), data, 0)
        floor.fit()
        teacher = replace(teacher, companion=FloorShare(floor.floor, floor.fitted, 0.5))
    live, numbers = LiveAnswers([teacher], teacher.task, data), torch.tensor([3, 0])  # type: ignore[arg-type]
    batch = teacher.module.finisher(data.train.labelled().take(numbers))
    said = teacher.answers(data.train.part.select(numbers.numpy()))
    assert np.allclose(live(batch, numbers)[TEACHER].numpy(), said, rtol=0, atol=1e-6)
    with pytest.raises(RunError, match="a row without a number"):
        live(batch, None)


def test_pictures_are_mixed_on_request(pictures: Run, tmp_path: Path) -> None:
    wish = {"mixed": 0.5, "own": 0}
    student = study(pictures, tmp_path / "student", distill=wish)
    distill = student.decided.distill
    assert distill is not None
    assert (distill.mixed, distill.views) == (0.5, "live")
    assert student.decided.mirror == "off"
    assert not same(student, study(pictures, tmp_path / "plain", distill={"own": 0}))
    with pytest.raises(RecipeError, match="less than or equal to 1"):
        study(pictures, tmp_path / "much", distill={"mixed": 2})
    with pytest.raises(RecipeError, match="asks for rows as they are"):
        study(pictures, tmp_path / "fixed", distill={"mixed": 0.5, "views": "fixed"})


def test_only_pictures_are_mixed(cells: Run, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="only pictures can be mixed"):
        study(cells, tmp_path / "student", distill={"mixed": 0.5})


@pytest.mark.parametrize("runs", ["pictures", "cells"])
def test_a_resumed_student_ends_with_the_same_bits(runs: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    teacher: Run = request.getfixturevalue(runs)
    student = study(teacher, tmp_path / "student", save={"every_seconds": 0})
    newest = checkpoints(student.path)[-1]
    whole, metrics = digest(load_checkpoint(newest)), student.metrics
    newest.unlink()
    (student.path / layout.RESULT).unlink()
    tutelage.resume(student.path, quiet=True)
    assert digest(load_checkpoint(checkpoints(student.path)[-1])) == whole
    assert Run.open(student.path).metrics == metrics


def test_a_teacher_that_moved_or_changed_is_told_with_a_remedy(cells: Run, tmp_path: Path) -> None:
    teacher = teach(cells.files.recipe().source, tmp_path / "teacher")
    student = study(teacher, tmp_path / "student", save={"every_seconds": 0})
    checkpoints(student.path)[-1].unlink()
    (student.path / layout.RESULT).unlink()
    weights_file = teacher.path / layout.BEST / layout.PREDICTOR
    kept = weights_file.read_bytes()
    weights_file.unlink()
    with pytest.raises(RunError, match=r"no longer there. Bring it back"):
        tutelage.resume(student.path, quiet=True)
    other = teach(cells.files.recipe().source, tmp_path / "other", seed=5)
    weights_file.write_bytes((other.path / layout.BEST / layout.PREDICTOR).read_bytes())
    with pytest.raises(RunError, match=r"no longer the teacher"):
        tutelage.resume(student.path, quiet=True)
    weights_file.write_bytes(kept)
    assert tutelage.resume(student.path, quiet=True).metrics


def test_teacher_student_and_alone_stand_side_by_side(cells: Run, tmp_path: Path) -> None:
    student = tutelage.distill(cells.path, student="tiny", out=tmp_path / "student", quiet=True)
    record = student.result["distillation"]
    assert set(record) == {"teacher", "student", "alone"}
    for model in record.values():
        assert {"metrics", "num_parameters", "latency_ms", "flops", "memory_bytes", "agreement"} <= set(model)
        assert model["latency_ms"].keys() == {"1", "32"}
    assert record["student"]["metrics"]["test/accuracy"] == pytest.approx(student.metrics["test/accuracy"])
    assert record["alone"]["num_parameters"] == record["student"]["num_parameters"] <= record["teacher"]["num_parameters"] / 16
    assert record["teacher"]["agreement"] == 1
    assert "Teacher and student" in student.report.read_text(encoding="utf-8")
    alone = Run.open(f"{student.path}-alone")
    assert alone.decided.distill is None
    assert alone.result["last_step"] == student.result["last_step"]
    for key in ("model", "optim", "schedule", "batch_size", "augment", "floor", "task", "watched", "seed"):
        assert getattr(alone.decided, key) == getattr(student.decided, key), key
    again = tutelage.distill(cells.path, student="tiny", out=tmp_path / "student", quiet=True)
    assert again.metrics == student.metrics
    with pytest.raises(UsageError, match="another recipe"):
        tutelage.distill(cells.path, student="small", out=tmp_path / "student", quiet=True)


def test_a_column_that_the_teacher_guessed_is_said_to_the_student(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text(NUMBERS, encoding="utf-8")
    teacher = teach(tmp_path / "numbers.csv", tmp_path / "teacher")
    guessed = "the target was guessed to be 'amount'"
    assert any(guessed in str(event.get("message")) for event in teacher.files.log(layout.EVENTS))
    student = study(teacher, tmp_path / "student")
    assert student.files.recipe().target == "amount"
    assert not any("--target" in str(event.get("message")) for event in student.files.log(layout.EVENTS))
    assert prepared(student).fingerprint == prepared(teacher).fingerprint


@pytest.mark.parametrize("other", [{"seed": 1}, {"split": {"test": 0}}])
def test_a_teacher_that_kept_other_rows_apart_is_not_measured_on_the_students(tmp_path: Path, other: dict[str, Any]) -> None:
    source = table(tmp_path)
    teachers = [teach(source, tmp_path / "first"), teach(source, tmp_path / "second", **other)]
    student = tutelage.distill([run.path for run in teachers], student="tiny", out=tmp_path / "student", quiet=True, alone=False)
    found = student.result["distillation"]
    assert found["teacher"]["metrics"] == {}
    assert found["teacher"]["reason"].startswith(f"{teachers[1].path} kept other test rows apart than the student")
    assert found["student"]["metrics"]
    assert "kept other test rows apart" in show_distillation(student)


def test_several_teachers_teach_their_mean(cells: Run, tmp_path: Path) -> None:
    other = teach(cells.files.recipe().source, tmp_path / "other", model={"dropout": 0.5})
    student = tutelage.distill([cells.path, other.path], out=tmp_path / "student", quiet=True, alone=False)
    assert student.decided.distill is not None
    assert len(student.decided.distill.teachers) == 2
    data = prepared(student)
    fixed = FixedAnswers([cells.predictor, other.predictor], student.decided.task, data)  # type: ignore[arg-type]
    mean = (cells.predictor.answers(data.train.part) + other.predictor.answers(data.train.part)) / 2
    found = fixed({"target": torch.zeros(1)}, torch.arange(len(data.train)))[TEACHER].numpy()
    assert np.allclose(found, mean, rtol=0, atol=1e-6)


def test_numbers_are_learned_from_a_teacher_in_the_students_scale(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(NUMBERS, encoding="utf-8")
    teacher = teach(str(tmp_path / "rows.csv"), tmp_path / "teacher", target="amount", task="regress")
    student = study(teacher, tmp_path / "student")
    assert [term.kind for term in student.decided.distill.terms] == ["teacher_error"]  # type: ignore[union-attr]
    data = prepared(student)
    assert data.target is not None
    fixed = FixedAnswers([teacher.predictor], student.decided.task, data)  # type: ignore[arg-type]
    said = teacher.predictor.answers(data.train.part)
    found = fixed({"target": torch.zeros(1)}, torch.arange(len(data.train)))[TEACHER].numpy()
    assert np.allclose(data.target.decode(found), said, atol=1e-4)
    assert -1 <= student.result["distillation"]["student"]["agreement"] <= 1


def test_a_language_model_is_learned_from_token_by_token(tmp_path: Path) -> None:
    teacher = teach(
        chars(tmp_path),
        tmp_path / "teacher",
        prepare={"length": 16},
        model={"width": 32, "depth": 1, "heads": 2},
        task="language",
    )
    student = study(teacher, tmp_path / "student")
    distill = student.decided.distill
    assert distill is not None
    assert distill.views == "live"
    assert student.result["distillation"]["teacher"]["agreement"] == 1
    assert 0 <= student.result["distillation"]["student"]["agreement"] <= 1
    assert (
        student.result["distillation"]["student"]["metrics"].keys() == student.result["distillation"]["teacher"]["metrics"].keys()
    )
    for name, run in {"teacher": teacher, "student": student}.items():
        told, floor = student.result["distillation"][name], run.result["floor"]
        key = "test/nats_per_character"
        assert told["metrics"][key] == floor["metrics"]["network"][key] != run.metrics[key] == told["leaving"][key]
        assert told["floor_share"] == floor["share"] > 0
        assert told["floor_size"] > 100
    reasons = [decision.reason for decision in student.decided.decisions if decision.key == "distill.teachers"]
    assert "without the counts beside it" in reasons[0]
    page = show_distillation(student)
    assert "nats per character, as it leaves" in page
    assert "The networks alone" in page
    with pytest.raises(RecipeError, match="too many to keep"):
        study(teacher, tmp_path / "fixed", distill={"views": "fixed"})
    with pytest.raises(RecipeError, match="other tokens"):
        study(teacher, tmp_path / "bytes", prepare="bytes")


def test_language_models_without_counts_are_compared_as_they_are(tmp_path: Path) -> None:
    wishes = {"prepare": {"length": 16}, "model": {"width": 32, "depth": 1, "heads": 2}, "task": "language", "floor": "none"}
    student = study(teach(chars(tmp_path), tmp_path / "teacher", **wishes), tmp_path / "student")
    told = student.result["distillation"]["student"]
    assert told["metrics"] == {name: value for name, value in student.metrics.items() if name.startswith("test/")}
    assert "leaving" not in told


def test_arrays_from_python_are_given_again(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(90, 4)).astype(np.float32)
    rows, groups = (x, (x[:, 0] > 0).astype(int)), np.arange(90) // 3
    teacher = teach(rows, tmp_path / "teacher", groups=groups)
    with pytest.raises(UsageError, match="Give them again"):
        study(teacher, tmp_path / "none")
    student = tutelage.distill(teacher.path, source=rows, groups=groups, out=tmp_path / "student", quiet=True)
    assert student.result["distillation"]["alone"]["num_parameters"] == student.result["num_parameters"]
    assert len(student.predict(x[:3])) == 3


def test_texts_are_learned_from_rows_of_unequal_length(tmp_path: Path) -> None:
    teacher = teach(text_folder(tmp_path), tmp_path / "teacher")
    assert study(teacher, tmp_path / "student").result["distillation"]["teacher"]["agreement"] == 1


@pytest.mark.parametrize("has_labels", [False, True])
def test_further_rows_count_with_or_without_labels(cells: Run, tmp_path: Path, has_labels: bool) -> None:
    lines = Path(cells.files.recipe().source).read_text(encoding="utf-8").splitlines()[:21]
    kept = [line if has_labels else line.rpartition(",")[0] for line in lines]
    (tmp_path / "further.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    student = study(cells, tmp_path / "student", extra=tmp_path / "further.csv", save={"every_seconds": 0})
    assert student.decided.num_train == cells.decided.num_train + 20
    rows = prepared(student).served().take(torch.arange(student.decided.num_train))
    assert rows["soft_weight"].tolist() == [1.0] * student.decided.num_train
    assert rows["weight"].sum() == student.decided.num_train - (0 if has_labels else 20)
    whole = digest(load_checkpoint(checkpoints(student.path)[-1]))
    checkpoints(student.path)[-1].unlink()
    (student.path / layout.RESULT).unlink()
    tutelage.resume(student.path, quiet=True)
    assert digest(load_checkpoint(checkpoints(student.path)[-1])) == whole


def test_features_are_compared_on_request(pictures: Run, tmp_path: Path) -> None:
    student = study(pictures, tmp_path / "student", student="tiny", distill={"terms": ["soft_targets", "feature_relation"]})
    first = next(line for line in student.files.log(layout.METRICS) if "train/feature_relation" in line)
    assert first["train/feature_relation"] > 0
    with pytest.raises(RecipeError, match="Leave it out"):
        study(pictures, tmp_path / "fixed", distill={"terms": ["feature_relation"], "views": "fixed"})


def test_further_pictures_and_texts_without_labels_are_read_as_to_predict(pictures: Run, tmp_path: Path) -> None:
    further = Path(pictures.files.recipe().source) / "test" / "dark"
    student = study(pictures, tmp_path / "student", extra=further)
    assert student.decided.num_train == pictures.decided.num_train + len(list(further.iterdir()))
    teacher = teach(text_folder(tmp_path), tmp_path / "teacher")
    texts = Path(teacher.files.recipe().source) / "test" / "bad"
    pupil = study(teacher, tmp_path / "pupil", extra=texts)
    assert pupil.decided.num_train == teacher.decided.num_train + len(list(texts.iterdir()))


def test_what_does_not_fit_is_refused_before_training(cells: Run, pictures: Run, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is named twice, or is a copy of another one"):
        tutelage.distill([cells.path, cells.path], out=tmp_path / "twice", quiet=True, alone=False)
    with pytest.raises(RecipeError, match="knows other classes"):
        tutelage.distill([cells.path, pictures.path], out=tmp_path / "a", quiet=True)
    with pytest.raises(RecipeError, match="says nothing of fewer than 3 classes"):
        study(cells, tmp_path / "b", distill={"terms": ["standardized_logits"]})
    with pytest.raises(RecipeError, match="compares numbers"):
        study(cells, tmp_path / "c", distill={"terms": ["teacher_error"]})
    with pytest.raises(RecipeError, match="did you mean 'small'"):
        study(cells, tmp_path / "d", student="smal")
    with pytest.raises(RecipeError, match=r"'huge': unknown.* Known: small, tiny, .*mlp") as refused:
        study(cells, tmp_path / "d", student="huge")
    assert not {"cnn", "gpt", "lstm"} & set(str(refused.value).split("Known: ")[1].strip(".").split(", "))
    with pytest.raises(RecipeError, match="nothing to learn"):
        study(cells, tmp_path / "e", distill={"own": 0, "terms": []})
    with pytest.raises(RecipeError, match="further rows need a teacher"):
        tutelage.plan(cells.files.recipe().source, distill={"extra": cells.files.recipe().source})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("runs", ["pictures", "cells"])
def test_any_row_of_a_student_can_be_followed(runs: str, part: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    student = study(request.getfixturevalue(runs), tmp_path / "student")
    assert str(tutelage.explain(student.path, row=2, part=part))
