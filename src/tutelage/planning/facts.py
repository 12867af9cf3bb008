"""What a plan is decided from: facts about the data and the machine, gathered before, so that deciding is pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tutelage.core.shape.base import Shape
from tutelage.core.spec import Component
from tutelage.planning.teaching import TeacherFacts

__all__ = ["Facts", "Known", "Machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine a plan is for.

    Attributes:
        device: Where training will run.
        name: Processor's name.
        num_threads: Threads that torch uses.
        bf16: What the hardware has for bfloat16, such as `amx`, `avx512`, `cuda`, or "" for none.
        speedup: Measured speed of bfloat16 over float32 matrix products; 0 where not measured.
        gflops: Measured float32 matrix product, GFLOP/s.
        compiler: What torch can compile a model with, such as `g++`; "" for nothing.
        bf16_refused: Why bfloat16 is not used, whatever the hardware has; "" where nothing speaks against it.
    """

    device: str
    name: str
    num_threads: int
    bf16: str
    speedup: float
    gflops: float
    compiler: str = ""
    bf16_refused: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What a training starts from, as far as decisions depend on it.

    Attributes:
        name: Where it is, for people.
        model: Its architecture.
        is_public: Whether the weights were learned elsewhere, from far more data than there are here.
        task: What it was trained for, as it was decided; None where that is not known.
        shape: What it takes; None where that is not known.
    """

    name: str
    model: Component
    is_public: bool = False
    task: Component | None = None
    shape: Shape | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The data and the machine, as far as decisions depend on them.

    Attributes:
        modality: The kind of data, which names the file of its defaults.
        shape: What a model receives.
        num_train: Rows to learn from, without the validation split.
        num_validation: Rows that early stopping watches.
        num_test: Rows opened once, at the end.
        task: What is learned.
        class_counts: Train rows of each class; empty where there are none.
        machine: Where.
        is_own_model: The user passes an own module.
        traits: What the data said of themselves when asked, such as whether mirror images keep their meaning.
        seconds: The time that the user gives; 0 where none is given.
        teachers: Trained models to learn from; None where there are none.
        known: What the training starts from; None where from nothing.
    """

    modality: str
    shape: Shape
    num_train: int
    num_validation: int
    num_test: int
    task: str
    class_counts: tuple[int, ...]
    machine: Machine
    is_own_model: bool = False
    traits: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    teachers: TeacherFacts | None = None
    known: Known | None = None
