"""Every architecture learns 8 rows by heart, goes on bit for bit, learns as much in bfloat16, and does not see padding."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.contract.examples import network_settings
from tutelage.core import catalog
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Tokens
from tutelage.loss.mse import SquaredError
from tutelage.model.arch.base import Model
from tutelage.model.example import example_batch
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.constant import Constant
from tutelage.task.base import Batch, Phase, Task
from tutelage.task.language import LanguageTask
from tutelage.task.supervised import SupervisedTask
from tutelage.training.control import Control
from tutelage.training.state import TrainState
from tutelage.training.step import Precision, Step, StepOptions

SMALL: Mapping[str, Mapping[str, Any]] = {
    "array": {"sizes": (6,)},
    "forecast": {"channels": 2, "length": 24, "horizon": 6, "known": 3, "season": 4},
    "image": {"height": 16, "width": 16},
    "latent": {"sizes": (2, 1, 1)},
    "mixed_table": {"numbers": 3, "cardinalities": (3, 4), "vocabulary_size": 40, "length": 12},
    "observation": {"sizes": (6,)},
    "table": {"numbers": 5, "cardinalities": (3, 4)},
    "texts": {"vocabulary_size": 40, "length": 12},
    "tokens": {"vocabulary_size": 12, "length": 12},
    "series": {"channels": 2, "length": 24},
}
"""Sizes of shapes with which a test takes a second; a shape that is not here has its usual sizes."""
ROWS, OUTPUTS, MOST_STEPS, PIECE = 8, 2, 400, 10
"""Rows, outputs, and how many steps there may be; after each piece of them it is looked whether they suffice."""
BY_HEART = 0.05
"""Loss that may be left, as a share of the first one."""


def small_shape(kind: str) -> Shape:
    made: Shape = catalog.load("shape", kind)
    fields = made.model_fields  # type: ignore[attr-defined]
    return made(**{key: value for key, value in SMALL.get(kind, {}).items() if key in fields})  # type: ignore[operator, no-any-return]


SHAPES = {kind: small_shape(kind) for kind in catalog.names("shape")}
PAIRS = [
    pytest.param(model, shape, id=f"{model}-{shape}")
    for model in catalog.names("model")
    for shape in SHAPES
    if catalog.load("model", model).takes(SHAPES[shape])
]


def network(kind: str, shape: Shape, *, dropout: float = 0.0) -> nn.Module:
    """Return a network that drops nothing, unless told: what is learned by heart must not be blurred."""
    made = catalog.load("model", kind)
    wishes = {"dropout": dropout} if "dropout" in made.model_fields else {}
    spec: Model = made(**wishes, **network_settings(kind, shape))
    torch.manual_seed(0)
    tokens = shape.view(Tokens)
    return spec.build(shape, OUTPUTS if tokens is None else tokens.vocabulary_size)


class EightRows:
    """The same rows again and again."""

    epoch_size = batch_size = ROWS

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def next(self) -> Batch:
        return dict(self._batch)

    def row_numbers(self) -> None:
        return None

    def renew(self) -> None:
        pass

    def observe(self, report: object) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


def problem(kind: str, shape: Shape, *, precision: Precision = "float32", dropout: float = 0.0, ema: float = 0.0) -> TrainState:
    """Return a training on eight random rows with random answers; a language model keeps no weight average."""
    model = network(kind, shape, dropout=dropout)
    batch = example_batch(shape, ROWS)
    phase = Phase(owns=("model.",), optim=AdamW(lr=5e-3, weight_decay=0.0), schedule=Constant(warmup=0.0), clip=1.0)
    task: Task
    if shape.view(Tokens) is not None:
        token_BT = batch["token"]
        # Every row begins with a token of its own, so that each can be told from the others.
        token_BT[:, 0] = torch.arange(ROWS)
        batch |= {"token": token_BT[:, :-1], "target": token_BT[:, 1:]}
        task = LanguageTask(model, phase)
    else:
        with torch.no_grad():
            outputs = model.eval()(*batch.values())
        num_members = getattr(model, "num_members", 1)
        sizes = outputs.shape[:1] + outputs.shape[1 + (num_members > 1) :]
        batch["target"] = torch.randn(sizes, generator=torch.Generator().manual_seed(1))
        names = tuple(shape.tensors)
        loss = SquaredError().build() if batch["target"].dim() == 1 else all_numbers
        task = SupervisedTask(model, loss=loss, input_names=names, phase=phase, ema=ema)
    state = TrainState(task, Step(task, StepOptions(precision=precision)), EightRows(batch), Control(1_000))  # type: ignore[arg-type]
    task.train()
    return state


def all_numbers(outputs: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error of each row."""
    return (outputs - target).square().flatten(1).mean(dim=1)


def train(state: TrainState, steps: int) -> list[float]:
    """Return the mean loss of each step."""
    losses = []
    for _ in range(steps):
        report = state.step(("fit",), state.stream.next(), 0.0)
        losses.append(float(report.totals["fit"]) / float(report.weights["fit"]))
    return losses


def weights(state: TrainState) -> list[Tensor]:
    return [value.clone() for value in state.task.state_dict().values()]


@pytest.mark.parametrize(("kind", "shape"), PAIRS)
def test_eight_rows_are_learned_by_heart(kind: str, shape: str) -> None:
    if kind == "linear":
        pytest.skip("a line cannot")
    state = problem(kind, SHAPES[shape])
    losses = train(state, PIECE)
    while min(losses) > BY_HEART * losses[0] and len(losses) < MOST_STEPS:
        losses += train(state, PIECE)
    assert min(losses) < BY_HEART * losses[0], f"from {losses[0]:.3g} to {min(losses):.3g}"


@pytest.mark.parametrize(("kind", "shape"), PAIRS)
def test_three_steps_and_three_after_a_snapshot_are_six(kind: str, shape: str) -> None:
    # What is dropped is drawn: only generators that were put back draw the same.
    straight = problem(kind, SHAPES[shape], dropout=0.2, ema=0.9)
    torch.manual_seed(1)
    train(straight, 6)
    first = problem(kind, SHAPES[shape], dropout=0.2, ema=0.9)
    torch.manual_seed(1)
    train(first, 3)
    kept = first.snapshot()
    second = problem(kind, SHAPES[shape], dropout=0.2, ema=0.9)
    torch.manual_seed(99)  # a snapshot holds the generators too
    second.restore(kept)
    second.task.train()
    train(second, 3)
    for one, other in zip(weights(straight), weights(second), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(("kind", "shape"), PAIRS)
def test_bfloat16_learns_as_float32_does(kind: str, shape: str) -> None:
    exact = train(problem(kind, SHAPES[shape]), 25)
    rounded = train(problem(kind, SHAPES[shape], precision="bfloat16"), 25)
    assert all(math.isfinite(loss) for loss in rounded)
    assert abs(min(rounded) - min(exact)) < 0.1 * exact[0], (min(exact), min(rounded))


@pytest.mark.parametrize(("kind", "shape"), [pair for pair in PAIRS if "mask" in SHAPES[str(pair.values[1])].tensors])
def test_more_padding_changes_no_answer(kind: str, shape: str) -> None:
    model = network(kind, SHAPES[shape]).eval()
    batch = example_batch(SHAPES[shape], ROWS)
    names = list(batch)
    length = batch["mask"].shape[1]
    padded = {
        name: torch.cat([value, torch.zeros_like(value[:, :5]) if name == "mask" else value[:, :5]], dim=1)
        if value.shape[1] == length
        else value
        for name, value in batch.items()
    }
    with torch.no_grad():
        answers, others = model(*(batch[name] for name in names)), model(*(padded[name] for name in names))
    torch.testing.assert_close(others, answers, rtol=0, atol=1e-5)
