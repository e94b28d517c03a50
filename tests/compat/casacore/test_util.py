"""Python variables in texts."""

from __future__ import annotations

import numpy as np
import pytest

from lattice.compat.casacore.util import getlocals, getvariable, substitute

GIVEN = {"a": 2, "b": 3, "c": "xyz", "yes": True, "no": np.False_, "s1": (1, 2, 3), "s2": ["ab", "f"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$a $b $c $yes $no", '2 3 "xyz" T F'),
        ("$(a) $(b) $(c) $(yes)", '2 3 "xyz" T'),
        ("$b $0 $a \"$a\" '$a' $b", "3 $0 2 \"$a\" '$a' 3"),
        ("$(a+b)+$a", "5+2"),
        ("$((a+b)*(a+b))", "25"),
        ("$((a+b)*(a+c))", "$((a+b)*(a+c))"),
        ('"$(a+b)"', '"$(a+b)"'),
        (r"\$(a+b) \\$a \$a", r"\$(a+b) \\2 \$a"),
        ('$(len("ab cd( de"))', "9"),
        (" $s1  $s2 ", ' [1,2,3]  ["ab","f"] '),
        ("$s1x $(s1[0]) $(-a) $(a**b) $(b // a) $(max(a, b))", "$s1x 1 -2 8 1 3"),
        ("$unknown_name $", "$unknown_name $"),
        ("$(a", "$(a"),
        ("$(nothing)", "$(nothing)"),
        ("$a$b", "23"),
        ("", ""),
    ],
)
def test_substitutes(text: str, expected: str) -> None:
    assert substitute(text, locals=GIVEN) == expected


@pytest.mark.parametrize(
    "text",
    [
        "$(__import__('os').getcwd())",
        "$(c.upper())",
        "$(10**10**10)",
        "$('a' * 10**9)",
        "$([0] * 10**9)",
        "$((lambda: 1)())",
        "$([x for x in s1])",
        "$(f'{a}')",
        "$(open)",
        "$(" + "(" * 500 + "a" + ")" * 500 + ")",
    ],
)
def test_is_no_way_to_run_code(text: str) -> None:
    assert substitute(text, locals=GIVEN) == text


def test_quotes_in_texts() -> None:
    assert substitute("$q", locals={"q": 'a"b'}) == '"a"\'"\'"b"'


def test_objects_get_numbers() -> None:
    found: list[int] = [7]
    assert substitute("$n + $m + $n", [(int, "r", found)], locals={"n": 1, "m": 2}) == "$r2 + $r3 + $r4"
    assert found == [7, 1, 2, 1]


def test_looks_up_the_stack() -> None:
    outer_value = 17

    def inside() -> tuple[str, object, object]:
        own = "own"  # noqa: F841 - found by name
        return substitute("$own $outer_value"), getvariable("outer_value"), getvariable("no_such_thing")

    assert inside() == ('"own" 17', outer_value, None)
    assert getlocals(1)["outer_value"] == 17


def test_globals_come_last() -> None:
    assert substitute("$g_name", globals={"g_name": 5}) == "5"
    g_name = 6
    assert substitute("$g_name", globals={"g_name": 5}) == str(g_name)
