"""Nodes as values: shared, immutable, picklable; and walking over deep graphs."""

from __future__ import annotations

import gc
import pickle
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest

from lattice.errors import LatticeTypeError, RegionError
from lattice.functions.registry import lookup
from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.build import call, cut, index_set, number, region_cut, value_list
from lattice.graph.fold import constant
from lattice.graph.node import Call, Literal, Node, Source, Subset
from lattice.graph.show import to_lel, tree
from lattice.graph.types import BOOL, COMPLEX, DCOMPLEX, DOUBLE, FLOAT
from lattice.graph.walk import depth, postorder, replace, sources
from lattice.io.memory import ArrayReader
from lattice.regions import PixelBox


def source(shape: tuple[int, ...] = (2, 3, 4), dtype: Any = "f4", name: str = "a", fill: float = 0) -> Source:
    values = np.full(shape, fill, dtype)
    node: Source = Source(
        ArrayReader(values), name, "", None, Attributes(values.dtype, shape, default_dims(len(shape)))
    )
    return node


def plus(a: Node, b: Node) -> Node:
    return call(lookup("+", 2), a, b)


def chain(n: int) -> Node:
    node: Node = source()
    for i in range(n):
        node = plus(node, Literal.of(float(i % 7), FLOAT))
    return node


def some_nodes() -> list[Node]:
    x = source()
    return [
        x,
        Literal.of(1.5),
        Literal.undefined(DOUBLE),
        plus(x, Literal.of(2, FLOAT)),
        call(lookup("mean", 1), x),
        value_list([Literal.of(1.0), Literal.of(2.0)]),
        index_set(Literal.of(0), [(0, 1, 1)]),
        cut(x, (0, slice(None, None, -1))),
        source((3, 4), name="p"),
        region_cut(x, PixelBox((0, 0, 0), (1, 1, 1), shape=(2, 3, 4)), "a::b"),
        PixelBox((0, 0), (1, 1), shape=(3, 4)).as_mask_node("a::b"),
        call(lookup("rebin", 2), x, value_list([Literal.of(v, FLOAT) for v in (2, 1, 1)])),
    ]


def test_equal_nodes_are_one_object() -> None:
    first, second = some_nodes(), some_nodes()
    for a, b in zip(first, second, strict=True):
        assert a is b, a
    assert len({id(n) for n in first}) == len(first)


def test_what_differs_is_another_node() -> None:
    x = source()
    assert source(name="b") is not x
    assert source(fill=1) is not x
    assert cut(x, 0) is not cut(x, slice(0, 1))
    assert cut(x, (0, slice(0, 2))) is not cut(x, (0, slice(0, 3)))
    assert plus(x, Literal.of(1.0, FLOAT)) is not plus(x, Literal.of(1.0, DOUBLE))
    assert Literal.of(0.0) is not Literal.of(-0.0)
    assert Literal.of(1, FLOAT) is not Literal.of(True)
    nan = float("nan")
    assert Literal.of(nan) is Literal.of(nan)
    # 1 == 1.0 == True in Python, but not as fields of nodes
    assert index_set(Literal.of(0), [(0, 1, 1)]) is not index_set(Literal.of(0), [(0, 1, 1)], negate=True)


def test_nodes_are_immutable() -> None:
    for node in some_nodes():
        for name in ("attrs", "children", "anything"):
            with pytest.raises(AttributeError, match="immutable"):
                setattr(node, name, None)
        with pytest.raises(AttributeError):
            node.attrs.shape = ()  # type: ignore[misc]
        hash(node)


def test_pickled_nodes_come_back_as_the_same_object() -> None:
    for node in some_nodes():
        assert pickle.loads(pickle.dumps(node)) is node


def test_nodes_are_forgotten_with_their_last_user() -> None:
    node = plus(source(name="forgotten"), Literal.of(123.0, FLOAT))
    data = pickle.dumps(node)
    alive = weakref.ref(node)
    del node
    gc.collect()
    assert alive() is None
    assert to_lel(pickle.loads(data)) == "forgotten + 123"


def test_threads_that_build_the_same_node_get_the_same_object() -> None:
    x = source()
    found: list[Node] = []
    start = threading.Barrier(8)

    def build() -> None:
        start.wait()
        found.extend(plus(x, Literal.of(float(i), FLOAT)) for i in range(200))

    threads = [threading.Thread(target=build) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len({id(n) for n in found}) == 200


def test_with_children_keeps_what_is_the_same() -> None:
    x, y = source(), source(name="b", fill=1)
    for node in some_nodes():
        assert node.with_children(node.children) is node
    total = plus(x, Literal.of(2, FLOAT))
    assert total.with_children((y, Literal.of(2, FLOAT))) is plus(y, Literal.of(2, FLOAT))
    assert repr(total) == "<Call Float lattice (axis0 2, y 3, x 4)>"
    with pytest.raises(TypeError):
        Node()


# -- walking ------------------------------------------------------------------------------------------


def test_walks_over_deep_graphs_do_not_recurse() -> None:
    deep = chain(5000)
    assert sys.getrecursionlimit() < 5000 * 2
    assert depth(deep) == 5001
    nodes = list(postorder(deep))
    assert len(nodes) == 5000 + 1 + 7
    seen: set[int] = set()
    for node in nodes:
        assert all(id(c) in seen for c in node.children)
        seen.add(id(node))
    assert [s.name for s in sources(deep)] == ["a"]
    other = source(name="b", fill=1)
    swapped = replace(deep, lambda n: other if isinstance(n, Source) else None)
    assert [s.name for s in sources(swapped)] == ["b"]
    assert replace(deep, lambda _n: None) is deep
    text = to_lel(deep)
    assert text.startswith("a + 0 + 1 + 2")
    assert text.count("+") == 5000
    assert tree(deep, limit=10).count("\n") == 10
    assert constant(deep) is None


def test_a_deep_constant_is_folded() -> None:
    node: Node = Literal.of(0.0)
    for _ in range(5000):
        node = plus(node, Literal.of(1.0))
    folded = constant(node)
    assert folded is not None
    assert folded.value == 5000.0


def test_shared_parts_are_walked_once() -> None:
    node: Node = source()
    for _ in range(200):  # 2**200 paths
        node = plus(node, node)
    assert depth(node) == 201
    assert len(list(postorder(node))) == 201
    pair = plus(source(), Literal.of(1.0, FLOAT))
    assert tree(plus(pair, pair)).splitlines()[-1] == "  (as in line 2)"
    assert tree(node).count("\n") == 60
    assert to_lel(node).count("...") > 0  # as text it would be endless


def test_sources_come_in_the_order_of_writing_without_their_masks() -> None:
    mask = source(dtype=bool, name="m")
    a = source(name="z").with_mask(mask, "")
    b = source(name="c", fill=1)
    assert [s.name for s in sources(plus(plus(a, b), a))] == ["z", "c"]


# -- numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "like", "dtype"),
    [
        (1, FLOAT, FLOAT),
        (1.1, FLOAT, FLOAT),
        (1.1, DOUBLE, DOUBLE),
        (1.1, COMPLEX, FLOAT),
        (1, DOUBLE, FLOAT),
        (2**24 + 1, DOUBLE, DOUBLE),
        (1j, FLOAT, COMPLEX),
        (1j, DOUBLE, DCOMPLEX),
        (True, FLOAT, BOOL),
        (np.float64(1.1), FLOAT, DOUBLE),
        (np.float32(1.1), DOUBLE, FLOAT),
        (np.int16(3), FLOAT, FLOAT),
        (np.int64(3), FLOAT, DOUBLE),
    ],
)
def test_python_numbers_take_the_precision_of_the_operand(value: Any, like: Any, dtype: Any) -> None:
    node = number(value, like, lookup("-", 1), lookup("+", 2))
    assert node.attrs.dtype == dtype
    known = constant(node)
    assert known is not None
    assert known.value == np.asarray(value).astype(dtype)


@pytest.mark.parametrize("value", [-1.5, -0.0, 1 - 2j, -1 + 2j, -3, complex(0, -2)])
def test_negative_and_complex_numbers_become_operations(value: complex) -> None:
    node = number(value, DOUBLE, lookup("-", 1), lookup("+", 2))
    assert isinstance(node, Call)
    known = constant(node)
    assert known is not None
    assert known.value == value


def test_what_is_no_number() -> None:
    with pytest.raises(LatticeTypeError, match="is not a number"):
        number("1", FLOAT, lookup("-", 1), lookup("+", 2))
    with pytest.raises(TypeError, match="is not a number or truth value"):
        Literal.of("1")


def test_regions_of_what_has_no_shape() -> None:
    box = PixelBox((0,), (1,), shape=(2,))
    with pytest.raises(RegionError, match="a scalar has no regions"):
        region_cut(Literal.of(1.0), box, "a::b")


def test_cuts_of_cuts_are_one_cut() -> None:
    x = source((10, 10))
    twice = cut(cut(x, (slice(2, 9), slice(None, None, -2))), (slice(1, None, 3), 1))
    assert isinstance(twice, Subset)
    assert twice.children == (x,)
    assert twice.attrs.shape == (2,)
    assert cut(x, ...) is x
    assert cut(x, (slice(0, 10), slice(None))) is x


def test_coordinates_of_different_records_are_not_exchanged() -> None:
    """Equal coordinates keep the record that each was made from."""
    from lattice import Image
    from lattice.coords.system import CoordinateSystem

    plain = CoordinateSystem.from_kinds(["none"])
    images = [Image(np.zeros(3), wcs=plain.with_native({"unit": unit})) for unit in ("deg", "rad")]
    assert images[0].coords == images[1].coords
    assert [image.coords.native["unit"] for image in images] == ["deg", "rad"]  # type: ignore[union-attr,index]
