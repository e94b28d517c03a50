# ruff: noqa: T201
"""Images computed from images: expressions, spectral index, polarization."""

from casatasks import immath, importfits, imstat, imsubimage
from casatools import image

importfits("full.fits", "full.im")
importfits("cube.fits", "cube.im")
importfits("kelvin.fits", "kelvin.im")


def told(name):
    found = imstat(name)
    ia = image()
    ia.open(name)
    said = [int(found["npts"][0]), round(float(found["mean"][0]), 5), round(float(found["max"][0]), 5)]
    said += [ia.brightnessunit(), ia.shape().tolist()]
    ia.done()
    return said


immath(["cube.im", "kelvin.im"], expr="IM0 + IM1", outfile="sum.im")
print("sum", told("sum.im"))
immath(expr="'cube.im' / 'kelvin.im'", outfile="ratio.im")
print("ratio", told("ratio.im"))
immath("cube.im", expr="10 * x", varnames=["x"], outfile="ten.im")
print("names", told("ten.im"))
immath("cube.im", expr="iif(IM0 > 0.2, sqrt(IM0), 0)", outfile="root.im")
print("iif", told("root.im"))
immath("cube.im", expr="IM0", outfile="high.im", mask="'cube.im' > 0.5")
print("mask", told("high.im"))
immath("cube.im", expr="IM0 * IM0", outfile="box.im", box="2,2,6,6", chans="1~3")
print("box", told("box.im"))
immath("cube.im", expr="max(IM0, 0.1) - mean(IM0)", outfile="max.im")
print("max", told("max.im"))
immath("cube.im", expr="rebin(IM0, [2, 2, 1])", outfile="rebin.im")
print("rebin", told("rebin.im"))

for name in "IQUV":
    imsubimage("full.im", f"{name}.im", stokes=name)
immath(["Q.im", "U.im"], mode="poli", outfile="poli.im", sigma="0.1Jy/beam")
print("poli", told("poli.im"))
immath("full.im", mode="tpoli", outfile="tpoli.im")
print("tpoli", told("tpoli.im"))
immath(["Q.im", "U.im"], mode="pola", outfile="pola.im", polithresh="0.3Jy/beam")
print("pola", told("pola.im"))
imsubimage("full.im", "low.im", stokes="I", chans="0", mask="'full.im' > 0.1")
imsubimage("full.im", "top.im", stokes="I", chans="7", mask="'full.im' > 0.1")
immath(["low.im", "top.im"], mode="spix", outfile="spix.im")
print("spix", told("spix.im")[0])

ia = image()
made = ia.imagecalc("calc.im", "sin('cube.im')^2 + cos('cube.im')^2", overwrite=True)
print("one", round(float(made.statistics()["mean"][0]), 6))
made.calcmask("'cube.im' > 0.5", "first")
print("calcmask", int(made.statistics()["npts"][0]), made.maskhandler("get"))
made.done()
