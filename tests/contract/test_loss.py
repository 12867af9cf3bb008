"""Every loss gives the right number per sample, the right gradient, and never an infinite one."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.core import catalog
from tutelage.loss.base import Loss
from tutelage.loss.binary_cross_entropy import BinaryCrossEntropy
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.loss.focal import Focal
from tutelage.loss.hinge import Hinge
from tutelage.loss.huber import Huber
from tutelage.loss.log_cosh import LogCosh
from tutelage.loss.mae import AbsoluteError
from tutelage.loss.mse import SquaredError
from tutelage.loss.quantile import Quantile

KINDS = catalog.names("loss")
CLASS_KINDS = [kind for kind in KINDS if catalog.load("loss", kind).answers == "classes"]
NUMBER_KINDS = [kind for kind in KINDS if catalog.load("loss", kind).answers == "numbers"]

VARIANTS: dict[str, list[Loss]] = {
    "cross_entropy": [CrossEntropy(), CrossEntropy(label_smoothing=0.1)],
    "focal": [Focal(), Focal(gamma=0), Focal(gamma=0.5), Focal(gamma=5)],
    "hinge": [Hinge(), Hinge(power=2), Hinge(margin=0.3)],
    "huber": [Huber(), Huber(delta=0.2)],
    "quantile": [Quantile(), Quantile(level=0.9)],
}


def variants(kind: str) -> list[Loss]:
    return VARIANTS.get(kind) or [catalog.load("loss", kind)()]


ALL = [pytest.param(loss, id=f"{kind}-{i}") for kind in KINDS for i, loss in enumerate(variants(kind))]


def is_class_loss(loss: Loss) -> bool:
    return type(loss).answers == "classes"


def examples(loss: Loss, num_outputs: int, *, dtype: torch.dtype = torch.float32, size: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(num_outputs)
    outputs = torch.randn(size, num_outputs, generator=generator, dtype=torch.float64).to(dtype)
    if is_class_loss(loss):
        return outputs, torch.randint(max(2, num_outputs), (size,), generator=generator)
    return outputs, torch.randn(size, generator=generator, dtype=torch.float64).to(torch.float32)


def output_sizes(loss: Loss) -> tuple[int, ...]:
    return (1, 2, 5) if is_class_loss(loss) else (1,)


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_there_is_one_number_per_sample_in_float32_or_better(loss: Loss, dtype: torch.dtype) -> None:
    for num_outputs in output_sizes(loss):
        value_B = loss.build()(*examples(loss, num_outputs, dtype=dtype))
        assert value_B.shape == (12,)
        assert value_B.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert (value_B >= 0).all()


@pytest.mark.parametrize("loss", ALL)
def test_samples_do_not_influence_each_other(loss: Loss) -> None:
    outputs, target = examples(loss, 1 if not is_class_loss(loss) else 5)
    function = loss.build()
    alone = torch.cat([function(outputs[i : i + 1], target[i : i + 1]) for i in range(len(target))])
    assert torch.allclose(function(outputs, target), alone, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("loss", ALL)
def test_the_gradient_is_that_of_the_value(loss: Loss) -> None:
    for num_outputs in output_sizes(loss):
        outputs, target = examples(loss, num_outputs, dtype=torch.float64)
        function = loss.build()
        assert torch.autograd.gradcheck(lambda x, f=function, t=target: f(x, t), (outputs.requires_grad_(),))


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e4])
def test_extreme_outputs_give_finite_values_and_gradients(loss: Loss, size: float) -> None:
    for num_outputs in output_sizes(loss):
        outputs, target = examples(loss, num_outputs)
        outputs = (size * outputs.sign()).requires_grad_()
        value = loss.build()(outputs, target).sum()
        value.backward()  # type: ignore[no-untyped-call]
        assert outputs.grad is not None
        assert torch.isfinite(value)
        assert torch.isfinite(outputs.grad).all()


@pytest.mark.parametrize("kind", CLASS_KINDS)
def test_certain_and_right_costs_nothing_and_certain_and_wrong_costs_much(kind: str) -> None:
    function = catalog.load("loss", kind)().build()
    for outputs in (torch.tensor([[-60.0, 60.0]]), torch.tensor([[60.0]])):
        assert float(function(outputs, torch.tensor([1]))) == pytest.approx(0, abs=1e-6)
        assert float(function(outputs, torch.tensor([0]))) > 50


@pytest.mark.parametrize("kind", [kind for kind in CLASS_KINDS if kind != "binary_cross_entropy"])
def test_a_single_output_is_the_second_of_two_classes_with_the_first_at_zero(kind: str) -> None:
    function = catalog.load("loss", kind)().build()
    outputs, target = torch.randn(9, 1), torch.randint(2, (9,))
    pair = torch.cat([torch.zeros(9, 1), outputs], dim=1)
    assert torch.equal(function(outputs, target), function(pair, target))


@pytest.mark.parametrize("kind", NUMBER_KINDS)
def test_no_error_costs_nothing_and_a_second_output_is_refused(kind: str) -> None:
    function = catalog.load("loss", kind)().build()
    target = torch.randn(7)
    assert torch.allclose(function(target[:, None], target), torch.zeros(7), atol=1e-7)
    with pytest.raises(RuntimeError):
        function(torch.randn(7, 2), target)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ALL)
def test_the_compiler_traces_the_whole_loss_and_gets_the_same(loss: Loss) -> None:
    torch.compiler.reset()
    outputs, target = examples(loss, 5 if is_class_loss(loss) else 1)
    plain, traced = outputs.clone().requires_grad_(), outputs.clone().requires_grad_()
    function = loss.build()
    expected = function(plain, target)
    value = torch.compile(function, fullgraph=True, backend="aot_eager")(traced, target)
    expected.sum().backward()  # type: ignore[no-untyped-call]
    value.sum().backward()
    assert plain.grad is not None
    assert traced.grad is not None
    assert torch.allclose(value, expected, rtol=1e-6)
    assert torch.allclose(traced.grad, plain.grad, rtol=1e-6, atol=1e-8)


def test_cross_entropy_by_hand() -> None:
    function = CrossEntropy().build()
    assert float(function(torch.zeros(1, 10), torch.tensor([3]))) == pytest.approx(math.log(10))
    assert float(function(torch.tensor([[0.0, math.log(3)]]), torch.tensor([1]))) == pytest.approx(math.log(4 / 3))


def test_label_smoothing_by_hand() -> None:
    # p = (1/4, 3/4); targets (0.05, 0.95)
    value = CrossEntropy(label_smoothing=0.1).build()(torch.tensor([[0.0, math.log(3)]]), torch.tensor([1]))
    assert float(value) == pytest.approx(0.05 * math.log(4) + 0.95 * math.log(4 / 3))


def test_binary_cross_entropy_by_hand() -> None:
    function = BinaryCrossEntropy().build()
    outputs = torch.full((2, 1), math.log(3))
    assert torch.allclose(function(outputs, torch.tensor([1, 0])), torch.tensor([math.log(4 / 3), math.log(4)]))
    many = function(torch.zeros(1, 4), torch.tensor([2]))
    assert float(many) == pytest.approx(4 * math.log(2))


def test_binary_cross_entropy_of_one_output_is_cross_entropy_of_a_pair() -> None:
    outputs, target = torch.randn(50, 1, dtype=torch.float64) * 5, torch.randint(2, (50,))
    one, two = BinaryCrossEntropy().build(), CrossEntropy().build()
    assert torch.allclose(one(outputs, target), two(outputs, target), rtol=1e-12, atol=1e-15)


def test_focal_by_hand_and_as_cross_entropy() -> None:
    outputs, target = torch.tensor([[0.0, math.log(3)]]), torch.tensor([1])
    assert float(Focal(gamma=2).build()(outputs, target)) == pytest.approx(0.25**2 * math.log(4 / 3))
    outputs, target = torch.randn(20, 6), torch.randint(6, (20,))
    assert torch.allclose(Focal(gamma=0).build()(outputs, target), CrossEntropy().build()(outputs, target))


def test_hinge_by_hand_and_as_the_reference_for_two_classes() -> None:
    outputs = torch.tensor([[1.0, 3.0, 2.5]])
    assert float(Hinge().build()(outputs, torch.tensor([1]))) == pytest.approx(0.5)
    assert float(Hinge().build()(outputs, torch.tensor([0]))) == pytest.approx(3.0)
    assert float(Hinge(power=2).build()(outputs, torch.tensor([0]))) == pytest.approx(9.0)
    outputs, target = torch.randn(30, 2), torch.randint(2, (30,))
    # torch divides by the number of classes.
    expected = 2 * F.multi_margin_loss(outputs, target, reduction="none")
    assert torch.allclose(Hinge().build()(outputs, target), expected)


@pytest.mark.parametrize(
    ("loss", "error", "value"),
    [
        (SquaredError(), -3.0, 9.0),
        (AbsoluteError(), -3.0, 3.0),
        (Huber(), 0.5, 0.125),
        (Huber(), -3.0, 2.5),
        (Huber(delta=2.0), 3.0, 4.0),
        (LogCosh(), 1.5, math.log(math.cosh(1.5))),
        (LogCosh(), -1e-3, math.log(math.cosh(1e-3))),
        (LogCosh(), 200.0, 200.0 - math.log(2)),
        (Quantile(), -3.0, 1.5),
        (Quantile(level=0.9), -3.0, 2.7),
        (Quantile(level=0.9), 3.0, 0.3),
    ],
)
def test_number_losses_by_hand(loss: Loss, error: float, value: float) -> None:
    result = loss.build()(torch.tensor([[1.0 + error]], dtype=torch.float64), torch.tensor([1.0]))
    assert float(result) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("loss", "best"),
    [(SquaredError(), 3.7), (AbsoluteError(), 2.0), (Quantile(level=0.9), 10.0), (Quantile(level=0.1), 0.0)],
)
def test_the_best_constant_is_the_mean_the_median_or_the_quantile(loss: Loss, best: float) -> None:
    target = torch.tensor([0.0, 1.0, 2.0, 5.5, 10.0])
    function = loss.build()
    candidates = torch.arange(-1, 11, 0.1)
    costs = torch.stack([function(c.expand(5)[:, None], target).sum() for c in candidates])
    assert float(candidates[costs.argmin()]) == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("loss", ALL)
def test_the_formula_with_numbers_comes_out_at_the_loss(loss: Loss) -> None:
    for num_outputs in output_sizes(loss):
        outputs, target = examples(loss, num_outputs)
        for row in range(len(outputs)):
            said = loss.worked(outputs[row : row + 1], target[row : row + 1])
            value = float(loss.build()(outputs[row : row + 1], target[row : row + 1])[0])
            assert float(said.rpartition(" = ")[2]) == pytest.approx(value, rel=2e-3, abs=1e-6), said
