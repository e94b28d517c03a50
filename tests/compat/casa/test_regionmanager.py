"""The region manager beside CASA's, and its records in use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lattice.compat.casa import image, regionmanager
from lattice.compat.casa.errors import CasaError
from tests import casa_cs_found, casa_inputs


@pytest.mark.parametrize("name", casa_cs_found.calls("regions"))
@pytest.mark.filterwarnings("ignore::lattice.errors.LatticeWarning")
def test_call(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    casa_cs_found.check(name, tmp_path)


@pytest.mark.parametrize("name", casa_cs_found.SIGNATURES["regionmanager"])
def test_parameters_are_those_of_casa(name: str) -> None:
    casa_cs_found.check_parameters("regionmanager", name)


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> image:
    casa_inputs.make_full(tmp_path)
    monkeypatch.chdir(tmp_path)
    ia = image()
    ia.fromfits("full.im", "full.fits")
    return ia


def test_each_region_of_a_concatenation_has_a_channel_of_its_own(full: image) -> None:
    rg = regionmanager()
    csys = full.coordsys().torecord()
    parts = [rg.wbox([f"{k}pix", "1pix"], [f"{k + 2}pix", "4pix"], [0, 1], csys) for k in (1, 4)]
    for box in (rg.wbox(["2pix"], ["3pix"], [3], csys), rg.wbox(["1.4202GHz"], ["1.4203GHz"], [3], csys)):
        whole = rg.concatenation(box, {"a": parts[0], "b": parts[1]})
        good = full.getregion(whole, getmask=True)
        assert good.shape == (6, 4, 4, 2)
        assert good[:3, :, :, 0].all()
        assert good[3:, :, :, 1].all()
        assert not good[3:, :, :, 0].any()
        assert not good[:3, :, :, 1].any()


@pytest.mark.parametrize(
    "text",
    [
        "circle[[5pix, 4pix], 2.1pix]",
        "ellipse[[5pix, 4pix], [3.1pix, 1.6pix], 30deg]",
        "annulus[[5pix, 4pix], [1.1pix, 3.1pix]]",
        "circle[[12h0m0.1s, 30d0m1s], 5.1arcsec], range=[1.4201GHz, 1.4203GHz], corr=[I, Q]",
        "circle[[5pix, 4pix], 2.1pix]\n-box[[3.6pix, 3.6pix], [6.4pix, 5.4pix]]",
    ],
)
def test_records_of_texts_select_what_the_texts_do(full: image, text: str) -> None:
    record = regionmanager().fromtext(text, full.shape(), full.coordsys().torecord())
    for what in (True, False):
        theirs = full.getregion(text, getmask=what)
        np.testing.assert_array_equal(full.getregion(record, getmask=what), theirs)


def test_a_region_kept_as_a_mask(full: image) -> None:
    rg = regionmanager()
    box = rg.wbox(["2pix", "1pix"], ["6pix", "5pix"], [0, 1], full.coordsys().torecord())
    assert rg.fromrecordtotable("full.im", "inside", box, asmask=True) == "inside"
    full.maskhandler("set", "inside")
    assert full.getchunk(getmask=True).sum() == 5 * 5 * 4 * 8
    assert rg.fromrecordtotable("full.im", "inside", box) != "inside"


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda rg, c: rg.wbox(["1pix"], ["2pix"], [0], None), "need a csys"),
        (lambda rg, c: rg.wbox(["1pix"], ["2pix", "3pix"], [0], c), "a value for each axis"),
        (lambda rg, c: rg.makeunion({}), "0 regions"),
        (
            lambda rg, c: rg.concatenation(rg.box([1], [2]), {"a": rg.wbox(["1pix"], ["2pix"], [0], c)}),
            "along one",
        ),
        (lambda rg, c: rg.namesintable("nowhere.im"), "nowhere.im"),
        (lambda rg, c: rg.fromtabletorecord("full.im", "none"), "no region 'none'"),
        (lambda rg, c: rg.deletefromtable("full.im", "none"), "no region 'none'"),
        (lambda rg, c: rg.fromfiletorecord("nowhere.rgn"), "nowhere.rgn"),
        (lambda rg, c: rg.setcoordinates({"a": 1}), "no coordinates"),
    ],
)
def test_mistakes_are_told(full: image, call: object, match: str) -> None:
    with pytest.raises(CasaError, match=match):
        call(regionmanager(), full.coordsys().torecord())  # type: ignore[operator]
