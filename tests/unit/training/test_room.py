"""Models that fit no memory: told before anything is made of them."""

import pytest
import torch
from torch import nn

from tutelage.core.errors import RecipeError
from tutelage.core.shape.array import ArrayShape
from tutelage.core.shape.image import ImageShape
from tutelage.model.arch.cnn import Cnn
from tutelage.planning.recipe import recipe_from
from tutelage.run.start import Request, plan_training
from tutelage.training.room import activation_bytes, device_bytes, require_memory_room, require_room_for_step


@pytest.mark.parametrize("model", [{"kind": "mlp", "hidden": [2**20, 2**20]}, {"kind": "cnn", "widths": [2**16] * 3}])
def test_a_model_that_fits_no_memory_is_refused(model: dict[str, object]) -> None:
    source = "sklearn:digits" if model["kind"] == "cnn" else "sklearn:iris"
    with pytest.raises(RecipeError, match="model = "):
        plan_training(Request(recipe_from({"source": source, "model": model}, where="here")))


def test_what_fits_is_let_through() -> None:
    require_memory_room(device_bytes("cpu") // 8, "cpu", what="a model")
    with pytest.raises(RecipeError, match=r"a model needs .* GiB"):
        require_memory_room(device_bytes("cpu"), "cpu", what="a model")


@pytest.mark.parametrize("device", ["meta", "xla", "mps:0", "foo", "", "cuda:99", "cpu:x", "x" * 5000])
def test_a_device_that_cannot_train_is_refused(device: str) -> None:
    with pytest.raises(RecipeError, match="device") as caught:
        plan_training(Request(recipe_from({"source": "sklearn:iris", "device": device}, where="here")))
    assert len(str(caught.value)) < 500


def test_inputs_whose_activations_fit_no_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutelage.training.room.device_bytes", lambda device: 2**30)
    shape = ImageShape(channels=3, height=4096, width=4096)
    with torch.device("meta"):
        network = Cnn().build(shape, 2)
    with pytest.raises(
        RecipeError, match=r"of 4096x4096 color alone; cpu has 1\.0 GiB\. Make the inputs smaller .*prepare\.size"
    ):
        require_room_for_step(network, shape, "cpu", what="model = cnn")


def test_what_a_forward_pass_keeps_is_counted_without_computing_it() -> None:
    shape = ArrayShape(sizes=(1000,))
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(1000, 500), nn.ReLU(), nn.Linear(500, 10))
    # The input of the first layer, and what the activation gives, which the second takes.
    assert activation_bytes(network, shape) == 4 * (1000 + 500)
    assert activation_bytes(nn.Bilinear(3, 3, 3, device="meta"), shape) == 0
