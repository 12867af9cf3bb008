"""Reinforcement learning beside Stable-Baselines3: environment steps a second and the return, end to end.

Both sides run the same algorithm with the same networks, numbers of copies, sizes of rollout and minibatch, learning rates and
normalization, on the same number of threads, and take turns. A clock around everything is counted: making environments and
networks, learning, and as many evaluations in between as ours makes, each of 20 episodes, played side by side on both sides; our
side also writes its run folder. Beside it stands the time of learning alone. The return is that of 100 further episodes.

Goals: PPO on CartPole-v1 5 times, SAC on Pendulum-v1 1.5 times the steps a second, at no worse a return.
"""

import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

import tutelage
from tutelage.task.episodes import EpisodeEvaluator

__all__ = ["run"]

HOW_TO_INSTALL = "Stable-Baselines3 is not installed: pip install -e '.[bench]', then measure again."
LR, SEED = 1e-3, 0
EVALUATED, TESTED = 20, 100
"""Episodes of an evaluation, and of the final test."""


@dataclass(frozen=True)
class Case:
    """One algorithm in one environment.

    Attributes:
        env: Gymnasium's name.
        task: Ours.
        env_steps: Steps of all copies together.
        num_envs: Copies.
        rounds: Counted turns of each side, each with a seed of its own.
        goal: Times the steps a second.
        is_normalized: Whether observations and rewards are divided by their running spread.
        make: Makes the other side's learner.
    """

    env: str
    task: str
    env_steps: int
    num_envs: int
    rounds: int
    goal: float
    is_normalized: bool
    make: Callable[[Any, int], Any]


@dataclass(frozen=True)
class Timed:
    """A training of one side.

    Attributes:
        seconds: Of everything.
        learning_s: Without evaluations.
        env_steps: That were taken.
        test_return: Mean over further episodes.
        evaluations: How often episodes were played beside learning.
    """

    seconds: float
    learning_s: float
    env_steps: int
    test_return: float
    evaluations: int


def falling(left: float) -> float:
    """Return the learning rate where so much of the training is left."""
    return LR * left


def ppo(env: Any, seed: int) -> Any:
    """Return the other side's PPO, as ours is by default."""
    from stable_baselines3 import PPO

    return PPO(
        "MlpPolicy",
        env,
        n_steps=128,
        batch_size=256,
        n_epochs=8,
        gamma=0.99,
        gae_lambda=0.95,
        clip_range=0.2,
        ent_coef=0.01,
        vf_coef=0.5,
        max_grad_norm=0.5,
        learning_rate=falling,
        policy_kwargs={"net_arch": {"pi": [64, 64], "vf": [64, 64]}},
        seed=seed,
        device="cpu",
    )


def sac(env: Any, seed: int) -> Any:
    """Return the other side's SAC, as ours is by default."""
    from stable_baselines3 import SAC

    return SAC(
        "MlpPolicy",
        env,
        learning_rate=falling,
        buffer_size=100_000,
        learning_starts=1_000,
        batch_size=256,
        tau=0.005,
        gamma=0.99,
        policy_kwargs={"net_arch": [256, 256]},
        seed=seed,
        device="cpu",
    )


CASES = {
    "ppo_cartpole": Case("CartPole-v1", "ppo", 100_000, 16, 3, 5.0, True, ppo),
    # The other side is not normalized, since a wrapper would slow it.
    "sac_pendulum": Case("Pendulum-v1", "sac", 6_000, 1, 2, 1.5, False, sac),
}


class Spent:
    """Adds up the seconds that a method takes, while entered."""

    def __init__(self, owner: Any, name: str) -> None:
        """Remember the method."""
        self._owner, self._name, self._method = owner, name, getattr(owner, name)
        self.seconds, self.calls = 0.0, 0

    def __enter__(self) -> "Spent":
        """Begin to look at the clock around each call."""
        method = self._method

        def timed(*args: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*args, **named)
            finally:
                self.seconds += time.perf_counter() - began
                self.calls += 1

        setattr(self._owner, self._name, timed)
        return self

    def __exit__(self, *error: object) -> None:
        """Put the method back."""
        setattr(self._owner, self._name, self._method)


def ours(case: Case, seed: int) -> Timed:
    """Train with Tutelage."""
    with tempfile.TemporaryDirectory() as folder, Spent(EpisodeEvaluator, "play") as playing:
        began = time.perf_counter()
        run = tutelage.train(
            f"gym:{case.env}",
            task=case.task,
            env_steps=case.env_steps,
            seed=seed,
            out=Path(folder) / "run",
            quiet=True,
        )
        seconds = time.perf_counter() - began
        told = run.result
        return Timed(seconds, seconds - playing.seconds, int(told["env_steps"]), told["metrics"]["test/return"], playing.calls)


def theirs(case: Case, seed: int, *, evaluations: int) -> Timed:
    """Train with Stable-Baselines3, evaluated as often as ours."""
    from stable_baselines3.common.callbacks import EvalCallback
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import VecNormalize

    began = time.perf_counter()
    made = [make_vec_env(case.env, count, seed=seed + 1000 * count) for count in (case.num_envs, EVALUATED, TESTED)]
    if case.is_normalized:
        made = [VecNormalize(env, training=not number, norm_reward=not number) for number, env in enumerate(made)]
    env, watched, tested = made
    learner = case.make(env, seed)
    every = max(1, case.env_steps // case.num_envs // evaluations)
    watch = EvalCallback(watched, n_eval_episodes=EVALUATED, eval_freq=every, verbose=0)
    with Spent(watch, "_on_step") as watching:
        learner.learn(case.env_steps, callback=watch)
    before = time.perf_counter()
    if case.is_normalized:
        tested.obs_rms = env.obs_rms
    mean, _ = evaluate_policy(learner, tested, n_eval_episodes=TESTED)
    now = time.perf_counter()
    playing = watching.seconds + now - before
    for one in made:
        one.close()
    return Timed(now - began, now - began - playing, learner.num_timesteps, float(mean), evaluations)


def compared(case: Case) -> dict[str, Any]:
    """Let both sides take turns, each time with another seed."""
    sides: dict[str, list[Timed]] = {"tutelage": [], "stable_baselines3": []}
    for number in range(case.rounds):
        mine = ours(case, SEED + number)
        sides["tutelage"].append(mine)
        sides["stable_baselines3"].append(theirs(case, SEED + number, evaluations=mine.evaluations))
    told: dict[str, Any] = {name: _told(timed) for name, timed in sides.items()}
    pairs = list(zip(sides["tutelage"], sides["stable_baselines3"], strict=True))
    told["times_their_speed"] = statistics.median(_speed(mine) / _speed(other) for mine, other in pairs)
    told["times_their_speed_learning_alone"] = statistics.median(
        mine.env_steps / mine.learning_s * other.learning_s / other.env_steps for mine, other in pairs
    )
    return told | {"goal": case.goal}


def _speed(timed: Timed) -> float:
    """Return environment steps a second, of everything."""
    return timed.env_steps / timed.seconds


def _told(timed: list[Timed]) -> dict[str, Any]:
    """Return one side's figures."""
    return {
        "env_steps_per_second": statistics.median(_speed(one) for one in timed),
        "learning_alone_per_second": statistics.median(one.env_steps / one.learning_s for one in timed),
        "seconds": [round(one.seconds, 2) for one in timed],
        "test_return": [one.test_return for one in timed],
        "env_steps": timed[0].env_steps,
        "evaluations": timed[0].evaluations,
    }


def run(names: tuple[str, ...] = tuple(CASES)) -> dict[str, Any]:
    """Return figures of both sides for each case; or how to install the other side."""
    if importlib.util.find_spec("stable_baselines3") is None:
        return {"not_measured": HOW_TO_INSTALL}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # Whatever is loaded or made once is loaded and made before a clock runs.
        for case in CASES.values():
            few = replace(case, env_steps=max(2 * case.num_envs * 128, 1_100))
            theirs(few, SEED, evaluations=ours(few, SEED).evaluations)
        return {name: compared(CASES[name]) for name in names}
    finally:
        torch.set_num_threads(threads)
