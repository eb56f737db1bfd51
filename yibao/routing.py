"""Rules of the route table that are quick to make.

Werkzeug compiles two functions for every rule, to build addresses from endpoints. Here hardly any is ever asked for,
and with hundreds of rules they are most of what starting costs: they are compiled when first used.
"""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule


class LazyRule(Rule):
    """A rule whose address builder is compiled on its first use."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled: list[Callable[..., tuple[str, str]]] = []
        make = super()._compile_builder

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(make(append_unknown))
            return compiled[0](rule, **values)

        return build
