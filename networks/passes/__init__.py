"""The named list of passes from a graph as imported to layers the accelerator knows."""

from collections.abc import Callable

from networks.graph import LayerGraph
from networks.passes.drop_identities import drop_identities
from networks.passes.fold_batch_norms import fold_batch_norms
from networks.passes.fold_paddings import fold_paddings
from networks.passes.fold_quantisation import fold_quantisation
from networks.passes.fold_reshapes import fold_reshapes
from networks.passes.fold_transposes import fold_transposes
from networks.passes.fuse_bias import fuse_bias
from networks.passes.fuse_epilogues import fuse_epilogues
from networks.passes.name_layers import name_layers

Pass = Callable[[LayerGraph], LayerGraph]

PASSES: tuple[Pass, ...] = (
    drop_identities,
    fuse_bias,
    fold_batch_norms,
    fold_quantisation,
    fold_paddings,
    fold_reshapes,
    fold_transposes,
    fold_reshapes,
    fuse_epilogues,
    name_layers,
)
"""In order; each takes a graph and returns a new one, and is the identity on its own result."""


def optimise(graph: LayerGraph, passes: tuple[Pass, ...] = PASSES) -> LayerGraph:
    """Applies passes one after the other; raises NetworkError where one meets what it cannot do."""
    for apply in passes:
        graph = apply(graph)
    return graph
