"""A trained agent acts again: whole episodes that are measured, or one that is drawn."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from tutelage.core.errors import RunError, UsageError
from tutelage.core.seeds import derive
from tutelage.run.run import Run
from tutelage.task.episodes import EpisodeEvaluator

__all__ = ["Rollout", "measure_episodes", "play"]

MOST_EPISODES, MOST_STEPS = 100_000, 100_000
WIDTH, HEIGHT, MARGIN = 480, 320, 24
"""Pixels of a picture of numbers."""
COLORS = ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75))
MOST_LINES = len(COLORS)


@dataclass(frozen=True)
class Rollout:
    """An episode that was drawn.

    Attributes:
        animation: A GIF.
        steps: Steps of the environment.
        total: Sum of rewards.
        is_drawn: Whether the environment drew itself; else the animation shows the numbers of its observations.
        reason: Why it did not.
    """

    animation: bytes
    steps: int
    total: float
    is_drawn: bool
    reason: str = ""


def measure_episodes(run: Run, episodes: int, *, seed: int | None = None, env: Any = None) -> dict[str, Any]:
    """Return metrics, intervals and figures of new episodes, played with the best action in environments of their own.

    Args:
        run: The run; its best weights act.
        episodes: How many.
        seed: Root of the episodes' randomness; None for the one of the run's own test.
        env: The environment, where the run was given an own one from Python.

    Raises:
        UsageError: Not a number of episodes.
        RunError: The run's model does not act.
    """
    if not 1 <= episodes <= MOST_EPISODES:
        raise UsageError(f"--episodes {episodes}: expected 1 to {MOST_EPISODES:,}. Typical: 100.")
    plan, data, network = _ready(run, env)
    plan = plan if seed is None else plan.but(seed=seed)
    evaluator = EpisodeEvaluator("test", plan, data, episodes)
    try:
        return evaluator.told(evaluator.play(network))
    finally:
        evaluator.close()


def play(run: Run, *, seed: int = 0, max_steps: int = 1_000, frames_per_second: int = 30, env: Any = None) -> Rollout:
    """Play one episode with the best action and draw it.

    Where the environment cannot draw itself (a library of its is missing), its numbers are drawn over time instead.

    Args:
        run: The run; its best weights act.
        seed: Root of the episode's randomness.
        max_steps: Steps that are drawn at most.
        frames_per_second: Of the animation, one picture for each step.
        env: The environment, where the run was given an own one from Python.

    Raises:
        UsageError: Not a number of steps.
        RunError: The run's model does not act.
    """
    if not 1 <= max_steps <= MOST_STEPS:
        raise UsageError(f"--max-steps {max_steps}: expected 1 to {MOST_STEPS:,}, each of which is a picture. Typical: 1000.")
    plan, data, network = _ready(run, env)
    reason = ""
    try:
        # Pictures are wanted and no window: else pygame's library writes an error of its own where there is no screen.
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        settings = {**data.env.get("settings", {}), "render_mode": "rgb_array"}
        drawn = replace(data, env={**data.env, "settings": settings}) if data.make_own is None else data
        return _played(drawn, plan, network, seed=seed, max_steps=max_steps, frames_per_second=frames_per_second, is_drawn=True)
    except UsageError:
        raise
    except Exception as error:  # a border: environments draw by libraries that may be missing, or not at all
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
    found = _played(data, plan, network, seed=seed, max_steps=max_steps, frames_per_second=frames_per_second, is_drawn=False)
    return replace(found, reason=reason)


def _ready(run: Run, env: Any) -> tuple[Any, Any, nn.Module]:
    """Return plan, data and the network that acts."""
    plan = run.decided
    if not getattr(plan.task, "plays", False):
        kind = getattr(plan.task, "kind", "")
        raise RunError(f"{run.path}: a model of task {kind!r} does not act in an environment. See tutelage evaluate --help.")
    predictor = run.predictor
    return plan.but(device=predictor.device), run.data(env), predictor.network


def _played(
    data: Any, plan: Any, network: nn.Module, *, seed: int, max_steps: int, frames_per_second: int, is_drawn: bool
) -> Rollout:
    """Play an episode, with a picture for each step."""
    env = data.make(1, device=plan.device)
    try:
        frames, steps, total = [], -1, 0.0
        for picture, reward in _steps(env, plan, network, seed=seed, max_steps=max_steps, is_drawn=is_drawn):
            # One palette for all would be smaller, and wrong for pictures that change their colors. With one of its own each
            # takes a third of the memory.
            frames += [] if picture is None else [picture.quantize(64)]
            del picture
            steps, total = steps + 1, total + reward
    finally:
        env.close()
    written = BytesIO()
    first, *others = frames
    first.save(written, "GIF", save_all=True, append_images=others, duration=round(1000 / frames_per_second), loop=0)
    return Rollout(written.getvalue(), steps, total, is_drawn)


@torch.no_grad()
def _steps(
    env: Any, plan: Any, network: nn.Module, *, seed: int, max_steps: int, is_drawn: bool
) -> Iterator[tuple[Image.Image | None, float]]:
    """Yield the picture after each step, if it can still be drawn, and its reward; first that of the beginning."""
    observation = env.reset(torch.Generator().manual_seed(derive(seed, "play")))
    shown = [observation[0]]
    yield (_drawn(env) if is_drawn else _numbers(shown, 0.0)), 0.0
    total = 0.0
    for _ in range(max_steps):
        moved = env.step(plan.task.best_action(network(observation).float()))
        observation = moved.observation
        reward = float(moved.reward[0])
        total += reward
        shown.append(moved.final_observation[0])
        is_over = bool(moved.terminated[0] | moved.truncated[0])
        # Where a new episode has begun within the step, what could be drawn now is not of this one.
        is_gone = is_over and is_drawn and moved.is_real is None
        yield (None if is_gone else _drawn(env) if is_drawn else _numbers(shown, total)), reward
        if is_over:
            return


def _drawn(env: Any) -> Image.Image:
    """Return the environment's own picture."""
    picture = env.draw()
    if picture is None:
        raise RunError("the environment draws nothing")
    return Image.fromarray(picture).convert("RGB")


def _numbers(shown: list[Tensor], total: float) -> Image.Image:
    """Return observations so far as lines over time, each on its own scale; a picture as it is seen."""
    newest = shown[-1]
    if newest.dtype == torch.uint8:
        seen = newest[-1].cpu().numpy()
        return Image.fromarray(seen).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, 6), f"step {len(shown) - 1}   return {total:.4g}", fill="black")
    values = torch.stack([one.flatten()[:MOST_LINES] for one in shown]).cpu()
    low, high = values.min(dim=0).values, values.max(dim=0).values
    scaled = (values - low) / (high - low).clamp(min=1e-6)
    across = (WIDTH - 2 * MARGIN) / max(len(shown) - 1, 1)
    for number in range(scaled.shape[1]):
        points = [
            (MARGIN + step * across, HEIGHT - MARGIN - float(height) * (HEIGHT - 3 * MARGIN))
            for step, height in enumerate(scaled[:, number])
        ]
        if len(points) > 1:
            draw.line(points, fill=COLORS[number], width=2)
    return picture
