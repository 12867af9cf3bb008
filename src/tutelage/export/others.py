"""Models that do not answer for rows on their way out: texts that go on, samples, actions, series that go on.

What the network takes is what is handed over; what leaves is in the unit of the data. Each is compared on what it was made for:
pieces of the validation text, latents, observations of an episode played with the best actions, validation windows.

Shape letters: B batch, L times before, H ahead, C series, K known numbers, A actions.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.errors import RunError
from tutelage.core.shape.views import Tokens
from tutelage.data.prepare.intake import RawInput, row_batches
from tutelage.export.outgoing import Outgoing, Output, on_cpu
from tutelage.export.proof import Proof
from tutelage.predictor.predictor import Predictor
from tutelage.run.run import Run
from tutelage.task.sample_maker import SampleMaker

__all__ = ["of_policy", "of_samples", "of_text", "policy_graph", "samples_graph", "text_graph"]

MOST_PIECES, PIECES_AT_ONCE = 100, 8
"""Pieces of a text that are compared."""
MOST_SAMPLES, MOST_STEPS = 256, 500
"""Samples, and steps of an episode, that are compared."""


class _Direct(nn.Module):
    """The network's inputs by name to its answer, and to what that means in the unit of the data."""

    def __init__(self, predictor: Predictor, output: str, after: nn.Module) -> None:
        super().__init__()
        self.network, self.after, self.output = predictor.network, after, output
        self.names = tuple(predictor.shape.tensors)
        self._task = predictor.task

    def forward(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs by name."""
        outputs = self.network(*[given[name] for name in self.names]).float()
        found: dict[str, Tensor] = self.after(outputs)
        return found


class _Answer(nn.Module):
    """What a task makes of outputs, and what undoes the preprocessing."""

    def __init__(self, predictor: Predictor, name: str, undone: nn.Module | None = None) -> None:
        super().__init__()
        self._task, self.name = predictor.task, name
        self.members = int(getattr(predictor.network, "num_members", 1))
        self.undone = nn.Identity() if undone is None else undone

    def forward(self, outputs: Tensor) -> dict[str, Tensor]:
        """Return one output."""
        return {self.name: self.undone(self._task.answer(outputs, num_members=self.members))}


class _Action(nn.Module):
    """Scores or numbers of a policy, and the best action."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        self._task = task

    def forward(self, outputs: Tensor) -> dict[str, Tensor]:
        """Return both."""
        return {"scores": outputs, "action": self._task.best_action(outputs)}


def _inputs(predictor: Predictor, meaning: str, *, is_free: bool = False) -> tuple[RawInput, ...]:
    """Return the network's own inputs; `is_free` lets their first dimension after the batch differ."""
    made = []
    for name, spec in predictor.shape.tensors.items():
        sizes: tuple[int | str, ...] = ("length", *spec.sizes[1:]) if is_free else spec.sizes
        example = {"length": max(2, spec.sizes[0] - 1)} if is_free else {}
        made.append(RawInput(name, spec.dtype, sizes, meaning, example=example))
    return tuple(made)


def text_graph(predictor: Predictor, *, facts: Mapping[str, Any]) -> Outgoing:
    """Return a language model, ready to be written.

    Raises:
        RunError: It reads no running text.
    """
    predictor = on_cpu(predictor)
    fitted: Any = predictor.fitted
    if fitted is None or predictor.shape.view(Tokens) is None:
        raise RunError("its model reads no running text, so it cannot be exported as one that does.")
    output = Output("log_probabilities", ("length", len(fitted.num_characters)), "of the next token, at each place")
    inputs = _inputs(predictor, f"{fitted.unit} as numbers, at most {fitted.length} at a time", is_free=True)
    recipe = {"tokens": {"kind": predictor.prepare, **fitted.state()}}
    graph = _Direct(predictor, output.name, _Answer(predictor, output.name))
    return Outgoing(predictor, graph.eval(), inputs, (output,), recipe=recipe, facts=facts)


def of_text(run: Run, data: Any, *, facts: Mapping[str, Any]) -> tuple[Outgoing, Proof]:
    """Return a language model, and pieces of the validation text.

    Raises:
        RunError: Its network has no part in what leaves.
    """
    companion = run.predictor.companion
    if companion is not None:
        share, noun = companion.share, companion.floor.noun
        if share >= 1:
            raise RunError(f"what leaves is the floor alone ({noun}), and the network has no part in it. {_without_floor(run)}")
        facts = {**facts, "left_behind": {"floor": noun, "share": share}}
        alone = "the file answers as the network alone"
        stays = f"the floor ({noun}), {share:.0%} of what leaves this run, stays behind"
        run.tell(f"{alone}{_scores_apart(run)}: {stays}. {_without_floor(run)}")
    model = text_graph(run.predictor, facts=facts)
    fitted: Any = model.predictor.fitted
    rows = fitted.pieces(run.data(data).parts["validation"])  # type: ignore[attr-defined]
    numbers = torch.from_numpy(np.linspace(0, len(rows) - 1, min(MOST_PIECES, len(rows))).astype(np.int64))
    token_NT = next(iter(rows.take(numbers).values()))[:, : fitted.length].long().numpy()
    return model, _proof(model, {model.inputs[0].name: token_NT}, say="piece {}".format, at_once=PIECES_AT_ONCE)


def _scores_apart(run: Run) -> str:
    """Say how good the network is by itself beside what leaves; "" where the run does not know."""
    name = str(run.result.get("headline", ""))
    own = run.result.get("floor", {}).get("metrics", {}).get("network", {}).get(name)
    whole = run.metrics.get(name)
    return "" if own is None or whole is None else f", {name} {own:.4g} where the run has {whole:.4g}"


def _without_floor(run: Run) -> str:
    """Say how to get a network that is chosen, and measured, by itself."""
    return f"For a model of the network alone: tutelage train {run.files.recipe().source or 'SOURCE'} --set floor=none"


def samples_graph(predictor: Predictor, *, facts: Mapping[str, Any]) -> Outgoing:
    """Return a generator, ready to be written.

    Raises:
        RunError: What it makes becomes rows outside of any graph.
    """
    predictor = on_cpu(predictor)
    task, fitted = predictor.task, predictor.fitted
    undone = None if fitted is None else fitted.undone()
    if not isinstance(task, SampleMaker) or undone is None:
        raise RunError("what its generator makes becomes rows outside of any graph, so it cannot be exported.")
    classes = f", then a 1 for the wanted one of {task.classes} classes and 0 for the others" if task.classes else ""
    output = Output("sample", ("...",), "in the unit of the data")
    inputs = _inputs(predictor, f"independent standard normal numbers{classes}")
    graph = _Direct(replace(predictor, network=predictor.maker, judge=None), output.name, _Answer(predictor, output.name, undone))
    labels = {} if predictor.target is None else {"classes": [str(one) for one in predictor.target.classes]}
    return Outgoing(predictor, graph.eval(), inputs, (output,), recipe=labels, facts=facts)


def of_samples(run: Run, data: Any, *, facts: Mapping[str, Any]) -> tuple[Outgoing, Proof]:
    """Return a generator, and latents."""
    model = samples_graph(run.predictor, facts=facts)
    task: Any = run.predictor.task
    wanted = torch.arange(MOST_SAMPLES) % task.classes if task.classes else None
    latent_NZ = task.latents(MOST_SAMPLES, seed=run.decided.seed, classes=wanted).numpy()
    return model, _proof(model, {model.inputs[0].name: latent_NZ}, say="sample {}".format)


def policy_graph(predictor: Predictor, *, facts: Mapping[str, Any]) -> Outgoing:
    """Return a policy, ready to be written."""
    predictor = on_cpu(predictor)
    outputs = (
        Output("scores", ("...",), "what the network gives: of each choice its score, or numbers that the action is made of"),
        Output("action", ("...",), "the best action, as the environment takes it"),
    )
    inputs = _inputs(predictor, "what is observed, in the environment's unit")
    graph = _Direct(predictor, "scores", _Action(predictor.task))
    return Outgoing(predictor, graph.eval(), inputs, outputs, facts=facts)


@torch.no_grad()
def of_policy(run: Run, data: Any, *, facts: Mapping[str, Any]) -> tuple[Outgoing, Proof]:
    """Return a policy, and the observations of an episode."""
    model = policy_graph(run.predictor, facts=facts)
    task: Any = run.predictor.task
    network: Any = model.graph.network
    env = run.data(data).make(1, device="cpu")  # type: ignore[attr-defined]
    try:
        observation = env.reset(torch.Generator().manual_seed(run.decided.seed))
        seen = [observation[0]]
        for _ in range(MOST_STEPS):
            moved = env.step(task.best_action(network(observation).float()))
            observation = moved.observation
            seen.append(observation[0])
    finally:
        env.close()
    observed = {model.inputs[0].name: torch.stack(seen).numpy()}
    return model, _proof(model, observed, say="step {} of an episode".format)


def _proof(model: Outgoing, inputs: Mapping[str, np.ndarray], *, say: Any, at_once: int = 64) -> Proof:
    """Return what a file is compared with: the module's own outputs."""
    count = len(next(iter(inputs.values())))
    batches = [(rows, {name: values[rows] for name, values in inputs.items()}) for rows in row_batches(count, size=at_once)]
    expected = np.concatenate([model.run(raw)[model.outputs[0].name] for _, raw in batches])
    return Proof(batches, expected, lambda row: say(row + 1))
