"""What every task is: what it needs of the data, which parameters learn in which phase, and what each phase's loss is.

A classifier has one phase; a GAN has two that alternate on each batch; reinforcement learning is a task whose stream asks
it to act. The step and the loop are the same for all of them.

A `TaskSpec` is asked in this order: does it want these parts (`claims`, `refusal`), `prepare` them, `suggest` defaults,
`decide` its own settings, and `build` a `Problem`, which the rooms above train without knowing what it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.conformal import Conformal
from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.spec import Component
from tutelage.data.part.base import Part
from tutelage.data.prepare.base import Fitted, Pass
from tutelage.data.source.base import Collected
from tutelage.data.target.base import Target
from tutelage.defaults.base import Suggestion
from tutelage.model.layers.rejecting import Judge
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Decision, Plan, SplitPlan
from tutelage.planning.recipe import Recipe
from tutelage.task.claim import Claim
from tutelage.task.companion import Companion, Mirrors
from tutelage.task.initialization import initialize
from tutelage.task.objective import Batch, Objective, WithGradients
from tutelage.task.phase import Phase
from tutelage.task.protocols import Evaluator, Stream

if TYPE_CHECKING:
    from tutelage.task.example import Example

__all__ = [
    "OPTIONAL",
    "Batch",
    "Claim",
    "Data",
    "Evaluator",
    "Objective",
    "Phase",
    "Problem",
    "Stream",
    "Task",
    "TaskSpec",
]

OPTIONAL = (
    "target",
    "columns",
    "prepare",
    "augment",
    "floor",
    "loss",
    "ema",
    "calibrate",
    "class_weights",
    "mirror",
    "split",
)
"""Keys of a recipe that mean something to some tasks only; all other keys mean something to every task."""


class Task(nn.Module):
    """What is learned: all modules of a problem, and the loss of each phase.

    Attributes:
        phases: Each phase by name.
        rhythm: For each beat the phases that run on its batch, in order; beats repeat for ever. `(("fit",),)` for a
            classifier; three critic updates to one generator update are `(("critic",), ("critic",), ("critic", "generator"))`.
        opening: The phases of the beats before the rhythm begins, and which fraction of the planned steps these are.
    """

    phases: dict[str, Phase]
    rhythm: tuple[tuple[str, ...], ...] = (("fit",),)
    opening: tuple[tuple[str, ...], float] = ((), 0.0)
    num_opening: int = 0
    draws: ClassVar[bool] = False
    """Whether `draw` does anything; a task that draws nothing pays nothing."""
    has_steady_loss: ClassVar[bool] = True
    """Whether losses of different steps can be compared: what is learned stays the same while it is learned."""
    closed_precisions: ClassVar[tuple[str, ...]] = ("float32",)
    """Precisions in which `with_gradients` computes."""

    def draw(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Add the random numbers that the objectives need (latents, noise); the only place where they enter."""
        return batch

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the loss of a phase on a batch: tensors in, tensors out, compiled as one graph per phase."""
        raise NotImplementedError

    def with_gradients(self, phase: str) -> WithGradients | None:
        """Return what computes the objective with its gradient, on the CPU, where that is faster than autograd."""
        return None

    def after_update(self, phase: str, made: Tensor | None = None) -> None:
        """Do the upkeep after an update of `phase`, such as moving averages and target networks.

        Args:
            phase: Whose update it was.
            made: float32 [], 1 where the update was made, 0 where it was refused, which only the device knows: then nothing
                may change. None where it was made.
        """

    def network(self) -> nn.Module:
        """Return the network that leaves the training: what evaluation, prediction and export use."""
        raise NotImplementedError

    def beat(self, step: int) -> tuple[str, ...]:
        """Return the phases of a step, counted from 0."""
        return self.opening[0] if step < self.num_opening else self.usual_beat(step - self.num_opening)

    def begin(self, planned_steps: int) -> None:
        """Take note of how many steps were planned at the beginning of the training."""
        self.num_opening = round(self.opening[1] * planned_steps)

    def usual_beat(self, number: int) -> tuple[str, ...]:
        """Return the phases of a beat of the rhythm, counted from 0."""
        return self.rhythm[number % len(self.rhythm)]


class Data:
    """What a task made of the parts that a source gave: ready to be trained on, and able to say what it is.

    Attributes:
        collected: What the source gave.
        fitted: The preprocessing, fitted on train rows; None where there is none.
        prepare: Its settings.
        target: What labels mean; None where there are none.
        fingerprint: Hash of all that is trained on and measured on.
        unit: What is counted, such as `rows`.
        sizes: How many of these are in `train`, `validation` and `test`.
        split: Which fractions were kept apart; None where nothing was cut.
    """

    collected: Collected
    fitted: Fitted | None
    prepare: Component | None
    target: Target | None
    fingerprint: str
    unit: str
    sizes: Mapping[str, int]
    split: SplitPlan | None

    def with_validation(self, count: int) -> Self:
        """Return the same with at most so many validation rows, or itself where they cannot be told from one another."""
        return self

    def decisions(self) -> tuple[Decision, ...]:
        """Return what was decided about the data, such as rows and preprocessing."""
        return ()

    def warnings(self) -> tuple[str, ...]:
        """Return what the user should look at, beyond what the source said."""
        return ()

    def facts(self, machine: Machine, *, task: str, is_own_model: bool) -> Facts:
        """Return what decisions depend on."""
        raise NotImplementedError

    def say_row(self, row: int) -> str:
        """Name a row of the train part as people know it, with what is odd about it, such as `train.csv row 17, age = inf`."""
        return f"{self.unit.removesuffix('s')} {row + 1} of the train part"

    def describe(self) -> dict[str, Any]:
        """Return what data.json says beyond source, sizes, notes and warnings."""
        return {}


@dataclass
class Problem:
    """A training, built and not yet begun.

    Attributes:
        task: Modules and phases.
        stream: Batches.
        validation: What is measured again and again, and judged.
        test: What is measured once, at the end; None where there is nothing to.
        num_parameters: Learned numbers in the network that leaves.
        train: Makes what measures some train rows, where a training seems to have learned nothing; None where there is none.
        beside: The floor beside the network; None where there is none.
        mirroring: Whether answers are averaged with those of mirror images; None where there are none.
        lags: Measures how strongly the loss depends on what a recurrent network read so many steps ago: norm of the gradient by
            time lag; empty for other networks.
        example: Returns a row of a part (its name, or rows of a file) for `tutelage explain`; None where none can be followed.
        choose: Decides with the best weights whether network, floor or both leave, and says why; "" without a floor.
        reserve: Returns the seconds that `choose` takes beyond the floor's own, given those to evaluate one validation row.
        calibrator: Returns what travels with the best weights beside them, fitted by `choose`; None where there is no such.
        conformal: Returns what sets or intervals of answers with a stated coverage are made of, fitted by `choose`; None where
            there is no such.
        judge: Returns what looks at generated samples before they leave, made by `choose`; None where there is no such.
        learns_to_choose: Whether `choose` trains something, for which a run that pauses does not wait: it is made at the end.
        notes: Returns what `choose` did beside the floor that is worth telling.
        extras: What else result.json says of this problem.
        inexact: Why a resumed training is not the same as one without a break; "" where it is.
        close: Ends what the problem holds open, such as environments.
    """

    task: Task
    stream: Stream
    validation: Evaluator
    test: Evaluator | None
    num_parameters: int
    train: Callable[[], Evaluator] | None = None
    beside: Companion | None = None
    mirroring: Mirrors | None = None
    lags: Callable[[Task], Mapping[float, float]] = field(default=lambda _task: {})
    example: "Callable[[Any, int], Example] | None" = None
    choose: Callable[[Task], str] = field(default=lambda _task: "")
    reserve: Callable[[float], float] = field(default=lambda _seconds: 0.0)
    calibrator: Callable[[], Calibrator | None] = field(default=lambda: None)
    conformal: Callable[[], Conformal | None] = field(default=lambda: None)
    judge: Callable[[], Judge | None] = field(default=lambda: None)
    learns_to_choose: bool = False
    notes: Callable[[], Sequence[str]] = field(default=lambda: ())
    extras: Callable[[], dict[str, Any]] = field(default=dict)
    inexact: str = ""
    close: Callable[[], None] = field(default=lambda: None)

    @property
    def num_leaving(self) -> int:
        """Learned numbers of all that leaves: of the network, and of the judge of its samples where there is one."""
        judge = self.judge()
        return self.num_parameters + (0 if judge is None else sum(parameter.numel() for parameter in judge.network.parameters()))


class TaskSpec(Component):
    """A task's settings, and all that the rooms above need to know of it."""

    family: ClassVar[str] = "task"
    noun: ClassVar[str]
    """What the task is called in a report, such as `classification`."""
    answers: ClassVar[str]
    """The kind of answers: metrics and losses must be for the same."""
    needs_labels: ClassVar[bool] = False
    """Whether it learns from labels."""
    uses: ClassVar[frozenset[str]] = frozenset()
    """Which of the `OPTIONAL` keys of a recipe mean something to it; the others are refused."""
    answers_rows: ClassVar[bool] = True
    """Whether the trained model has an answer for a row of data, so that one can predict and evaluate on other data."""
    writes_text: ClassVar[bool] = False
    """Whether the trained model writes texts: `tutelage generate`."""
    continues_series: ClassVar[bool] = False
    """Whether the trained model continues series, so that one can predict what comes after the data."""
    plays: ClassVar[bool] = False
    """Whether the trained model acts in an environment."""
    starts: ClassVar[Literal["never", "at once", "head first"]] = "never"
    """Whether a training can start from what another one has learned, and whether what is new then learns alone at first."""
    beside: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of what learns beside the network that leaves and is as hard to learn, such as a critic."""
    scales: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of the network's own running mean and spread, which no preprocessing holds."""
    reads_as: ClassVar[str] = ""
    """The kind of source that reads its data where this task is named; "" where the path alone tells."""

    @property
    def leaves_labels(self) -> bool:
        """Whether a column of labels is nothing to it unless somebody names one, so that none is guessed."""
        return False

    def claims(self, part: Part) -> Claim | None:
        """Return why this task is the natural one for the train part, and how surely, or None where it is not."""
        return None

    def refusal(self, part: Part) -> str:
        """Return why this task cannot learn from the train part, with what to do; "" where it can."""
        raise NotImplementedError

    def prepare(self, collected: Collected, recipe: Recipe, *, reason: str) -> Data:
        """Split, fit and prepare what a source has collected.

        Args:
            collected: Parts.
            recipe: What the user wants.
            reason: Why this task was chosen.

        Raises:
            DataError: Nothing to learn; all problems at once.
            RecipeError: A wish that does not fit the data.
        """
        raise NotImplementedError

    def suggest(self, facts: Facts) -> Suggestion:
        """Return what auto means: the defaults of the kind of data, unless the task knows better."""
        suggestion: Suggestion = catalog.load("defaults", facts.modality)().suggest(facts)
        return suggestion

    def decide(self, recipe: Recipe, facts: Facts, *, auto: Suggestion, made: Decisions) -> "TaskSpec":
        """Return these settings with everything decided.

        Raises:
            RecipeError: A wish that does not fit.
        """
        return self

    def weigh_classes(self, recipe: Recipe, facts: Facts, *, made: Decisions) -> tuple[float, ...]:
        """Return a factor per class, or nothing.

        Raises:
            RecipeError: There are no such weights for these data.
        """
        return ()

    def steps_for(self, env_steps: int, batch_size: int) -> int:
        """Return the optimizer steps for a budget of environment steps, asked after `decide`; refused where there are none."""
        raise RecipeError(f"recipe: budget.env_steps = {env_steps} needs a task that acts. Give steps, or a time.")

    def env_steps_for(self, env_steps: int) -> tuple[int, str]:
        """Return how many environment steps are taken for such a budget, and, where these are others, why."""
        return env_steps, ""

    def count_outputs(self, facts: Facts) -> int:
        """Return how many numbers the model has to return per row; asked after `decide`."""
        raise NotImplementedError

    def metrics(self, facts: Facts) -> tuple[str, ...]:
        """Return the names of the metrics that are measured where the user names none, the one for the headline first."""
        raise NotImplementedError

    def watched(self, facts: Facts, *, auto: Suggestion) -> tuple[str, str]:
        """Return the name of the metric that early stopping watches, and why."""
        return self.metrics(facts)[0], auto.why.get("judge", "")

    def goes_on(self, other: "TaskSpec") -> bool:
        """Tell whether what learned `beside` another task's network, of the same architecture, goes on learning the same here."""
        return type(self) is type(other)

    def output_names(self, target: Target | None, count: int) -> tuple[str, ...]:
        """Name what each of a network's outputs stands for, asked after `decide`; () where that is the same in all trainings."""
        if target is None or not count:
            return ()
        names = [str(name) for name in target.classes]
        if len(names) == count:
            return tuple(f"class {name}" for name in names)
        said = f"{' or '.join(names)}" if names else "a number"
        return tuple(f"{said}, output {place}" for place in range(count))

    def initialize(self, network: nn.Module, plan: Plan) -> None:
        """Fill a new network that leaves the training with the values it begins with, in place."""
        initialize(network, plan, purpose="init")

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Build the training.

        Args:
            plan: Everything decided.
            data: What `prepare` made.
            module: A network that is there already, trained in place of a new one: the user's own, or one with known weights.
            rank: Number of this process among those that train together.
            world: How many there are.

        Raises:
            RecipeError: A part cannot be built as the plan says.
        """
        raise NotImplementedError

    def network_shape(self, facts: Facts) -> Shape:
        """Return what the network that leaves the training receives; asked after `decide`."""
        return facts.shape

    def finisher(self, fitted: Fitted | None) -> nn.Module:
        """Return the module that turns a compact batch into what the network takes."""
        return fitted.finisher() if fitted is not None else Pass()

    def make_network(self, model: Any, shape: Shape, num_outputs: int) -> nn.Module:
        """Build the network that leaves the training anew, as it was built for it, on the default device."""
        network: nn.Module = model.build(shape, num_outputs)
        return network

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Turn a network's float32 outputs into answers.

        Args:
            outputs: [B, ...]; [B, M, ...] where the network consists of M > 1 members that share weights.
            num_members: M.
        """
        return outputs
