"""The plan: pure, complete, JSON and back; rhythms that follow from the number of steps."""

from dataclasses import replace

import pytest

from tutelage.core.errors import RecipeError
from tutelage.core.shape.image import ImageShape
from tutelage.core.shape.table import TableShape
from tutelage.core.shape.texts import TextShape
from tutelage.core.shape.tokens import TokensShape
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Plan, plan_from
from tutelage.planning.recipe import recipe_from
from tutelage.training.course import course
from tutelage.training.resolve import resolve

MACHINE = Machine("cpu", "Test", 2, "amx", 6.0, 300.0)
PLAIN = Machine("cpu", "Test", 2, "", 0.0, 100.0)
PHOTOS = Facts("image", ImageShape(channels=3, height=96, width=96), 1620, 180, 200, "classify", (800, 820), MACHINE)
DIGITS = Facts("image", ImageShape(channels=1, height=8, width=8), 1222, 216, 359, "classify", (122,) * 10, MACHINE)
TABLE = Facts("table", TableShape(numbers=8, cardinalities=(5, 3)), 20_000, 2_000, 4_000, "regress", (), MACHINE)
BINARY = Facts("table", TableShape(numbers=6, cardinalities=(15, 7)), 29_000, 3_200, 16_000, "classify", (22_000, 7_000), MACHINE)
TEXTS = Facts("texts", TextShape(), 1_000, 100, 100, "classify", (500, 500), MACHINE)
ALL = [PHOTOS, DIGITS, TABLE, BINARY]


def plan(facts: Facts, **wishes: object) -> Plan:
    return resolve(recipe_from(wishes, where="test"), facts)


@pytest.mark.parametrize("facts", ALL)
def test_resolving_is_pure_and_survives_json(facts: Facts) -> None:
    made = plan(facts)
    assert made == plan(facts)
    assert plan_from(made.to_record()) == made


@pytest.mark.parametrize("facts", ALL)
def test_every_decision_of_auto_has_a_reason(facts: Facts) -> None:
    silent = [decision.key for decision in plan(facts).decisions if not decision.reason]
    assert silent == []


def test_a_wish_is_kept_and_said_to_be_one() -> None:
    made = plan(TABLE, optim={"kind": "sgd", "lr": 0.3}, batch_size=77)
    assert (made.optim.kind, made.optim.lr, made.batch_size) == ("sgd", 0.3, 77)
    reasons = {decision.key: decision.reason for decision in made.decisions}
    assert reasons["optim"] == reasons["batch_size"] == "as you asked"


def test_a_machine_without_bfloat16_computes_in_float32() -> None:
    assert plan(replace(PHOTOS, machine=PLAIN)).precision == "float32"
    assert plan(PHOTOS).precision == "bfloat16"


@pytest.mark.parametrize(("wish", "value"), [("auto", False), (False, False), (True, True)])
def test_kernels_that_repeat_their_bits_are_only_taken_if_asked_for(wish: object, value: bool) -> None:
    made = plan(replace(TABLE, machine=replace(PLAIN, device="cuda")), deterministic=wish)
    assert made.deterministic is value
    decision = next(each for each in made.decisions if each.key == "deterministic")
    assert (decision.value, "slower" in decision.reason) == ("yes" if value else "no", wish == "auto")


def test_epochs_become_steps() -> None:
    made = plan(TABLE, budget={"epochs": 3}, batch_size=256)
    assert made.total_steps == -(-3 * 20_000 // 256)


def test_a_time_budget_leaves_the_steps_to_the_probe() -> None:
    made = plan(TABLE, budget={"time": "2m"})
    assert (made.total_steps, made.time_seconds) == (0, 120.0)


@pytest.mark.parametrize("steps", [1, 3, 58, 1000, 100_000])
def test_rhythms_fit_into_the_steps(steps: int) -> None:
    rhythm = course(plan(TABLE), steps, greater_is_better=False)
    assert 1 <= rhythm.eval_every <= steps
    assert 1 <= rhythm.log_every <= steps


def test_patience_waits_for_several_evaluations() -> None:
    rhythm = course(plan(TABLE, stopping={"patience": 0.01}), 1000, greater_is_better=False)
    assert rhythm.stopping.patience >= 3 * rhythm.eval_every


def test_patience_one_never_stops_early() -> None:
    assert course(plan(TABLE, stopping={"patience": 1}), 1000, greater_is_better=False).stopping.patience == 0


def test_balanced_weights_have_a_mean_of_one_over_the_rows() -> None:
    weights = plan(BINARY, class_weights="balanced").class_weights
    assert sum(w * n for w, n in zip(weights, BINARY.class_counts, strict=True)) / sum(BINARY.class_counts) == pytest.approx(1)


def test_a_recurrent_model_brings_the_clipping_that_it_needs() -> None:
    made = plan(TEXTS, model="lstm")
    assert made.clip == 1.0
    assert "explode" in next(each.reason for each in made.decisions if each.key == "clip")
    assert plan(TEXTS, model="lstm", clip=0).clip == 0
    assert plan(TEXTS).clip == 0


def test_a_clip_that_leaves_nothing_of_gradients_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"clip = 1e-300 would leave nothing.*Typical: 0\.5 to 5"):
        plan(TEXTS, clip=1e-300)


@pytest.mark.parametrize(
    ("time", "rows", "device", "kind"),
    [
        (None, 25_000, "cpu", "text_cnn"),
        ("2m", 25_000, "cpu", "bag"),
        ("10m", 25_000, "cpu", "text_cnn"),
        ("2m", 2_000, "cpu", "text_cnn"),
        ("2m", 25_000, "cuda", "text_cnn"),
    ],
)
def test_texts_get_the_larger_network_where_there_is_time_for_it(time: str | None, rows: int, device: str, kind: str) -> None:
    facts = replace(TEXTS, num_train=rows, machine=replace(MACHINE, device=device))
    made = plan(facts, **({"budget": {"time": time}} if time else {}))
    assert made.model is not None
    assert made.model.kind == kind


@pytest.mark.parametrize(("time", "characters", "drops"), [("3m", 950_000, False), ("20m", 950_000, True), ("20m", 10**8, False)])
def test_a_language_model_drops_where_it_reads_its_text_many_times(time: str, characters: int, drops: bool) -> None:
    facts = Facts("corpus", TokensShape(length=256), characters, 50_000, 100_000, "language", (), MACHINE)
    made = plan(facts, budget={"time": time})
    assert made.batch_size == 8
    assert made.model is not None
    assert (made.model.dropout > 0, made.optim.weight_decay > 0) == (drops, drops)


@pytest.mark.parametrize(
    ("time", "device", "width"),
    [("20s", "cpu", 64), ("60s", "cpu", 96), ("90s", "cpu", 128), ("2m", "cpu", 192), (None, "cpu", 192), ("20s", "cuda", 192)],
)
def test_a_language_model_is_small_where_there_is_time_for_few_steps(time: str | None, device: str, width: int) -> None:
    machine = replace(MACHINE, device=device)
    facts = Facts("corpus", TokensShape(length=128), 51_300, 2_700, 6_000, "language", (), machine)
    made = plan(facts, **({"budget": {"time": time}} if time else {}))
    assert made.model is not None
    assert made.model.width == width
    assert "smaller" not in next(each.reason for each in made.decisions if each.key == "model") or width < 192


def test_a_model_that_torch_cannot_compile_is_refused_before_training() -> None:
    with pytest.raises(RecipeError, match="compiles no model = 'lstm'"):
        plan(TEXTS, model="lstm", compile="inductor")
    assert plan(TEXTS, model="min_gru", compile="inductor").compile == "inductor"
