# ruff: noqa: E501 (a table: what is compared stands on one line)
"""Further forms side by side: axes, masks, types, joins, profiles and CASA's tasks; see tests/casa_operations.py."""

from __future__ import annotations

from typing import Any

import numpy as np

import tests.casa_analysis  # noqa: F401 - its inputs come before those of this table
from tests.casa_operations import INPUTS, SKY, Case, Input, channels, stokes_axis


def nested(n: int) -> tuple[tuple[float, float, float], ...]:
    """Return beams of which the last can be had of all others by smoothing.

    The kernels for it are wide enough: of those narrower than some two pixels CASA takes the sum for their area,
    and is wrong by up to some per cent.
    """
    return tuple((10.0 + 6 * k, 9.0 + 5 * k, 20.0 + k) for k in range(n))


INPUTS |= {
    "nested": Input((4, 15, 14), SKY | {"CRPIX1": 7.0, "CRPIX2": 7.0} | channels(3), beams=nested(4)),
    "nested clean": Input((3, 13, 17), SKY | {"CRPIX1": 5.0, "CRPIX2": 6.0} | channels(3), beams=nested(3), masked=False),
    "nested full": Input((3, 2, 13, 12), SKY | {"CRPIX1": 6.0, "CRPIX2": 6.0} | stokes_axis(3) | channels(4), beams=nested(6)),
    "one": Input((1, 2, 11, 9), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | stokes_axis(3) | channels(4)),
    "pb low full": Input((1, 2, 9, 8), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | stokes_axis(3) | channels(4), masked=False),
    "pb high full": Input((1, 2, 9, 8), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | stokes_axis(3) | channels(4, CRVAL=2.2e9), masked=False),
    "pb low wide": Input((1, 12, 15), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | channels(3, CRVAL=1.1e9), masked=False),
    "pb high wide": Input((1, 12, 15), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | channels(3, CRVAL=1.6e9), masked=False),
    "odd": Input((9, 15, 17), SKY | {"CRPIX1": 9.0, "CRPIX2": 7.0} | channels(3), "K"),
    "odd full": Input((5, 2, 13, 11), SKY | {"CRPIX1": 6.0, "CRPIX2": 7.0} | stokes_axis(3) | channels(4), "K", ()),
    "odd plane": Input((21, 19), SKY | {"CRPIX1": 9.0, "CRPIX2": 11.0}, "K"),
}  # fmt: skip

THREE = ("plane", "cube", "full")
CUBES = ("cube", "full", "clean")
ODD = ("odd", "odd full", "odd plane")
NESTED = ("nested", "nested clean", "nested full")
JOINED = "ia.subimage('p1', region=half(ia, 0), overwrite=True).done(); ia.subimage('p2', region=half(ia, 1), overwrite=True).done(); ia.done(); out = ia.imageconcat('o', ['p1', 'p2'], axis=ia_axis(name), tempclose=False, overwrite=True)"
MIRRORED = "c = casatools.image(); c.open('work.im'); c2 = c.subimage('second', overwrite=True); c2.calc('second * 2 + 1'); c2.done(); c.done(); "
FUNCTIONS = ("mean", "median", "min", "max", "sum", "rms", "npts", "stddev", "variance", "madm", "xmadm")  # fmt: skip

FORMS = [
    # axes of length 1
    Case("adddegaxes spectral", ("plane", "patch", "pb full flat"), "out = ia.adddegaxes('o', spectral=True)", lambda a, _: a.expand_dims("frequency", "spectral"), others=()),
    Case("adddegaxes stokes", ("plane", "cube", "clean"), "out = ia.adddegaxes('o', stokes='Q')", lambda a, _: a.expand_dims("stokes", "stokes", value="Q"), others=()),
    Case("adddegaxes linear", ("plane", "cube", "full"), "out = ia.adddegaxes('o', linear=True)", lambda a, _: a.expand_dims("linear", "linear"), others=(), coords=False),
    Case("dropdeg", ("one", "pb low full", "pb low wide"), "out = ia.subimage('o', dropdeg=True)", lambda a, _: a.squeeze(), others=(), coords=False),
    # parts
    Case("imsubimage box", CUBES, "casatasks.imsubimage('work.im', 'o', box='1,2,9,8', chans='1~4'); out = 'o'", lambda a, _: a.subimage(box="1,2,9,8", chans="1~4"), others=()),
    Case("imsubimage boxes", THREE, "casatasks.imsubimage('work.im', 'o', box='1,2,4,8,6,3,9,9'); out = 'o'", lambda a, _: a.subimage(box="1,2,4,8,6,3,9,9"), others=()),
    Case("imsubimage mask", CUBES, "casatasks.imsubimage('work.im', 'o', chans='0~1;4', mask=repr('work.im') + ' > 1'); out = 'o'", lambda a, _: a.subimage(chans="0~1;4", mask=a > 1), others=()),
    Case("imsubimage circle", THREE, "casatasks.imsubimage('work.im', 'o', region='circle[[6pix, 7pix], 4pix]'); out = 'o'", lambda a, _: a.subimage("circle[[6pix, 7pix], 4pix]"), others=()),
    # masks
    # the condition looks under the mask that there was
    Case("calcmask", THREE, "ia.calcmask(repr('work.im') + ' > 1', 'new'); out = ia", lambda a, _: a.add_mask("new", a.without_mask() > 1, default=True), others=()),
    Case("calcmask of all", THREE, "ia.calcmask('T', 'new'); out = ia", lambda a, _: a.with_mask(None), others=()),
    Case("replace by an expression", THREE, "ia.replacemaskedpixels(repr('work.im') + ' * 2 + 1'); out = ia", lambda a, _: a.replace_masked(a * 2 + 1), others=()),
    # complex numbers
    Case("makecomplex", THREE, MIRRORED + "out = ia.makecomplex('o', 'second', overwrite=True); out = 'o'", lambda a, _: a.complex(a * 2 + 1), others=(), beams=False, unit=False),
    Case("real of complex", THREE, MIRRORED + "ia.makecomplex('z', 'second', overwrite=True); out = ia.imagecalc('o', 'real(z * z)', overwrite=True)", lambda a, _: np.square(a.complex(a * 2 + 1)).real, others=(), beams=False, unit=False),
    Case("imag of complex", THREE, MIRRORED + "ia.makecomplex('z', 'second', overwrite=True); out = ia.imagecalc('o', 'imag(z * z)', overwrite=True)", lambda a, _: np.square(a.complex(a * 2 + 1)).imag, others=(), beams=False, unit=False),
    # joined
    Case("imageconcat", ("cube", "full", "clean"), JOINED, lambda a, _: joined(a), others=()),
    Case("imageconcat beams", ("nested", "nested clean", "beams"), JOINED, lambda a, _: joined(a), others=()),
    # put in
    Case("insert by reference", ("cube", "clean", "pixel"), "out = inserted(ia, 'patches', [-1])", lambda a, get: a.insert(get("patches"))),
    # bins
    Case("imrebin", THREE, "casatasks.imrebin('work.im', 'o', factor=[2, 3], crop=True); out = 'o'", lambda a, _: a.rebin({"x": 2, "y": 3}, crop=True), others=()),
    # profiles
    *(
        Case(f"getprofile {function}", CUBES, f"out = ia.getprofile(axis=ia_axis(name), function='{function}', unit='pixel')", lambda a, _, function=function: a.profile(function, units="casa"), others=(), coords=False, beams=False, unit=False)
        for function in FUNCTIONS
    ),
    # of planes without good pixels CASA has a flux of 0
    Case("getprofile flux", ("clean", "nested clean", "clean full"), "out = ia.getprofile(axis=ia_axis(name), function='flux', unit='pixel', region=one_stokes(ia))", lambda a, _: (a.isel(stokes=slice(0, 1)) if "stokes" in a.dims else a).profile("flux"), others=(), coords=False, beams=False, unit=False),
    # smoothing by tasks
    Case("imsmooth common", NESTED, "casatasks.imsmooth('work.im', kernel='common', outfile='o'); out = 'o'", lambda a, _: a.smooth_to("common"), 3e-5, others=()),
    Case("imsmooth boxcar", ODD, "casatasks.imsmooth('work.im', kernel='boxcar', major='12arcsec', minor='20arcsec', outfile='o'); out = 'o'", lambda a, _: a.smooth_along({"y": 3, "x": 5}, "boxcar"), 3e-5, others=()),
    Case("imsmooth image", THREE, "k = casatools.image(); k.fromarray('k.im', np.arange(1., 16).reshape(3, 5), overwrite=True); k.done(); casatasks.imsmooth('work.im', kernel='image', kimage='k.im', outfile='o'); out = 'o'", lambda a, _: a.convolve(np.arange(1.0, 16).reshape(3, 5).T), 3e-5, others=(), beams=False, unit=False),
    Case("specsmooth hanning", CUBES, "casatasks.specsmooth('work.im', 'o', axis=ia_axis(name), function='hanning', dmethod=''); out = 'o'", lambda a, _: a.hanning("frequency"), others=()),
    Case("specsmooth boxcar", CUBES, "casatasks.specsmooth('work.im', 'o', axis=ia_axis(name), function='boxcar', width=3, dmethod=''); out = 'o'", lambda a, _: a.boxcar("frequency", 3), others=()),
    # grids by tasks
    Case("imregrid", ("cube", "clean", "pixel"), "casatasks.imregrid('work.im', 'turned.im', 'o', decimate=0, asvelocity=False); out = 'o'", lambda a, get: a.regrid(get("turned")), 5e-5, others=("turned",)),
    Case("imregrid velocities", ("cube", "clean", "pixel"), "casatasks.imregrid('work.im', 'turned.im', 'o', axes=[2], asvelocity=True); out = 'o'", lambda a, get: a.regrid(get("turned"), "frequency", velocity="radio"), 5e-5, others=("turned",)),
    # spectral index
    *(
        Case(f"spix {low}", (low,), f"casatasks.immath(imagename=['{low}.im', '{high}.im'], mode='spix', outfile='o'); out = 'o'", lambda a, get, high=high: a.spectralindex(get(high)), 1e-5, coords=False, beams=False, others=(high,))
        for low, high in (("pb low full", "pb high full"), ("pb low wide", "pb high wide"))
    ),
]  # fmt: skip
"""What is compared."""


def joined(a: Any) -> Any:
    """Return an image cut along its channels and put together again."""
    import lattice

    n = a.sizes["frequency"] // 2
    return lattice.concat([a.isel(frequency=slice(0, n)), a.isel(frequency=slice(n, None))], "frequency")
