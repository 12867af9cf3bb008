"""Every term of distillation gives one number a sample, nothing for equal answers, and the right gradient."""

import pytest
import torch
from torch import Tensor

from tutelage.core import catalog
from tutelage.distillation.base import Term
from tutelage.distillation.class_correlation import ClassCorrelation
from tutelage.distillation.decoupled import Decoupled, split_divergence
from tutelage.distillation.soft_targets import SoftTargets
from tutelage.distillation.standardized_logits import StandardizedLogits

KINDS = catalog.names("distillation")
M, N, C = 3, 8, 6


def term_of(kind: str) -> Term:
    found: Term = catalog.load("distillation", kind)()
    return found


def examples(term: Term) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    size = 1 if term.answers == {"numbers"} else C
    student, teacher = torch.randn(M, N, size, generator=generator), 2 * torch.randn(N, size, generator=generator)
    return student, teacher, torch.randint(C, (N,), generator=generator)


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_one_number_for_each_member_and_sample(kind: str) -> None:
    term = term_of(kind)
    value_MN = term.build()(*examples(term))
    assert value_MN.shape == (M, N)
    assert value_MN.dtype == torch.float32
    assert (value_MN > -1e-6).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_student_that_says_what_its_teacher_says_has_nothing_to_learn(kind: str) -> None:
    term = term_of(kind)
    _, teacher_NC, target_N = examples(term)
    student = teacher_NC.expand(M, *teacher_NC.shape).clone().requires_grad_()
    value_MN = term.build()(student, teacher_NC, target_N)
    value_MN.sum().backward()  # type: ignore[no-untyped-call]
    assert value_MN.detach().abs().max() < 2e-3  # standardizing keeps the student's deviation 1e-4 larger
    assert student.grad is not None
    assert student.grad.abs().max() < 2e-3


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_the_value(kind: str) -> None:
    term = term_of(kind)
    student, teacher, target = (value.double() if value.is_floating_point() else value for value in examples(term))
    function = term.build()
    assert torch.autograd.gradcheck(lambda x: function(x, teacher, target), student.requires_grad_())


@pytest.mark.parametrize("kind", KINDS)
def test_members_do_not_influence_each_other(kind: str) -> None:
    term = term_of(kind)
    student, teacher, target = examples(term)
    together = term.build()(student, teacher, target)
    alone = torch.cat([term.build()(student[i : i + 1], teacher, target) for i in range(M)])
    assert torch.allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_logits_of_zero_and_answers_that_are_sure_give_finite_gradients(kind: str) -> None:
    term = term_of(kind)
    student, teacher, target = examples(term)
    for begin, sure in ((torch.zeros_like(student), teacher), (1000 * student, 1000 * teacher)):
        x = begin.clone().requires_grad_()
        term.build()(x, sure, target).sum().backward()  # type: ignore[no-untyped-call]
        assert x.grad is not None
        assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_for_which_answers_it_is(kind: str) -> None:
    term = term_of(kind)
    fitting, count = next(iter(term.answers)), 1 if term.answers == {"numbers"} else C
    assert term.refusal(fitting, count) == ""
    assert "compares" in term.refusal("episodes", count)
    if term.least_classes > 1:
        assert "fewer" in term.refusal(fitting, 1)


@pytest.mark.parametrize("answers", [("classes", 2), ("classes", 3), ("classes", 10), ("numbers", 1), ("tokens", 65)])
def test_there_is_a_usual_term_that_fits(answers: tuple[str, int]) -> None:
    usual = [type(term_of(kind)).suited(*answers) for kind in KINDS if type(term_of(kind)).usual(*answers)]
    assert usual
    assert all(term.refusal(*answers) == "" for term in usual)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_soft_targets_are_the_divergence_by_hand(temperature: float) -> None:
    student, teacher, target = (value.double() if value.is_floating_point() else value for value in examples(SoftTargets()))
    p, q = torch.softmax(teacher / temperature, -1), torch.softmax(student / temperature, -1)
    by_hand = temperature**2 * (p * (p / q).log()).sum(-1)
    value = SoftTargets(temperature=temperature).build()(student, teacher, target)
    assert torch.allclose(value, by_hand, rtol=0, atol=1e-6)


def test_the_square_of_the_temperature_keeps_the_size_of_the_gradient() -> None:
    # For high temperatures the gradient tends to (student - teacher) / C, centered: Hinton et al. 2015, equation 4.
    student, teacher, target = examples(SoftTargets())
    x = student.double().requires_grad_()
    SoftTargets(temperature=1000).build()(x, teacher.double(), target).sum().backward()  # type: ignore[no-untyped-call]
    apart = student.double() - teacher.double()
    assert x.grad is not None
    assert torch.allclose(x.grad, (apart - apart.mean(-1, keepdim=True)) / C, atol=2e-3)


def test_a_shift_and_a_scale_of_the_teacher_change_nothing_once_standardized() -> None:
    student, teacher, target = (
        value.double() if value.is_floating_point() else value for value in examples(StandardizedLogits())
    )
    function = StandardizedLogits().build()
    plain = function(student, teacher, target)
    for shift, scale in ((100.0, 1.0), (0.0, 0.01), (-3.0, 50.0)):
        assert torch.allclose(function(student, shift + scale * teacher, target), plain, rtol=0, atol=1e-6)


def test_decoupled_with_the_right_weights_is_the_whole_divergence() -> None:
    # KL = target + (1 - p(right class)) others: Zhao et al. 2022, equation 6.
    student, teacher, target_N = (value.double() if value.is_floating_point() else value for value in examples(Decoupled()))
    target, others = split_divergence(student, teacher, target_N)
    right_N = torch.softmax(teacher, -1).gather(1, target_N[:, None])[:, 0]
    whole = SoftTargets(temperature=1).build()(student, teacher, target_N)
    assert torch.allclose(target + (1 - right_N) * others, whole, rtol=0, atol=1e-6)


def test_correlation_is_pearson_by_hand() -> None:
    student, teacher, target = examples(ClassCorrelation())
    p, q = torch.softmax(student[0], -1), torch.softmax(teacher, -1)
    between = torch.stack([1 - torch.corrcoef(torch.stack([p[i], q[i]]))[0, 1] for i in range(N)])
    within = torch.stack([1 - torch.corrcoef(torch.stack([p[:, c], q[:, c]]))[0, 1] for c in range(C)]).mean()
    value = ClassCorrelation(inter=2, intra=0.5).build()(student[:1], teacher, target)[0]
    assert torch.allclose(value, 2 * between + 0.5 * within, atol=1e-5)
