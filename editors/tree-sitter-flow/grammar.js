/**
 * The grammar of flow, device and library files for editors.
 *
 * `grammar/flow.pest` is what flowrun itself reads; this grammar has its rules by the same names. A statement may cross
 * lines here where flowrun wants it in one line. `tests/editors.rs` compares the two over every flow of the repository.
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

// Words that no name can be: `keyword` of flow.pest.
const RESERVED = [
  "after", "and", "assert", "ask", "as", "await", "baud", "break", "call", "capture", "compute", "device", "dtr", "echo",
  "else", "expect", "fail", "false", "finally", "flow", "flush", "for", "from", "if", "ignore", "in", "library", "line",
  "log", "matches", "not", "on", "or", "param", "procedure", "prompt", "raw", "read", "repeat", "reply", "restart",
  "return", "rts", "save", "secret", "send", "serial", "sim", "skip", "sleep", "step", "timeout", "true", "try",
  "unplug", "until", "use", "volatile", "while", "within",
];

// Words that begin a statement, and are names in any other place.
const OPENING = [
  "cts", "dcd", "dsr", "file", "hook", "measure", "port", "receive_file", "reopen", "ri", "send_file", "state", "tag",
  "using", "wire",
];

const PREC = { or: 1, and: 2, not: 3, compare: 4, add: 5, multiply: 6, negative: 7, postfix: 8 };

/** @param {RuleOrLiteral} rule */
const commas = (rule) => seq(rule, repeat(seq(",", rule)));

/** Rules with a comma between them, and one at the end if wanted. @param {RuleOrLiteral} rule */
const list_of = (rule) => seq(rule, repeat(seq(",", rule)), optional(","));

module.exports = grammar({
  name: "flow",

  extras: ($) => [/[ \t\r\n\uFEFF]/, $.comment],
  word: ($) => $._word,
  reserved: { global: ($) => RESERVED, none: ($) => [] },
  externals: ($) => [
    // Nothing wide: what follows is in this line, and goes on with the statement.
    $._more_names,
    $._more_control_lines,
    $._more_input_lines,
    // Never in a file: the scanner sees by it that an error is being repaired.
    $._error_sentinel,
  ],
  supertypes: ($) => [$.statement, $.expression, $.pattern],
  conflicts: ($) => [
    [$.name, $.input_line],
    [$.name, $.file],
    [$.name, $.hook],
    [$.name, $.measure],
    [$.name, $.port],
    [$.name, $.receive_file],
    [$.name, $.reopen],
    [$.name, $.send_file],
    [$.name, $.state],
    [$.name, $.tag],
    [$.name, $.using],
    [$.name, $.wire],
    [$.fail, $.fail_now],
    [$.fail, $.fail_now_on],
    [$.return],
    [$.unplug],
    [$.use],
    [$.lower_limit, $.range],
  ],

  rules: {
    source_file: ($) => repeat($.statement),

    comment: (_) => token(seq("#", /[^\r\n]*/)),

    statement: ($) => choice(
      $.header, $.use, $.sim, $.tag, $.port, $.using, $.param, $.file, $.volatile, $.state, $.wire, $.serial,
      $.timeout, $.procedure, $.step, $.send, $.reply, $.expect, $.await, $.read, $.capture, $.compute, $.measure,
      $.assert, $.fail_now_on, $.fail_on, $.fail_now, $.fail, $.ask, $.hook, $.send_file, $.receive_file, $.skip,
      $.ignore, $.on, $.on_signal, $.on_hook, $.on_wire, $.save, $.log, $.sleep, $.after, $.restart, $.unplug,
      $.reopen, $.if, $.repeat, $.for, $.try, $.call, $.return, $.finally, $.baud, $.control_lines, $.input_lines,
      $.break, $.flush, $.echo,
    ),

    block: ($) => seq("{", repeat($.statement), "}"),

    // ---- declarations ----

    header: ($) => seq(field("kind", choice("flow", "device", "library")), field("title", $.string)),
    use: ($) => seq("use", field("path", $._text), optional(seq("for", commas($.name)))),
    sim: ($) => seq("sim", field("path", $._text)),
    tag: ($) => seq("tag", commas($._text)),
    port: ($) => seq("port", field("name", $.name), field("body", $.port_block)),
    port_block: ($) => seq("{", repeat(choice($.serial, $.sim)), "}"),
    using: ($) => seq(
      "using", field("port", $.name), choice(field("body", $.block), $.fail_now_on, $.fail_on, $.ignore, $.on),
    ),
    param: ($) => seq(
      choice("param", "secret"), field("name", $.name), optional("unique"), optional(seq("matches", $.regex)),
      optional(seq("=", field("default", $.expression))),
    ),
    file: ($) => seq("file", field("name", $.name), optional(seq("=", field("default", $.expression)))),
    volatile: ($) => seq("volatile", field("name", $.name), optional(seq("matches", $.regex))),
    state: ($) => seq("state", field("name", $.name), "=", field("value", $.expression)),
    wire: ($) => seq("wire", field("name", $.name), "=", field("value", $.expression)),
    serial: ($) => seq("serial", "{", repeat($.setting), "}"),
    setting: ($) => seq(field("name", alias($._any_word, $.setting_name)), field("value", $._setting_value)),
    _setting_value: ($) => choice(
      $.duration, $.number, $.string, $.raw_string, alias($._any_word, $.setting_word), alias($._digits_word, $.setting_word),
    ),
    timeout: ($) => seq("timeout", $.expression),
    procedure: ($) => seq("procedure", field("name", $.name), field("parameters", $.parameters), field("body", $.block)),
    parameters: ($) => seq("(", optional(commas($.name)), ")"),

    // ---- statements ----

    step: ($) => seq(
      "step", field("title", $.string), repeat(choice($.retry, $.step_timeout)), field("body", $.block),
    ),
    retry: ($) => prec.right(seq("retry", $.expression, repeat($.unless), optional(seq($.every, repeat($.unless))))),
    unless: ($) => seq("unless", optional($.using_port), $.pattern),
    every: ($) => seq("every", $.expression),
    step_timeout: ($) => seq("timeout", $.expression),
    using_port: ($) => seq("using", field("port", $.name)),

    send: ($) => seq("send", optional("raw"), field("text", $.expression)),
    reply: ($) => seq("reply", field("text", $.expression)),
    expect: ($) => seq("expect", choice(
      $.expect_all, $.expect_none, $.expect_quiet, $.expect_input, $.expect_any, $.expect_one,
    )),
    expect_one: ($) => seq(optional("secret"), $.pattern, optional($.within)),
    expect_any: ($) => seq(optional($.within), "{", repeat1($.arm), "}"),
    expect_all: ($) => seq("all", optional($.within), "{", repeat1($.one_of_all), "}"),
    one_of_all: ($) => seq(optional($.using_port), $.pattern),
    expect_none: ($) => seq("none", $.pattern, "for", $.expression),
    expect_quiet: ($) => seq("quiet", "for", $.expression, optional($.within)),
    expect_input: ($) => seq($.input_line, optional($.within)),
    arm: ($) => seq(
      choice("timeout", seq(optional($.using_port), optional("secret"), $.pattern)), "->", field("body", $.block),
    ),
    within: ($) => seq("within", $.expression),
    await: ($) => seq("await", optional("secret"), $.pattern, optional($.within)),
    read: ($) => seq(
      "read", choice($.read_quiet, $.read_until, $.read_count), "as", optional("secret"), field("name", $.name),
      optional($.within),
    ),
    read_count: ($) => seq($.expression, "bytes"),
    read_quiet: ($) => seq("until", "quiet", "for", $.expression),
    read_until: ($) => seq("until", $.pattern),
    capture: ($) => seq(
      "capture", optional("secret"), field("name", $.name), "from", choice($.capture_pattern, $.expression),
    ),
    capture_pattern: ($) => seq(choice($.line_pattern, $.regex), optional(seq("in", $.expression))),
    compute: ($) => seq("compute", optional("secret"), field("name", $.name), "=", field("value", $.expression)),
    measure: ($) => seq(
      "measure", choice(seq(optional("soft"), field("name", $.name)), field("name", alias("soft", $.name))), "=",
      field("value", $.expression), optional($.unit), optional($.limits),
    ),
    unit: ($) => seq("unit", $._text),
    limits: ($) => seq("limits", choice($.upper_limit, $.range, $.lower_limit, $.expression)),
    upper_limit: ($) => seq("..", $.expression),
    lower_limit: ($) => seq($.expression, ".."),
    range: ($) => seq($.expression, "..", $.expression),
    assert: ($) => seq("assert", $.expression, optional(seq(",", $.expression))),
    fail_now_on: ($) => seq("fail", "now", "on", $.pattern, optional(seq(",", $.expression))),
    fail_on: ($) => seq("fail", "on", $.pattern, optional(seq(",", $.expression))),
    fail_now: ($) => seq("fail", "now", $.expression),
    fail: ($) => seq("fail", choice($.expression, alias("now", $.name))),
    ask: ($) => seq(
      "ask", $.expression, optional($.ask_as), optional(choice($.ask_choices, $.ask_matches)), optional($.ask_default),
    ),
    ask_as: ($) => seq("as", optional("secret"), field("name", $.name)),
    ask_choices: ($) => seq("choices", commas($.expression)),
    ask_matches: ($) => seq("matches", $.regex),
    ask_default: ($) => seq("default", $.expression),
    hook: ($) => seq("hook", field("name", $.string), repeat(seq(",", $.expression)), optional($.within)),
    send_file: ($) => seq(
      "send_file", $.expression, optional(seq("as", $.expression)), optional($.file_by), optional($.within),
    ),
    receive_file: ($) => seq(
      "receive_file", optional("secret"), field("name", $.name), $.file_by, optional($.within),
    ),
    file_by: ($) => seq("by", field("protocol", alias($._any_word, $.setting_word))),
    skip: ($) => seq("skip", $.expression),
    ignore: ($) => seq("ignore", $.pattern),
    on: ($) => seq("on", optional("secret"), $.pattern, field("body", $.block)),
    on_signal: ($) => seq("on", $.signal, field("body", $.block)),
    on_hook: ($) => seq("on", "hook", field("name", $.string), optional($.parameters), field("body", $.block)),
    on_wire: ($) => seq("on", "wire", field("name", $.name), field("body", $.block)),
    signal: (_) => choice(seq(choice("dtr", "rts"), choice("on", "off")), "break"),
    save: ($) => seq("save", $.name, repeat(seq($._more_names, optional(","), $.name))),
    log: ($) => seq("log", $.expression),
    sleep: ($) => seq("sleep", $.expression),
    after: ($) => seq("after", $.expression, field("body", $.block)),
    restart: (_) => "restart",
    unplug: ($) => seq("unplug", optional(seq("for", $.expression))),
    reopen: ($) => seq("reopen", $.within),
    if: ($) => seq(
      "if", field("condition", $.expression), field("then", $.block),
      optional(seq("else", field("else", choice($.if, $.block)))),
    ),
    repeat: ($) => seq(
      "repeat", choice($.repeat_until, $.repeat_while, $.repeat_count), repeat(choice($.every, $.at_most)),
      field("body", $.block),
    ),
    repeat_until: ($) => seq("until", $.expression),
    repeat_while: ($) => seq("while", $.expression),
    repeat_count: ($) => $.expression,
    at_most: ($) => seq("at", "most", $.expression),
    for: ($) => seq("for", field("name", $.name), "in", choice($.range, $.expression), field("body", $.block)),
    try: ($) => seq("try", $.block, optional(seq("else", field("else", $.block)))),
    call: ($) => seq(
      "call", field("name", $.name), field("arguments", $.arguments), optional(seq("->", commas($.name))),
    ),
    arguments: ($) => seq(token.immediate("("), optional(commas($.expression)), ")"),
    return: ($) => seq("return", optional($.expression)),
    finally: ($) => seq("finally", field("body", $.block)),
    baud: ($) => seq("baud", $.expression),
    control_lines: ($) => seq($.control_line, repeat(seq($._more_control_lines, $.control_line))),
    control_line: (_) => seq(choice("dtr", "rts"), choice("on", "off")),
    input_lines: ($) => seq($.input_line, repeat(seq($._more_input_lines, $.input_line))),
    input_line: (_) => seq(choice("cts", "dsr", "dcd", "ri"), choice("on", "off")),
    break: ($) => seq("break", $.expression),
    flush: (_) => "flush",
    echo: (_) => seq("echo", choice("on", "off")),

    // ---- patterns ----

    pattern: ($) => choice($.line_pattern, $.prompt_pattern, $.regex, $.string, $.raw_string, $.hex_string),
    line_pattern: ($) => seq("line", choice($.regex, $._text)),
    prompt_pattern: ($) => seq("prompt", choice($.regex, $._text)),

    // ---- expressions ----

    expression: ($) => choice(
      $.binary, $.match, $.not, $.negative, $.index, $.member, $.group, $.function_call, $.list, $.map, $.duration,
      $.number, $.boolean, $.string, $.raw_string, $.hex_string, $.name,
    ),
    binary: ($) => choice(...[
      ["or", PREC.or], ["and", PREC.and], ["==", PREC.compare], ["!=", PREC.compare], [">=", PREC.compare],
      ["<=", PREC.compare], [">", PREC.compare], ["<", PREC.compare], ["in", PREC.compare], ["matches", PREC.compare],
      ["+", PREC.add], ["-", PREC.add], ["*", PREC.multiply], ["/", PREC.multiply], ["%", PREC.multiply],
    ].map(([operator, level]) => prec.left(level, seq(
      field("left", $.expression), field("operator", /** @type {string} */ (operator)), field("right", $.expression),
    )))),
    match: ($) => prec.left(PREC.compare, seq($.expression, "matches", $.regex)),
    not: ($) => prec(PREC.not, seq("not", $.expression)),
    negative: ($) => prec(PREC.negative, seq("-", $.expression)),
    index: ($) => prec(PREC.postfix, seq($.expression, token.immediate("["), $.expression, "]")),
    member: ($) => prec(PREC.postfix, seq(
      $.expression, token.immediate("."), field("key", alias($._immediate_word, $.key)),
    )),
    group: ($) => seq("(", $.expression, ")"),
    function_call: ($) => seq(field("name", alias($._word, $.function_name)), field("arguments", $.arguments)),
    list: ($) => seq("[", optional(list_of($.expression)), "]"),
    map: ($) => seq("{", optional(list_of($.entry)), "}"),
    entry: ($) => seq(field("key", choice(alias($._any_word, $.key), $.string)), ":", field("value", $.expression)),

    // ---- literals and names ----

    _text: ($) => choice($.string, $.raw_string),
    duration: (_) => /\d+(\.\d+)?(ms|s|m|h)/,
    number: (_) => /0x[0-9a-fA-F]+|\d+(\.\d+([eE][+-]?\d+)?)?/,
    boolean: (_) => choice("true", "false"),
    string: ($) => seq(
      '"', repeat(choice($.interpolation, $.escape, $._string_text, $._dollar)), token.immediate('"'),
    ),
    _string_text: (_) => token.immediate(prec(1, /[^"\\$\r\n]+/)),
    _dollar: (_) => token.immediate(prec(1, "$")),
    escape: (_) => token.immediate(prec(1, /\\(x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]{1,6}\}|[^\r\n])/)),
    interpolation: ($) => seq(token.immediate(prec(1, "${")), $.expression, "}"),
    raw_string: ($) => seq("`", repeat(choice($.interpolation, $._raw_text, $._dollar)), token.immediate("`")),
    _raw_text: (_) => token.immediate(prec(1, /[^`$\r\n]+/)),
    hex_string: ($) => seq('x"', optional($.hex_text), token.immediate('"')),
    hex_text: (_) => token.immediate(prec(1, /[^"\r\n]+/)),
    regex: ($) => seq(
      "/", repeat1(choice($.interpolation, $.regex_text)), token.immediate("/"), optional($.regex_flags),
    ),
    regex_text: ($) => prec.right(repeat1(choice($._regex_text, $._dollar))),
    _regex_text: (_) => token.immediate(prec(1, /([^\/\\$\r\n]|\\[^\r\n])+/)),
    regex_flags: (_) => token.immediate(/[a-zA-Z]+/),

    name: ($) => choice($._word, ...OPENING),
    _any_word: ($) => reserved("none", $._word),
    _word: (_) => /[_\p{XID_Start}][\p{XID_Continue}]*/,
    _immediate_word: (_) => token.immediate(/[_\p{XID_Start}][\p{XID_Continue}]*/),
    _digits_word: (_) => /\d[\p{XID_Continue}]*/,
  },
});
