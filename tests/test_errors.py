"""The wording of errors: what is wrong, where in the text, and what to do."""

from __future__ import annotations

import doctest
import inspect
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from lattice import errors
from lattice.errors import LatticeError, show_span, suggest

CLASSES = [
    found
    for found in (getattr(errors, name) for name in errors.__all__)
    if inspect.isclass(found) and issubclass(found, LatticeError)
]

BUILTINS = {
    "LELSyntaxError": ValueError,
    "FunctionError": TypeError,
    "ImageIndexError": IndexError,
    "NameNotFoundError": LookupError,
    "LatticeTypeError": TypeError,
    "ShapeMismatchError": ValueError,
    "CoordinateError": ValueError,
    "CoordinateMismatchError": ValueError,
    "UnitMismatchError": ValueError,
    "LatticeRangeError": ValueError,
    "RegionError": ValueError,
    "ImageNotFoundError": FileNotFoundError,
    "FormatError": ValueError,
    "OutputExistsError": FileExistsError,
    "StorageError": OSError,
    "MemoryLimitError": MemoryError,
}


def test_the_examples_of_the_documentation() -> None:
    assert doctest.testmod(errors).failed == 0


def test_every_error_class_is_listed() -> None:
    found = {n for n, c in vars(errors).items() if inspect.isclass(c) and issubclass(c, LatticeError)}
    assert found == set(BUILTINS) | {"LatticeError"}
    assert found <= set(errors.__all__)


@pytest.mark.parametrize("name", BUILTINS)
def test_an_error_is_also_the_builtin_that_a_caller_would_catch(name: str) -> None:
    cls = getattr(errors, name)
    assert issubclass(cls, LatticeError)
    with pytest.raises(BUILTINS[name], match="what is wrong"):
        raise cls("what is wrong")


@pytest.mark.parametrize("cls", CLASSES)
def test_the_message_has_four_parts(cls: type[LatticeError]) -> None:
    error = cls("unknown image 'b'", text="a + b", span=(4, 5), hint="did you mean 'a'?")
    assert str(error).splitlines() == ["unknown image 'b'", "  a + b", "      ^", "did you mean 'a'?"]


@pytest.mark.parametrize("cls", CLASSES)
def test_the_message_alone(cls: type[LatticeError]) -> None:
    assert str(cls("no such file: m.fits")) == "no such file: m.fits"


def test_a_text_without_a_span_is_not_shown() -> None:
    assert str(LatticeError("wrong", text="a + b", hint="mend it")) == "wrong\nmend it"


@pytest.mark.parametrize("cls", CLASSES)
def test_pickling_keeps_everything(cls: type[LatticeError]) -> None:
    error = cls("wrong", text="a\nb", span=(2, 3), hint="mend it")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is cls
    assert str(back) == str(error)
    assert (back.message, back.text, back.span, back.hint) == ("wrong", "a\nb", (2, 3), "mend it")


def _fail() -> None:
    raise errors.StorageError("no space left for out.fits", hint="free some space")


def test_an_error_of_another_process_reads_the_same() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        caught = pool.submit(_fail).exception()
    assert isinstance(caught, errors.StorageError)
    assert str(caught) == "no space left for out.fits\nfree some space"


def test_located_fills_in_a_place_once() -> None:
    error = LatticeError("wrong").located("a + b", (0, 1)).located("other", (2, 3))
    assert str(error) == "wrong\n  a + b\n  ^"


def test_located_without_a_text_changes_nothing() -> None:
    assert str(LatticeError("wrong").located(None, None)) == "wrong"


@pytest.mark.parametrize(
    ("text", "span", "shown"),
    [
        ("sin(x", (3, 4), "  sin(x\n     ^"),
        ("a + bcd * e", (4, 7), "  a + bcd * e\n      ^^^"),
        ("a +", (3, 3), "  a +\n     ^"),
        ("", (0, 0), "  \n  ^"),
        ("a +\nb * c\n", (8, 9), "  line 2: b * c\n              ^"),
        ("ab\ncd", (0, 5), "  line 1: ab\n          ^^"),
        ("a\tb", (2, 3), "  a b\n    ^"),
        ("a\0b", (1, 2), "  a\N{REPLACEMENT CHARACTER}b\n   ^"),
        ("a", (-5, 900), "  a\n  ^"),
    ],
)
def test_carets_stand_under_the_span(text: str, span: tuple[int, int], shown: str) -> None:
    assert show_span(text, span) == shown


@pytest.mark.parametrize("at", [0, 7, 500, 2_000, 3_990, 3_999])
def test_of_a_long_line_the_part_around_the_span_is_shown(at: int) -> None:
    text = "a" * at + "X" + "b" * (3_999 - at)
    line, carets = show_span(text, (at, at + 1)).splitlines()
    assert len(line) < 120
    assert line[carets.index("^")] == "X"
    assert carets.count("^") == 1


def test_a_megabyte_under_one_span_is_cut() -> None:
    line, carets = show_span("x" * 1_000_000, (0, 1_000_000)).splitlines()
    assert len(carets) <= len(line) < 120


@pytest.mark.parametrize(
    ("name", "known", "answer"),
    [
        ("meen", ["mean", "median", "max"], "did you mean 'mean' or 'median'?"),
        ("SIN", ["sin", "cos"], "did you mean 'sin'?"),
        ("Flux", ["flux", "fluxes"], "did you mean 'flux' or 'fluxes'?"),
        ("median", ["Median", "MEDIAN"], "did you mean 'Median'?"),
        ("zzz", ["mean"], None),
        ("mean", [], None),
    ],
)
def test_suggestions(name: str, known: list[str], answer: str | None) -> None:
    assert suggest(name, known) == answer


def test_three_names_are_suggested_at_most() -> None:
    found = suggest("ab1", [f"ab{n}" for n in range(2, 9)])
    assert found is not None
    assert found.count("'") == 6
    assert suggest("ab1", ["ab2", "ab3"], count=1) in ("did you mean 'ab2'?", "did you mean 'ab3'?")
