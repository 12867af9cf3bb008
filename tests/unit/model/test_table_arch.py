"""Linear model and multilayer perceptron: shapes, members, codes that carry nothing, and that they learn."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutelage.core.shape.array import ArrayShape
from tutelage.core.shape.base import Shape
from tutelage.core.shape.image import ImageShape
from tutelage.core.shape.table import TableShape
from tutelage.model.arch.base import Model
from tutelage.model.arch.linear import Linear
from tutelage.model.arch.mlp import MLP
from tutelage.model.init.small_normal import SmallNormal
from tutelage.model.layers.category import CategoryEncoder
from tutelage.model.layers.dropout import SharedDropout
from tutelage.model.layers.members import MemberHead, MemberInput
from tutelage.model.layers.periodic import PeriodicEmbedding
from tutelage.optim.muon import Muon

TABLE = TableShape(numbers=3, cardinalities=(4, 100))
SHAPES: list[Shape] = [
    TABLE,
    TableShape(numbers=0, cardinalities=(4, 100)),
    TableShape(numbers=3, cardinalities=()),
    ImageShape(channels=3, height=4, width=5),
    ArrayShape(sizes=(2, 7)),
]
MODELS: list[Model] = [Linear(), MLP(hidden=(8,)), MLP(hidden=(8, 8), members=4, norm="layer", activation="gelu"), MLP(hidden=())]


def inputs_of(shape: Shape, num_rows: int = 5) -> tuple[Tensor, ...]:
    if isinstance(shape, TableShape):
        codes = [torch.randint(0, size, (num_rows, 1)) for size in shape.cardinalities]
        return torch.randn(num_rows, shape.numbers), torch.cat([torch.zeros(num_rows, 0, dtype=torch.int64), *codes], dim=1)
    sizes = shape.sizes if isinstance(shape, ArrayShape) else (shape.channels, shape.height, shape.width)
    return (torch.randn(num_rows, *sizes),)


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_any_input_gives_a_row_of_outputs_and_every_parameter_learns(model: Model, shape: Shape) -> None:
    torch.manual_seed(0)
    network = model.build(shape, 2)
    output = network(*inputs_of(shape, 64))
    members = getattr(model, "members", 1)
    assert output.shape == ((64, 2) if members == 1 else (64, members, 2))
    output.square().sum().backward() if output.abs().sum() else output.sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())


def test_the_linear_model_starts_at_zero_and_is_a_weighted_sum() -> None:
    network = Linear().build(ArrayShape(sizes=(3,)), 1)
    x = torch.randn(4, 3)
    assert network(x).eq(0).all()
    nn.init.ones_(next(p for p in network.parameters() if p.ndim == 2))
    torch.testing.assert_close(network(x)[:, 0], x.sum(1))


def test_one_member_is_the_plain_network() -> None:
    torch.manual_seed(0)
    plain = MLP(hidden=(8, 8)).build(TABLE, 2)
    ensemble = MLP(hidden=(8, 8), members=2).build(TABLE, 2)
    weights = dict(plain.named_parameters())
    with torch.no_grad():
        for name, parameter in ensemble.named_parameters():
            if name.startswith("inputs."):
                parameter.copy_(weights[name])
        spread, *hidden, head = ensemble.get_submodule("layers").children()
        *plain_hidden, plain_head = plain.get_submodule("layers").children()
        assert isinstance(spread, MemberInput)
        assert isinstance(head, MemberHead)
        spread.scale.fill_(1.0)
        for ours, theirs in zip(hidden, plain_hidden, strict=True):
            ours.load_state_dict(theirs.state_dict())
        head.weight.copy_(plain_head.weight.T.expand_as(head.weight))  # type: ignore[operator]
        head.bias.copy_(plain_head.bias.repeat(2))  # type: ignore[operator]
    inputs = inputs_of(TABLE)
    both = ensemble.eval()(*inputs)
    for member in range(2):
        # Sums in another order in float32.
        torch.testing.assert_close(both[:, member], plain.eval()(*inputs), rtol=1e-5, atol=1e-6)


def test_members_differ_from_the_start() -> None:
    torch.manual_seed(0)
    output = MLP(members=8).build(TABLE, 1).eval()(*inputs_of(TABLE))
    assert output.std(dim=1).min() > 1e-3


def test_members_are_independent_given_the_shared_weights() -> None:
    torch.manual_seed(0)
    network = MLP(hidden=(8,), members=3).build(ArrayShape(sizes=(4,)), 1).eval()
    x = torch.randn(6, 4)
    before = network(x)
    with torch.no_grad():
        network.get_submodule("layers.0").scale.view(3, 4)[1].mul_(2)  # type: ignore[operator]
    changed = (network(x) != before).any(dim=0)[:, 0]
    assert changed.tolist() == [False, True, False]


def test_code_0_is_a_vector_of_zeros_in_short_and_long_categories() -> None:
    encoder = CategoryEncoder((3, 50), one_hot_limit=10, embedding_size=4)
    assert encoder.size == 2 + 4
    vectors = encoder(torch.tensor([[0, 0], [1, 0], [2, 7]]))
    assert vectors[0].eq(0).all()
    assert vectors[:, :2].tolist() == [[0, 0], [1, 0], [0, 1]]
    assert vectors[1, 2:].eq(0).all()
    assert vectors[2, 2:].tolist() == encoder.embedding.view(-1, 4)[3 * 0 + 7].tolist()


def test_long_categories_do_not_share_vectors() -> None:
    encoder = CategoryEncoder((50, 60), one_hot_limit=10, embedding_size=4)
    table = encoder.embedding.view(-1, 4)
    assert len(table) == 110
    assert encoder(torch.tensor([[49, 59]])).view(2, 4).tolist() == [table[49].tolist(), table[109].tolist()]


def test_sines_follow_the_formula() -> None:
    torch.manual_seed(0)
    layer = PeriodicEmbedding(2, num_frequencies=3, size=4, frequency_scale=0.5)
    x = torch.randn(5, 2)
    frequency, bias = layer.frequency.view(2, 3), layer.bias.view(2, 4)
    for feature in range(2):
        angle = 2 * torch.pi * x[:, feature : feature + 1] * frequency[feature]
        sines = torch.cat([angle.sin(), angle.cos(), x[:, feature : feature + 1]], dim=1)
        expected = F.relu(sines @ layer.weight[feature] + bias[feature])
        torch.testing.assert_close(layer(x)[:, feature * 4 : feature * 4 + 4], expected)


def test_dropout_keeps_the_mean_gives_members_one_mask_and_rests_in_evaluation() -> None:
    torch.manual_seed(0)
    layer, x = SharedDropout(0.25), torch.ones(400, 3, 50)
    dropped = layer(x)
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert dropped.eq(dropped[:, :1]).all()
    # 20,000 draws: five standard errors of a fraction of 1/4 are 0.015, scaled 0.02.
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert layer(torch.ones(4, 50)).shape == (4, 50)
    assert layer.eval()(x).eq(1).all()


def test_muon_takes_exactly_the_hidden_matrices() -> None:
    network = MLP(hidden=(8, 8), members=4).build(TABLE, 2)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    groups = Muon().build(list(network.named_parameters())).param_groups
    muon = [names[id(p)] for group in groups if group["algorithm"] == "muon" for p in group["params"]]
    decayed = [names[id(p)] for group in groups if group["algorithm"] == "adamw" for p in group["params"] if p.ndim >= 2]
    assert muon == ["layers.1.0.weight", "layers.2.0.weight"]
    assert decayed == ["inputs.periodic.weight", "layers.3.weight"]


def test_weights_are_the_same_for_the_same_seed() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(MLP(members=2).build(TABLE, 2).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_sines_learn_a_function_that_plain_numbers_do_not() -> None:
    torch.manual_seed(0)
    x = torch.rand(512, 1) * 4 - 2
    codes, target = torch.zeros(512, 0, dtype=torch.int64), (8 * x).sin()
    losses = {}
    for numbers in ("periodic", "plain"):
        network = MLP(hidden=(32,), members=2, dropout=0.0, numbers=numbers).build(TableShape(numbers=1, cardinalities=()), 1)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
        for _ in range(150):
            loss = (network(x, codes) - target.unsqueeze(1)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses[numbers] = loss.item()
    assert losses["periodic"] < 0.05
    assert losses["plain"] > 4 * losses["periodic"]


@pytest.mark.slow
@pytest.mark.parametrize("members", [1, 4])
def test_the_network_compiles_as_one_graph(members: int) -> None:
    network = MLP(hidden=(8, 8), members=members).build(TABLE, 2)
    inputs = inputs_of(TABLE)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    compiled(*inputs).sum().backward()
    network.eval()
    torch.testing.assert_close(compiled(*inputs), network(*inputs))


@pytest.mark.parametrize(("members", "said"), [(1, 1), (4, 4)])
def test_a_network_says_how_many_members_answer(members: int, said: int) -> None:
    network = MLP(hidden=(8,), members=members).build(TABLE, 2)
    assert network.num_members == said
    assert getattr(Linear().build(TABLE, 2), "num_members", 1) == 1


def test_old_names_of_settings_are_known() -> None:
    assert MLP.renamed == {"num_waves": "num_frequencies"}
    assert SmallNormal.renamed == {"deviation": "std"}
