"""The image tool has the methods of CASA's, with the same parameters in the same order, and help for each."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from lattice.compat.casa import image, missing
from lattice.compat.casa.core import UNSERVED
from lattice.compat.casa.errors import NotServedError
from tests import casa_calls

DATA = Path(__file__).resolve().parents[2] / "data" / "casa_signatures.json"
THEIRS: dict[str, list[list[Any]]] = json.loads(DATA.read_text())
NONE = ([], {}, "", None)


def plain(default: Any) -> Any:
    """Return a default as it means something: there are many ways to say that nothing is given."""
    if isinstance(default, tuple | list):
        default = [float(v) if isinstance(v, int | float) else v for v in default]
    if isinstance(default, int) and not isinstance(default, bool):
        default = float(default)
    return "nothing" if any(default == nothing for nothing in NONE) else default


def parameters(name: str) -> list[inspect.Parameter]:
    found = inspect.signature(getattr(image, name)).parameters.values()
    return [p for p in found if p.name != "self"]


@pytest.mark.parametrize("name", sorted(set(THEIRS) - set(UNSERVED)))
def test_parameters_are_those_of_casa(name: str) -> None:
    ours = [[p.name] if p.default is p.empty else [p.name, plain(p.default)] for p in parameters(name)]
    theirs = [[one[0]] if len(one) == 1 else [one[0], plain(one[1])] for one in THEIRS[name]]
    assert ours == theirs


@pytest.mark.parametrize("name", sorted(set(THEIRS) - set(UNSERVED)))
def test_methods_have_help(name: str) -> None:
    text = inspect.getdoc(getattr(image, name)) or ""
    assert len(text) > 10
    assert text.splitlines()[0].endswith(".")


def test_what_is_not_served_is_fitting() -> None:
    assert set(UNSERVED) <= set(THEIRS)
    fits = "convertflux decompose deconvolve beamforconvolved findsources fitcomponents fitprofile maxfit"
    assert all(name.startswith(tuple(fits.split())) for name in UNSERVED)


@pytest.mark.parametrize("name", UNSERVED)
def test_what_is_not_served_says_so_and_is_counted(name: str) -> None:
    before = missing.missed().get(f"image.{name}", 0)
    with pytest.raises(NotServedError, match=f"{name} is not served"):
        getattr(image(), name)
    assert missing.missed()[f"image.{name}"] == before + 1
    assert not hasattr(image(), name)


def test_each_method_is_called_twice_at_least() -> None:
    """In the calls that are compared with CASA."""
    texts = [call for _, _, call in casa_calls.every()]
    setups = [*casa_calls.SETUPS.values()]
    few = {}
    for name in set(THEIRS) - set(UNSERVED):
        count = sum(f".{name}(" in text for text in [*texts, *setups])
        if count < 2:
            few[name] = count
    assert not few
