"""Rows that are looked up by number, or added to by number: memory is touched where the numbers say, little is computed."""

from collections.abc import Callable, Mapping

from tutelage.work.call import Call, Cost, Operand

__all__ = ["OPERATORS"]


def looked_up(call: Call) -> Cost:
    """Count reading the chosen numbers alone, and their places, and writing them."""
    places = _places(call)
    chosen = sum(each.num_bytes for each in call.results)
    return Cost(read=places + chosen, written=chosen)


def added_to(call: Call) -> Cost:
    """Count adding each row where its number says: the sum is read and written there, and what is new is filled with zeros."""
    source = next(
        call.values[name] for name in ("grad_output", "grad", "src", "source", "value", "values") if name in call.values
    )
    rows = source if isinstance(source, Operand) else call.written[0]
    fresh = sum(each.num_bytes for each in call.results) if "self" not in call.values else 0
    # What is added to is read and written number by number, though what is added may be one number seen again and again.
    touched = rows.count * rows.dtype.itemsize
    return Cost(others=rows.count, read=_places(call) + rows.num_bytes + touched, written=touched + fresh)


def put(call: Call) -> Cost:
    """Count writing over the chosen numbers; a copy of all the others is made unless it happens in place."""
    is_in_place = call.name.endswith("_")
    source = next((call.values[name] for name in ("src", "source", "values", "value") if name in call.values), None)
    placed = source.num_bytes if isinstance(source, Operand) else _largest(call)
    whole = 0 if is_in_place else sum(each.num_bytes for each in call.results)
    return Cost(read=_places(call) + placed + whole, written=placed + whole)


def bag(call: Call) -> Cost:
    """Count adding up the rows that each bag names."""
    weight = call.operand("weight")
    rows = call.operand("indices").count
    chosen = rows * weight.sizes[-1]
    return Cost(others=chosen, read=_places(call) + chosen * weight.dtype.itemsize)


def _places(call: Call) -> int:
    """Return the bytes of the numbers that say where."""
    return sum(each.num_bytes for each in call.read if not each.dtype.is_floating_point and not each.dtype.is_complex)


def _largest(call: Call) -> int:
    """Return the bytes of as many numbers as there are places, one each."""
    places = [each.count for each in call.read if not each.dtype.is_floating_point]
    return max(places, default=0) * (call.written[0].dtype.itemsize if call.written else 0)


OPERATORS: Mapping[str, Callable[[Call], Cost]] = (
    dict.fromkeys(("embedding", "gather", "index", "index_select", "take", "_unsafe_index"), looked_up)
    | dict.fromkeys(
        (
            "embedding_dense_backward",
            "index_add",
            "index_add_",
            "scatter_add",
            "scatter_add_",
            "_index_put_impl_",
            "index_put",
            "index_put_",
            "_unsafe_index_put",
            "scatter_reduce",
            "scatter_reduce_",
        ),
        added_to,
    )
    | dict.fromkeys(("scatter", "scatter_", "index_copy", "index_copy_", "index_fill", "index_fill_"), put)
    | {"_embedding_bag": bag, "_embedding_bag_forward_only": bag}
)
