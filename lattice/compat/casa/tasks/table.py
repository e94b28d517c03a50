"""The table of tasks: what each is called on the command line, and in Python."""

from __future__ import annotations

from lattice.compat.casa.tasks.serving import SERVED

__all__ = ["markdown"]


def markdown() -> str:
    """Return the table of tasks, of the commands and of the methods that do their work, in Markdown.

    Examples
    --------
    >>> import lattice.compat.casa
    >>> print(markdown().splitlines()[2])
    | `exportfits` | `lattice convert` | `Image.save` |
    """
    rows = ["| task | command | Python |", "|---|---|---|"]
    for name in sorted(SERVED):
        served = SERVED[name]
        verbs = ", ".join(f"`lattice {verb}`" for verb in served.verb.split(", ") if verb)
        methods = ", ".join(f"`{method}`" for method in served.method.split(", ") if method)
        rows.append(f"| `{name}` | {verbs} | {methods} |")
    return "\n".join(rows)
