// What the Python of casacore cannot do with HDF5 images; see make_hdf5_images.py.
#include <casacore/casa/Arrays/IPosition.h>
#include <casacore/images/Images/HDF5Image.h>
#include <casacore/images/Images/ImageAttrGroup.h>
#include <casacore/images/Images/ImageAttrHandler.h>
#include <casacore/images/Images/ImageOpener.h>
#include <casacore/images/Images/ImageUtilities.h>
#include <casacore/images/Images/PagedImage.h>
#include <casacore/images/Regions/ImageRegion.h>
#include <casacore/images/Regions/RegionHandler.h>
#include <casacore/images/Regions/WCBox.h>
#include <casacore/lattices/LRegions/LCBox.h>
#include <casacore/lattices/LRegions/LCEllipsoid.h>

#include <iostream>
#include <string>
#include <vector>

using namespace casacore;
using Words = std::vector<std::string>;

static IPosition position(const Words& words, size_t from, size_t count) {
    IPosition out(count);
    for (size_t i = 0; i < count; ++i) out[i] = std::stoi(words.at(from + i));
    return out;
}

// An image of a table with everything but its masks, in tiles of some shape.
template <class T> static void copy(const Words& words) {
    PagedImage<T> in(words[1]);
    const size_t axes = in.shape().size();
    HDF5Image<T> out(TiledShape(in.shape(), position(words, 3, axes)), in.coordinates(), words[2]);
    out.put(in.get());
    out.setUnits(in.units());
    out.setMiscInfo(in.miscInfo());
    out.setImageInfo(in.imageInfo());
    ImageAttrHandler& from = in.attrHandler();
    const Vector<String> groups = from.groupNames();
    if (groups.empty()) return;
    ImageAttrHandler& to = out.attrHandler(True);  // asked again, it would forget what is not written yet
    for (const String& group : groups) {
        ImageAttrGroup& a = from.openGroup(group);
        ImageAttrGroup& b = to.createGroup(group);
        const Vector<String> names = a.attrNames();
        for (uInt row = 0; row < a.nrows(); ++row)
            for (const String& name : names)
                b.putData(name, row, a.getData(name, row), a.getUnit(name), a.getMeasInfo(name));
        to.closeGroup(group);
    }
}

// A mask in which every fifth pixel is bad, from the given one on.
template <class T> static void mask(HDF5Image<T>& image, const Words& words) {
    image.makeMask(words[2], True, False);
    ImageRegion made = image.getRegion(words[2], RegionHandler::Masks);
    LCRegion* flags = made.asMask().cloneRegion();
    Array<Bool> good(image.shape());
    int i = std::stoi(words.at(3));
    for (auto at = good.begin(); at != good.end(); ++at) *at = ++i % 5 != 0;
    flags->putSlice(good, IPosition(good.ndim(), 0));
    flags->flush();
    delete flags;
}

template <class T> static void region(HDF5Image<T>& image, const Words& words) {
    const size_t axes = image.shape().size();
    const IPosition first = position(words, 4, axes), last = position(words, 4 + axes, axes);
    if (words[2] == "box") {
        image.defineRegion(words[3], ImageRegion(LCBox(first, last, image.shape())), RegionHandler::Regions);
    } else if (words[2] == "world") {
        const WCBox box(LCBox(first, last, image.shape()), image.coordinates());
        image.defineRegion(words[3], ImageRegion(box), RegionHandler::Regions);
    } else {  // centre and half axes
        Vector<Float> centre(axes), radii(axes);
        for (size_t i = 0; i < axes; ++i) { centre[i] = first[i]; radii[i] = last[i] + 0.25; }
        const LCEllipsoid ball(centre, radii, image.shape());
        image.defineRegion(words[3], ImageRegion(ball), RegionHandler::Regions);
    }
}

// The pixels of a region: its first corner and its shape, then 1 for each that belongs to it.
template <class T> static void show(HDF5Image<T>& image, const Words& words) {
    ImageRegion found = image.getRegion(words[2], RegionHandler::Regions);
    const LatticeRegion pixels = found.toLatticeRegion(image.coordinates(), image.shape());
    const Slicer box = pixels.slicer();
    for (Int n : box.start()) std::cout << n << ' ';
    for (Int n : box.length()) std::cout << n << ' ';
    const Array<Bool> good = pixels.get();
    for (auto at = good.begin(); at != good.end(); ++at) std::cout << (*at ? '1' : '0');
    std::cout << std::endl;
}

template <class T> static void act(const Words& words) {
    if (words[0] == "copy") return copy<T>(words);
    HDF5Image<T> image(words[1]);
    if (words[0] == "mask") mask(image, words);
    else if (words[0] == "default") image.setDefaultMask(words[2]);
    else if (words[0] == "rename") image.renameRegion(words[3], words[2], RegionHandler::Any, True);
    else if (words[0] == "remove") image.removeRegion(words[2], RegionHandler::Any, True);
    else if (words[0] == "region") region(image, words);
    else show(image, words);
}

int main(int argc, char** argv) {
    const Words words(argv + 1, argv + argc);
    const DataType kind = words.at(0) == "copy" ? imagePixelType(words.at(1)) : hdf5imagePixelType(words.at(1));
    if (kind == TpFloat) act<Float>(words);
    else if (kind == TpDouble) act<Double>(words);
    else if (kind == TpComplex) act<Complex>(words);
    else act<DComplex>(words);
    return 0;
}
