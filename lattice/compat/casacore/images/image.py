"""The class `image` of python-casacore on images of lattice.

Axes are in C order, the slowest first, and masks are those of numpy, True = bad, unless a method says
otherwise. What cannot be done is a `CasacoreError`, which is a RuntimeError; arguments of a wrong type are a
TypeError.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from lattice.api import expr
from lattice.compat.casacore.errors import ArgumentError, CasacoreError, as_casacore
from lattice.compat.casacore.images import opening, worlds
from lattice.compat.casacore.images.arguments import axes_of, good_pixels, place_of, section_of
from lattice.compat.casacore.images.coordinates import coordinatesystem
from lattice.compat.casacore.images.descriptions import ImageDescriptions
from lattice.compat.casacore.images.groups import ImageGroups
from lattice.compat.casacore.images.measuring import statistics_of
from lattice.compat.mutable import Cut, Derived, InMemory, Joined, Mutable, fitted
from lattice.compat.stored import InFile
from lattice.errors import LatticeRangeError
from lattice.graph.sections import shape_of

__all__ = ["image"]

_TYPES = {
    "float32": "float",
    "float64": "double",
    "complex64": "Complex",
    "complex128": "DComplex",
    "bool": "Bool",
}
_FILES = {"casa": "PagedImage", "hdf5": "HDF5Image", "fits": "FITSImage", "miriad": "MIRIADImage"}


class image(ImageDescriptions, ImageGroups):
    """An image: a file, an expression, several images as one, or arrays.

    Parameters
    ----------
    imagename : str, list or tuple
        Name of a file of any format that lattice reads; or an expression of the Lattice Expression Language,
        in which ``$name`` is an image, number or text of that name in the calling code. With `values` or
        `shape` the name of a new image, ``""`` for one in memory. A list of names, or of images, is those
        joined along `axis`.
    axis : int, optional
        Axis along which images are joined; **it counts from the fastest one**, 0 is the last of an array.
    maskname : str, optional
        Mask of a file that applies, ``"nomask"`` for none; the default mask without it. Of a new image the
        name of its mask, of which nothing is good when no mask is given.
    images : list or tuple of image, optional
        What ``$1``, ``$2``, ... in an expression stand for.
    values : ndarray or masked array, optional
        Pixels of a new image. With `shape`, a number whose type is that of the image.
    coordsys : coordinatesystem, optional
        Coordinates of a new image; without it some that casacore makes up, see `coordinates`.
    overwrite : bool, optional
        Whether a file of that name may be replaced.
    ashdf5 : bool, optional
        Whether a new file is an HDF5 file and not a CASA image.
    mask : ndarray of bool, optional
        Which pixels of a new image are bad.
    shape : sequence of int, optional
        Shape of a new image of zeros.
    tileshape : sequence of int, optional
        Shape of the tiles in a new file.

    Examples
    --------
    >>> import numpy as np
    >>> from lattice.compat.casacore.images import image
    >>> im = image("", values=np.arange(6, dtype="f4").reshape(2, 3))
    >>> im.shape(), im.datatype()
    ([2, 3], 'float')
    >>> twice = image("$im * 2")
    >>> im.putdata(np.array([7.0]), [1, 2])
    >>> twice.getdata([1], [1])
    array([[ 6.,  8., 14.]], dtype=float32)
    """

    def __init__(
        self,
        imagename: Any,
        axis: int = 0,
        maskname: str = "",
        images: Any = (),
        values: Any = None,
        coordsys: Any = None,
        overwrite: bool = True,
        ashdf5: bool = False,
        mask: Any = (),
        shape: Any = None,
        tileshape: Any = (),
    ) -> None:
        if isinstance(imagename, image):
            self._pixels = imagename._pixels
        elif isinstance(imagename, list | tuple):
            self._pixels = opening.join(_parts(imagename), axis)
        elif not isinstance(imagename, str):
            raise LatticeRangeError("an image is given by a name, or by a list of names or images")
        elif shape is None and values is None:
            with as_casacore():
                self._pixels = opening.open_image(imagename, maskname, images)
        else:
            self._pixels = opening.create(
                imagename,
                values,
                shape,
                mask,
                maskname,
                coordsys,
                overwrite=overwrite,
                ashdf5=ashdf5,
                tileshape=tileshape,
            )

    @classmethod
    def _of(cls, pixels: Mutable) -> image:
        one = cls.__new__(cls)
        one._pixels = pixels
        return one

    def __str__(self) -> str:
        return self.name(strippath=True)

    def __len__(self) -> int:
        return self.size()

    # -- what it is -------------------------------------------------------------------------------------

    def ispersistent(self) -> bool:
        """Return whether the image is a file; what is computed or cut from files is not."""
        return self._pixels.persistent

    def name(self, strippath: bool = False) -> str:
        """Return the absolute path, or only the name of the file; of other images what they are."""
        pixels = self._pixels
        while isinstance(pixels, Cut):
            pixels = pixels.parents[0]
        if isinstance(pixels, InFile):
            return os.path.basename(pixels.path) if strippath else pixels.path
        return pixels.label

    def shape(self) -> list[int]:
        """Return the length of each axis, slowest first."""
        return list(self._image().shape)

    def ndim(self) -> int:
        """Return the number of axes."""
        return self._image().ndim

    def size(self) -> int:
        """Return the number of pixels."""
        return self._image().size

    def datatype(self) -> str:
        """Return the type of the pixels: float, double, Complex or DComplex."""
        return _TYPES[str(self._image().dtype)]

    def imagetype(self) -> str:
        """Return what kind of image it is, such as PagedImage, FITSImage, TempImage or ImageExpr."""
        pixels = self._pixels
        if isinstance(pixels, InFile):
            return _FILES.get(pixels.format.name, f"{pixels.format.name.capitalize()}Image")
        if isinstance(pixels, Derived):
            return {Cut: "SubImage", Joined: "ImageConcat"}.get(type(pixels), "ImageExpr")
        return "TempImage"

    def hasmask(self) -> bool:
        """Return whether a mask applies."""
        return self._image().masked

    # -- pixels -----------------------------------------------------------------------------------------

    def getdata(self, blc: Any = (), trc: Any = (), inc: Any = ()) -> np.ndarray:
        """Return the values between two corners, whether they are good or bad.

        Parameters
        ----------
        blc, trc : int, list or tuple of int, optional
            First and last pixel, **both included**; a single number, or fewer than there are axes, are for
            the first axes. A negative trc counts from the end.
        inc : int, list or tuple of int, optional
            Stride.

        Returns
        -------
        ndarray
            With as many axes as the image.
        """
        found = self._outline()
        section = section_of(found.shape, blc, trc, inc)
        with as_casacore():
            return self._pixels.read(section)

    def getmask(self, blc: Any = (), trc: Any = (), inc: Any = ()) -> np.ndarray:
        """Return which pixels between two corners are **bad**, as numpy has it; see `getdata`."""
        found = self._outline()
        section = section_of(found.shape, blc, trc, inc)
        with as_casacore():
            return ~self._pixels.read_mask(section)

    def get(self, blc: Any = (), trc: Any = (), inc: Any = ()) -> np.ma.MaskedArray:
        """Return the pixels between two corners as a masked array; see `getdata`."""
        found = self._outline()
        section = section_of(found.shape, blc, trc, inc)
        with as_casacore():
            values = self._pixels.read(section)
            bad = ~self._pixels.read_mask(section) if found.masked else np.zeros(values.shape, bool)
        return np.ma.MaskedArray(values, mask=bad)

    def putdata(self, value: Any, blc: Any = (), trc: Any = (), inc: Any = ()) -> None:
        """Put values, from a corner on.

        Parameters
        ----------
        value : ndarray or number
            As many pixels are changed as it has; one of fewer axes goes along the last axes, a number to one
            pixel. It is converted to the type of the image; complex values do not go into a real one.
        blc, inc : int, list or tuple of int, optional
            Where, as in `getdata`.
        trc : optional
            Not used.
        """
        found = self._outline()
        with as_casacore():
            values = fitted(value, found.dtype)
        section = place_of(found.shape, values, blc, inc)
        with as_casacore():
            self._pixels.write(section, values.reshape(shape_of(section)))

    def putmask(self, value: Any, blc: Any = (), trc: Any = (), inc: Any = ()) -> None:
        """Put which pixels are **bad**, from a corner on; see `putdata`.

        An image without a mask gets one, unless nothing is bad.
        """
        found = self._outline()
        good = good_pixels(value)
        section = place_of(found.shape, good, blc, inc)
        if found.masked or not good.all():
            with as_casacore():
                self._pixels.write_mask(section, good.reshape(shape_of(section)))

    def put(self, value: Any, blc: Any = (), trc: Any = (), inc: Any = ()) -> None:
        """Put values, and the mask too if `value` is a masked array; see `putdata`."""
        if isinstance(value, np.ma.MaskedArray):
            self.putdata(value.data, blc, trc, inc)
            self.putmask(np.ma.getmaskarray(value), blc, trc, inc)
        else:
            self.putdata(value, blc, trc, inc)

    # -- locks ------------------------------------------------------------------------------------------

    def _locked_files(self) -> Iterator[InFile]:
        open_ones: list[Mutable] = [self._pixels]
        while open_ones:
            pixels = open_ones.pop()
            if isinstance(pixels, InFile) and pixels.locks:
                yield pixels
            elif isinstance(pixels, Derived):
                open_ones.extend(pixels.parents)

    def haslock(self, write: bool = False) -> bool:
        """Return whether this process holds a lock on the image, or on all files that it is made of.

        A CASA image that is opened is locked for reading, if nobody is writing, until `unlock`, or until
        another process wants to write. Other images are not locked, which is as good as locked here.
        """
        return all(
            f.file.held == "write" or (f.file.held == "read" and not write) for f in self._locked_files()
        )

    def lock(self, write: bool = False, nattempts: int = 0) -> None:
        """Lock the image against writing, or against any use, by other processes, until `unlock`.

        Parameters
        ----------
        write : bool, optional
            Whether to be alone, and not only safe from who writes.
        nattempts : int, optional
            Seconds to try; 0 for as long as it takes.
        """
        for stored in self._locked_files():
            with as_casacore():
                stored.file.take(write, nattempts if nattempts > 0 else None)

    def unlock(self) -> None:
        """Give back the lock."""
        for stored in self._locked_files():
            stored.file.give()

    # -- other images -----------------------------------------------------------------------------------

    def subimage(self, blc: Any = (), trc: Any = (), inc: Any = (), dropdegenerate: bool = True) -> image:
        """Return a part of the image, through which the image is read and written.

        Parameters
        ----------
        blc, trc, inc : int, list or tuple of int, optional
            Which part, as in `getdata`.
        dropdegenerate : bool, optional
            Whether it is without the axes along which it has one pixel.
        """
        section = section_of(self._image().shape, blc, trc, inc)
        lengths = shape_of(section)
        drop = [k for k, n in enumerate(lengths) if n == 1] if dropdegenerate else []
        if len(drop) == len(lengths):
            raise CasacoreError("a single pixel has no axes left", hint="say dropdegenerate=False")
        with as_casacore():
            part = Cut(self._pixels, section, drop)
            part.image()
        return image._of(part)

    def regrid(
        self,
        axes: Any,
        coordsys: coordinatesystem,
        outname: str = "",
        overwrite: bool = True,
        outshape: Any = (),
        interpolation: str = "linear",
        decimate: int = 10,
        replicate: bool = False,
        refchange: bool = True,
        forceregrid: bool = False,
    ) -> image:
        """Return the image on another pixel grid; pixels outside of this one are masked there.

        Parameters
        ----------
        axes : int or sequence of int
            Axes that change, all of them if there are none; those of the sky change together.
        coordsys : coordinatesystem
            Coordinates of the grid, which has the axes of this image.
        outname : str, optional
            File for the result; without it it is in memory.
        overwrite : bool, optional
            Whether a file of that name may be replaced.
        outshape : sequence of int, optional
            Shape of the result; the default is that of this image.
        interpolation : str, optional
            nearest, linear, cubic or lanczos.
        decimate : int, optional
            Not used: casacore computes positions for every so manieth pixel only, here they are exact.
        replicate : bool, optional
            Whether each pixel of the result has the value of the nearest one, whatever `interpolation` says.
        refchange : bool, optional
            Whether the grid may be in another reference frame.
        forceregrid : bool, optional
            Whether axes that agree are interpolated too.
        """
        found = self._image()
        over = axes_of(axes, found.ndim)
        with as_casacore("regrid"):
            changed = opening.regridded(
                found,
                over,
                coordsys,
                outshape,
                "nearest" if replicate else str(interpolation).lower(),
                refchange,
                forceregrid,
            )
            if outname:
                return image._of(opening.save(changed, outname, overwrite, False, ()))
            return image._of(InMemory.copy_of(changed, "Temporary_Image"))

    def saveas(
        self,
        filename: str,
        overwrite: bool = True,
        hdf5: bool = False,
        copymask: bool = True,
        newmaskname: str = "",
        newtileshape: Any = (),
    ) -> None:
        """Write the image, as it is now, to a file.

        Parameters
        ----------
        filename : str
            The new file.
        overwrite : bool, optional
            Whether a file of that name may be replaced.
        hdf5 : bool, optional
            Whether it is an HDF5 file and not a CASA image.
        copymask : bool, optional
            Whether to write masks as well.
        newmaskname : str, optional
            New name of the mask that applies; it keeps its own, or is mask0 when it has none.
        newtileshape : sequence of int, optional
            Shape of the tiles.
        """
        with as_casacore():
            found = self._image()
            if not copymask:
                found = found.without_mask().drop_mask()
            elif newmaskname and found.default_mask is not None:
                found = found.rename_mask(found.default_mask, newmaskname, overwrite=True)
            elif newmaskname and found.masked:
                found = found.add_mask(newmaskname, expr("mask($1)", found), default=True, overwrite=True)
            groups = dict(self._pixels.groups)
            opening.save(found._with(groups=groups), filename, overwrite, hdf5, newtileshape)

    def tofits(
        self,
        filename: str,
        overwrite: bool = True,
        velocity: bool = True,
        optical: bool = True,
        bitpix: int = -32,
        minpix: float = 1,
        maxpix: float = -1,
    ) -> None:
        """Write the image to a FITS file as casacore does.

        Parameters
        ----------
        filename : str
            The new file.
        overwrite : bool, optional
            Whether a file of that name may be replaced.
        velocity : bool, optional
            Whether the spectral axis is written in velocities, where there is a rest frequency.
        optical : bool, optional
            Whether these are optical velocities and not radio ones.
        bitpix : int, optional
            -32 for floats, 16 for scaled integers.
        minpix, maxpix : float, optional
            Values between which integers are scaled and to which others are clipped; those of the image when
            minpix is the larger one.
        """
        if bitpix not in (-32, 16):
            raise CasacoreError(f"bitpix is -32 (float) or 16 (integers), not {bitpix}")
        with as_casacore():
            opening.save_fits(self._image(), filename, overwrite, velocity, optical, bitpix, (minpix, maxpix))

    def view(self, tempname: str = "") -> Any:
        """Draw the first plane of the image.

        Parameters
        ----------
        tempname : str, optional
            PNG file to write.

        Returns
        -------
        matplotlib Figure
        """
        found = self._image()
        plane = {d: 0 for d, n in list(found.sizes.items())[:-2] if n > 1}
        with as_casacore():
            return found.plot(tempname or None, plane=plane, title=self.name(True), overwrite=True)

    # -- coordinates ------------------------------------------------------------------------------------

    def toworld(self, pixel: Any) -> list[float]:
        """Return the world coordinates of a pixel, slowest axis first, in the units of the coordinates."""
        with as_casacore():
            return worlds.to_world(self._image(), pixel)

    def topixel(self, world: Any) -> list[float]:
        """Return the pixel at world coordinates, slowest axis first, in the units of the coordinates."""
        with as_casacore():
            return worlds.to_pixel(self._image(), world)

    # -- numbers ----------------------------------------------------------------------------------------

    def statistics(
        self, axes: Any = (), minmaxvalues: Any = (), exclude: bool = False, robust: bool = True
    ) -> dict[str, np.ndarray]:
        """Return statistics of the good pixels.

        Parameters
        ----------
        axes : int or sequence of int, optional
            Axes over which they are taken; all without it.
        minmaxvalues : float or sequence of one or two, optional
            Only pixels with values between these count; one number is that on either side of 0.
        exclude : bool, optional
            Whether to count the others instead.
        robust : bool, optional
            Whether to give median, medabsdevmed and quartile too.

        Returns
        -------
        dict of str to ndarray
            npts, sum, sumsq, min, max, mean, median, medabsdevmed, quartile, sigma and rms along the axes
            that are left; of the whole image arrays of one element, and minpos and maxpos, **fastest axis
            first**. Arrays are empty when no pixel counts.
        """
        found = self._image()
        over = axes_of(axes, found.ndim)
        with as_casacore():
            return statistics_of(found, over, minmaxvalues, exclude, robust)


def _parts(names: Any) -> list[Mutable]:
    """Return what a list of names, or of images, stands for."""
    if len(names) == 0:
        raise LatticeRangeError("there are no images to join: the list is empty")
    if not isinstance(names[0], str | image):
        raise LatticeRangeError("an image is given by a name, or by a list of names or images")
    kind = str if isinstance(names[0], str) else image
    if not all(isinstance(n, kind) for n in names):
        raise ArgumentError("names and images cannot be joined in one list")
    return [image(n)._pixels for n in names]
