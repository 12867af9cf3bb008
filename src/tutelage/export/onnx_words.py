"""What torch's exporter cannot write: words in, names of classes out, and what is said beside an ONNX graph."""

from collections.abc import Mapping
from typing import Any

from tutelage.data.prepare.intake import RawInput

__all__ = ["finish"]

WORDS_DOMAIN, WORDS_VERSION = "ai.onnx.ml", 4
INNER, BATCH = "t/", "batch"
"""What names inside the graph begin with, so that none is that of a column."""
PROBABILITIES, LABEL = "probabilities", "label"


def finish(proto: Any, inputs: Mapping[str, RawInput], *, labels: tuple[Any, ...], entry: tuple[str, str]) -> None:
    """Complete a model in place.

    Args:
        proto: An `onnx.ModelProto` whose inputs are called as the keys of `inputs`.
        inputs: What people hand over.
        labels: Names of the classes; () where there are none.
        entry: Key and text of the metadata.
    """
    from onnx import helper

    graph = proto.graph
    _rename_inside(graph, {output.name for output in graph.output})
    before, taken = [], dict[str, Any]()
    for value, (name, raw) in zip(graph.input, inputs.items(), strict=True):
        kind = _string_type() if raw.takes_words else value.type.tensor_type.elem_type
        taken[raw.handed] = helper.make_tensor_value_info(raw.handed, kind, [BATCH, *raw.sizes])
        before += _nodes_of(raw, INNER + name)
    del graph.input[:]
    graph.input.extend(taken.values())
    for output in graph.output:
        sizes = output.type.tensor_type.shape.dim
        if sizes and sizes[0].dim_param:
            # The exporter names an axis that has no fixed size by its own symbol.
            sizes[0].dim_param = BATCH
    nodes = [*before, *graph.node, *(_label_nodes(graph, labels) if labels else [])]
    del graph.node[:]
    graph.node.extend(nodes)
    if any(node.domain == WORDS_DOMAIN for node in before):
        proto.opset_import.append(helper.make_opsetid(WORDS_DOMAIN, WORDS_VERSION))
    helper.set_model_props(proto, {entry[0]: entry[1]})
    proto.producer_name = "tutelage"


def _nodes_of(raw: RawInput, inner: str) -> list[Any]:
    """Return what leads from what people hand over to what the graph computes with."""
    from onnx import helper

    if raw.words is not None:
        words, codes = list(raw.words), list(raw.words.values())
        settings = {"keys_strings": words, "values_int64s": codes, "default_int64": raw.unknown}
        return [helper.make_node("LabelEncoder", [raw.handed], [inner], domain=WORDS_DOMAIN, **settings)]
    if not raw.patterns:
        return [helper.make_node("Identity", [raw.handed], [inner])]
    nodes, columns = [], []
    axis = f"{inner}/axis"
    nodes.append(helper.make_node("Constant", [], [axis], value_ints=[1]))
    for number, pattern in enumerate(raw.patterns):
        hit, code, column = (f"{inner}/{step}{number}" for step in ("hit", "code", "column"))
        nodes.append(helper.make_node("RegexFullMatch", [raw.handed], [hit], pattern=pattern))
        nodes.append(helper.make_node("Cast", [hit], [code], to=_int_type()))
        nodes.append(helper.make_node("Unsqueeze", [code, axis], [column]))
        columns.append(column)
    return [*nodes, helper.make_node("Concat", columns, [inner], axis=1)]


def _label_nodes(graph: Any, labels: tuple[Any, ...]) -> list[Any]:
    """Add the name of the most probable class as an output: whole numbers where all names are such, else words."""
    from onnx import TensorProto, helper

    are_numbers = all(type(label) is int for label in labels)
    kind = TensorProto.INT64 if are_numbers else TensorProto.STRING
    values = list(labels) if are_numbers else [str(label).encode() for label in labels]
    graph.initializer.append(helper.make_tensor(f"{INNER}names", kind, [len(labels)], values))
    graph.output.append(helper.make_tensor_value_info(LABEL, kind, [BATCH]))
    return [
        helper.make_node("ArgMax", [PROBABILITIES], [f"{INNER}best"], axis=1, keepdims=0),
        helper.make_node("Gather", [f"{INNER}names", f"{INNER}best"], [LABEL]),
    ]


def _rename_inside(graph: Any, kept: set[str]) -> None:
    """Let all names but those of the outputs begin with `INNER`."""

    def new(name: str) -> str:
        return name if not name or name in kept else INNER + name

    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = new(name)
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                _rename_inside(inner, kept)
                for output in inner.output:
                    output.name = new(output.name)
    for held in (graph.initializer, graph.value_info, graph.input):
        for one in held:
            one.name = new(one.name)


def _string_type() -> int:
    from onnx import TensorProto

    return int(TensorProto.STRING)


def _int_type() -> int:
    from onnx import TensorProto

    return int(TensorProto.INT64)
