"""Compiled steps on rows of unequal length: batches of many lengths are few graphs."""

import pytest
import torch

from tutelage.core import catalog
from tutelage.core.shape.texts import TextShape
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.constant import Constant
from tutelage.task.base import Phase
from tutelage.task.supervised import SupervisedTask
from tutelage.training.step import Step, StepOptions

SHAPE = TextShape(vocabulary_size=50, length=400)


@pytest.mark.parametrize("kind", ["bag", "text_cnn", "text_encoder"])
def test_batches_of_twenty_lengths_are_learned_from_as_without_a_compiler(kind: str) -> None:
    losses = []
    for compiler in ("aot_eager", "none"):
        torch.compiler.reset()
        torch.manual_seed(0)
        spec = catalog.load("model", kind)()
        spec = spec.but(dropout=0.0, width=16)
        phase = Phase(owns=("model.",), optim=AdamW(), schedule=Constant(), clip=0.0)
        model = spec.build(SHAPE, 2)
        task = SupervisedTask(model, loss=CrossEntropy().build(), input_names=tuple(SHAPE.tensors), phase=phase)
        step = Step(task, StepOptions(compile=compiler))  # type: ignore[arg-type]
        found = []
        for number in range(20):
            length, generator = 8 * (number + 1), torch.Generator().manual_seed(number)
            batch = {
                "token": torch.randint(1, 50, (4, length), generator=generator),
                "mask": torch.ones(4, length, dtype=torch.bool),
                "target": torch.tensor([0, 1, 0, 1]),
            }
            found.append(float(step(("fit",), batch, 0.0).totals["fit"]))
        losses.append(found)
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
