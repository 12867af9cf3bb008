"""A trained agent is measured anew, played and drawn; several seeds are told as one. The environment's answers are known."""

import json
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.spaces import Box, Discrete  # noqa: E402 - an extra

import tutelage  # noqa: E402 - after the extra
from tutelage.cli.main import main  # noqa: E402
from tutelage.core.errors import UsageError  # noqa: E402
from tutelage.run.play import measure_episodes, play  # noqa: E402
from tutelage.run.run import Run  # noqa: E402
from tutelage.task.ppo import Ppo  # noqa: E402

SMALL = ("--set", "task.num_envs=4", "--set", "task.num_steps=32", "--set", "batch_size=128", "--env-steps", "512")
LENGTH = 12
OWN_MODULE = """
import gymnasium
from gymnasium.envs.classic_control.cartpole import CartPoleEnv


class OwnRoom(CartPoleEnv):
    pass


gymnasium.register("OwnRoom-v0", entry_point="ownrooms:OwnRoom", max_episode_steps=20)
"""


class Corridor(gymnasium.Env):  # type: ignore[misc]
    """Twelve steps; going right earns 1, and the start lies anywhere. It draws how far one has come."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"]}
    render_mode = "rgb_array"
    observation_space = Box(-100.0, 100.0, (2,), np.float32)
    action_space = Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin."""
        super().reset(seed=seed)
        self.age, self.place = 0, float(self.np_random.uniform(-1, 1))
        return self._seen(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Go left or right."""
        self.age += 1
        self.place += 1.0 if action else -1.0
        return self._seen(), float(action), False, self.age == LENGTH, {}

    def render(self) -> np.ndarray:
        """Return a bar as long as the episode is old."""
        picture = np.zeros((8, 2 * LENGTH, 3), dtype=np.uint8)
        picture[:, : 2 * self.age] = 255
        return picture

    def _seen(self) -> np.ndarray:
        return np.array([self.place, self.age], dtype=np.float32)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("agent") / "run"
    task = Ppo(num_envs=8, num_steps=32)
    return tutelage.train(env=Corridor, task=task, env_steps=4_096, batch_size=128, out=out, quiet=True)


def test_new_episodes_are_the_same_for_the_same_seed_and_the_interval_lies_around_their_mean(agent: Run) -> None:
    first, again, other = (measure_episodes(agent, 7, seed=seed, env=Corridor) for seed in (1, 1, 2))
    assert first["metrics"]["test/return"] == LENGTH, "going right was learned"
    assert first["episodes"] == again["episodes"]
    assert first["episodes"]["lengths"] == [LENGTH] * 7
    assert other["metrics"]["test/return"] == LENGTH
    assert first["figures"]["test/return_low"] <= LENGTH <= first["figures"]["test/return_high"]
    with pytest.raises(UsageError, match="--episodes 0: expected 1 to"):
        measure_episodes(agent, 0, env=Corridor)


def test_the_course_of_an_episode_is_told_and_shown(agent: Run) -> None:
    course = agent.result["episodes"]["course"]
    assert course["rewards"] == [1.0] * LENGTH
    assert course["actions"] == [[1.0] * LENGTH]
    assert course["observed"][1] == [float(step) for step in range(LENGTH)], "what was acted on, not what followed"
    page = (agent.path / "report.html").read_text(encoding="utf-8")
    assert "One of these episodes, step by step" in page
    assert "(exploration)" in page


def test_an_episode_is_drawn_picture_by_picture(agent: Run, tmp_path: Path) -> None:
    rollout = play(agent, seed=3, env=Corridor)
    (tmp_path / "rollout.gif").write_bytes(rollout.animation)
    assert (rollout.is_drawn, rollout.total, rollout.reason) == (True, float(LENGTH), "")
    with Image.open(tmp_path / "rollout.gif") as film:
        assert film.size == (2 * LENGTH, 8)
        lit = []
        for number in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(number)
            lit.append(int((np.asarray(film.convert("L"))[0] > 128).sum()))
    # What follows the last step is the picture of another episode, which is left out.
    assert lit == [2 * age for age in range(LENGTH)]


def test_what_cannot_draw_itself_is_shown_by_its_numbers_and_the_reason_is_told(
    agent: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Corridor, "render", lambda env: None)
    rollout = play(agent, seed=3, env=Corridor)
    (tmp_path / "rollout.gif").write_bytes(rollout.animation)
    assert not rollout.is_drawn
    assert "draws nothing" in rollout.reason
    assert rollout.steps == LENGTH
    with Image.open(tmp_path / "rollout.gif") as film:
        assert film.n_frames == LENGTH + 1  # type: ignore[attr-defined]


def test_several_seeds_are_runs_of_their_own_told_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "both"
    assert main(["train", "gym:CartPole-v1", *SMALL, "--seeds", "2", "--seed", "5", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(path).name for path in told["runs"]] == ["seed-5", "seed-6"]
    scores = [one["test/return"] for one in told["of_each_run"]]
    assert scores[0] != scores[1], "another seed is another agent"
    assert told["metrics"]["test/return"] == pytest.approx(sum(scores) / 2)
    assert told["metrics"]["test/return_low"] == pytest.approx(min(scores))
    assert told["metrics"]["env_steps"] == 512
    words = ["evaluate", str(out / "seed-5"), "--episodes", "4", "--seed", "9", "--json"]
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert {"test/return", "test/return_low", "test/return_high"} <= set(first["metrics"])
    film = tmp_path / "rollout.gif"
    assert main(["play", str(out / "seed-5"), "--out", str(film), "--max-steps", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["steps"] <= 5
    assert film.read_bytes().startswith(b"GIF89a")


def test_several_seeds_end_with_what_can_be_done_with_an_agent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "one"
    assert main(["train", "gym:CartPole-v1", *SMALL, "--seeds", "1", "--out", str(out)]) == 0
    told = capsys.readouterr()
    (line,) = [line for line in (told.out + told.err).splitlines() if line.startswith("play ")]
    assert " ".join(line.split()) == f"play tutelage play {out / 'seed-0'} --out rollout.gif"


@pytest.fixture(scope="module")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small agent in an environment that a module of the working directory registers."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "ownrooms.py").write_text(OWN_MODULE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", [*sys.path])
        words = ["train", "gym:ownrooms:OwnRoom-v0", *SMALL, "--env-steps", "128", "--out", "run"]
        assert main(words) == 0
    return folder / "run"


def test_an_environment_of_a_module_trains_and_plays_from_its_folder(
    own_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(own_run.parent)
    assert main(["play", "run", "--out", "film.GIF", "--max-steps", "3"]) == 0
    assert (own_run.parent / "film.GIF").is_file()
    assert main(["train", "gym:nosuchmodule:OwnRoom-v0"]) == 2
    assert "importing 'nosuchmodule' fails" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["play", "RUN", "--out", "x.gif", "--max-steps", "0"], "--max-steps 0: expected 1 to"),
        (["play", "RUN", "--out", "x.gif", "--max-steps=-5"], "--max-steps -5: expected 1 to"),
        (["play", "RUN", "--out", "x.mp4"], "ends in .gif, an animation, which is all that is written; found .mp4"),
        (["generate", "RUN", "--out", "x.png"], "generates nothing: it acts in its environment"),
        (["generate", "RUN"], "tutelage play"),
    ],
)
def test_what_an_agent_cannot_do_is_refused_with_what_it_can(
    own_run: Path,
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(own_run) if word == "RUN" else word for word in words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())


def test_the_end_of_a_training_names_play(
    own_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(own_run.parent)
    assert main(["train", "gym:ownrooms:OwnRoom-v0", *SMALL, "--env-steps", "128", "--out", "again"]) == 0
    assert "play     tutelage play again --out rollout.gif" in capsys.readouterr().err
