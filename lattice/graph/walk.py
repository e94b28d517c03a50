"""Walking and rewriting graphs. Nothing here recurses, so that depth is no limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from lattice.graph.node import Named, Node, Source

__all__ = ["bare", "depth", "postorder", "replace", "sources"]


def postorder(
    roots: Node | Iterable[Node],
    descend: Callable[[Node], bool] | None = None,
    below: Callable[[Node], tuple[Node, ...]] | None = None,
) -> Iterator[Node]:
    """Yield every node below the roots once, children before parents, left to right.

    Parameters
    ----------
    roots : Node or iterable of Node
        Where to start.
    descend : callable, optional
        Whether to go into the children of a node; the node itself is yielded in any case.
    below : callable, optional
        What counts as the children of a node.
    """
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [
        (r, False) for r in ([roots] if isinstance(roots, Node) else list(roots))
    ]
    stack.reverse()
    while stack:
        node, done = stack.pop()
        if done:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            if descend is None or descend(node):
                children = node.children if below is None else below(node)
                stack.extend((c, False) for c in reversed(children) if id(c) not in seen)


def replace(root: Node, new: Callable[[Node], Node | None]) -> Node:
    """Return the graph in which `new` has replaced nodes, parents rebuilt over their new children.

    Parameters
    ----------
    root : Node
        The graph.
    new : callable
        Called on each node after its children were replaced; returns the replacement or None to keep it.
    """
    done: dict[int, Node] = {}
    for node in postorder(root):
        rebuilt = node.with_children(tuple(done[id(c)] for c in node.children)) if node.children else node
        done[id(node)] = new(rebuilt) or rebuilt
    return done[id(root)]


def bare(root: Node) -> Node:
    """Return the graph without the names of the calls that made its parts."""
    return replace(root, lambda node: node.made if isinstance(node, Named) else None)


def sources(roots: Node | Iterable[Node]) -> list[Source]:
    """Return the stored images below the roots, in the order of writing, masks left out."""
    masks = {id(n.mask) for n in postorder(roots) if isinstance(n, Source) and n.mask is not None}
    return [n for n in postorder(roots) if isinstance(n, Source) and id(n) not in masks]


def depth(root: Node) -> int:
    """Return the number of nodes on the longest way down."""
    levels: dict[int, int] = {}
    for node in postorder(root):
        levels[id(node)] = 1 + max((levels[id(c)] for c in node.children), default=0)
    return levels[id(root)]
