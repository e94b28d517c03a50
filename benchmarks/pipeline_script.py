"""From a cube to maps, as one would write it for CASA: runs there and, unchanged, on lattice.

casapy pipeline_script.py CUBE.fits GRID.fits
python -m lattice.compat.casa pipeline_script.py CUBE.fits GRID.fits
"""

import json
import sys

from casatasks import exportfits, immoments, importfits, imregrid, imsmooth, imstat
from casatools import image

cube, grid = sys.argv[1:3]
importfits(cube, "cube.im")
importfits(grid, "grid.im")

# the first quarter of the channels is free of lines
ia = image()
ia.open("cube.im")
channels = int(ia.shape()[2])
free = channels // 4 - 1
line = ia.imagecalc("line.im", f"'cube.im' - mean('cube.im'[indexin(2, [0:{free}])])")
for channel in range(channels):  # beams become smaller with frequency
    size = 8.0 - 2.0 * channel / channels
    line.setrestoringbeam(f"{size}arcsec", f"{0.75 * size}arcsec", "30deg", channel=channel)
line.done()
ia.done()

imsmooth("line.im", "commonbeam", outfile="smooth.im")
noise = 1.4826 * float(imstat("smooth.im", chans=f"0~{free}")["medabsdevmed"][0])
ia.open("smooth.im")
ia.calcmask(f"'smooth.im' > {round(4 * noise, 3)}", "bright")
ia.done()

immoments("smooth.im", [0, 1], outfile="map")
imregrid("map.integrated", "grid.im", "wide.im", axes=[0, 1], decimate=0)
numbers = imstat("wide.im")
for name in ("smooth.im", "map.integrated", "map.weighted_coord", "wide.im"):
    exportfits(name, name.replace(".", "_") + ".fits")
with open("numbers.json", "w") as file:
    json.dump({key: numbers[key].tolist() for key in ("npts", "sum", "mean", "rms", "max", "flux")}, file)
