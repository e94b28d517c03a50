"""What casacore's records say about an image, in the terms of lattice and back.

Everything that stores casacore's records uses these: coordinates, beams and names, metadata, regions.
"""

from lattice.io.casa_records.coords_read import coords_from_record
from lattice.io.casa_records.coords_write import coords_to_record
from lattice.io.casa_records.info import imageinfo_from_record, imageinfo_to_record
from lattice.io.casa_records.misc import misc_from_record, misc_to_record
from lattice.io.casa_records.named_regions import regions_from_records, regions_to_records

__all__ = [
    "coords_from_record",
    "coords_to_record",
    "imageinfo_from_record",
    "imageinfo_to_record",
    "misc_from_record",
    "misc_to_record",
    "regions_from_records",
    "regions_to_records",
]
