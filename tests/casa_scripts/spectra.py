# ruff: noqa: T201
"""Along the spectrum: moments, collapses, slices, continua, smoothing, frames."""

import numpy as np
from casatasks import imcollapse, imcontsub, immoments, importfits, impv, imreframe, imstat, specsmooth
from casatools import image

importfits("cube.fits", "cube.im")
importfits("full.fits", "full.im")
ia = image()


def told(name):
    ia.open(name)
    found = ia.statistics()
    said = [
        ia.shape().tolist(),
        int(found["npts"][0]),
        round(float(found["mean"][0]), 4),
        ia.brightnessunit(),
    ]
    ia.done()
    return said


immoments("cube.im", moments=[0], outfile="mom0.im")
print("integral", told("mom0.im"))
immoments("cube.im", moments=[1, 2], includepix=[0.1, 100], outfile="mom")
print("centroid", told("mom.weighted_coord"), told("mom.weighted_dispersion_coord"))
immoments("cube.im", moments=[-1, 8, 10], chans="2~6", outfile="some")
print("extremes", told("some.average"), told("some.maximum"), told("some.minimum"))
immoments("full.im", moments=[8], axis="stokes", outfile="stokes.im")
print("stokes", told("stokes.im"))

for function in ("mean", "max", "median", "rms", "sum"):
    imcollapse(
        "cube.im", function=function, axes="spec" if function == "nothing" else 2, outfile=f"{function}.im"
    )
    print(function, told(f"{function}.im"))
imcollapse("full.im", function="mean", axes=["ri", "dec"], stokes="I", outfile="spectrum.im")
print("spectrum", told("spectrum.im"))

impv("cube.im", "pv.im", start=[2, 4], end=[9, 4], width=1, overwrite=True)
print("slice", told("pv.im"))
imcontsub("full.im", linefile="line.im", contfile="cont.im", fitorder=1, chans="0~2,6~7", stokes="I")
print("line", told("line.im"), told("cont.im"))
specsmooth("cube.im", "hanning.im", axis=2, function="hanning", dmethod="")
specsmooth("cube.im", "boxcar.im", axis=2, function="boxcar", width=3, dmethod="copy")
print("smoothed", told("hanning.im"), told("boxcar.im"))

imreframe("full.im", "bary.im", outframe="bary")
ia.open("bary.im")
shift = ia.toworld([0, 0, 0, 0], "n")["numeric"][3] - 1.42e9
print("frame", ia.coordsys().conversiontype("spectral"), round(float(shift) / 1000, 1))
ia.done()
ia.open("full.im")
profile = ia.getprofile(3, unit="km/s")
print("profile", np.round(profile["coords"][:2], 1).tolist(), profile["xUnit"])
ia.done()
print("fit half", round(float(imstat("cube.im", algorithm="fit-half", center="zero")["sigma"][0]), 5))
print("chauvenet", int(imstat("cube.im", algorithm="chauvenet", zscore=1.5)["npts"][0]))
