# ruff: noqa: E501 (a table: what is compared stands on one line)
"""Analysis side by side: what CASA is called with, and what lattice is; see tests/casa_operations.py."""

from __future__ import annotations

import numpy as np

from tests.casa_operations import INPUTS, SKY, Case, Input, channels, stokes_axis

INPUTS |= {
    "pb plane": Input((21, 18), INPUTS["plane"].cards, "", ()),
    "pb cube": Input((9, 15, 16), INPUTS["cube"].cards, "", ()),
    "pb cube flat": Input((15, 16), SKY | {"CRPIX1": 9.0, "CRPIX2": 7.0}, "", ()),
    "pb full": Input((7, 2, 14, 13), INPUTS["full"].cards, "", ()),
    "pb full flat": Input((14, 13), SKY | {"CRPIX1": 7.0, "CRPIX2": 8.0}, "", (), False),
    "iquv": Input((2, 4, 9, 8), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | stokes_axis(3) | channels(4)),
    "iqu": Input((1, 3, 11, 7), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | stokes_axis(3) | channels(4)),
    "iqu clean": Input((3, 3, 8, 9), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | stokes_axis(3) | channels(4), masked=False),
    "iquv clean": Input((1, 4, 7, 10), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | stokes_axis(3) | channels(4), masked=False),
    "iqu small": Input((2, 3, 6, 5), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | stokes_axis(3) | channels(4), masked=False),
    "pb low": Input((1, 13, 12), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | channels(3), masked=False),
    "pb high": Input((1, 13, 12), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | channels(3, CRVAL=1.9e9), masked=False),
}  # fmt: skip


def _contsub(channels: list[int], order: int, kept: str) -> str:
    return f"ia.continuumsub(outline='o', outcont='c', channels={channels}, fitorder={order}, overwrite=True).done(); out = '{kept}'"


ALL_GOOD = ("clean", "clean full", "clean pixel")
POLARISED = ("iquv", "iqu", "iqu clean")
CHOSEN = [0, 1, 3, 4, 5, 6]

ANALYSIS = [
    Case("contsub line", ("cube", "full", "clean pixel"), _contsub(CHOSEN, 1, "o"), lambda a, _: a.contsub(CHOSEN, 1).line),
    Case("contsub continuum", ("cube", "full", "clean pixel"), _contsub(CHOSEN, 1, "c"), lambda a, _: a.contsub("0~1;3~6", 1).continuum),
    Case("contsub order 2", ("cube", "full", "clean full"), _contsub([-1], 2, "o"), lambda a, _: a.contsub(order=2).line),
    Case("contsub order 0", ("cube", "full", "clean full"), _contsub([-1], 0, "c"), lambda a, _: a.contsub().continuum),
    *(
        Case(f"pbcor {mode} {cutoff} {pb}", (name,), f"out = ia.pbcor('{pb}.im', outfile='o', mode='{mode}', cutoff={cutoff}, overwrite=True)",
             lambda a, get, pb=pb, mode=mode, cutoff=cutoff: a.pbcor(get(pb), mode, cutoff if cutoff > 0 else None), others=(pb,))
        for name, pb in (("plane", "pb plane"), ("cube", "pb cube"), ("cube", "pb cube flat"), ("full", "pb full"), ("full", "pb full flat"))
        for mode, cutoff in (("divide", 0.9), ("multiply", 2.0), ("divide", -1))
    ),
    Case("pv row", ("cube", "clean", "full"), "out = ia.pv('o', start=[3, 6], end=[8, 6], width=1)", lambda a, _: a.pv([(3, 6), (8, 6)]), 1e-5, apart=1e-3),
    Case("pv row wide", ("cube", "clean", "full"), "out = ia.pv('o', start=[3, 6], end=[9, 6], width=3)", lambda a, _: a.pv([(3, 6), (9, 6)], 3), 1e-5, apart=1e-3),
    # CASA turns the image first, and rounding lets it see the bad neighbours of whole pixels: images without any
    Case("pv column", ALL_GOOD, "out = ia.pv('o', start=[4, 9], end=[4, 5], width=3)", lambda a, _: a.pv([(4, 9), (4, 5)], 3), 1e-5, apart=1e-3),
    Case("pv oblique", ALL_GOOD, "out = ia.pv('o', start=[5, 5], end=[7, 7], width=1)", lambda a, _: a.pv([(5, 5), (7, 7)]), 1e-5, apart=1e-3),
    Case("pv oblique wide", ALL_GOOD, "out = ia.pv('o', start=[4, 5], end=[8, 9], width=3)", lambda a, _: a.pv([(4, 5), (8, 9)], 3), 1e-5, apart=1e-3),
    Case("pv steep", ALL_GOOD, "out = ia.pv('o', start=[7, 4], end=[5, 10], width=1)", lambda a, _: a.pv([(7, 4), (5, 10)], 1), 1e-5, apart=1e-3),
    Case("pv centre", ALL_GOOD, "out = ia.pv('o', center=[6, 7], length=4, pa='90deg', width=1)", lambda a, _: a.pv(center=(6, 7), length=4, pa="90deg"), 1e-5, apart=1e-3),
    # of the whole pixel in the middle CASA sees bad neighbours, by rounding
    Case("rotate", ALL_GOOD, "out = ia.rotate('o', pa='35deg', method='linear')", lambda a, _: a.rotate("35deg", "linear"), 5e-5),
    Case("rotate back", (*ALL_GOOD, "plane"), "out = ia.rotate('o', pa='-110deg', method='cubic')", lambda a, _: a.rotate(-110), 5e-5),
    *(
        Case(f"fft {form}", ("cube", "full", "plane", "pixel"), f"ia.fft({word}='o'); out = 'o'",
             lambda a, _, form=form: a.fft(form=form), 1e-5 if form != "phase" else 1e-4)
        for form, word in (("complex", "complex"), ("real", "real"), ("imag", "imag"), ("amplitude", "amp"))
    ),
    Case("fft phase", ("clean", "clean full", "clean pixel"), "ia.fft(phase='o'); out = 'o'", lambda a, _: a.fft(form="phase"), 1e-4, period=2 * np.pi),
    Case("fft all", ("cube", "clean", "pixel"), "ia.fft(complex='o', axes=[0, 1, 2]); out = 'o'", lambda a, _: a.fft((0, 1, 2)), 1e-5),
    # CASA calls the unit count, whatever that of the image, and keeps the beam
    Case("two point", ("cube", "full", "plane"), "ia.twopointcorrelation('o'); out = 'o'", lambda a, _: a.two_point(), 1e-5, unit=False, beams=False),
    *(
        Case(f"deviation {stat}", ("cube", "full", "plane"), f"out = ia.deviation('o', grid=[1, 1], xlength='5pix', ylength='3pix', stattype='{stat}')",
             lambda a, _, stat=stat: a.deviation((5, 3), stat), 1e-5, unit=False)
        for stat in ("sigma", "mean", "median", "madm", "xmadm", "iqr", "q1", "q3", "rms", "min", "max", "sum", "sumsq", "var", "npts")
    ),
    # where the grid is coarse CASA masks pixels around bad ones that its own values do not depend on
    *(
        Case(f"deviation grid {interp}", ALL_GOOD, f"out = ia.deviation('o', grid=[3, 4], anchor='ref', xlength='6pix', ylength='', interp='{interp}', stattype='rms')",
             lambda a, _, interp=interp: a.deviation(6, "rms", circle=True, grid=(3, 4), interpolation=interp), 1e-5)
        for interp in ("cubic", "linear")
    ),
    Case("deviation clipped", ("cube", "full", "plane"), "out = ia.deviation('o', xlength='7pix', ylength='7pix', statalg='chauvenet', zscore=1.5)", lambda a, _: a.deviation(7, clip=1.5), 1e-5),
    Case("deviation chauvenet", ("cube", "full", "plane"), "out = ia.deviation('o', xlength='7pix', ylength='7pix', statalg='chauvenet')", lambda a, _: a.deviation(7, clip="chauvenet"), 1e-5),
    *(
        Case(f"immath {mode}{sigma}", inputs, f"casatasks.immath(imagename=[name + '.im'], mode='{mode}', outfile='o'{sigma}); out = 'o'",
             lambda a, _, kind=kind, sigma=sigma: a.poli(kind=kind, sigma=0.8 if sigma else 0), 1e-6)
        for mode, kind, inputs in (("poli", None, POLARISED), ("lpoli", "linear", POLARISED), ("tpoli", "total", ("iquv",)))
        for sigma in ("", ", sigma='0.8Jy/beam'")
    ),
    Case("immath pola", POLARISED, "casatasks.immath(imagename=[name + '.im'], mode='pola', outfile='o'); out = 'o'", lambda a, _: a.pola(), 1e-6),
    # with a mask in the image CASA forgets the threshold
    Case("immath pola above", ("iqu clean", "iquv clean", "iqu small"), "casatasks.immath(imagename=[name + '.im'], mode='pola', outfile='o', polithresh='1.5Jy/beam'); out = 'o'", lambda a, _: a.pola(threshold=1.5), 1e-6),
    Case("immath spix", ("pb low",), "casatasks.immath(imagename=['pb low.im', 'pb high.im'], mode='spix', outfile='o'); out = 'o'", lambda a, get: a.spectralindex(get("pb high")), 1e-5, coords=False, others=("pb high",)),
    Case("imreframe", ("clean", "clean full", "clean pixel"), "ia.done(); casatasks.imreframe(imagename='work.im', output='o', outframe='BARY'); out = 'o'", lambda a, _: a.with_frame("BARY"), apart=1e-3),
]  # fmt: skip
"""What is compared."""
