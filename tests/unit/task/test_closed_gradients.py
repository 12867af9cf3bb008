"""Gradients in closed form are those of autograd, for every kind of action, weights of samples, and clipped ratios."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tutelage.core.shape.observation import ObservationShape
from tutelage.model.arch.mlp import MLP
from tutelage.optim.adam import Adam
from tutelage.optim.schedule.constant import Constant
from tutelage.task.base import Batch, Phase, Task
from tutelage.task.dqn import Dqn, DqnTask
from tutelage.task.ppo import Ppo, PpoTask
from tutelage.task.sac import Sac, SacTask
from tutelage.training.step import Step, StepOptions

ROWS, NUMBERS = 40, 5
SEEN = ObservationShape(sizes=(NUMBERS,))
BOUNDS = {"low": (-1.0, -2.0), "high": (1.0, 2.0)}


def phase(*owned: str) -> Phase:
    return Phase(owns=owned, optim=Adam(lr=1e-2), schedule=Constant(warmup=0), clip=0.5)


def net(activation: str = "tanh") -> Any:
    return MLP(hidden=(32, 16), activation=activation, dropout=0.0)  # type: ignore[arg-type]


def ppo(*, activation: str = "tanh", numbers: bool = False) -> tuple[Task, Batch]:
    torch.manual_seed(1)
    spec, num_outputs = Ppo(entropy_weight=0.1, **(BOUNDS if numbers else {"num_actions": 3})), 2 if numbers else 3
    policy = spec.make_network(net(activation), SEEN, num_outputs)
    task = PpoTask(spec, policy=policy, value=net(activation).build(SEEN, 1), phase=phase(""))
    task.learn_scale(3 * torch.randn(100, NUMBERS) + 1)
    if task.log_std is not None:
        nn.init.normal_(task.log_std)
    seen = torch.randn(ROWS, NUMBERS)
    action = torch.randn(ROWS, 2) if numbers else torch.randint(0, 3, (ROWS,))
    before = task.log_probability(seen, action) + 0.5 * torch.randn(ROWS)
    batch = {"observation": seen, "action": action, "log_probability": before}
    return task, batch | {"advantage": torch.randn(ROWS), "return": torch.randn(ROWS)}


def remembered(action: Tensor) -> Batch:
    batch = {name: torch.randn(ROWS, NUMBERS) for name in ("observation", "next_observation")}
    discount = 0.99 * (torch.rand(ROWS) > 0.2).float()
    noise = {name: torch.randn(ROWS, 2) for name in ("noise", "next_noise")}
    return batch | noise | {"action": action, "reward": 2 * torch.randn(ROWS), "discount": discount}


def dqn(*, is_double: bool) -> tuple[Task, Batch]:
    torch.manual_seed(2)
    spec = Dqn(num_actions=3, is_double=is_double)
    task = DqnTask(spec, q=spec.make_network(net("relu"), SEEN, 3), phase=phase("q."))
    task.learn_scale(3 * torch.randn(100, NUMBERS) + 1)
    moved(task.target)
    return task, remembered(torch.randint(0, 3, (ROWS,)))


def sac(*, smaller: str = "either") -> tuple[Task, Batch]:
    torch.manual_seed(3)
    spec = Sac(**BOUNDS)
    critics = nn.ModuleList(net("relu").build(ObservationShape(sizes=(NUMBERS + 2,)), 1) for _ in range(2))
    phases = {name: phase(*owned) for name, owned in SacTask.owned.items()}
    task = SacTask(spec, actor=spec.make_network(net("relu"), SEEN, 4), critics=critics, phases=phases)
    task.learn_scale(3 * torch.randn(100, NUMBERS) + 1)
    moved(task.targets)
    nn.init.constant_(task.log_temperature, -0.7)
    if smaller != "either":
        # Both say the same of each row, or the second always says less.
        critics[1].load_state_dict(critics[0].state_dict())
        critics[1].layers[-1].bias.data -= 0.0 if smaller == "both" else 100.0  # type: ignore[union-attr, operator]
    return task, remembered(2 * torch.rand(ROWS, 2) - 1)


def moved(module: nn.Module) -> None:
    for parameter in module.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)


CASES = {
    "ppo choices": lambda: ppo(),
    "ppo choices relu": lambda: ppo(activation="relu"),
    "ppo numbers": lambda: ppo(numbers=True),
    "dqn": lambda: dqn(is_double=False),
    "double dqn": lambda: dqn(is_double=True),
    "sac": sac,
    "sac, two equal critics": lambda: sac(smaller="both"),
    "sac, one critic below the other": lambda: sac(smaller="second"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_they_are_those_of_autograd(name: str, is_weighted: bool) -> None:
    task, batch = CASES[name]()
    if is_weighted:
        batch["weight"] = 1.0 * (torch.rand(ROWS) > 0.3).float()
    for each, settings in task.phases.items():
        task.zero_grad()
        known = task.objective(each, batch)
        known.total.backward()
        expected = {key: value.grad for key, value in task.named_parameters() if key.startswith(settings.owns)}
        by_itself = task.with_gradients(each)
        assert by_itself is not None
        found, gradients = by_itself(batch)
        names = {id(parameter): key for key, parameter in task.named_parameters()}
        parts = {names[id(parameter)]: part for parameter, part in zip(gradients.parameters, gradients.parts, strict=True)}
        assert set(parts) == set(expected)
        for key, gradient in expected.items():
            assert gradient is not None
            assert float(gradient.abs().max()) > 0, key
            torch.testing.assert_close(parts[key], gradient, rtol=1e-4, atol=1e-5 * float(gradient.abs().max()))
        torch.testing.assert_close(found.total, known.total.detach(), rtol=1e-4, atol=1e-4)
        assert float(found.weight) == float(known.weight)
        for key, value in known.parts.items():
            torch.testing.assert_close(found.parts[key], value.detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("num_micro", [1, 3])
def test_a_step_with_them_is_that_of_autograd_in_parts_too(name: str, num_micro: int) -> None:
    weights = []
    for is_known in (True, False):
        task, batch = CASES[name]()
        if not is_known:
            task.with_gradients = lambda _phase: None  # type: ignore[method-assign]
        step = Step(task, StepOptions(num_micro=num_micro))
        # Else both sides would be autograd's, and equal.
        assert set(step._known) == (set(task.phases) if is_known else set())
        for number in range(3):
            report = step(task.beat(number), batch, 0.0)
            assert not report.refused
        weights.append({key: value.detach().clone() for key, value in task.named_parameters()})
    for key, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][key], rtol=1e-3, atol=1e-5)


def test_what_is_not_finite_is_refused_and_changes_nothing() -> None:
    task, batch = ppo()
    step = Step(task, StepOptions())
    before = {key: value.clone() for key, value in task.state_dict().items()}
    batch["advantage"][3] = float("nan")
    assert step(("policy",), batch, 0.0).refused
    assert all(torch.equal(value, before[key]) for key, value in task.state_dict().items())
    batch["advantage"][3] = 0.0
    assert not step(("policy",), batch, 0.0).refused
    assert not torch.equal(task.state_dict()["value.layers.2.weight"], before["value.layers.2.weight"])


@pytest.mark.parametrize("phase", ["critic", "actor"])
def test_a_temperature_beyond_every_number_is_refused_like_a_loss_that_is_not_finite(phase: str) -> None:
    task, batch = sac()
    assert isinstance(task, SacTask)
    nn.init.constant_(task.log_temperature, 1e4)
    known = task.with_gradients(phase)
    assert known is not None
    assert not torch.isfinite(known(batch)[0].total)
    report = Step(task, StepOptions())((phase,), batch, 0.0)
    assert report.refused


def test_networks_of_another_kind_are_left_to_autograd() -> None:
    task = PpoTask(Ppo(num_actions=2), policy=nn.Linear(4, 2), value=nn.Linear(4, 1), phase=phase(""))
    assert task.with_gradients("policy") is None
    assert CASES["sac"]()[0].double().with_gradients("actor") is None


def test_wide_networks_of_sac_round_their_products_and_keep_their_closed_gradients_in_bfloat16() -> None:
    found: dict[str, tuple[tuple[str, ...], list[Tensor]]] = {}
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(4)
        spec, wide = Sac(**BOUNDS), MLP(hidden=(256, 256), activation="relu", dropout=0.0)
        critics = nn.ModuleList(wide.build(ObservationShape(sizes=(NUMBERS + 2,)), 1) for _ in range(2))
        phases = {name: phase(*owned) for name, owned in SacTask.owned.items()}
        actor = spec.make_network(wide, SEEN, 4)
        task = SacTask(spec, actor=actor, critics=critics, phases=phases, precision=precision)
        seen = {name: torch.randn(256, NUMBERS) for name in ("observation", "next_observation")}
        noise = {name: torch.randn(256, 2) for name in ("noise", "next_noise")}
        given = {"action": 2 * torch.rand(256, 2) - 1, "reward": torch.randn(256), "discount": torch.full((256,), 0.99)}
        by_itself = task.with_gradients("critic")
        assert by_itself is not None
        parts = [part.clone() for part in by_itself(seen | noise | given)[1].parts]
        found[precision] = Step(task, StepOptions(precision=precision)).closed_phases, parts  # type: ignore[arg-type]
    assert found["float32"][0] == found["bfloat16"][0] == ("critic", "actor")
    errors = [
        float((half - exact).norm() / exact.norm()) for exact, half in zip(found["float32"][1], found["bfloat16"][1], strict=True)
    ]
    assert 0 < max(errors) < 0.1
