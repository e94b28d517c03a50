# ruff: noqa: T201
"""Other grids: transposed, binned, regridded, smoothed, corrected for the primary beam, joined."""

from casatasks import impbcor, importfits, imrebin, imregrid, imsmooth, imsubimage, imtrans
from casatools import image

for name in ("full", "cube", "plane", "wide", "next", "pb"):
    importfits(f"{name}.fits", f"{name}.im")
ia = image()


def told(name):
    ia.open(name)
    found = ia.statistics()
    beam = ia.restoringbeam()
    said = [ia.shape().tolist(), int(found["npts"][0]), round(float(found["sum"][0]), 3)]
    said += [round(beam["major"]["value"], 4) if "major" in beam else None, ia.coordsys().names()]
    ia.done()
    return said


imtrans("full.im", "turned.im", order="3012")
print("turned", told("turned.im"))
imtrans("cube.im", "named.im", order=["freq", "right", "dec"])
print("named", told("named.im"))
imrebin("cube.im", "binned.im", factor=[2, 2, 1])
print("binned", told("binned.im"))
imrebin("cube.im", "cropped.im", factor=[5, 3, 3], crop=True)
print("cropped", told("cropped.im"))
imregrid("cube.im", "wide.im", "onto.im", decimate=0)
print("onto", told("onto.im"))
template = imregrid("cube.im", template="get")
template["csys"]["direction0"]["crpix"] += 0.3
imregrid("cube.im", template, "moved.im", interpolation="linear", decimate=0)
print("moved", told("moved.im"))
imregrid("plane.im", "GALACTIC", "galactic.im", decimate=0)
print("galactic", told("galactic.im")[0], told("galactic.im")[4])

imsmooth("cube.im", kernel="gauss", major="6arcsec", minor="5arcsec", pa="20deg", outfile="gauss.im")
print("gauss", told("gauss.im"))
imsmooth("cube.im", major="12arcsec", minor="10arcsec", pa="20deg", targetres=True, outfile="target.im")
print("target", told("target.im"))
imsmooth("cube.im", kernel="boxcar", major="4pix", minor="4pix", outfile="boxcar.im")
print("boxcar", told("boxcar.im"))
impbcor("cube.im", "pb.im", outfile="flat.im", cutoff=0.2)
print("flat", told("flat.im"))
imsubimage("cube.im", "sub.im", chans="2~4", dropdeg=True)
print("sub", told("sub.im"))

joined = ia.imageconcat("joined.im", ["cube.im", "next.im"])
print("joined", joined.shape().tolist())
joined.done()
ia.open("cube.im")
padded = ia.pad(npixels=2, value=1.0)
print("padded", padded.shape().tolist(), round(float(padded.statistics()["sum"][0]), 4))
rotated = ia.rotate(pa="30deg")
print("rotated", rotated.shape().tolist())
noise = ia.deviation(xlength="5pix", ylength="5pix", stattype="sigma")
print("noise", round(float(noise.statistics()["mean"][0]), 5))
for tool in (padded, rotated, noise, ia):
    tool.done()
