"""Models that fit no memory: told before anything is made of them."""

import pytest

from tutelage.core.errors import RecipeError
from tutelage.planning.recipe import recipe_from
from tutelage.run.start import Request, plan_training
from tutelage.training.room import device_bytes, require_memory_room


@pytest.mark.parametrize("model", [{"kind": "mlp", "hidden": [2**20, 2**20]}, {"kind": "cnn", "widths": [2**16] * 3}])
def test_a_model_that_fits_no_memory_is_refused(model: dict[str, object]) -> None:
    source = "sklearn:digits" if model["kind"] == "cnn" else "sklearn:iris"
    with pytest.raises(RecipeError, match="model = "):
        plan_training(Request(recipe_from({"source": source, "model": model}, where="here")))


def test_what_fits_is_let_through() -> None:
    require_memory_room(device_bytes("cpu") // 8, "cpu", what="a model")
    with pytest.raises(RecipeError, match=r"a model needs .* GiB"):
        require_memory_room(device_bytes("cpu"), "cpu", what="a model")


@pytest.mark.parametrize("device", ["meta", "xla", "mps:0", "foo", "", "cuda:99", "cpu:x"])
def test_a_device_that_cannot_train_is_refused(device: str) -> None:
    with pytest.raises(RecipeError, match="device"):
        plan_training(Request(recipe_from({"source": "sklearn:iris", "device": device}, where="here")))
