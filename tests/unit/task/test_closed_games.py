"""Gradients of both sides of a game in closed form are those of autograd, penalties on slopes included."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tutelage.core.shape.array import ArrayShape
from tutelage.core.shape.latent import LatentShape
from tutelage.game.base import Game
from tutelage.game.hinge import Hinge
from tutelage.game.non_saturating import NonSaturating
from tutelage.game.relativistic import Relativistic
from tutelage.game.wasserstein import Wasserstein
from tutelage.model.arch.fourier import Fourier
from tutelage.model.arch.mlp import MLP
from tutelage.model.layers.small_net import Room, SmallNet
from tutelage.optim.schedule.constant import Constant
from tutelage.optim.sgd import SGD
from tutelage.task.base import Batch, Phase
from tutelage.task.generate import Generate, GenerateTask
from tutelage.training.step import Step, StepOptions

ROWS, NUMBERS, LATENT = 24, 3, 5
GAMES = {
    "relativistic": Relativistic(gamma=0.7),
    "without a penalty": Relativistic(gamma=0.0),
    "non-saturating": NonSaturating(gamma=0.7),
    "hinge": Hinge(gamma=0.7),
}
CRITICS = {"mlp": MLP(hidden=(16, 12), dropout=0.0), "sines": Fourier(hidden=(16, 12), num_frequencies=4)}


def made(game: Game, critic: Any, *, classes: int = 0, outlet: nn.Module | None = None) -> tuple[GenerateTask, Batch]:
    torch.manual_seed(3)
    generator = MLP(hidden=(16, 12), dropout=0.0).build(LatentShape(size=LATENT, classes=classes, sizes=(NUMBERS,)), NUMBERS)
    scorer = critic.build(ArrayShape(sizes=(NUMBERS,)), max(classes, 1))
    phases = {
        name: Phase(owns=(f"{name}.",), optim=SGD(lr=1e-2), schedule=Constant(warmup=0)) for name in ("critic", "generator")
    }
    spec = Generate(game=game, latent_size=LATENT, sizes=(NUMBERS,), classes=classes)
    task = GenerateTask(spec, generator=generator, critic=scorer, phases=phases, outlet=outlet)
    batch = {"sample": torch.randn(ROWS, NUMBERS)}
    if classes:
        batch["target"] = torch.randint(0, classes, (ROWS,))
    return task, task.draw(batch, torch.Generator().manual_seed(4))


def compare(task: GenerateTask, batch: Batch) -> None:
    for name in ("critic", "generator"):
        task.zero_grad()
        known = task.objective(name, batch)
        known.total.backward()
        expected = {key: value.grad for key, value in task.named_parameters() if key.startswith(f"{name}.")}
        by_itself = task.with_gradients(name)
        assert by_itself is not None
        found, gradients = by_itself(batch)
        names = {id(parameter): key for key, parameter in task.named_parameters()}
        parts = {names[id(parameter)]: part for parameter, part in zip(gradients.parameters, gradients.parts, strict=True)}
        assert set(parts) == set(expected)
        for key, gradient in expected.items():
            largest = 0.0 if gradient is None else float(gradient.abs().max())
            assert largest > 0 or key.endswith("bias"), key
            wanted = torch.zeros_like(parts[key]) if gradient is None else gradient
            torch.testing.assert_close(parts[key], wanted, rtol=1e-4, atol=1e-5 * largest + 1e-6)
        torch.testing.assert_close(found.total, known.total.detach(), rtol=1e-5, atol=1e-4)
        assert float(found.weight) == float(known.weight)
        assert set(found.parts) == set(known.parts)
        for key, value in known.parts.items():
            torch.testing.assert_close(found.parts[key], value.detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("critic", CRITICS)
@pytest.mark.parametrize("game", GAMES)
def test_they_are_those_of_autograd(game: str, critic: str) -> None:
    compare(*made(GAMES[game], CRITICS[critic]))


def test_with_classes_and_an_outlet_too() -> None:
    compare(*made(Relativistic(gamma=0.7), CRITICS["sines"], classes=3, outlet=nn.Tanh()))


def test_steps_with_them_are_those_of_autograd() -> None:
    weights = []
    for is_known in (True, False):
        task, batch = made(Relativistic(gamma=0.7), CRITICS["sines"])
        if not is_known:
            task.with_gradients = lambda _phase: None  # type: ignore[method-assign]
        step = Step(task, StepOptions())
        # Else both sides would be autograd's, and equal.
        assert set(step._known) == ({"critic", "generator"} if is_known else set())
        for number in range(3):
            assert not step(task.beat(number), batch, 0.0).refused
        weights.append({key: value.detach().clone() for key, value in task.named_parameters()})
    for key, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][key], rtol=1e-3, atol=1e-4)


def test_the_generator_runs_once_a_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []

    class Counted(SmallNet):
        def forward(self, input_BI: Tensor, room: Room | None = None) -> tuple[Tensor, list[Tensor]]:
            runs.append(len(input_BI))
            return super().forward(input_BI, room)

        def __call__(self, input_BI: Tensor) -> Tensor:
            runs.append(len(input_BI))
            return super().__call__(input_BI)

    monkeypatch.setattr("tutelage.task.generate.SmallNet", Counted)
    task, batch = made(Relativistic(gamma=0.7), CRITICS["sines"])
    step = Step(task, StepOptions())
    for number in range(3):
        step(task.beat(number), batch, 0.0)
    assert runs == [ROWS] * 3


def test_the_generator_runs_again_after_its_weights_have_changed() -> None:
    task, batch = made(Relativistic(gamma=0.7), CRITICS["sines"])
    critic, generator = task.with_gradients("critic"), task.with_gradients("generator")
    assert critic is not None
    assert generator is not None
    critic(batch)
    with torch.no_grad():
        for parameter in task.generator.parameters():
            parameter.mul_(1.5)
    expected = task.objective("generator", batch).total.detach()
    torch.testing.assert_close(generator(batch)[0].total, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("game", "critic"),
    [
        (Wasserstein(), CRITICS["mlp"]),
        (Relativistic(penalized=0.5), CRITICS["mlp"]),
        (Relativistic(), MLP(hidden=(16,), activation="gelu", dropout=0.0)),
        (Relativistic(), MLP(hidden=(16,), dropout=0.1)),
        (Relativistic(), MLP(hidden=(2000,), dropout=0.0)),
    ],
)
def test_others_are_left_to_autograd(game: Game, critic: Any) -> None:
    task, _ = made(game, critic)
    assert task.with_gradients("critic") is None
    assert task.with_gradients("generator") is None
