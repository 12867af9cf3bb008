"""Weights move by name and shape, and by what their places stand for."""

import torch
from torch import nn

from tutelage.core.shape.image import ImageShape
from tutelage.core.shape.table import TableShape
from tutelage.core.shape.texts import TextShape
from tutelage.model.arch.cnn import Cnn
from tutelage.model.arch.mlp import MLP
from tutelage.model.arch.text_cnn import TextCnn
from tutelage.model.named import Places, named_places
from tutelage.model.transfer import Transfer, match_weights
from tutelage.optim.roles import declare_roles, role_of


def named(network: nn.Module, entries: dict[str, tuple[str, ...]], outputs: tuple[str, ...]) -> dict[str, Places]:
    declare_roles(network)
    roles = {name: role_of(parameter) for name, parameter in network.named_parameters()}
    return named_places(network, roles=roles, entries=entries, outputs=outputs)


def transferred(
    old: nn.Module,
    new: nn.Module,
    *,
    entries: tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]] = ({}, {}),
    outputs: tuple[tuple[str, ...], tuple[str, ...]],
) -> Transfer:
    weights = old.state_dict()
    found = match_weights(
        weights, new, named_before=named(old, entries[0], outputs[0]), named_now=named(new, entries[1], outputs[1])
    )
    found.apply(new, weights)
    return found


def test_all_but_the_head_is_taken_where_the_classes_are_others_though_as_many() -> None:
    shape = ImageShape(channels=1, height=8, width=8)
    old, new = Cnn(widths=(4,)).build(shape, 3), Cnn(widths=(4,)).build(shape, 3)
    head = [name for name, _ in new.named_parameters()][-2:]
    before = new.state_dict()[head[0]].clone()
    found = transferred(old, new, outputs=(("a", "b", "c"), ("d", "e", "f")))
    assert list(found.fresh) == head
    assert found.parts == {}
    assert torch.equal(new.state_dict()[head[0]], before)
    assert all(torch.equal(value, old.state_dict()[name]) for name, value in new.state_dict().items() if name not in head)


def test_the_rows_of_classes_with_the_same_names_move_to_their_new_places() -> None:
    shape = ImageShape(channels=1, height=8, width=8)
    old, new = Cnn(widths=(4,)).build(shape, 3), Cnn(widths=(4,)).build(shape, 2)
    weight, bias = [name for name, _ in new.named_parameters()][-2:]
    fresh_row = new.state_dict()[weight][1].clone()
    found = transferred(old, new, outputs=(("cat", "cow", "dog"), ("dog", "owl")))
    assert set(found.fresh) == {weight, bias}
    assert torch.equal(new.state_dict()[weight][0], old.state_dict()[weight][2])
    assert torch.equal(new.state_dict()[bias][0], old.state_dict()[bias][2])
    assert torch.equal(new.state_dict()[weight][1], fresh_row)


def test_each_members_head_keeps_the_rows_of_known_classes() -> None:
    shape = TableShape(numbers=2)
    model = MLP(hidden=(4,), members=3, numbers="plain")
    old, new = model.build(shape, 3), model.build(shape, 3)
    numbers = {"number": ("size", "age")}
    transferred(old, new, entries=(numbers, numbers), outputs=(("a", "b", "c"), ("c", "d", "e")))
    names = {name for name in new.state_dict() if name.startswith("layers.2.")}
    assert names == {"layers.2.weight", "layers.2.bias"}
    before, now = old.state_dict(), new.state_dict()
    assert torch.equal(now["layers.2.weight"][:, :, 0], before["layers.2.weight"][:, :, 2])
    assert torch.equal(now["layers.2.bias"].view(3, 3)[:, 0], before["layers.2.bias"].view(3, 3)[:, 2])
    assert not torch.equal(now["layers.2.weight"][:, :, 1], before["layers.2.weight"][:, :, 1])


def test_columns_of_a_table_move_by_name_in_numbers_categories_and_members() -> None:
    model = MLP(hidden=(4,), members=2, numbers="periodic", num_frequencies=2, embedding_size=3, one_hot_limit=4)
    then = {
        "number": ("size", "age"),
        "code 0": ("form = ?", "form = x", "form = y"),
        "code 1": tuple(f"town = {n}" for n in "?abcd"),
    }
    now = {
        "number": ("age", "new"),
        "code 0": tuple(f"town = {n}" for n in "?bcde"),
        "code 1": ("form = ?", "form = y", "form = z"),
    }
    old = model.build(TableShape(numbers=2, cardinalities=(3, 5)), 2)
    new = model.build(TableShape(numbers=2, cardinalities=(5, 3)), 2)
    transferred(old, new, entries=(then, now), outputs=(("a", "b"), ("a", "b")))
    before, after = old.state_dict(), new.state_dict()
    # The number `age`, second before and first now.
    assert torch.equal(after["inputs.periodic.weight"][0], before["inputs.periodic.weight"][1])
    assert not torch.equal(after["inputs.periodic.weight"][1], before["inputs.periodic.weight"][0])
    # The town `c`, code 3 before and code 2 now.
    assert torch.equal(after["inputs.category.embedding"].view(5, 3)[2], before["inputs.category.embedding"].view(5, 3)[3])
    # Both embed to [numbers 2 x 3, flags 2, town 3]: the flag of form y is entry 7 before and 6 now.
    assert torch.equal(after["layers.1.0.weight"][:, 6], before["layers.1.0.weight"][:, 7])
    assert torch.equal(after["layers.1.0.weight"][:, 0:3], before["layers.1.0.weight"][:, 3:6])
    assert torch.equal(after["layers.0.scale"].view(2, -1)[:, 8:], before["layers.0.scale"].view(2, -1)[:, 8:])


def test_words_move_by_name_for_each_place_of_a_region() -> None:
    model = TextCnn(width=4, region=2)
    old = model.build(TextShape(vocabulary_size=3, length=8), 2)
    new = model.build(TextShape(vocabulary_size=4, length=8), 2)
    transferred(
        old, new, entries=({"token": ("?", "film", "the")}, {"token": ("?", "a", "film", "of")}), outputs=(("a", "b"),) * 2
    )
    before, after = old.state_dict()["places.weight"], new.state_dict()["places.weight"]
    assert torch.equal(after[2], before[1])
    assert torch.equal(after[4 + 2], before[3 + 1])
    assert torch.equal(after[8], before[6])
    assert not torch.equal(after[1], before[1])


def test_what_finds_no_place_is_told() -> None:
    old, new = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)), nn.Sequential(nn.Linear(2, 3))
    found = match_weights(old.state_dict(), new, named_before={}, named_now={})
    assert found.whole == ("0.weight", "0.bias")
    assert found.left == ("1.weight", "1.bias")
