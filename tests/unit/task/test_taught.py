"""A task with a teacher's terms added: micro-batches, members, weights, rows without labels, compiled or not."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tutelage.core.errors import RecipeError
from tutelage.distillation.base import Term
from tutelage.distillation.feature_relation import FeatureRelation
from tutelage.distillation.soft_targets import SoftTargets
from tutelage.distillation.standardized_logits import StandardizedLogits
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.model.layers.roles import mark
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.constant import Constant
from tutelage.task.base import Phase
from tutelage.task.classify import Classify
from tutelage.task.supervised import SupervisedTask
from tutelage.task.taught import TEACHER, Taught
from tutelage.training.step import Step, StepOptions
from tutelage.training.update import Update

B, F, C, M = 12, 5, 4, 3
TERMS = (SoftTargets(weight=2.0), StandardizedLogits(weight=0.5))


class Members(nn.Module):
    """Members that share nothing."""

    num_members = M

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(F, M * C)

    def forward(self, x_BF: Tensor) -> Tensor:
        outputs: Tensor = self.layer(x_BF).view(len(x_BF), M, C)
        return outputs


def learner(model: nn.Module) -> SupervisedTask:
    phase = Phase(owns=("model.",), optim=AdamW(), schedule=Constant(), clip=0.0)
    return SupervisedTask(model, loss=CrossEntropy().build(), input_names=("x",), phase=phase)


def make(terms: tuple[Term, ...] = TERMS, *, own: float = 1.0, model: nn.Module | None = None) -> Taught:
    torch.manual_seed(0)
    return Taught(learner(nn.Linear(F, C) if model is None else model), spec=Classify(), terms=terms, own=own)


def batch(**beside: Tensor) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    answers = torch.softmax(2 * torch.randn(B, C, generator=generator), -1)
    target = torch.randint(C, (B,), generator=generator)
    return {"x": torch.randn(B, F, generator=generator), "target": target, TEACHER: answers, **beside}


def value(task: Taught, rows: dict[str, Tensor]) -> Tensor:
    objective = task.objective("fit", rows)
    return objective.total / objective.weight


def test_the_loss_is_the_tasks_own_with_the_weighted_terms() -> None:
    task, rows = make(own=0.3), batch()
    logits = task.learner.network()(rows["x"])
    own = CrossEntropy().build()(logits, rows["target"]).mean()
    teacher = rows[TEACHER].log()
    terms = [term.weight * term.build()(logits[None], teacher, rows["target"]).mean() for term in TERMS]
    assert torch.allclose(value(task, rows), 0.3 * own + sum(terms), rtol=1e-6)


def test_without_terms_it_is_the_task_itself() -> None:
    task, rows = make((SoftTargets(weight=0.0),)), batch()
    del rows[TEACHER]
    assert torch.equal(value(task, rows), task.learner.objective("fit", rows).total / B)


@pytest.mark.parametrize("compiler", ["none", "aot_eager"])
@pytest.mark.parametrize("num_micro", [1, 3])
def test_a_batch_in_parts_and_a_compiled_one_give_the_same_update(compiler: str, num_micro: int) -> None:
    torch.compiler.reset()
    weights = []
    for options in (StepOptions(), StepOptions(compile=compiler, num_micro=num_micro)):  # type: ignore[arg-type]
        task = make()
        Step(task, options)(("fit",), batch(), 0.0)
        weights.append(task.learner.network().weight.detach().clone())
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-5, atol=1e-6)


def test_each_member_is_taught() -> None:
    task, rows = make((SoftTargets(),), own=0.0, model=Members()), batch()
    logits_BMC = task.learner.network()(rows["x"])
    each = [SoftTargets().build()(logits_BMC[None, :, m], rows[TEACHER].log(), rows["target"]).mean() for m in range(M)]
    assert torch.allclose(value(task, rows), torch.stack(each).mean(), rtol=1e-6)


def test_weights_of_classes_count_for_the_teacher_too() -> None:
    weight = torch.arange(1.0, B + 1)
    task, rows = make((SoftTargets(),), own=0.0), batch(weight=weight)
    logits = task.learner.network()(rows["x"])
    term_B = SoftTargets().build()(logits[None], rows[TEACHER].log(), rows["target"])[0]
    assert torch.allclose(value(task, rows), (term_B * weight).sum() / weight.sum(), rtol=1e-6)


def test_a_row_without_a_label_counts_for_the_teacher_alone() -> None:
    weight = torch.tensor([1.0] * 8 + [0.0] * 4)
    task, rows = make(), batch(weight=weight, soft_weight=torch.ones(B))
    other = {**rows, "target": torch.cat([rows["target"][:8], (rows["target"][8:] + 1) % C])}
    assert torch.equal(value(task, rows), value(task, other)), "its target is never looked at"
    moved = {**rows, TEACHER: torch.cat([rows[TEACHER][:8], rows[TEACHER][8:].flip(1)])}
    assert not torch.equal(value(task, rows), value(task, moved))


class Marked(nn.Module):
    """A layer in front of one that says that it is the last."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(F, 7)
        self.head = mark(nn.Linear(7, C), "output")

    def forward(self, x_BF: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.first(x_BF).relu())
        return outputs


@pytest.mark.parametrize("compiler", ["none", "aot_eager"])
def test_features_in_front_of_the_last_layer_are_compared(compiler: str) -> None:
    torch.compiler.reset()
    features = torch.randn(B, 9, generator=torch.Generator().manual_seed(2))
    rows, model = batch(teacher_features=features), Marked()
    task = make((FeatureRelation(),), own=0.0, model=model)
    by_hand = FeatureRelation().build()(model.first(rows["x"]).relu()[None], features, rows["target"]).mean()
    assert torch.allclose(value(task, rows), by_hand, rtol=1e-6)
    before = model.first.weight.detach().clone()
    report = Step(task, StepOptions(compile=compiler))(("fit",), rows, 0.0)  # type: ignore[arg-type]
    assert float(report.totals["fit"]) / B == pytest.approx(by_hand.item(), rel=1e-5)
    assert not torch.equal(model.first.weight, before)


def test_a_network_whose_last_layer_is_not_known_has_no_features() -> None:
    with pytest.raises(RecipeError, match="Take terms that compare answers"):
        make((FeatureRelation(),))


def test_what_was_taken_over_takes_smaller_steps_under_a_teacher_too() -> None:
    own = learner(nn.Linear(F, C))
    own.phases = {"fit": replace(own.phases["fit"], factors={"model.weight": 0.25})}
    task = Taught(own, spec=Classify(), terms=TERMS, own=1.0)
    rate = {
        id(parameter): group["lr"]
        for group in Update("fit", task.phases["fit"], task).optimizer.param_groups
        for parameter in group["params"]
    }
    layer = own.network()
    assert rate[id(layer.weight)] == pytest.approx(rate[id(layer.bias)] / 4)  # type: ignore[arg-type]
