"""A plan that was changed by hand is refused where it says what no training decides: by its key, before anything is built."""

from pathlib import Path

import pytest
from pydantic import ValidationError

import tutelage
from tutelage.core.errors import RecipeError, RunError
from tutelage.data.prepare.kept import Kept
from tutelage.planning.origin import OriginPlan
from tutelage.planning.plan import plan_from
from tutelage.planning.recipe import recipe_from
from tutelage.planning.teaching import TeacherFile
from tutelage.run import start
from tutelage.run.start import Request, plan_training
from tutelage.training.stopping import require_measured


def test_a_beginning_in_which_only_what_is_new_learns_needs_something_new() -> None:
    with pytest.raises(ValidationError, match=r"head = 0\.5 of the steps for what is new, and nothing is new"):
        OriginPlan(path="run", sha256="0" * 64, head=0.5)
    assert OriginPlan(path="run", sha256="0" * 64, head=0.5, fresh=("head.weight",)).head == 0.5


@pytest.mark.parametrize("state", [{}, {"columns": 5}, {"columns": [[[]]], "encoders": []}])
def test_a_kept_preprocessing_says_what_it_has_learned(state: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=r"prepare\.state is not what a preprocessing 'table' has learned"):
        Kept(of="table", state=state).restore(state)


def test_a_kept_preprocessing_is_one_of_those_known() -> None:
    with pytest.raises(RecipeError, match=r"recipe: prepare\.of: unknown prepare 'tables'"):
        Kept(of="tables").restore({})


def test_a_path_longer_than_any_is_refused_in_few_words() -> None:
    with pytest.raises(ValidationError, match="100,000 characters, more than the 32,767 of any path"):
        TeacherFile(path="x" * 100_000, seal="")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("watched", ""),
        ("watched", "size"),
        ("cooldown", 1e308),
        ("cooldown", -0.1),
        ("until", True),
        ("until", "1"),
    ],
)
def test_a_plan_whose_end_cannot_be_is_refused_by_its_key(key: str, value: object) -> None:
    recipe = recipe_from({"source": "sklearn:iris", "budget": {"steps": 10}}, where="test")
    record = plan_training(Request(recipe))[0].to_record()
    assert plan_from(record).watched
    with pytest.raises(RunError, match=rf"plan\.json: {key} = "):
        plan_from({**record, key: value})


@pytest.mark.parametrize(("key", "value"), [("watched", "rmse"), ("headline", "mae"), ("metrics", [{"kind": "rmse"}])])
def test_a_plan_that_measures_what_its_task_does_not_answer_is_refused(key: str, value: object) -> None:
    recipe = recipe_from({"source": "sklearn:iris", "budget": {"steps": 10}}, where="test")
    record = plan_training(Request(recipe))[0].to_record()
    require_measured(plan_from(record), where="plan.json")
    with pytest.raises(RunError, match=rf"plan\.json: {key} = '\w+': '\w+' measures numbers, and 'classify' gives classes"):
        require_measured(plan_from({**record, key: value}), where="plan.json")


def test_a_run_of_another_machine_says_which_file_names_the_device_and_how_to_train_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tutelage.train("sklearn:iris", steps=2, quiet=True, out=tmp_path / "run")
    monkeypatch.setattr(start, "has_ended", lambda files: False)
    monkeypatch.setattr(start, "device_refusal", lambda device: "torch finds 0 CUDA cards on this machine.")
    with pytest.raises(RunError, match=r"plan\.json: device = 'cpu': torch finds .*\. To train anew .* --recipe .*recipe\.toml"):
        start.resume_training(run.path, Request(recipe_from({}, where="test")))
