"""Reads the names of images, masks and regions: quotes, backslashes and the suffixes behind colons."""

from __future__ import annotations

import re

from lattice.errors import LELSyntaxError, Span

__all__ = ["read_name", "read_text"]

_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_ESCAPED = re.compile(r"\\(.)")
# The colons of a URL, before its slashes and its port, belong to the name.
_PIECE = re.compile(r"\\(.?)|(:+(?!//))|(://[^/\\:]*(?::[0-9]+(?=/))?|[^\\:]+)", re.DOTALL)
_TEMPORARY = re.compile(r"\$[rR]?[0-9]+")


def read_name(text: str, span: Span, *, quoted: bool) -> tuple[str | None, str | None, str | None]:
    r"""Return the image name, the mask and the region that a name in the text stands for.

    Parameters
    ----------
    text : str
        The name as written, with quotes if it has some.
    span : tuple of int
        Its place, for errors.
    quoted : bool
        Whether it stands in quotes.

    Returns
    -------
    name, mask, region : str or None
        The parts of ``name:mask`` and ``name::region`` that are there.

    Examples
    --------
    >>> read_name("cube.im:NoMask", (0, 14), quoted=False)
    ('cube.im', 'nomask', None)
    >>> read_name(r"'c\:d::box'", (0, 11), quoted=True)
    ('c:d', None, 'box')
    >>> read_name("'https://host:8080/a.fits:m'", (0, 27), quoted=True)
    ('https://host:8080/a.fits', 'm', None)
    """
    if quoted:
        inner = "".join(a or b for a, b in _QUOTED.findall(text))
        if not inner:
            raise LELSyntaxError("the name between the quotes is empty", span=span)
    else:
        # Bare names are unescaped twice, so that a colon of the name itself is written c\\\:d.
        inner = _ESCAPED.sub(r"\1", text)
    parts, colons = _split(inner)
    name = parts[0] or None
    if not colons:
        return name, None, None
    if len(colons) > 1 or len(colons[0]) > 2:
        raise LELSyntaxError(
            "a name has one suffix at most, :mask or ::region",
            span=span,
            hint=r"a colon that belongs to the name is written \: inside quotes",
        )
    if not parts[1]:
        what = "mask" if colons[0] == ":" else "region"
        raise LELSyntaxError(f"the name of the {what} is missing after the colon", span=span)
    if name is not None and _TEMPORARY.fullmatch(name):
        raise LELSyntaxError("a temporary such as $1 takes no suffix", span=span)
    if colons[0] == "::":
        return name, None, parts[1]
    return name, "nomask" if parts[1].lower() == "nomask" else parts[1], None


def read_text(text: str) -> str:
    r"""Return what stands in quotes, as it is where a text is no name.

    >>> read_text(r"'12\:30'"), read_text("'x y'")
    ('12:30', 'x y')
    """
    return _ESCAPED.sub(r"\1", "".join(a or b for a, b in _QUOTED.findall(text)))


def _split(text: str) -> tuple[list[str], list[str]]:
    """Split at the colons that no backslash takes literally; the backslashes disappear."""
    parts, colons = [""], []
    for escaped, colon, plain in _PIECE.findall(text):
        if colon:
            colons.append(colon)
            parts.append("")
        else:
            parts[-1] += escaped or plain
    return parts, colons
