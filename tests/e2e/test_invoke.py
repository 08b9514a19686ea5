"""`quern run --invoke`: functions of components by name, their values as text."""

import pytest
import quern

# A string, a list and whatever else is two numbers come in as two numbers and go out as they came.
SHOP = """(component
  (core module $m
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
    (func (export "same") (param i32) (result i32) (local.get 0))
    (func (export "both") (param i32 i32) (result i32)
      (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))
    (func (export "lie") (result i32) (i32.store (i32.const 0) (i32.const -8)) (i32.store (i32.const 4) (i32.const -1)) (i32.const 0))
    (func (export "stop"))
    (func (export "drop") (param i32))
    (func (export "fall") unreachable))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (export "add" (func $add))
  (func $half (param "whole" f64) (result f64) (canon lift (core func $i "half")))
  (instance $ops (export "half" (func $half)) (export "add" (func $add)))
  (export "docs:shop/ops@0.1.0" (instance $ops))
  (export "docs:shop/more@0.1.0" (instance $ops))
  (func (export "greet") (param "name" string) (result string)
    (canon lift (core func $i "both") (memory $memory) (realloc $realloc)))
  (func (export "sizes") (param "all" (list (tuple u16 (list u8)))) (result (list (tuple u16 (list u8))))
    (canon lift (core func $i "both") (memory $memory) (realloc $realloc)))
  (func (export "lie") (result string) (canon lift (core func $i "lie") (memory $memory)))
  (func (export "stop") (canon lift (core func $i "stop")))
  (func (export "fall") (canon lift (core func $i "fall")))
  (func (export "maybe") (param "it" (option s32)) (result (option s32)) (canon lift (core func $i "both") (memory $memory)))
  (func (export "letter") (param "it" char) (result char) (canon lift (core func $i "same")))
  (type $way' (enum "north" "south"))
  (export $way "way" (type $way'))
  (func (export "turn") (param "way" $way) (result $way) (canon lift (core func $i "same")))
  (type $point' (record (field "x" s32) (field "y" s32)))
  (export $point "point" (type $point'))
  (func (export "move") (param "to" $point) (result $point) (canon lift (core func $i "both") (memory $memory)))
  (type $thing (resource (rep i32)))
  (export $open "thing" (type $thing))
  (func (export "use") (param "it" (own $open)) (canon lift (core func $i "drop"))))"""


@pytest.fixture
def invoke(wat, home):
    file = wat(SHOP)
    return lambda call, *arguments: quern.quern("run", "--invoke", call, file, *arguments, home=home)


@pytest.mark.parametrize("call, arguments, out", [
    ("add(1, 2)", (), "3"),
    ("add", ("1", "2"), "3"),
    ("add(4294967295, 1)", (), "0"),
    ("ops/half(1)", (), "0.5"),
    ("docs:shop/more@0.1.0/half", ("-3",), "-1.5"),
    ('greet("Ann \\"and\\" Grüße\\n🌍")', (), '"Ann \\"and\\" Grüße\\n🌍"'),
    ("greet", ('""',), '""'),
    ("sizes([(1, []), (65535, [1, 255])])", (), "[(1, []), (65535, [1, 255])]"),
    ("maybe(none)", (), "none"),
    ("maybe(-5)", (), "some(-5)"),
    ("letter('ß')", (), "'ß'"),
    ("turn(south)", (), "south"),
    ("move({y: -2, x: 1})", (), "{x: 1, y: -2}"),
    ("stop()", (), ""),
    ("stop", (), ""),
])
def test_values_go_in_and_come_out(invoke, call, arguments, out):
    ended = invoke(call, *arguments)
    assert ended.code == 0, ended.err
    assert ended.out == (out + "\n" if out else "")


@pytest.mark.parametrize("call, arguments, code, told", [
    ("add(1)", (), 2, "expected ',' of (a: u32, b: u32) -> u32"),
    ("add", ("1",), 2, "add(a: u32, b: u32) -> u32 takes 2 arguments, 1 given"),
    ("add(1, -2)", (), 2, "the parameter b: expected u32"),
    ("add(1, 2)", ("3",), 2, "not in both places"),
    ("greet", ("Ann",), 2, "the parameter name: expected a string in double quotes"),
    ("turn(west)", (), 2, "enum { north, south }"),
    ("move({x: 1})", (), 2, "the field y is missing"),
    ("half(1)", (), 2, "docs:shop/ops@0.1.0/half, docs:shop/more@0.1.0/half"),
    ("subtract(1, 2)", (), 3, "no function subtract; it has "),
    ("use(1)", (), 1, "a resource"),
    ("fall()", (), 134, "unreachable"),
    ("lie()", (), 134, ""),
])
def test_what_does_not_fit_is_told(invoke, call, arguments, code, told):
    ended = invoke(call, *arguments)
    assert ended.code == code and told in ended.err and not ended.out, ended


def test_a_component_that_is_no_command_tells_of_invoke(wat, home):
    ended = quern.quern("run", wat(SHOP), home=home)
    assert ended.code == 1 and "--invoke" in ended.err


def test_a_module_takes_brackets_too(wat, home):
    module = wat('(module (func (export "add") (param i32 f64) (result f64) '
                 "local.get 0 f64.convert_i32_s local.get 1 f64.add))")
    assert quern.quern("run", "--invoke", "add(1, 0.5)", module, home=home).out == "1.5\n"
    assert quern.quern("run", "--invoke", "add(1)", module, home=home).code == 2
    assert quern.quern("run", "--invoke", "add(1, 2", module, home=home).code == 2


def test_types_that_grow_with_every_level_do_not_hold_the_host_up(wat, home):
    """Two of the level below at each of sixteen levels: a hundred thousand numbers, and as many words."""
    levels = "".join(f"(type $t{i} (tuple $t{i - 1} $t{i - 1}))" for i in range(1, 17))
    component = wat(f"""(component
      (core module $m (memory (export "memory") 1) (func (export "f") (param i32 i32))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
      (core instance $i (instantiate $m))
      (alias core export $i "memory" (core memory $memory))
      (alias core export $i "realloc" (core func $realloc))
      (type $t0 (tuple u8 u8)) {levels}
      (func (export "f") (param "it" (list $t16)) (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))""")
    ended = quern.quern("run", "--invoke", "f([])", component, home=home)
    assert ended.code == 1 and "too large" in ended.err, ended.err
