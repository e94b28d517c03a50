# ruff: noqa: T201
"""The image tool in detail: made from arrays, written to, masked, transformed, exported."""

import numpy as np
from casatools import coordsys, image, measures, quanta

ia, cs, qa, me = image(), coordsys(), quanta(), measures()
axes = cs.newcoordsys(direction=True, spectral=True)
axes.setunits(["deg", "deg", "MHz"])
axes.setreferencevalue([30.0, 40.0], "direction")
axes.setincrement([-0.001, 0.001], "direction")
axes.setreferencepixel([4, 4, 0])
pixels = np.arange(9 * 9 * 5, dtype=float).reshape(9, 9, 5)
ia.fromarray("a.im", pixels, csys=axes.torecord(), overwrite=True)
print(ia.shape().tolist(), ia.coordsys().names(), ia.pixeltype(), ia.brightnessunit() == "")
print(ia.pixelvalue([1, 2, 3])["value"]["value"], ia.getchunk([1, 2, 3], [2, 3, 3]).ravel().tolist())
ia.putchunk(np.zeros((2, 2, 1)), [0, 0, 0])
print(ia.getchunk([0, 0, 0], [2, 2, 0])[:, :, 0].tolist())
ia.putregion(pixelmask=np.zeros((9, 9, 5), bool) | (pixels > 50))
print(int(ia.statistics()["npts"][0]), ia.maskhandler("default"))
ia.maskhandler("copy", ["mask0", "keep"])
ia.maskhandler("set", "")
print(int(ia.statistics()["npts"][0]), sorted(ia.maskhandler("get")))
ia.maskhandler("set", "keep")
ia.maskhandler("delete", ["mask0"])
print(ia.maskhandler("get"))
ia.setmiscinfo({"note": "mine", "number": 3})
print(ia.miscinfo()["note"], ia.history(False) != [])

smooth = ia.convolve2d(major="4pix", minor="4pix", pa="0deg", axes=[0, 1])
print(round(float(smooth.statistics()["mean"][0]), 4))
lines = ia.sepconvolve(axes=[2], types=["gauss"], widths=[2])
print(lines.shape().tolist())
hanning = ia.hanning(axis=2, drop=False)
print(np.round(hanning.getchunk([8, 8], [8, 8]).ravel(), 3).tolist())
turned = ia.transpose(order="201")
print(turned.shape().tolist(), turned.coordsys().names())
more = ia.adddegaxes(stokes="I")
print(more.shape().tolist())
thin = ia.decimate(axis=2, factor=2)
print(thin.shape().tolist(), round(float(thin.statistics()["mean"][0]), 3))
counts = ia.histograms(nbins=4)
print(counts["counts"].ravel().tolist())
for tool in (smooth, lines, hanning, turned, more, thin):
    tool.done()
ia.fft(amp="amplitude.im")
print(round(float(image().newimage("amplitude.im").statistics()["max"][0]), 2))
ia.tofits("a.fits", overwrite=True)
ia.done()
ia.fromfits("b.im", "a.fits", overwrite=True)
print(ia.isopen(), ia.shape().tolist(), int(ia.statistics()["npts"][0]))
ia.close()
print(
    qa.tos(qa.quantity("3.5deg")),
    round(
        me.separation(me.direction("J2000", "30deg", "40deg"), me.direction("J2000", "31deg", "40deg"))[
            "value"
        ],
        6,
    ),
)
