"""A phase's parameters with their optimizer; an update with a gradient that is not finite is as if it had never been made.

Where the numbers lie on the CPU, the host knows at once and makes no update. On a device it must not wait: fused optimizers,
and ours, are told by their own `found_inf`; any other's weights and moments are kept aside and put back by the device.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from tutelage.core.errors import RecipeError
from tutelage.core.memory import memory_told
from tutelage.optim.base import NamedParameter
from tutelage.optim.clip import clip_flat, clip_norm
from tutelage.optim.groups import scale_rates
from tutelage.optim.light_start import spare_compiler
from tutelage.optim.roles import declare_roles
from tutelage.task.base import Phase, Task
from tutelage.task.objective import Gradients
from tutelage.training.finite import is_plain, mark_unfinite
from tutelage.training.flat import Kept

__all__ = ["Update"]


class Update:
    """A phase's parameters with their optimizer."""

    def __init__(self, name: str, phase: Phase, task: Task) -> None:
        """Collect the parameters that the phase owns and build its optimizer.

        Raises:
            RecipeError: The phase owns nothing that can learn.
        """
        declare_roles(task)
        self.name = name
        self.named: list[NamedParameter] = [
            (key, parameter)
            for key, parameter in task.named_parameters()
            if parameter.requires_grad and key.startswith(phase.owns)
        ]
        if not self.named:
            raise RecipeError(f"phase {name!r} owns no parameter that can learn; it owns names beginning with {phase.owns}.")
        self.parameters = [parameter for _, parameter in self.named]
        owned = {id(parameter) for parameter in self.parameters}
        self.others = [each for each in task.parameters() if each.requires_grad and id(each) not in owned]
        spare_compiler()
        self.optimizer: Any = phase.optim.build(self.named)
        scale_rates(self.optimizer, self.named, phase.factors)
        self._step = getattr(self.optimizer, "quick_step", self.optimizer.step)
        self.schedule = phase.schedule
        self.clip = phase.clip
        for group in self.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        is_fused = all(group.get("fused") for group in self.optimizer.param_groups)
        self._obeys_found_inf: bool = getattr(self.optimizer, "obeys_found_inf", is_fused)
        self.is_split = any(is_traceable_wrapper_subclass(parameter) for parameter in self.parameters)
        """Whether the parameters are split over the processes (`fully_shard`)."""
        self._are_plain = all(is_plain(parameter) for parameter in self.parameters)
        self._tells_finite = self._are_plain and hasattr(self.optimizer, "begin")
        """Whether the optimizer can begin a step and tell, before it changes anything, whether all gradients are finite."""
        self.factor = 1.0
        """What the planned learning rate was last multiplied with; a phase keeps it over the beats in which it rests."""
        # All gradients end to end, where a task has computed them by itself.
        self._flat: Tensor | None = None
        self._known: Gradients | None = None
        # Whether its state is there: made by the first update of this process, which the host waits for.
        self._has_begun = False

    @property
    def gradients(self) -> list[Tensor]:
        """The gradients that there are."""
        return [parameter.grad for parameter in self.parameters if parameter.grad is not None]

    def state_tensors(self) -> list[Tensor]:
        """Return the tensors of the optimizer's state: moments and counts."""
        return [
            part for parameter in self.parameters for part in self.optimizer.state[parameter].values() if isinstance(part, Tensor)
        ]

    def begin_anew(self) -> None:
        """Forget moments and counts, as at the start of training."""
        self.optimizer.state.clear()
        self._has_begun = False

    def set_factor(self, factor: float) -> None:
        """Set the learning rate to its planned value times a factor."""
        self.factor = factor
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor

    def take(self, gradients: Gradients, scale: Tensor | None) -> None:
        """Add gradients that the task has computed, times `scale`; None for a part of a batch, whose memory is written again.

        Raises:
            RecipeError: Not every parameter of the phase has one.
        """
        if gradients is not self._known:
            if {id(each) for each in gradients.parameters} != {id(each) for each in self.parameters}:
                raise RecipeError(f"phase {self.name!r}: its task gives gradients of other parameters than those that it owns.")
            self._known = gradients
        is_first = all(parameter.grad is None for parameter in self.parameters)
        if scale is not None:
            gradients.flat.mul_(scale)
        self._flat = gradients.flat if scale is not None and is_first else None
        for parameter, part in zip(gradients.parameters, gradients.parts, strict=True):
            if is_first:
                parameter.grad = part if scale is not None else part.clone()
            elif parameter.grad is not None:
                parameter.grad.add_(part)

    def check(self, beside: Sequence[Tensor], mark: Tensor, one: Tensor, *, is_host_asked: bool) -> None:
        """Clip the gradients, and set `mark` to 1 where one of them, or a number beside them, is not finite.

        Args:
            beside: Further numbers.
            mark: float32 [], on the device.
            one: 1 as float32 [], on the device.
            is_host_asked: Whether the host reads the mark before the update is made.
        """
        if self._flat is not None:
            found = [clip_flat(self._flat, limit=self.clip) if self.clip else self._flat]
        elif self.clip and self.gradients:
            # The norm says it for all of them: it is not finite where one is not, or where their squares overflow.
            found = [clip_norm(self.parameters, limit=self.clip)]
        elif self._tells_finite and is_host_asked:
            # So do norms that the optimizer takes anyway.
            found = self.optimizer.begin()
        else:
            found = self.gradients
        if self._are_plain and all(tensor.is_floating_point() for tensor in beside):
            mark_unfinite([*found, *beside], mark, one, are_plain=True)
        else:
            mark_unfinite([*found, *beside], mark, one)

    def apply(self, progress: float, *, rate: float, refused: bool | Tensor) -> None:
        """Set the learning rate, update unless that is refused, and drop the gradients.

        Args:
            progress: Steps done / steps planned, in [0, 1).
            rate: A factor on the schedule's learning rate.
            refused: Whether the update must not be made; float32 [] of 0 or 1 where only the device knows.
        """
        self.set_factor(self.schedule.factor(progress) * rate)
        if isinstance(refused, Tensor) and not self._has_begun:
            refused = bool(refused)
        with memory_told(f"updating the weights of phase {self.name!r}: the model and its optimizer do not fit"):
            if isinstance(refused, Tensor):
                self._step_masked(refused)
            elif not refused:
                self._step()
                self._has_begun = True
            elif self._tells_finite:
                self.optimizer.drop()
        self._flat = None
        for parameter in self.parameters:
            parameter.grad = None

    def _step_masked(self, refused: Tensor) -> None:
        """Step, and let the device undo it where it is refused."""
        if self._obeys_found_inf:
            self.optimizer.found_inf = refused
            self.optimizer.step()
            self.optimizer.found_inf = None
            return
        # What is put back may be weights made of NaN: choosing is safe, adding nothing would not be.
        kept = Kept([*[parameter.detach() for parameter in self.parameters], *self.state_tensors()])
        self.optimizer.step()
        kept.put_back(refused > 0)
