# ruff: noqa: T201
"""Headers and history of images, shown and changed."""

from casatasks import exportfits, imhead, imhistory, importfits

importfits(fitsimage="full.fits", imagename="full.im", overwrite=True)
header = imhead("full.im", mode="list")
for key in (
    "bunit",
    "ctype1",
    "crpix2",
    "cunit4",
    "object",
    "projection",
    "reffreqtype",
    "equinox",
    "telescope",
):
    print(key, header[key])
print("extremes", round(header["datamax"], 5), round(header["datamin"], 5), header["maxpixpos"].tolist())
print("summary", imhead("full.im", mode="summary")["shape"].tolist())
for key in ("beammajor", "bpa"):
    print(key, sorted(imhead("full.im", mode="get", hdkey=key).items()))
rest = imhead("full.im", mode="get", hdkey="restfreq")
print("rest", round(float(rest["value"]) / 1e6, 3), rest["unit"])

imhead("full.im", mode="put", hdkey="object", hdvalue="NGC 1")
imhead("full.im", mode="put", hdkey="restfreq", hdvalue="1.4204GHz")
imhead("full.im", mode="put", hdkey="crval1", hdvalue="12:01:00")
imhead("full.im", mode="put", hdkey="beammajor", hdvalue="9arcsec")
imhead("full.im", mode="add", hdkey="note", hdvalue="seen twice")
print(imhead("full.im", "get", "object"), imhead("full.im", "get", "note"))
value = imhead("full.im", "get", "crval1")
print("crval1", round(float(value["value"]), 6), value["unit"])
print("beam", imhead("full.im", "get", "beammajor")["value"])
imhead("full.im", mode="del", hdkey="note")
print("note" in imhead("full.im", mode="list"))

imhistory("full.im", mode="append", message="calibrated by hand", origin="me")
print(imhistory("full.im", mode="list", verbose=False)[-1])
exportfits("full.im", "again.fits", velocity=True, overwrite=True)
importfits("again.fits", "again.im")
print(imhead("again.im", "get", "ctype3"), imhead("again.im", "get", "object"))
