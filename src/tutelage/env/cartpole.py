"""CartPole: balance a pole on a cart by pushing left or right; the first test of any policy.

Reward 1 a step; an episode ends when the pole leans more than 12 degrees or the cart leaves the track, and is cut after
500 steps. Solved where the mean return is at least 475. The same arithmetic as Gymnasium's CartPole-v1, in float64.

Source: "Neuronlike adaptive elements that can solve difficult learning control problems", Barto, Sutton and Anderson 1983;
equations of motion: "Correct equations for the dynamics of the cart-pole system", Florian 2007, eq. 23 and 24.
Differs from the paper: no friction; another reward. Shapes: N = copies; the 4 numbers of a state are position m,
velocity m/s, angle rad, angular velocity rad/s.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.env.actions import Actions
from tutelage.env.base import Env, Environment, Transition

__all__ = ["CartPole", "CartPoles"]

GRAVITY = 9.8  # m/s^2
CART_MASS = 1.0  # kg
POLE_MASS = 0.1  # kg
TOTAL_MASS = CART_MASS + POLE_MASS
HALF_LENGTH = 0.5  # m, from the joint to the middle of the pole
POLE_MOMENT = POLE_MASS * HALF_LENGTH  # kg m
FORCE = 10.0  # N
TIME_STEP = 0.02  # s
MAX_POSITION = 2.4  # m
MAX_ANGLE = 12 * 2 * math.pi / 360  # rad
START_RANGE = 0.05  # each number of a new state lies within -0.05 to 0.05


class CartPole(Env):
    """The cart and the pole."""

    kind: Literal["cartpole"] = "cartpole"
    max_steps: int = Field(500, ge=1, le=10**9, description="Steps after which an episode is cut (truncated).")

    def build(self, *, device: torch.device | str = "cpu", make: Callable[[], Any] | None = None) -> Environment:
        """Make the copies; they wait for `reset` or `restore`."""
        return CartPoles(self.num_envs, max_steps=self.max_steps, device=device)


class CartPoles:
    """N carts at once."""

    name = "cartpole"
    observation_sizes: tuple[int, ...] = (4,)
    actions = Actions(2)
    bounds: tuple[Tensor, Tensor] | None = None

    def __init__(self, num_envs: int, *, max_steps: int, device: torch.device | str = "cpu") -> None:
        self.num_envs = num_envs
        self._max_steps = self.time_limit = max_steps
        self._generator = torch.Generator(device)
        self._body_N4 = torch.zeros(num_envs, 4, dtype=torch.float64, device=device)
        self._age_N = torch.zeros(num_envs, dtype=torch.int64, device=device)

    def reset(self, generator: torch.Generator) -> Tensor:
        """Begin new episodes and return observations float32 [N, 4]."""
        self._generator.set_state(generator.get_state())
        self._body_N4 = self._new_bodies()
        self._age_N = torch.zeros_like(self._age_N)
        return self._body_N4.float()

    def step(self, action: Tensor) -> Transition:
        """Push every cart to the left (0) or to the right (1)."""
        moved_N4, age_N = move(self._body_N4, action), self._age_N + 1
        terminated_N = (moved_N4[:, 0].abs() > MAX_POSITION) | (moved_N4[:, 2].abs() > MAX_ANGLE)
        truncated_N = age_N >= self._max_steps
        is_over_N = terminated_N | truncated_N
        # New states are drawn for all copies at every step: asking whether any is needed would stall a device.
        self._body_N4 = torch.where(is_over_N[:, None], self._new_bodies(), moved_N4)
        self._age_N = torch.where(is_over_N, 0, age_N)
        return Transition(
            observation=self._body_N4.float(),
            reward=torch.ones_like(terminated_N, dtype=torch.float32),
            terminated=terminated_N,
            truncated=truncated_N,
            final_observation=moved_N4.float(),
        )

    def state(self) -> dict[str, Any]:
        """Return bodies float64 [N, 4], ages int64 [N] in steps, and the random state as bytes."""
        return {"body": self._body_N4.clone(), "age": self._age_N.clone(), "random": self._generator.get_state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self._body_N4 = state["body"].to(self._body_N4, copy=True)
        self._age_N = state["age"].to(self._age_N, copy=True)
        self._generator.set_state(state["random"].cpu())

    def close(self) -> None:
        """Do nothing: tensors hold nothing open."""

    def _new_bodies(self) -> Tensor:
        """Draw states float64 [N, 4] within -0.05 to 0.05."""
        random_N4 = torch.rand(self._body_N4.shape, generator=self._generator, dtype=torch.float64, device=self._body_N4.device)
        return (2 * random_N4 - 1) * START_RANGE


def move(body_N4: Tensor, action_N: Tensor) -> Tensor:
    """Return the states float64 [N, 4] one Euler step of 0.02 s later."""
    _, velocity_N, angle_N, spin_N = body_N4.unbind(1)
    force_N = (2 * action_N - 1) * FORCE
    cosine_N, sine_N = angle_N.cos(), angle_N.sin()
    push_N = (force_N + POLE_MOMENT * spin_N.square() * sine_N) / TOTAL_MASS
    turn_N = (GRAVITY * sine_N - cosine_N * push_N) / (HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * cosine_N.square() / TOTAL_MASS))
    drive_N = push_N - POLE_MOMENT * turn_N * cosine_N / TOTAL_MASS
    rate_N4 = torch.stack([velocity_N, drive_N, spin_N, turn_N], dim=1)
    return body_N4 + TIME_STEP * rate_N4
