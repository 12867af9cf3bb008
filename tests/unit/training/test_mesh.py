"""The mesh of one process changes nothing; what a launcher says is checked. Several processes: tests/e2e."""

import numpy as np
import pytest
import torch

from tutelage.core.errors import RecipeError
from tutelage.training.mesh import LONE, device_of_process, mesh_from_environment


def test_alone_nothing_is_changed() -> None:
    tensor = torch.tensor([1.0, 2.0])
    LONE.sum_([tensor])
    LONE.spread_([tensor])
    assert tensor.tolist() == [1.0, 2.0]
    assert (LONE.total(3), LONE.agree((1, "a")), LONE.first_word("late")) == (3, (1, "a"), "late")
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
