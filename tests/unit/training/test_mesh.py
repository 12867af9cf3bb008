"""The mesh of one process changes nothing; what a launcher says is checked. Several processes: tests/e2e."""

import json

import numpy as np
import pytest
import torch

from tutelage.core.errors import RecipeError, RunError, TutelageError, UsageError
from tutelage.training.failure import failure_from, failure_record
from tutelage.training.mesh import LONE, device_of_process, mesh_from_environment


def test_alone_nothing_is_changed() -> None:
    tensor = torch.tensor([1.0, 2.0])
    LONE.sum_([tensor])
    LONE.spread_([tensor])
    assert tensor.tolist() == [1.0, 2.0]
    assert (LONE.total(3), LONE.agree((1, "a")), LONE.first_word("late")) == (3, (1, "a"), "late")
    assert LONE.lead(lambda: (2, "b")) == (2, "b")
    arrays = {"rows": np.arange(3)}
    assert LONE.gather(arrays)[0]["rows"] is arrays["rows"]
    assert (LONE.rank, LONE.world, LONE.is_writer, LONE.ask_every) == (0, 1, True, 1)


@pytest.mark.parametrize("environ", [{}, {"WORLD_SIZE": "1"}, {"WORLD_SIZE": "1", "RANK": "0"}])
def test_without_a_launcher_there_is_one_process(environ: dict[str, str]) -> None:
    assert mesh_from_environment(environ) is LONE


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"WORLD_SIZE": "two"}, r"WORLD_SIZE is 'two'"),
        ({"WORLD_SIZE": "2"}, r"RANK is not set.*torchrun"),
        ({"WORLD_SIZE": "2", "RANK": "0"}, r"MASTER_PORT is not set"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_PORT": "29500"}, r"MASTER_ADDR is not set"),
    ],
)
def test_half_a_launcher_is_refused_with_what_is_missing(environ: dict[str, str], found: str) -> None:
    with pytest.raises(RecipeError, match=found):
        mesh_from_environment(environ)


def test_each_process_gets_a_card_of_its_own() -> None:
    assert device_of_process({"LOCAL_RANK": "3"}, "cuda") == "cuda:3"
    assert device_of_process({"LOCAL_RANK": "3"}, "cpu") == "cpu"
    assert device_of_process({}, "cuda") == "cuda"


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:3"])
def test_several_processes_never_share_a_card_that_a_plan_names(device: str) -> None:
    environs = [{"WORLD_SIZE": "2", "LOCAL_RANK": str(rank)} for rank in range(2)]
    assert [device_of_process(environ, device) for environ in environs] == ["cuda:0", "cuda:1"]


def test_a_process_that_is_alone_keeps_the_card_that_it_names() -> None:
    assert device_of_process({}, "cuda:1") == "cuda:1"
    assert device_of_process({"WORLD_SIZE": "1", "LOCAL_RANK": "0"}, "cuda:1") == "cuda:1"


@pytest.mark.parametrize(
    "error",
    [
        UsageError("--out run: not empty."),
        RunError("the disk is full"),
        RecipeError("no such card"),
        PermissionError(13, "Permission denied", "run/plan.json"),
        OSError(28, "No space left on device"),
    ],
)
def test_a_failure_is_the_same_error_in_every_process(error: Exception) -> None:
    again = failure_from(json.loads(json.dumps(failure_record(error))))
    assert (type(again), str(again)) == (type(error), str(error))


def test_an_error_that_is_no_users_mistake_is_told_with_its_kind() -> None:
    again = failure_from(failure_record(ZeroDivisionError("by zero")))
    assert isinstance(again, TutelageError)
    assert "ZeroDivisionError('by zero')" in str(again)
