from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lattice.errors import LatticeError, LatticeTypeError, RegionError, StorageError
from lattice.regions import (
    Annotation,
    AxisPolygon,
    Circle,
    PixelBox,
    PixelEllipse,
    PixelEllipsoid,
    PixelPolygon,
    Region,
    RegionList,
    SpectralRange,
    StokesSelection,
    WorldBox,
    from_crtf,
    from_strings,
    to_crtf,
)

TEXT = """#CRTFv0
# what follows is in J2000
global coord=J2000, corr=[I, Q], color=blue

circle[[12h30m49.4s, 12d23m28s], 30arcsec], range=[1.41GHz, 1.42GHz], label='M 87'
- BOX [ [187.7deg, 12.3deg] , [ 3.2rad,-0.5.30 ] ]
+rotbox[[10pix, 20pix], [3pix, 4pix], -30deg] coord=GALACTIC corr=V

global coord=B1950
ann ellipse[[17:51:03.2, -45.17.50], [2arcmin, 1arcmin], 0.5rad]
symbol[[1pix, 2pix], o], symsize=3
symbol[[1pix, 2pix], ,]
text[[1pix, 2pix], 'some, [text] = "here"']
vector[[1pix, 2pix], [3pix, 4pix]], labeloff=[1, -2]
"""


def test_everything_is_read() -> None:
    found = from_crtf(TEXT)
    assert [i.sign for i in found.items] == ["+", "-", "+", "ann", "ann", "ann", "ann", "ann"]
    circle, box, rotbox, ellipse, symbol, comma, text, vector = found.items
    assert isinstance(circle.shape, Circle)
    assert circle.shape.centre.x.value == pytest.approx(187.70583333)
    assert circle.shape.frame == "J2000"
    assert circle.spectral == SpectralRange("1.41GHz", "1.42GHz")
    assert circle.stokes == StokesSelection(["I", "Q"])
    assert circle.style == (("color", "blue"), ("label", "M 87"))
    assert isinstance(box.shape, WorldBox)
    assert box.spectral is None
    assert box.shape.second.y.value == pytest.approx(-(5 + 0.5) / 60)
    assert rotbox.shape.frame is None
    assert rotbox.stokes == StokesSelection("V")
    assert ellipse.shape.frame == "B1950"
    assert ellipse.shape.angle == pytest.approx(np.degrees(0.5))
    assert isinstance(symbol.shape, Annotation)
    assert (symbol.shape.kind, symbol.shape.text) == ("symbol", "o")
    assert comma.shape.text == ","
    assert ("symsize", "3") in symbol.style
    assert text.shape.text == 'some, [text] = "here"'
    assert vector.shape.kind == "vector"
    assert ("labeloff", "[1, -2]") in vector.style
    assert [type(i.shape).__name__ for i in found.regions] == ["Circle", "WorldBox", "RotatedBox"]
    assert from_crtf(to_crtf(found)) == found


def test_files_are_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "some.crtf"
    path.write_text(to_crtf(from_crtf(TEXT)), encoding="utf-8")
    assert from_crtf(path) == from_crtf(str(path)) == from_crtf(TEXT)
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert from_crtf(path) == from_crtf(TEXT)
    path.write_text(TEXT[1:])
    with pytest.raises(RegionError, match="its first line is not #CRTF"):
        from_crtf(path)
    path.write_bytes(b"#CRTF\xff")
    with pytest.raises(StorageError, match="cannot read the region file"):
        from_crtf(path)
    with pytest.raises(StorageError, match="cannot read the region file"):
        from_crtf("no-such-file.crtf")
    with pytest.raises(LatticeTypeError):
        from_crtf(3)  # type: ignore[arg-type]


# Each text has the wrong part between « and », or marks the place where something is missing by «».
@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("«circl»[[1pix, 2pix], 3pix]", "'circl' is no shape\n(.|\n)*did you mean 'circle'"),
        ("«circle» 1pix, 2pix", "brackets of circle are missing"),
        ("«circle»", "brackets of circle are missing"),
        ("«global»", "global needs keys"),
        ("ann«» ", "too early: a shape is missing"),
        ("«coord»=J2000", "stands without a shape"),
        ("«3»", "'3' is no shape"),
        ("circle[«1pix», 2pix, 3pix]", r"'\[' is expected(.|\n)*its form is circle\[\[x, y\], r\]"),
        ("circle[[1pix, 2pix], 3pix«»", r"too early: '\]' is missing"),
        ("circle[[1pix, 2pix], 3pix«»\nbox[[1pix, 2pix], [3pix, 4pix]]", "too early"),
        ("circle[[1pix, 2pix], «[»3pix]]", "a value is expected"),
        ("circle[[1pix «2pix»], 3pix]", "',' is expected"),
        ("circle[[1pix, «,» 2pix], 3pix]", "a value is expected"),
        ("circle[[1pix, 2pix], 3pix]«]»", "cannot stand here"),
        ("circle[[1pix, 2pix], 3pix] «#» a comment", "line of its own"),
        ("circle[[1pix, 2pix], 3pix] «box»[[1pix, 2pix], [3pix, 4pix]]", "line of its own"),
        ("circle[[1pix, 2pix], 3pix], «label»", "'=' is missing after 'label'"),
        ("circle[[1pix, 2pix], 3pix], label=«'»M87", "quote ' is not closed"),
        ("circle[[1pix, 2pix], 3pix], label=«»", "a value"),
        ("circle[[1pix, 2pix], 3pix], «colour»=red", "key 'colour' is not known(.|\n)*did you mean 'color'"),
        ("circle[[1pix, 2pix], 3pix], color=red, «color»=blue", "given twice"),
        ("circle[[1pix, 2pix], 3pix], coord=«J200»", "frame 'J200'"),
        ("circle[[1pix, 2pix], 3pix], coord=«[J2000]»", "single value"),
        ("circle[[1pix, 2pix], 3pix], range=«1GHz»", "takes two values"),
        ("circle[[1pix, 2pix], 3pix], range=«[1GHz]»", "takes two values"),
        ("circle[[1pix, 2pix], 3pix], range=[«1», 2GHz]", "with its unit"),
        ("circle[[1pix, 2pix], 3pix], range=[1GHz, «2GH»]", "'GH' is no unit"),
        ("circle[[1pix, 2pix], 3pix], range=[«1GHz, 2km/s»]", "one kind"),
        ("circle[[1pix, 2pix], 3pix], corr=[I, «W»]", "'W' is no Stokes"),
        ("circle[[1pix, 2pix], 3pix], frame=«HERE»", "frame of frequencies 'HERE'"),
        ("circle[[1pix, 2pix], 3pix], veltype=«FAST»", "convention"),
        ("circle[[1pix, 2pix], 3pix], restfreq=«3km/s»", "rest frequency"),
        ("global range=[«9», 3GHz]\ncircle[[1pix, 2pix], 3pix]", "with its unit"),
        ("global coord=J2000 «corr»=I", "cannot stand here|',' "),
        ("circle[[«1», 2pix], 3pix]", "number 1 has no unit"),
        ("circle[[«1foo», 2pix], 3pix]", "'foo' is no unit"),
        ("circle[[«here», 2pix], 3pix]", "no position or length"),
        ("circle[[«12h70m», 2deg], 3pix]", "60 minutes"),
        ("circle[[«1e999deg», 2deg], 3pix]", "too large"),
        ("circle[«[1deg, 2pix]», 3pix]", "one of each"),
        ("circle[«[1deg, 91deg]», 3pix]", "-90 and 90"),
        ("circle[[1pix, 2pix], «0pix»]", "above 0"),
        ("ellipse[[1pix, 2pix], [3pix, «-4pix»], 1deg]", "above 0"),
        ("ellipse[[1pix, 2pix], [3pix, 4pix], «1pix»]", "an angle is not in pixels"),
        ("ellipse[[1pix, 2pix], [3pix, 4pix], «20»]", "has no unit"),
        ("ellipse[[1pix, 2pix], [3pix, 4pix]«]»", "',' is expected"),
        ("«annulus[[1pix, 2pix], [4pix, 3pix]]»", "the smaller one"),
        ("«poly[[1pix, 2pix], [4pix, 3pix]]»", "three corners at least"),
        ("«box[[1pix, 2pix], [4deg, 3deg]]»", "all on the sky"),
        ("line[«[1pix, 2pix], [4deg, 3deg]»]", "both ends"),
        ("symbol[[1pix, 2pix], «A»]", "'A' is no mark"),
        ("text[[1pix, 2pix], «words»]", "text in quotes"),
        ("-«line»[[1pix, 2pix], [3pix, 4pix]]", "cannot be taken away"),
        ("circle[[1pix, 2pix], 3pix]\n\n  circle[[1pix, «2p»], 3pix]", "'p' is no unit"),
    ],
)  # fmt: skip
def test_mistakes_have_a_place_and_a_reason(marked: str, words: str) -> None:
    marked = marked if "[" in marked else f"\n{marked}"
    text = marked.replace("«", "").replace("»", "")
    with pytest.raises(RegionError, match=words) as caught:
        from_crtf(text)
    start = marked.index("«")
    end = marked.index("»") - 1
    assert caught.value.text == text
    assert caught.value.span is not None
    assert caught.value.span[0] == start
    assert caught.value.span[1] == max(end, start + 1)
    assert "^" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no region"),
        ("\n\n# only a comment\n", "holds no region"),
        ("global coord=J2000\n", "holds no region"),
        ("ann circle[[1pix, 2pix], 3pix]", "annotations only"),
        ("line[[1pix, 2pix], [3pix, 4pix]]", "annotations only"),
    ],
)
def test_texts_without_a_region(text: str, words: str) -> None:
    with pytest.raises(RegionError, match=words):
        from_crtf(text)


_PARTS = [
    *(
        "circle",
        "box",
        "poly",
        "symbol",
        "text",
        "global",
        "ann",
        "line",
        "[",
        "]",
        "[[",
        "]]",
        ",",
        ", ",
        "=",
        "\n",
    ),
    *(
        " ",
        "-",
        "+",
        "#",
        "'",
        '"',
        "1pix",
        "2deg",
        "12h30m",
        "1.2.3",
        "coord=",
        "J2000",
        "range=",
        "1GHz",
        "corr",
    ),
    *(
        "I",
        "\r",
        "\t",
        "1e999pix",
        "nan",
        "\x00",
        "٣",
        "é",
        "veltype=RADIO",
        "circle[[1pix, 2pix], 3pix]",
        "\x0c",
    ),
]


@given(st.lists(st.sampled_from(_PARTS), max_size=12).map("".join) | st.text(max_size=40))
@example("circle[[٣pix, 2pix], 3pix]")
@example("circle[[1pix, 2pix], 3pix]\r")
@example("circle[[-.e3pix, 2pix], 3pix]")
@example("\x00")
def test_no_text_gives_another_error(text: str) -> None:
    for read in (
        lambda: from_crtf("#" + text if "[" not in text and "\n" not in text else text),
        lambda: from_crtf("box" + text + "[[1pix"),
        lambda: from_strings(box=text),
        lambda: from_strings(chans=text),
        lambda: from_strings(chans="range=[" + text),
        lambda: from_strings(stokes=text),
    ):
        try:
            found = read()
        except LatticeError:
            pass
        else:
            if isinstance(found, RegionList):
                assert from_crtf(to_crtf(found)) == found


@given(
    st.integers(0, len(TEXT) - 1),
    st.integers(0, 3),
    st.sampled_from(["", ",", "[", "]", "'", "x", "\n", " ", "="]),
)
def test_damaged_texts(at: int, length: int, instead: str) -> None:
    text = TEXT[:at] + instead + TEXT[at + length :]
    with contextlib.suppress(RegionError):
        from_crtf(text)


# -- writing -----------------------------------------------------------------------------------------


_A, _B = Circle((1, 2), 3, "J2000"), Circle(("4pix", "5pix"), "6pix")


@pytest.mark.parametrize(
    ("region", "lines"),
    [
        (_A, ["circle[[1.0deg, 2.0deg], 3.0deg], coord=J2000"]),
        (_A | _B, ["circle[[1.0deg, 2.0deg], 3.0deg], coord=J2000", "circle[[4.0pix, 5.0pix], 6.0pix]"]),
        (_A - _B, ["circle[[1.0deg, 2.0deg], 3.0deg], coord=J2000", "-circle[[4.0pix, 5.0pix], 6.0pix]"]),
        (~_B, ["-circle[[4.0pix, 5.0pix], 6.0pix]"]),
        (_B & StokesSelection("i"), ["circle[[4.0pix, 5.0pix], 6.0pix], corr=[I]"]),
        (
            SpectralRange("1GHz", "2GHz", "Z", "3GHz", "LSRK") & (_B & StokesSelection(["XX", "yy"])),
            ["circle[[4.0pix, 5.0pix], 6.0pix], range=[1000000000.0Hz, 2000000000.0Hz], frame=LSRK, "
             "veltype=Z, restfreq=3000000000.0Hz, corr=[XX, YY]"],
        ),
        (PixelBox((1, 2), (3, 4)), ["box[[2.0pix, 1.0pix], [4.0pix, 3.0pix]]"]),
        (PixelEllipsoid((1, 2), 3), ["circle[[2.0pix, 1.0pix], 3.0pix]"]),
        (PixelEllipse((1, 2), (3, 4), 20), ["ellipse[[2.0pix, 1.0pix], [3.0pix, 4.0pix], 20.0deg]"]),
        (PixelPolygon((1, 2, 3), (4, 5, 7)), ["poly[[1.0pix, 4.0pix], [2.0pix, 5.0pix], [3.0pix, 7.0pix]]"]),
        (AxisPolygon((1, 2, 3), (4, 5, 7)), ["poly[[1.0pix, 4.0pix], [2.0pix, 5.0pix], [3.0pix, 7.0pix]]"]),
        (from_strings(box="1,2,3,4"), ["box[[1.0pix, 2.0pix], [3.0pix, 4.0pix]]"]),
    ],
)  # fmt: skip
def test_what_is_written(region: Region, lines: list[str]) -> None:
    assert to_crtf(region).splitlines() == ["#CRTFv0", *lines]
    from_crtf(to_crtf(region))


@pytest.mark.parametrize(
    "region",
    [
        _A & _B,
        _A - (_B - _A),
        _A | (_A - _B),
        ~_A | _B,
        SpectralRange("1GHz", "2GHz"),
        PixelBox((1, 2, 3), (4, 5, 6)),
        (_A & StokesSelection("I")) & StokesSelection("Q"),
    ],
)
def test_what_the_format_cannot_say(region: Region) -> None:
    with pytest.raises(RegionError, match="region text"):
        to_crtf(region)


@given(st.floats(-1e6, 1e6), st.floats(-90, 90), st.floats(1e-9, 1e9))
def test_numbers_survive(x: float, y: float, r: float) -> None:
    for region in (Circle((x, y), r), Circle((f"{x!r}pix", f"{y!r}pix"), f"{r!r}pix")):
        (item,) = from_crtf(to_crtf(region)).items
        assert item.shape == region


# -- box, chans, stokes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("box:1,2,3«»", "four numbers"),
        ("box:1,2,«x»,4", "'x' is no pixel number"),
        ("box:1,2,«1.5»,4", "no pixel number"),
        ("box:1,2,«»,4", "is missing"),
        ("box:«3,2,1,4»", "ends before it starts"),
        ("box:0,0,1,1,«-3,2,1,4»", "starts before pixel 0"),
        ("chans:1~3,«5~2»", "ends before it starts"),
        ("chans:«0~9^2»", "stride"),
        ("chans:«!3»", "there is no 'not'"),
        ("chans:«1GHz~2GHz»", "range="),
        ("chans:1;«»;2", "is missing"),
        ("chans:«<0»", "no channel below 0"),
        ("chans:range=[1GHz, «2GH»]", "'GH' is no unit"),
        ("stokes:I,«W»", "'w' is no Stokes"),
        ("stokes:I,«»,Q", "is missing"),
        ("chans:«99999999999999999999999»", "too large"),
    ],
)
def test_mistakes_in_short_texts(marked: str, words: str) -> None:
    key, _, marked = marked.partition(":")
    text = marked.replace("«", "").replace("»", "")
    with pytest.raises(RegionError, match=words) as caught:
        from_strings(**{key: text})
    assert caught.value.text == text
    assert caught.value.span is not None
    if "left over" not in caught.value.message:
        start = marked.index("«")
        assert caught.value.span == (start, max(marked.index("»") - 1, start + 1))


@pytest.mark.parametrize(
    ("chans", "ranges"),
    [
        ("5", [(5, 5)]),
        ("5~10", [(5, 10)]),
        (" 1 , 3 ~ 4 ; <2, <=2,>7, >= 7", [(1, 1), (3, 4), (None, 1), (None, 2), (8, None), (7, None)]),
    ],
)
def test_channels(chans: str, ranges: list[Any]) -> None:
    assert from_strings(chans=chans).ranges == tuple(ranges)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("stokes", "names"),
    [
        ("I", "I"),
        ("iq", "I Q"),
        ("I,V", "I V"),
        ("i v", "I V"),
        ("XXYY", "XX YY"),
        ("rr,ll", "RR LL"),
        ("plinear", "Plinear"),
    ],
)
def test_stokes(stokes: str, names: str) -> None:
    assert from_strings(stokes=stokes) == StokesSelection(names.split())


def test_short_texts_and_a_region() -> None:
    assert from_strings() is None
    assert from_strings(chans="range=[1GHz, 2GHz], frame=BARY") == SpectralRange("1GHz", "2GHz", frame="BARY")
    text = "circle[[1pix, 2pix], 3pix]"
    found = from_strings(box="0,0,1,1", chans="1", stokes="I", region=text)
    assert str(found).count("And") == 2
    joined = from_strings(box="0,0,1,1,3,3,4,4", region=f"-{text}")
    assert to_crtf(joined).splitlines()[1:] == [
        "box[[0.0pix, 0.0pix], [1.0pix, 1.0pix]]",
        "box[[3.0pix, 3.0pix], [4.0pix, 4.0pix]]",
        "-circle[[1.0pix, 2.0pix], 3.0pix]",
    ]
    for more in ({"chans": "1"}, {"stokes": "I"}):
        with pytest.raises(RegionError, match="of its own"):
            from_strings(region=f"{text}, range=[1GHz, 2GHz], corr=I", **more)
    with pytest.raises(LatticeTypeError):
        from_strings(box=[1, 2, 3, 4])  # type: ignore[arg-type]
    with pytest.raises(RegionError, match="alone"):
        from_strings(chans="range=[1GHz, 2GHz], label='x'")


# -- DS9 -----------------------------------------------------------------------------------------------


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from lattice.regions import from_ds9, to_ds9

    monkeypatch.setitem(sys.modules, "regions", None)
    for call in (lambda: from_ds9("circle(1,2,3)"), lambda: to_ds9(_A)):
        with pytest.raises(
            LatticeError, match=r"package regions(.|\n)*pip install 'lattice-images\[regions\]'"
        ):
            call()
