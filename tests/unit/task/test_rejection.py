"""A judge of generated samples: what lies where no data are is made once more, and only where that helps."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tutelage.core.shape.array import ArrayShape
from tutelage.model.arch.mlp import MLP
from tutelage.model.layers.rejecting import Judge, Rejecting
from tutelage.planning.recipe import Recipe
from tutelage.predictor.judge import judge_from, judge_record, judge_tensors
from tutelage.run.start import Request, plan_training
from tutelage.task.generate import Generate
from tutelage.task.rejection import Rejection
from tutelage.task.sample_evaluation import SampleEvaluator

CENTERS = np.array([[-1.0, -1.0], [1.0, 1.0]])
"""Of two heaps: both numbers have the same sign, however they are prepared."""


class TwoHeaps(nn.Module):
    """Makes points as they are in the data; where the third random number is large, one of another quarter of the plane."""

    def __init__(self, bridge_from: float) -> None:
        super().__init__()
        self.bridge_from, self.real = bridge_from, torch.empty(0)

    def forward(self, latent: Tensor) -> Tensor:
        """Return points [B, 2] of latents [B, Z]."""
        share = torch.special.ndtr(latent[:, 0])
        points = self.real[(share * len(self.real)).long().clamp(max=len(self.real) - 1)]
        turned = points * torch.tensor([1.0, -1.0])
        return torch.where(latent[:, 2:3] > self.bridge_from, turned, points)


@pytest.fixture
def judged() -> Callable[[str], tuple[Rejection, SampleEvaluator]]:
    """Return what decides for points of two heaps."""

    def make(wish: str) -> tuple[Rejection, SampleEvaluator]:
        random = np.random.default_rng(0)
        points = CENTERS[random.integers(0, 2, 2_000)] + random.normal(size=(2_000, 2)) * 0.1
        recipe = Recipe(task=Generate(rejection=wish), device="cpu")  # type: ignore[arg-type]
        plan, gathered, _ = plan_training(Request(recipe, data=points.astype(np.float32)))
        validation = plan.task.build(plan, gathered.data).validation
        assert isinstance(validation, SampleEvaluator)
        return validation.rejection, validation

    return make


def heaps(rejection: Rejection, *, bridge_from: float) -> TwoHeaps:
    """Return a generator that makes what it has seen, and some points besides."""
    network = TwoHeaps(bridge_from)
    network.real = rejection.compared.train_samples
    return network


def good(rejection: Rejection, network: nn.Module) -> float:
    """Return which share of what leaves has two numbers of one sign, as all data have."""
    latent = torch.randn(2_000, rejection.spec.latent_size, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        made = rejection.around(network)(latent)
    return float((made[:, 0] * made[:, 1] > 0).float().mean())


def scores(rejection: Rejection, network: nn.Module) -> Callable[[], Sequence[float]]:
    """Return what measures by the share of good samples, a little different in each draw."""
    return lambda: [good(rejection, network) + 0.001 * draw for draw in range(3)]


def test_samples_between_the_heaps_are_made_once_more(judged: Callable[[str], tuple[Rejection, SampleEvaluator]]) -> None:
    rejection, _ = judged("on")
    network = heaps(rejection, bridge_from=1.3)
    before = good(rejection, network)
    rejection.decide(network, scores(rejection, network), trained=1_600)
    assert rejection.judge is not None
    # A tenth is bad. A judge of 200 steps does not see those near the border, but most.
    assert before < 0.92
    assert 1 - good(rejection, network) < 0.4 * (1 - before)
    assert rejection.record()["is_on"]
    assert rejection.record()["rejected"] == pytest.approx(1 - before, abs=0.03)


def test_a_generator_without_such_samples_leaves_alone(judged: Callable[[str], tuple[Rejection, SampleEvaluator]]) -> None:
    rejection, _ = judged("on")
    network = heaps(rejection, bridge_from=100.0)
    rejection.decide(network, scores(rejection, network), trained=1_600)
    assert rejection.judge is None
    assert rejection.around(network) is network
    assert rejection.record()["is_on"] is False


def test_nothing_is_decided_where_it_is_not_wished(judged: Callable[[str], tuple[Rejection, SampleEvaluator]]) -> None:
    rejection, validation = judged("off")
    network = heaps(rejection, bridge_from=1.3)
    assert rejection.reserve_seconds(network) == 0.0
    rejection.decide(network, scores(rejection, network), trained=1_600)
    assert rejection.judge is None
    assert (rejection.reason, rejection.record()) == ("", {})
    assert validation.rejection is rejection


def test_no_judge_is_made_for_a_training_of_a_few_steps(judged: Callable[[str], tuple[Rejection, SampleEvaluator]]) -> None:
    rejection, _ = judged("on")
    network = heaps(rejection, bridge_from=1.3)
    rejection.decide(network, scores(rejection, network), trained=390)
    assert (rejection.judge, rejection.record()) == (None, {})


def test_deciding_leaves_the_random_numbers_of_the_training_alone(
    judged: Callable[[str], tuple[Rejection, SampleEvaluator]],
) -> None:
    rejection, _ = judged("on")
    network = heaps(rejection, bridge_from=1.3)
    before = torch.get_rng_state()
    rejection.reserve_seconds(network)
    rejection.decide(network, scores(rejection, network), trained=1_600)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_same_judge_is_found_again(judged: Callable[[str], tuple[Rejection, SampleEvaluator]]) -> None:
    weights = []
    for _ in range(2):
        rejection, _ = judged("on")
        network = heaps(rejection, bridge_from=1.3)
        rejection.decide(network, scores(rejection, network), trained=1_600)
        assert rejection.judge is not None
        weights.append(torch.cat([value.flatten() for value in rejection.judge.network.state_dict().values()]))
    assert torch.equal(*weights)


def test_what_is_rejected_starts_again_from_the_other_sign_and_keeps_its_class() -> None:
    torch.manual_seed(0)
    generator = nn.Linear(5, 2, bias=False)
    judge = Judge(None, nn.Linear(2, 3, bias=False), cut=0.0)
    both = Rejecting(generator, judge, seen=nn.Identity(), sizes=(2,), latent_size=2)
    latent = torch.cat([torch.randn(50, 2), torch.eye(3)[torch.arange(50) % 3]], dim=1)
    turned = torch.cat([-latent[:, :2], latent[:, 2:]], dim=1)
    score = judge.network(generator(latent))[torch.arange(50), torch.arange(50) % 3]
    is_bad = score < 0
    assert 0 < int(is_bad.sum()) < 50
    expected = torch.where(is_bad[:, None], generator(turned), generator(latent))
    assert torch.equal(both(latent), expected)


def test_a_judge_in_a_file_comes_back_and_a_forged_one_is_refused() -> None:
    shape, task = ArrayShape(sizes=(2,)), Generate(sizes=(2,))
    judge = Judge(MLP(hidden=(4,)), MLP(hidden=(4,)).build(shape, 1), cut=-3.5)
    record, tensors = judge_record(judge), judge_tensors(judge)
    other = {"weight": torch.ones(1)}
    found, rest = judge_from(record, {**tensors, **other}, task=task, shape=shape)
    assert found is not None
    assert (found.cut, found.model, list(rest)) == (-3.5, judge.model, ["weight"])
    sample = torch.randn(4, 2)
    assert torch.equal(found.network(sample), judge.network.eval()(sample))
    for forged in ({**record, "cut": float("nan")}, {**record, "model": {"kind": "mlp", "hidden": [4096]}}, None):
        with pytest.raises((ValueError, RuntimeError)):
            judge_from(forged, {**tensors, **other}, task=task, shape=shape)


@pytest.mark.parametrize("gain", [(0.0, 0.01, -0.01), (-0.1, -0.1, -0.11), (0.02, -0.03, 0.02)])
def test_a_judge_without_a_clear_gain_does_not_leave(
    gain: tuple[float, ...], judged: Callable[[str], tuple[Rejection, SampleEvaluator]]
) -> None:
    rejection, _ = judged("on")
    told = iter([[0.5, 0.5, 0.5], [0.5 + each for each in gain]])
    rejection.decide(heaps(rejection, bridge_from=1.3), lambda: next(told), trained=400)
    assert rejection.judge is None
    assert rejection.record()["is_on"] is False


def test_no_judge_is_made_where_nothing_can_be_measured(judged: Callable[[str], tuple[Rejection, SampleEvaluator]]) -> None:
    rejection, _ = judged("on")
    rejection.decide(heaps(rejection, bridge_from=1.3), lambda: [float("nan")], trained=400)
    assert (rejection.judge, rejection.record(), rejection.reason) == (None, {}, "")


def test_a_judge_with_dropout_draws_no_random_numbers_of_the_training(
    judged: Callable[[str], tuple[Rejection, SampleEvaluator]],
) -> None:
    rejection, _ = judged("on")
    dropping = replace(rejection, spec=rejection.spec.but(critic=MLP(hidden=(8,), dropout=0.5)))  # type: ignore[attr-defined]
    before = torch.get_rng_state()
    dropping.reserve_seconds(heaps(dropping, bridge_from=1.3))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("batch_size", "at_once"), [(16, 16), (300, 256)])
def test_a_judge_of_pictures_takes_no_more_of_them_together_than_the_training(batch_size: int, at_once: int) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (400, 6, 6), dtype=np.uint8)
    recipe = Recipe(task=Generate(rejection="on"), device="cpu", batch_size=batch_size, model=MLP(hidden=(4,)))  # type: ignore[arg-type]
    plan, gathered, _ = plan_training(Request(recipe, data=pictures))
    validation = plan.task.build(plan, gathered.data).validation
    assert isinstance(validation, SampleEvaluator)
    assert validation.rejection.batch_size == at_once
    network = nn.Sequential(nn.Linear(32, 36), nn.Tanh())
    validation.rejection.decide(network, lambda: [0.0, 0.1, 0.2], trained=400)
    assert validation.rejection.record()["is_on"] is False


def test_where_less_is_better_the_scores_are_turned() -> None:
    points = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
    recipe = Recipe(task=Generate(), device="cpu", stopping={"metric": "frechet"})  # type: ignore[arg-type]
    plan, gathered, _ = plan_training(Request(recipe, data=points))
    problem = plan.task.build(plan, gathered.data)
    validation, seen = problem.validation, list[float]()
    assert isinstance(validation, SampleEvaluator)

    def look(network: nn.Module, scores: Callable[[], Sequence[float]], *, trained: int) -> None:
        seen.extend(scores())

    validation.rejection.decide = look  # type: ignore[method-assign]
    validation.choose(problem.task)
    assert len(seen) == 10
    assert all(score < 0 for score in seen)
