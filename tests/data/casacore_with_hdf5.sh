#!/bin/sh
# Makes a Python whose casacore has HDF5, on Debian: casacore_with_hdf5.sh FOLDER
#
# Debian builds casacore without HDF5, so that its classes for HDF5 files only raise errors.  They are all in
# casa/HDF5 of the same source package; built with HDF5 and loaded first, they take the place of the others.
# FOLDER/python is then a Python with such a casacore, and FOLDER/hdf5_images the program that make_hdf5_images.py
# needs.  Before, as root:
#
#   apt-get install --no-install-recommends python3-casacore casacore-dev casacore-data-observatories \
#       casacore-data-tai-utc libhdf5-dev wcslib-dev g++ dpkg-dev
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/lists/partial"
cd "$1"
folder=$(pwd)

# the sources are where the packages come from
apt-get indextargets --format 'deb-src $(REPO_URI) $(CODENAME) main' 'Created-By: Packages' | sort -u |
    grep " $(. /etc/os-release && echo "$VERSION_CODENAME") main" > sources.list
options="-o Dir::Etc::sourcelist=$folder/sources.list -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists=$folder/lists"
apt-get $options update
apt-get $options source --download-only casacore
tar xf casacore_*.orig.tar.gz

hdf5=$(pkg-config --cflags --libs hdf5)
g++ -O1 -fPIC -shared -std=c++11 -DHAVE_HDF5 casacore-*/casa/HDF5/*.cc -o libcasa_hdf5.so -lcasa_casa $hdf5
g++ -O1 -std=c++17 -I/usr/include/casacore "$here/make_hdf5_images.cc" -o hdf5_images -L. -Wl,--no-as-needed \
    -lcasa_hdf5 -lcasa_images -lcasa_lattices -lcasa_coordinates -lcasa_tables -lcasa_measures -lcasa_casa \
    -Wl,-rpath,"$folder" $hdf5

echo "measures.directory: ${CASACORE_DATA:-/usr/share/casacore/data}" > .casarc
cat > python << END
#!/bin/sh
LD_PRELOAD=$folder/libcasa_hdf5.so HOME=$folder exec /usr/bin/python3 "\$@"
END
chmod +x python
rm -r lists casacore*
