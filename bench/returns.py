"""What agents reach by their defaults: the return in 100 further episodes, several seeds of each environment.

    python -m bench.returns                       every case, 5 seeds each
    python -m bench.returns CartPole-v1 --seeds 10

Each line is JSON: the environment, the algorithm, the budget in environment steps, the return of each seed, their interquartile
mean with its bootstrap interval, and the goal. LunarLander-v3 needs Box2D: pip install 'gymnasium[box2d]'.

Goals: those of RL Baselines3 Zoo's tuned single runs, or close to them, with no setting made for an environment.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

import tutelage
from tutelage.core.errors import TutelageError
from tutelage.run.several import combined

__all__ = ["CASES", "Case", "main"]

KEY = "test/return"


@dataclass(frozen=True)
class Case:
    """An environment, and what is to be reached in it.

    Attributes:
        env: Gymnasium's name.
        algorithm: `auto` for what is chosen by itself.
        env_steps: Of all copies together.
        goal: Return in 100 episodes.
    """

    env: str
    algorithm: str
    env_steps: int
    goal: float


CASES = (
    Case("CartPole-v1", "auto", 100_000, 475),
    Case("CartPole-v1", "dqn", 100_000, 475),
    Case("Acrobot-v1", "auto", 200_000, -85),
    Case("Pendulum-v1", "auto", 20_000, -160),
    Case("MountainCar-v0", "auto", 200_000, -110),
    Case("LunarLander-v3", "auto", 1_000_000, 200),
)


def measure(case: Case, seeds: range) -> dict[str, object]:
    """Train with each seed, and return what was reached."""
    scores, seconds = [], []
    kind = case.algorithm
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            out = Path(folder) / "run"
            run = tutelage.train(f"gym:{case.env}", task=case.algorithm, env_steps=case.env_steps, seed=seed, out=out, quiet=True)
            seconds.append(round(time.perf_counter() - began, 1))
            scores.append({KEY: float(run.result["metrics"][KEY])})
            kind = str(run.result["task"])
    means, intervals = combined(scores)
    return {
        "env": case.env,
        "algorithm": kind,
        "env_steps": case.env_steps,
        "seeds": [seeds.start, seeds.stop],
        "returns": [round(score[KEY], 2) for score in scores],
        "interquartile_mean": round(means[KEY], 2),
        "interval": [round(bound, 2) for bound in intervals[KEY]],
        "goal": case.goal,
        "reached": sum(score[KEY] >= case.goal for score in scores),
        "seconds": seconds,
    }


def main(words: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.returns", description="Returns reached by defaults.")
    parser.add_argument("env", nargs="*", help="environments; all where none is named")
    parser.add_argument("--algorithm", default="", help="only these cases, such as dqn")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    wished = parser.parse_args(words)
    torch.set_num_threads(1)
    known = {word for case in CASES for word in (case.env, case.algorithm)}
    unknown = [word for word in (*wished.env, wished.algorithm) if word and word not in known]
    if unknown:
        parser.error(f"no case has {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
    for case in CASES:
        if (wished.env and case.env not in wished.env) or (wished.algorithm and case.algorithm != wished.algorithm):
            continue
        try:
            told = measure(case, range(wished.first, wished.first + wished.seeds))
        except TutelageError as error:
            told = {"env": case.env, "not_measured": str(error)}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
