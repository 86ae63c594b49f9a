"""Finds what imports itself in a circle: modules, and packages that lie side by side.

An import counts wherever it stands, inside a function or for the type checker alone: a circle that does not hurt when
the program starts still means that neither part can be understood, moved or tested without the other.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate
from pathlib import Path

from tests.architecture.arrows import imports, nodes_of, package_of, source_files

Graph = dict[str, set[str]]


def imported(root: Path) -> Graph:
    """Which of our modules each of our modules imports."""
    files = dict(source_files(root))
    graph: Graph = {}
    for module, file in files.items():
        found = imports(nodes_of(file.read_text()), package_of(module, file), set(files))
        targets = {name for _, name in found}
        graph[module] = (targets & files.keys()) - {module}
    return graph


def among_siblings(graph: Graph) -> Graph:
    """Which packages import which of those beside them, in the same package or at the root."""
    packages = {place for module in graph for place in places(module)[:-1]}
    lifted: Graph = defaultdict(set)
    for module, targets in graph.items():
        for target in targets:
            pairs = zip(places(module), places(target), strict=False)
            ours, theirs = next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
            if {ours, theirs} <= packages:
                lifted[ours].add(theirs)
    return lifted


def places(module: str) -> list[str]:
    """The packages that a module lies in, from the outermost, and itself."""
    return list(accumulate(module.split("."), "{}.{}".format))


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """The strongly connected parts of more than one node, each sorted."""
    reached = {node: reachable(graph, node) for node in graph}
    return sorted(
        {
            tuple(sorted(other for other in reached[node] if node in reached.get(other, ())))
            for node in graph
            if node in reached[node]
        }
    )


def reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    left = list(graph[start])
    while left:
        if (node := left.pop()) not in found:
            found.add(node)
            left += graph.get(node, ())
    return found
