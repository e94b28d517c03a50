"""The parser: what is read, how it groups, and that whatever it refuses is refused in plain words."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.errors import LELSyntaxError
from lattice.language.parser import parse
from lattice.language.syntax import Call, IndexTest, Name, Number, Subscript, Temporary, Truth, walk
from tests.work import counting_lines


def shape_of(text: str) -> str:
    """Write the tree with brackets around every operation and nothing else."""
    done: dict[int, str] = {}
    for node in walk(parse(text)):
        parts = [done[id(child)] for child in node.children()]
        if isinstance(node, Name):
            done[id(node)] = str(node.name)
        elif isinstance(node, Number):
            done[id(node)] = f"{node.value:g}"
        elif isinstance(node, Truth):
            done[id(node)] = node.label()
        elif isinstance(node, Subscript):
            done[id(node)] = f"{parts[0]}[{parts[1]}]"
        elif isinstance(node, Call):
            done[id(node)] = f"{node.function}({','.join(parts)})"
        elif len(parts) == 1:
            done[id(node)] = f"({node.operator}{parts[0]})"
        else:
            done[id(node)] = f"({parts[0]}{node.operator}{parts[1]})"
    return done[id(node)]


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("1-2-3", "((1-2)-3)"),
        ("a/b*c%d", "(((a/b)*c)%d)"),
        ("a+b*c^d", "(a+(b*(c^d)))"),
        ("2^3^2", "(2^(3^2))"),
        ("-3^2", "(-(3^2))"),
        ("2^-2^2", "(2^(-(2^2)))"),
        ("2^-1*4", "((2^(-1))*4)"),
        ("-3*2", "((-3)*2)"),
        ("2*-3", "(2*(-3))"),
        ("--3", "(-(-3))"),
        ("+-!a", "(+(-(!a)))"),
        ("!a>0", "((!a)>0)"),
        ("not a || b", "((!a)||b)"),
        ("!a[b]", "(!a[b])"),
        ("T||F&&F", "(T||(F&&F))"),
        ("a&&b||c&&d", "((a&&b)||(c&&d))"),
        ("a==b&&c!=d", "((a==b)&&(c!=d))"),
        ("a+1>b*2", "((a+1)>(b*2))"),
        ("(a<b)==c", "((a<b)==c)"),
        ("a[b>0]^2", "(a[(b>0)]^2)"),
        ("-a[b][c]", "(-a[b][c])"),
        ("f(a,b+c,g())", "f(a,(b+c),g())"),
        ("sin (sin)", "sin(sin)"),
        ("pi()*pi", "(pi()*pi)"),
        ("a\n\t+ b", "(a+b)"),
        ("f(1,2,3,4,5)", "f(1,2,3,4,5)"),
    ],
)
def test_operators_group_as_they_bind(text: str, grouped: str) -> None:
    assert shape_of(text) == grouped


@pytest.mark.parametrize(
    ("text", "value", "dtype"),
    [
        ("1", 1, "float32"),
        ("007", 7, "float32"),
        ("2147483647", 2147483648, "float32"),
        ("2147483648", 2147483648, "float64"),
        ("16777217", 16777216, "float32"),
        ("1e2", 100, "float32"),
        (".5E1", 5, "float32"),
        ("1.e3", 1000, "float32"),
        ("1e+2", 100, "float32"),
        ("1e40", float("inf"), "float32"),
        ("1e-50", 0, "float32"),
        ("1.", 1, "float64"),
        (".5", 0.5, "float64"),
        ("0.1", 0.1, "float64"),
        ("1d2", 100, "float64"),
        ("1.5D-3", 0.0015, "float64"),
        (".5d1", 5, "float64"),
        ("1.d1", 10, "float64"),
        ("2i", 2j, "complex128"),
        ("2.5i", 2.5j, "complex128"),
        ("1.i", 1j, "complex128"),
        ("2.5d1i", 25j, "complex128"),
        ("1d1i", 10j, "complex128"),
        ("2e0i", 2j, "complex64"),
        ("1.5e1i", 15j, "complex64"),
    ],
)
def test_form_of_a_number_decides_its_type(text: str, value: complex, dtype: str) -> None:
    number = parse(text)
    assert isinstance(number, Number)
    assert (number.value, number.dtype) == (value, dtype)


@pytest.mark.parametrize(
    ("text", "name", "mask", "region"),
    [
        ("cube", "cube", None, None),
        ("dot.im", "dot.im", None, None),
        ("$v", "$v", None, None),
        ("$1x", "$1x", None, None),
        ("~x", "~x", None, None),
        ("t", "t", None, None),
        ("True", "True", None, None),
        ("inindex", "inindex", None, None),
        ("index", "index", None, None),
        ("T.x", "T.x", None, None),
        (r"\T", "T", None, None),
        (r"\in", "in", None, None),
        (r"\1e3", "1e3", None, None),
        (r"a\-b", "a-b", None, None),
        (r"dir\/x", "dir/x", None, None),
        (r"q\'uote", "q'uote", None, None),
        ("'a-b'", "a-b", None, None),
        ("'in'", "in", None, None),
        ('"q\'uote"', "q'uote", None, None),
        ("'q'\"'\"'uote'", "q'uote", None, None),
        (r"'f\1'", "f1", None, None),
        (r"'f1\'", "f1", None, None),
        (r"'c\:d'", "c:d", None, None),
        (r"c\\\:d", "c:d", None, None),
        ("'Ångström.fits'", "Ångström.fits", None, None),
        ("'m.fits[SCI,1]'", "m.fits[SCI,1]", None, None),
        ("f1:m", "f1", "m", None),
        ("T:m", "T", "m", None),
        ("f1.im:a.b", "f1.im", "a.b", None),
        ("'f1:m'", "f1", "m", None),
        ("'f1'\":m\"", "f1", "m", None),
        (r"c\:d", "c", "d", None),
        (r"'c\:d:nomask'", "c:d", "nomask", None),
        ("f1:NoMask", "f1", "nomask", None),
        ("f1::box", "f1", None, "box"),
        ("'dir/f1::box 1'", "dir/f1", None, "box 1"),
        ("::box", None, None, "box"),
        ("'::box'", None, None, "box"),
        (":m", None, "m", None),
    ],
)
def test_names(text: str, name: str | None, mask: str | None, region: str | None) -> None:
    node = parse(text)
    assert isinstance(node, Name)
    assert (node.name, node.mask, node.region) == (name, mask, region)


@pytest.mark.parametrize(
    ("text", "axis", "negated", "ranges"),
    [
        ("index0 in [5]", 0, False, [(5, None, None)]),
        ("Index12 Not In [2:4, 0 : 10 : 3]", 12, True, [(2, 4, None), (0, 10, 3)]),
        ("index1!in[7]", 1, True, [(7, None, None)]),
        ("indexin(2, [0])", 2, False, [(0, None, None)]),
        ("INDEXNOTIN(2, [0:1])", 2, True, [(0, 1, None)]),
    ],
)
def test_index_conditions(text: str, axis: int, negated: bool, ranges: list[tuple[int | None, ...]]) -> None:
    test = parse(text)
    assert isinstance(test, IndexTest)
    assert (test.axis if isinstance(test.axis, int) else test.axis.integer) == axis
    assert test.negated == negated
    found = [tuple(part and part.integer for part in (r.start, r.stop, r.step)) for r in test.ranges]
    assert found == ranges


def test_temporaries_count_images_and_regions_apart() -> None:
    image, region = parse("$2"), parse("$R03")
    assert isinstance(image, Temporary)
    assert isinstance(region, Temporary)
    assert (image.number, image.region) == (2, False)
    assert (region.number, region.region) == (3, True)


def test_value_lists_can_be_selectors() -> None:
    tree = parse("[1,2,3][[T,F,T]]")
    assert isinstance(tree, Subscript)
    assert [len(node.children()) for node in tree.children()] == [3, 3]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("a + sin( b )", ["a", "b", "sin( b )", "a + sin( b )"]),
        ("(a*b) [ c ]", ["a", "b", "(a*b)", "c", "(a*b) [ c ]"]),
        ("-[1, 2]", ["1", "2", "[1, 2]", "-[1, 2]"]),
        ("index0 in [1:2, 4]", ["1", "2", "1:2", "4", "4", "index0 in [1:2, 4]"]),
        ("indexin(a,[1])", ["a", "1", "1", "indexin(a,[1])"]),
    ],
)
def test_every_node_knows_its_text(text: str, spans: list[str]) -> None:
    assert [text[slice(*node.span)] for node in walk(parse(text))] == spans


@pytest.mark.parametrize(
    ("text", "message", "underlined", "hint"),
    [
        ("", "is empty", None, None),
        (" \n", "is empty", None, None),
        ("2^", "ends after '^', where a value is missing", "", None),
        ("not", "'not' is a keyword", "not", "needs quotes: 'not'"),
        ("(1+2", "'(' is never closed", "(", "expected ')'"),
        ("f(a", "'(' is never closed", "(", "',' or ')'"),
        ("1+2)", "')' closes no bracket", ")", None),
        ("a+(b[c)", "'[' is closed by ')'", "[c)", "']' is missing"),
        ("f1 f2", "an operator is missing between 'f1' and 'f2'", "f2", "an operator or the end"),
        ("f(x y)", "an operator is missing", "y", "expected an operator, ',' or ')'"),
        ("()", "nothing between the brackets", "()", "a value"),
        ("f1[]", "nothing between the brackets", "[]", "a value"),
        ("f(a,,b)", "a value is missing before ','", ",", None),
        ("[1,]", "a value is missing between ',' and ']'", "]", None),
        ("1,2", "a comma stands between arguments", ",", "[1, 2]"),
        ("a[b,c]", "only one condition", ",", "&&"),
        ("1<2<3", "comparisons do not chain", "<", "a < b && b < c"),
        ("1==1==T", "comparisons do not chain", "==", None),
        ("1=1", "'=' is no operator", "=", "=="),
        ("a=>b", "'=>' is no operator", "=", ">="),
        ("1<>2", "'<>' is no operator", "<>", "!="),
        ("2**3", "'**' is no operator", "**", "^"),
        ("a//b", "'//' is no operator", "//", "floor"),
        ("T|F", "'|' is no operator", "|", "||"),
        ("a&b", "'&' is no operator", "&", "&&"),
        ("1 and 2", "'and' is no operator", "and", "&&"),
        ("f1 mod 2", "'mod' is no operator", "mod", "%"),
        ("1.eq.2", "'.eq.' is no operator", ".eq.", "=="),
        ("a .GT. b", "'.GT.' is no operator", ".GT.", ">"),
        ("a if b else c", "'if' is no operator", "if", "iif"),
        ("a ? b", "'?' has no meaning", "?", "iif"),
        ("1! =2", "'!' stands before a value", "!", "without a blank"),
        ("a + * b", "a value is missing between '+' and '*'", "*", None),
        ("/data/x", "a value is missing before '/'", "/", None),
        ("./f1", "cannot start with a point", ".", "'./image.fits'"),
        ("0x10", "no hexadecimal", "0x10", None),
        ("2 i", "an i right behind", "2 i", "2i"),
        ("2I", "an i right behind", "2I", "2i"),
        ("1e", "exponent has no digits", "1e", None),
        ("1..5", "'1..5' is not a number", "1..5", None),
        ("3c273", "neither a number nor a name", "3c273", "'3c273'"),
        ("2(3)", "'2' cannot be called", "2(", "*"),
        ("x.mean()", "'x.mean' cannot be called", "x.mean", "mean(x)"),
        ("'sin'(x)", "cannot be called", "'sin'", "no quotes"),
        ("f1 # text", "'#' has no meaning", "#", "no comments"),
        ("a×b", "'×' (U+00D7)", "×", "*"),
        ("a – b", "U+2013", "–", "minus"),
        ("“a”", "U+201C", "“", "quotes are written"),
        ("µ", "U+00B5", "µ", "need quotes"),
        ("'f1", "quote ' is not closed", "'", None),
        ("'f1\n'", "quote ' is not closed", "'", "on the line where it starts"),
        (r"'it\'s'", "an operator is missing", "s", "other kind of quotes"),
        ("''", "between the quotes is empty", "''", None),
        ("'f' \"1\"", "operator is missing between the names", '"1"', "touch"),
        ("f3 :odd", "without a blank", ":odd", "f3:odd"),
        ("'f3':odd", "inside the quotes", ":odd", "'f3:odd'"),
        ("f1:", "follows the colon", ":", "name:mask"),
        ("'f1::'", "the region is missing", "'f1::'", None),
        ("a:::b", "too many colons", ":::", "name::region"),
        ("a:b:c", "one suffix at most", ":c", None),
        ("'a:b:c'", "one suffix at most", "'a:b:c'", r"\:"),
        ("$1:m", "takes no suffix", "$1:m", None),
        ("index2", "'index2' is a keyword", "index2", "'index2'"),
        ("x in [1]", "'in' is a keyword", "in", "index0"),
        ("f1[index0 in 1]", "index numbers stand in brackets", "1", "[0:9]"),
        ("f1[index0 in [-1]]", "without a sign", "-", "start:stop"),
        ("index0 in [1:2:3:4]", "three numbers at most", ":", "start:stop:step"),
        ("a\r+b", "a carriage return is not allowed", "\r", "line feed"),
        ("a\x00", "a NUL character", "\x00", None),
        ("\ud800", "half of a surrogate pair", "\ud800", None),
        ("'a\u202eb'", "right-to-left override", "\u202e", None),
        ("a\\", "the backslash", "\\", None),
    ],
)
def test_errors_say_what_where_and_what_to_do(
    text: str, message: str, underlined: str | None, hint: str | None
) -> None:
    with pytest.raises(LELSyntaxError) as caught:
        parse(text)
    error = caught.value
    assert message in error.message
    if underlined is not None:
        assert error.text == text
        assert error.span is not None
        assert text[slice(*error.span)] == underlined
    if hint is not None:
        assert hint in (error.hint or "")
    assert error.__cause__ is None


def test_errors_show_the_line_with_carets() -> None:
    with pytest.raises(LELSyntaxError) as caught:
        parse("a +\nb c")
    assert str(caught.value).splitlines()[1:3] == ["  line 2: b c", "            ^"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a+" * 500_000 + "a", "has 1,000,001 characters"),
        ("+".join(["a"] * 100_000), "characters, the limit is 100,000"),
        ("+".join(["a"] * 49_999), "nested deeper than 2000 operations"),
        ("^".join("a" * 50_000), "nested deeper than 2000 operations"),
        ("-" * 99_999 + "a", "nested deeper than 2000 operations"),
        ("a" + "[a]" * 33_000, "nested deeper than 2000 operations"),
        ("(" * 10_000 + "a" + ")" * 10_000, "brackets are nested deeper than 200"),
        ("f(" * 30_000, "brackets are nested deeper than 200"),
        ("[" * 100_000, "brackets are nested deeper than 200"),
        ("!" * 99_999, "ends after '!'"),
        (":" * 100_000, "too many colons"),
        ("a:" * 50_000, "one suffix"),
        ("'" * 4_000, "is empty"),
        ("'" + "a" * 99_999, "not closed"),
        ("2 " + "a" * 90_000, "operator is missing"),
        ("a" * 100_000, "a name has 100,000 characters"),
        (" " * 100_000, "is empty"),
        ("\x00" * 1000, "NUL"),
        ("f(" + "a," * 45_000 + "b c)", "operator is missing"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)
def test_oversized_texts_are_refused_at_once(text: str, message: str) -> None:
    parse("1")  # the parser is built at the first call
    with (
        counting_lines(20_000 + 500 * len(text)),  # it takes up to 270 for each character
        pytest.raises(LELSyntaxError, match=message) as caught,
    ):
        parse(text)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "text",
    [
        "+".join(["a"] * 2000),
        "&&".join(["a"] * 1000),
        "(" * 200 + "a" + ")" * 200,
        "f(" * 200 + "a" + ")" * 200,
        "'" + "(" * 1000 + "'",
        "a" * 4096,
        "9" * 100_000,
        "1e" + "9" * 90_000,
        "$" + "9" * 90_000,
        "index" + "9" * 90_000 + " in [" + "9" * 9_000 + "]",
    ],
    ids=lambda text: text[:12],
)
def test_large_texts_within_the_limits_are_read(text: str) -> None:
    tree = parse(text)
    assert repr(tree)
    assert sum(1 for _ in walk(tree)) >= 1


def test_threads_share_the_parser() -> None:
    found: list[int] = []

    def work() -> None:
        found.extend(parse("+".join(["a"] * n)).depth for n in range(1, 40))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(list(range(1, 40)) * 4)


def check_fuzz(text: str) -> None:
    try:
        tree = parse(text)
    except LELSyntaxError as error:
        shown = str(error)
        assert shown
        assert not any(word in shown for word in ("Unexpected", "Token(", "__ANON", "LPAR", "DCOMPLEX"))
        if error.span is not None:
            start, end = error.span
            assert 0 <= start <= end <= len(text)
        return
    for node in walk(tree):
        start, end = node.span
        assert 0 <= start < end <= len(text)
        for child in node.children():
            assert start <= child.span[0] <= child.span[1] <= end


WORDS = """a b f1 sin T F in not index0 indexin indexnotin and $1 $r1 1 2. .5 1e2 2i 1d2 'x' "z" '' f1:m
    a::b ::b :m + - * / % ^ ! == != < <= > >= && || & | = ( ) [ ] , : . \\ # ~ ' " é ×"""
PIECES = [*WORDS.split(), "\r", "\t", "\n", "\x00"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from(["", " "]))
def test_pieces_of_expressions_raise_nothing_else(pieces: list[str], separator: str) -> None:
    check_fuzz(separator.join(pieces))


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_random_text_raises_nothing_else(text: str) -> None:
    check_fuzz(text)
