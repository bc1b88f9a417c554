//! Ugly texts and their layouts.

use insta::assert_snapshot;

use super::*;
use crate::source::Sources;

fn formatted(text: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("t.flow", text));
    format(id, sources.get(id)).expect("nothing is wrong with it")
}

#[test]
fn what_shares_a_line_keeps_sharing_it_and_bodies_are_open_or_on_one_line() {
    let ugly = r##"flow   "t"


use "std/at"
serial{baud 9600 eol "\r"
 echo off}
step "one"   retry 3 every 1s{ send"AT"expect line"OK" }
step "two" {

      send "AT" expect line "OK"



   # alone
  if a==1{log "x"}
  else if b { log "y" }
    else { }

}
on line /.+/ {
}
"##;
    assert_snapshot!(formatted(ugly), @r##"
    flow "t"

    use "std/at"
    serial {
      baud 9600  eol "\r"
      echo off
    }
    step "one" retry 3 every 1s { send "AT"  expect line "OK" }
    step "two" {
      send "AT"  expect line "OK"

      # alone
      if a == 1 { log "x" } else if b { log "y" } else {}
    }
    on line /.+/ {}
    "##);
}

#[test]
fn expressions_have_one_blank_around_operators_and_none_in_brackets() {
    let ugly = r##"flow "t"
compute x=- f( a[ 0 ].b,{k :[ ],"l m":1 } )*( 2+3 )
compute y = not(a)or b<=-1 and c in[1,2 , 3]
assert x!=y ,
 "a${ x }b"
call   p( x,y )->z
procedure p ( a,b ) { return a }
save x,y   z
dtr   on rts off
"##;
    assert_snapshot!(formatted(ugly), @r##"
    flow "t"
    compute x = -f(a[0].b, {k: [], "l m": 1}) * (2 + 3)
    compute y = not (a) or b <= -1 and c in [1, 2, 3]
    assert x != y,
      "a${ x }b"
    call p(x, y) -> z
    procedure p(a, b) { return a }
    save x, y z
    dtr on rts off
    "##);
}

#[test]
fn an_expression_goes_on_in_the_next_line_where_the_author_wants_it_one_level_deeper() {
    let ugly = r##"flow "t"
compute sign = hex(hmac_md5(key,
        sorted_concat({a: 1,
   b: 2})))
compute form = form_encode({
    a: 1

    ,
      # about b
      b:   [
      1, 2,
        3 ]  # about three

      })
compute long =
1 + # one

2 +
  f(
3
)
fail on line "CLOSED",
         "gone"
"##;
    assert_snapshot!(formatted(ugly), @r##"
    flow "t"
    compute sign = hex(hmac_md5(key,
      sorted_concat({a: 1,
        b: 2})))
    compute form = form_encode({
      a: 1,
      # about b
      b: [
        1, 2,
        3]  # about three
    })
    compute long =
      1 +  # one
      2 +
      f(
        3
      )
    fail on line "CLOSED",
      "gone"
    "##);
}

#[test]
fn a_line_that_is_too_long_is_cut_between_statements_then_at_its_blocks() {
    let ugly = r##"flow "t"
on line "AT" {
  if one == 1 { reply "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" reply "bbbbbbbbbbbbbbbbbbbbbbbbbbb" } else { reply "ccccccccccccccccccccc" }
  reply "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"  reply "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"  if one == 1 { reply "ccccccccccccccccccccc" }
  try { log "a" } else {
 log "b" } log "c"
}
"##;
    assert_snapshot!(formatted(ugly), @r##"
    flow "t"
    on line "AT" {
      if one == 1 {
        reply "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"  reply "bbbbbbbbbbbbbbbbbbbbbbbbbbb"
      } else {
        reply "ccccccccccccccccccccc"
      }
      reply "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      reply "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
      if one == 1 { reply "ccccccccccccccccccccc" }
      try { log "a" } else {
        log "b"
      }
      log "c"
    }
    "##);
}

#[test]
fn arms_that_stand_one_per_line_have_their_arrows_under_each_other() {
    let ugly = r##"flow "t"
expect within 5s {
line "OK"->{ log "yes"   return }
/\+CME ERROR: (?<n>\d+)/  ->   { fail "no" }
# nothing came
timeout -> { log "nothing" }
"x" -> {
log "x" }
"yyyyy" -> { log "y" } "z" -> { log "z" }
}
expect{"a"->{}timeout->{}}
expect all within 5s{line "OK" line "CONNECT OK"}
"##;
    assert_snapshot!(formatted(ugly), @r##"
    flow "t"
    expect within 5s {
      line "OK"                -> { log "yes"  return }
      /\+CME ERROR: (?<n>\d+)/ -> { fail "no" }
      # nothing came
      timeout                  -> { log "nothing" }
      "x" -> {
        log "x"
      }
      "yyyyy" -> { log "y" }  "z" -> { log "z" }
    }
    expect { "a" -> {}  timeout -> {} }
    expect all within 5s { line "OK"  line "CONNECT OK" }
    "##);
}

#[test]
fn what_the_author_put_under_each_other_stays_there_without_idle_blanks() {
    let ugly = r##"flow "t"
param  product_key    matches /^[a-z]+$/    = "abc"   # as the console shows it
secret key                                  = "secret"
param  tls                                  = true    # false is refused

param  limit                                = 60s
send "A"             expect line "OK"
try { send "LONG"    expect line "OK" }
log    "alone"
compute x = 1
if x == 1      { fail "one" }
compute y = 2
if x + y == 1  { fail "two" }
"##;
    assert_snapshot!(formatted(ugly), @r##"
    flow "t"
    param  product_key matches /^[a-z]+$/ = "abc"         # as the console shows it
    secret key                            = "secret"
    param  tls                            = true          # false is refused

    param  limit                          = 60s
    send "A"           expect line "OK"
    try { send "LONG"  expect line "OK" }
    log "alone"
    compute x = 1
    if x == 1     { fail "one" }
    compute y = 2
    if x + y == 1 { fail "two" }
    "##);
}

#[test]
fn comments_stay_where_they_are_and_what_follows_stays_behind_them() {
    let ugly = r##"    # the title
flow "t" # behind
step "a" {# in
    # alone
  send "A"         # one
  send "AAAAAA"    # two
                   # and more of two
     # about what follows
  send "B"# three
  # last
}
# before else
if a { log "a" } # a
   # b
else { # c
  log "b"
}
call p( # first
    1, # one
 # alone
  2 # two
  # at the end
    ) # behind
expect {
  "x" -> # arrow
  { log "x" }
}
#end   
"##;
    assert_snapshot!(formatted(ugly), @r##"
    # the title
    flow "t"  # behind
    step "a" {  # in
      # alone
      send "A"         # one
      send "AAAAAA"    # two
                       # and more of two
      # about what follows
      send "B"  # three
      # last
    }
    # before else
    if a { log "a" }  # a
    # b
    else {  # c
      log "b"
    }
    call p(  # first
      1,  # one
      # alone
      2  # two
      # at the end
    )  # behind
    expect {
      "x" ->  # arrow
      { log "x" }
    }
    #end
    "##);
}

#[test]
fn literals_are_printed_as_they_were_written() {
    let ugly = r##"flow "t"
log "a  b ${ f( 1,2 ) } \t"   log `C:\  ${x}`
log x"41  42"  log 0x2A  log 1.50s
expect line /a  b\/ ${ x }/i
log "${ a +   # in a string
    b }"      log "next"
"##;
    assert_snapshot!(formatted(ugly), @r##"
    flow "t"
    log "a  b ${ f( 1,2 ) } \t"  log `C:\  ${x}`
    log x"41  42"  log 0x2A  log 1.50s
    expect line /a  b\/ ${ x }/i
    log "${ a +   # in a string
        b }"  log "next"
    "##);
}

#[test]
fn line_ends_become_lf_and_the_last_line_has_one() {
    let layout = "flow \"t\"\n\n# a\nsend \"A\"  # b\n";
    for ugly in ["\u{feff}flow \"t\"\r\n\r\n\r\n# a\r\nsend \"A\" # b", "\n\nflow \"t\"\r\r# a \t\rsend \"A\" # b\r\r"]
    {
        assert_eq!(formatted(ugly), layout);
    }
    assert_eq!(formatted("# nothing"), "# nothing\n");
    assert_eq!(formatted(""), "");
}

#[test]
fn a_line_ends_inside_of_a_string_only_in_its_values() {
    assert_eq!(formatted("log \"${\r\n  a }\"  log 1"), "log \"${\n  a }\"  log 1\n");
}

#[test]
fn a_text_with_something_wrong_has_no_layout() {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("t.flow", "flow \"t\"\nsend\n  wait 1s\n"));
    let problems = format(id, sources.get(id)).expect_err("two lines are wrong");
    assert_eq!(problems.len(), 2);
}

#[test]
fn a_layout_is_made_in_time_even_of_a_long_line() {
    let long = "send \"A\"   ".repeat(4_000);
    assert_eq!(formatted(&long).lines().count(), 4_000);
    let table = format!("log [{}]\nlog [{}]\n", "1,   ".repeat(4_000), "22,  ".repeat(4_000));
    assert_eq!(formatted(&formatted(&table)), formatted(&table));
}
