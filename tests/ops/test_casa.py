"""Operations against what CASA makes of the same images.

The values were computed by CASA 6.7.0 with tests/data/make_casa_operations.py, from the calls in
tests/casa_operations.py, casa_analysis.py, casa_forms.py and casa_planes.py there.
"""

from __future__ import annotations

import json
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice import Image
from lattice.coords.world import STOKES
from lattice.image.catalogue import OPERATIONS, Operation
from tests.casa_analysis import ANALYSIS
from tests.casa_forms import FORMS
from tests.casa_operations import CASES, INPUTS, Case
from tests.casa_planes import PLANES
from tests.ops.casa_reductions import calls

DATA = Path(__file__).parent.parent / "data"
TABLES = {"operations": CASES, "analysis": ANALYSIS, "forms": FORMS, "planes": PLANES}
SEC = 1 / 3600
WORLD = {"rad": ("deg", 180 / np.pi), "'": ("deg", 1 / 60), "km/s": ("m/s", 1e3)}


@lru_cache(maxsize=4)
def load(table: str) -> Any:
    return np.load(DATA / f"casa_{table}.npz")


def source(table: str, name: str) -> Image:
    own, kept = INPUTS[name], load(table)
    return Image(
        kept[f"{name}|values"], wcs=own.cards, mask=kept[f"{name}|mask"], unit=own.unit,
        beam=[(a * SEC, b * SEC, pa) for a, b, pa in own.beams] or None, name=name,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "case", "name"),
    [
        pytest.param(t, c, n, id=f"{c.name}-{n}")
        for t, cases in TABLES.items()
        for c in cases
        for n in c.inputs
    ],
)
@pytest.mark.filterwarnings("ignore:the beams are dropped")
def test_as_casa(table: str, case: Case, name: str) -> None:
    key, kept = f"{case.name}|{name}", load(table)
    made = case.ours(source(table, name), partial(source, table))
    values, mask = kept[f"{key}|values"], kept[f"{key}|mask"]
    found = made.to_masked_array()
    assert found.shape == values.shape
    np.testing.assert_array_equal(~np.ma.getmaskarray(found), mask)
    scale = float(np.nanmax(np.abs(values[mask]), initial=0))
    data = found.data[case.part] if case.part else found.data
    values, mask = (values[case.part], mask[case.part]) if case.part else (values, mask)
    off = data[mask] - values[mask]
    off[np.isnan(data[mask]) & np.isnan(values[mask])] = 0
    if case.period:
        off = (off + case.period / 2) % case.period - case.period / 2
    np.testing.assert_allclose(off, 0, rtol=0, atol=case.atol * scale)
    about = json.loads(str(kept[f"{key}|about"]))
    if case.unit:
        assert made.unit == about["unit"]
    if case.beams:
        beams = np.array(about["beams"]).reshape(-1, 3)
        if (
            len(beams) > 1
            and "stokes" in made.dims
            and made.dims.index("stokes") < made.dims.index("frequency")
        ):
            stokes = made.sizes["stokes"]
            beams = beams.reshape(-1, stokes, 3).transpose(1, 0, 2).reshape(-1, 3)
        assert len(made.beams) == len(beams)
        if len(beams):
            mine = np.array(made.beams) / [SEC, SEC, 1]
            np.testing.assert_allclose(mine[:, :2], beams[:, :2], rtol=1e-5)
            np.testing.assert_allclose((mine[:, 2] - beams[:, 2] + 90) % 180 - 90, 0, atol=1e-3)
    if case.coords:
        check_coordinates(made, about, case.apart)


# what CASA does by labels alone, is random, or is compared in tests/compat/casa
NOT_COMPUTED = {"with_beam", "convert_unit", "add_noise", "add_components"}
# further calls that are spelt otherwise than the operation
SPELT = {"poli": "mode='poli'", "pola": "mode='pola'", "concat": "ia.imageconcat(", "insert": "inserted(ia"}


@pytest.mark.parametrize(
    "one", [o for o in OPERATIONS if o.casa and o.name not in NOT_COMPUTED], ids=lambda o: o.name
)
def test_every_operation_is_compared_on_three_inputs(one: Operation) -> None:
    spelt = [f"{call}(" for call in one.casa]
    spelt = [f"casatasks.{call}" if not call.startswith("ia.") else call for call in spelt]
    wanted = [SPELT[one.name]] if one.name in SPELT else spelt
    compared = {
        name
        for cases in TABLES.values()
        for case in cases
        for name in case.inputs
        if any(call in case.casa for call in wanted)
    }
    method = one.casa[0].removeprefix("ia.")
    compared |= {call["image"] for call in calls(method)}
    assert len(compared) >= 3, (one.name, compared)


def check_coordinates(made: Image, about: dict[str, Any], apart: float) -> None:
    """Compare world coordinates of three pixels, in fractions of what a pixel is wide."""
    coords = made.coords
    assert coords is not None
    for place, world in zip(about["places"], about["world"], strict=True):
        mine = coords.to_world(*map(float, place))
        next_one = coords.to_world(*(float(p) + 1 for p in place))
        for axis, (value, unit) in enumerate(zip(world, about["units"], strict=True)):
            wanted, factor = WORLD.get(unit, (unit, 1.0))
            if coords.kinds[axis] == "stokes":
                # casacore adds 100 to its numbers of what FITS has no code for
                code = int(value) if int(value) < 5 else int(value) + 100
                assert coords.stokes(made.shape[axis])[place[axis]] == STOKES[code]
                continue
            assert coords.world_units[axis] == wanted
            off = float(mine[axis]) - value * factor
            if wanted == "deg":
                off = (off + 180) % 360 - 180
            wide = abs(float(next_one[axis]) - float(mine[axis]))
            if wanted == "deg" and coords.has_sky:
                wide = max(wide, float(np.min(coords.pixel_scale())) / 3600)
            assert abs(off) <= apart * wide, (coords.dims[axis], place, float(mine[axis]), value * factor)
