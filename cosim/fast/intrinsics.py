"""Machine instructions that numba has no name for."""

from typing import Any

from numba import types
from numba.extending import intrinsic


@intrinsic
def _ones(typingctx: Any, vector: Any) -> Any:
    """How many bits of an unsigned integer are set, in its own type."""
    if not isinstance(vector, types.Integer):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return vector(vector), generate


ones: Any = _ones
"""`_ones` as it is called in compiled code, without its first argument."""
