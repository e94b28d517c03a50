# ruff: noqa: T201
"""First steps: an image opened, described, changed, computed with, and cut, as files and without."""

import numpy as np
from casatasks import importfits
from casatools import image as iatool
from casatools import regionmanager

importfits("cube.fits", "cube-1.im")  # a name that wants quotes in expressions
importfits("kelvin.fits", "other image.im")
ia = iatool()
rg = regionmanager()

ia.open("cube-1.im")
header = ia.summary(list=False)
print("shape", header["shape"].tolist(), header["axisnames"].tolist(), header["unit"], header["hasmask"])
print("reference", np.round(header["refval"], 6).tolist(), header["refpix"].tolist())
found = ia.statistics()
print("statistics", int(found["npts"][0]), round(float(found["mean"][0]), 6), found["maxpos"].tolist())
print("over the sky", np.round(ia.statistics(axes=[0, 1])["rms"], 5).tolist())

ia.calc("'cube-1.im' * 2 + 1")
print("after calc", round(float(ia.statistics()["mean"][0]), 6))
ia.done()

sum_of_both = ia.imagecalc(pixels="'cube-1.im' + 'other image.im'")  # virtual
print("virtual", sum_of_both.shape().tolist(), round(float(sum_of_both.statistics()["sum"][0]), 4))
escaped = ia.imagecalc(pixels=r"cube\-1.im - 1")
print("escaped", round(float(escaped.statistics()["mean"][0]), 6), escaped.ispersistent())
escaped.done()

middle = rg.box([0.25, 0.25], [0.75, 0.75], frac=True)
part = sum_of_both.subimage("part.im", region=middle)
print("part", part.shape().tolist(), part.name(strippath=True), part.ispersistent())
part.done()
few = sum_of_both.subimage(mask="indexin(2, [1:3, 6])")
print("channels", ia.newimage("cube-1.im").shape()[2], few.getchunk(getmask=True).sum(axis=(0, 1)).tolist())
bright = sum_of_both.subimage("bright.im", mask="'cube-1.im' > 2", overwrite=True)
print("bright", int(bright.statistics()["npts"][0]), round(float(bright.statistics()["min"][0]), 5))
bright.done()
few.done()
again = iatool()
again.open("bright.im")
print("again", again.maskhandler("default"), again.brightnessunit())
again.done()
sum_of_both.done()
