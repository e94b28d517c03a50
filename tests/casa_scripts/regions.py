# ruff: noqa: T201
"""Parts of images: boxes, channels, polarizations, shapes as text and in files, and masks."""

import numpy as np
from casatasks import importfits, imstat, imsubimage, imval, makemask
from casatools import image, regionmanager

importfits("full.fits", "full.im")
ia, rg = image(), regionmanager()


def count(**parts):
    found = imstat("full.im", **parts)
    return (
        int(found["npts"][0]),
        round(float(found["sum"][0]), 4),
        found["blc"].tolist(),
        found["trc"].tolist(),
    )


print("box", count(box="1,2,5,6"))
print("boxes", count(box="1,2,5,6,7,7,9,8"))
print("channels", count(chans="0~2;5"), count(chans=">5"), count(chans="<=1"))
print("range", count(chans="range=[1.42015GHz, 1.42045GHz]"))
print("stokes", count(stokes="IQ"), count(stokes="V"))
print("all three", count(box="1,2,5,6", chans="2", stokes="U"))
shapes = {
    "box": "box[[2pix, 2pix], [7pix, 6pix]]",
    "centerbox": "centerbox[[5pix, 4pix], [4.1pix, 3.1pix]]",
    "rotbox": "rotbox[[5pix, 4pix], [5.1pix, 3.3pix], 20deg]",
    "circle": "circle[[12h00m00s, +30d00m00s], 5.1arcsec]",
    "annulus": "annulus[[5pix, 4pix], [1.1pix, 3.2pix]]",
    "ellipse": "ellipse[[5pix, 4pix], [3.1pix, 1.6pix], 0deg]",
    "poly": "poly[[1.2pix, 1.1pix], [9.3pix, 2.2pix], [5.1pix, 8.4pix]]",
    "range": "box[[2pix, 2pix], [7pix, 6pix]], range=[1chan, 3chan]",
    "corr": "circle[[5pix, 4pix], 2.1pix], corr=[Q]",
}
for name, text in shapes.items():
    found = imstat("full.im", region=text)
    print(name, int(found["npts"][0]), round(float(found["sum"][0]), 4))

with open("region.crtf", "w") as file:
    file.write("#CRTF\nbox[[1pix, 1pix], [8pix, 7pix]]\n-circle[[4pix, 4pix], 1.6pix]\n")
print("file", int(imstat("full.im", region="region.crtf")["npts"][0]))
imsubimage("full.im", "part.im", region="region.crtf", chans="1~2", stokes="I")
ia.open("part.im")
print("part", ia.shape().tolist(), int(ia.getchunk(getmask=True).sum()))
ia.done()

ia.open("full.im")
csys = ia.coordsys().torecord()
whole = ia.shape()
both = rg.makeunion(
    {
        "a": rg.wbox(["1pix", "1pix"], ["3pix", "3pix"], [0, 1], csys),
        "b": rg.wbox(["5pix", "5pix"], ["6pix", "7pix"], [0, 1], csys),
    }
)
print("union", ia.subimage(region=both).shape().tolist())
print("from text", int(ia.statistics(region=rg.fromtext(shapes["poly"], whole, csys))["npts"][0]))
print("fractions", ia.subimage(region=rg.box([0.2, 0.3], [0.6, 0.9], frac=True)).shape().tolist())
print("mask", int(ia.statistics(mask="'full.im' > 0.5")["npts"][0]))
ia.done()

values = imval("full.im", box="2,3,3,3", stokes="I")
print("values", values["data"].shape, np.round(values["data"][:, 0], 5).tolist(), values["unit"])
makemask("copy", "full.im", shapes["circle"], "clean.im")
ia.open("clean.im")
print("made", float(ia.statistics()["sum"][0]))
ia.done()
