"""The phases of a training that starts from what is known, and the beats in which they run."""

import torch
from torch import nn

from tutelage.core.shape.array import ArrayShape
from tutelage.defaults.started import started, treatment
from tutelage.model.arch.mlp import MLP
from tutelage.planning.facts import Facts, Known, Machine
from tutelage.planning.origin import OriginPlan
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import recipe_from
from tutelage.task.base import Task
from tutelage.task.staged import depth_factors, opening_of, slowed_phases, staged_phases
from tutelage.training.resolve import resolve

FACTS = Facts("array", ArrayShape(sizes=(4,)), 80, 20, 0, "classify", (40, 40), Machine("cpu", "Test", 2, "", 0.0, 0.0))
KNOWN = Known("runs/a", MLP(hidden=(7,)))


def plan(**wishes: object) -> Plan:
    return resolve(recipe_from({"source": "x", **wishes}, where="test"), FACTS)


def with_known(known: Known) -> Facts:
    return Facts(**{name: getattr(FACTS, name) for name in FACTS.__slots__} | {"known": known})


def test_the_head_learns_alone_and_then_all_of_it_beat_by_beat() -> None:
    task = Task()
    task.opening = (("head",), 0.3)
    task.rhythm = (("fit",),)
    task.begin(10)
    assert [task.beat(step) for step in range(5)] == [("head",)] * 3 + [("fit",)] * 2
    assert task.usual_beat(0) == ("fit",)


def test_phases_own_what_is_new_and_all_with_factors_for_what_is_known() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    origin = OriginPlan(path="a", sha256="0" * 64, fresh=("1.weight", "1.bias"), head=0.25, factor=0.5, deepest=0.5)
    phases = staged_phases(plan().but(origin=origin), network, prefix="model.")
    assert list(phases) == ["head", "fit"]
    assert phases["head"].owns == ("model.1.weight", "model.1.bias")
    assert phases["fit"].owns == ("model.",)
    assert phases["fit"].factors == {"model.0.weight": 0.5, "model.0.bias": 0.5}
    assert opening_of(plan().but(origin=origin)) == (("head",), 0.25)


def test_networks_that_learn_at_once_are_slowed_in_each_phase_with_what_is_beside_them() -> None:
    network, phase = nn.Linear(4, 3), staged_phases(plan(), nn.Linear(4, 3), prefix="actor.")["fit"]
    origin = OriginPlan(path="a", sha256="0" * 64, factor=0.5, deepest=0.5, beside=("critic.weight",))
    found = slowed_phases(plan().but(origin=origin), {"critic": phase, "actor": phase}, network, prefix="actor.")
    expected = {"actor.weight": 0.5, "actor.bias": 0.5, "critic.weight": 0.5}
    assert {name: dict(each.factors) for name, each in found.items()} == {"critic": expected, "actor": expected}
    assert slowed_phases(plan(), {"actor": phase}, network, prefix="actor.")["actor"] is phase


def test_from_nothing_there_is_one_phase_without_factors() -> None:
    (phase,) = staged_phases(plan(), nn.Linear(2, 2), prefix="model.").values()
    assert not phase.factors
    assert opening_of(plan()) == ((), 0.0)


def test_factors_rise_from_the_data_to_the_head_and_there_are_few_of_them() -> None:
    network = nn.Sequential(*(nn.Linear(2, 2) for _ in range(30)))
    found = depth_factors(network, fresh=("29.weight", "29.bias"), factor=0.4, deepest=0.05)
    values = list(found.values())
    assert values == sorted(values)
    torch.testing.assert_close(torch.tensor([values[0], values[-1]]), torch.tensor([0.05, 0.4]))
    assert len({round(value, 9) for value in values}) <= 8
    assert not set(found) & {"29.weight", "29.bias"}


def test_defaults_take_the_known_architecture_and_read_few_rows_often() -> None:
    facts = with_known(KNOWN)
    decided = resolve(recipe_from({"source": "x"}, where="test"), facts)
    assert decided.model == KNOWN.model
    assert decided.total_steps >= 300
    assert next(each for each in decided.decisions if each.key == "model").reason.startswith("that of runs/a")
    wished = resolve(recipe_from({"source": "x", "model": "linear"}, where="test"), facts)
    assert getattr(wished.model, "kind", "") == "linear"


def test_public_weights_take_smaller_steps_than_those_of_a_run() -> None:
    own, public = with_known(KNOWN), with_known(Known("weights/", KNOWN.model, is_public=True))
    usual, foreign = (treatment(facts, starts="head first") for facts in (own, public))
    assert foreign.factor < usual.factor
    assert usual.deepest < usual.factor < 1
    assert treatment(own, starts="at once").head == 0
    decided = resolve(recipe_from({"source": "x"}, where="test"), public)
    assert getattr(decided.optim, "kind", "") == "adamw"
    assert decided.clip == 1.0


def test_without_anything_known_defaults_stay_as_they_are() -> None:
    usual = resolve(recipe_from({"source": "x"}, where="test"), FACTS)
    suggestion = usual.task.suggest(FACTS)
    assert started(suggestion, FACTS) is suggestion
