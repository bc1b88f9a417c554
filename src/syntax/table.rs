//! The table of statements: how each is written and what it does.
//!
//! What describes the language takes its words from here: `docs/language.md` (a test compares the two), and "did you mean".
//! Another test compares the words that begin a statement with the grammar.

/// Where a statement has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the top level of a file.
    Declaration,
    /// In any block.
    Statement,
    /// In a device.
    Device,
}

/// One row: statements that are described together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where they have a meaning.
    pub place: Place,
    /// How they are written, each in backticks as in Markdown, with `·` between them.
    pub forms: &'static str,
    /// What they do, as Markdown; empty if the form says it.
    pub what: &'static str,
}

impl Row {
    /// Returns the word that begins each of its forms.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        let forms = self.forms.split('`').skip(1).step_by(2);
        forms.map(|form| form.split(' ').next().unwrap_or(form))
    }
}

/// Every statement, in the order of the documentation.
pub const STATEMENTS: &[Row] = &[
    Row {
        place: Place::Declaration,
        forms: "`use \"lib/air.flow\" [for NAME, …]`",
        what: "brings the procedures, watchers and settings of a library; the path is relative to this file and stays beside or below it, links followed. What begins with `std/` is built in, see `flows/std`. Its watchers and settings are those of the first port, or of the ports that are named",
    },
    Row {
        place: Place::Declaration,
        forms: "`sim \"devices/air.flow\"`",
        what: "the device file that `--port sim` plays (flows)",
    },
    Row {
        place: Place::Declaration,
        forms: "`port NAME { serial {…}  sim \"…\" }`",
        what: "a port of the flow, with its settings and its device; the first is the one that is meant when nothing is said. A file without it has one port, without a name",
    },
    Row {
        place: Place::Declaration,
        forms: "`param NAME [unique] [matches /regex/] [= EXPR]`",
        what: "a variable that the command line may set; without a default it must. Its whole value, given or default, fits the regex. With `unique` no two runs of one command may have the same value",
    },
    Row {
        place: Place::Declaration,
        forms: "`secret NAME [unique] [matches /regex/] [= EXPR]`",
        what: "the same, and masked as `«NAME»` in every output",
    },
    Row {
        place: Place::Declaration,
        forms: "`file NAME [= EXPR]`",
        what: "a file that the command line names, `--file fw=PATH`: its content as bytes, 16 MiB at most. The default is a content, for a simulated device",
    },
    Row {
        place: Place::Declaration,
        forms: "`volatile NAME [matches /regex/]`",
        what: "what the regex finds in a line, or the value of the variable, changes from run to run: snapshots of `flowrun test` show it as `[NAME]`",
    },
    Row {
        place: Place::Declaration,
        forms: "`tag \"WORD\", …`",
        what: "words by which `flowrun test --filter 'tag(WORD)'` finds the flow",
    },
    Row {
        place: Place::Declaration,
        forms: "`state NAME = EXPR`",
        what: "a variable that all handlers and procedures of a device share; `compute` gives it another value",
    },
    Row {
        place: Place::Declaration,
        forms: "`wire NAME = VALUE`",
        what: "a value that all devices of a bench share: a literal at first, `compute` changes it (devices)",
    },
    Row {
        place: Place::Declaration,
        forms: "`serial { baud 115200  eol \"\\r\" … }`",
        what: "settings of the line, see below; inside of a block a statement that changes them from there on",
    },
    Row {
        place: Place::Declaration,
        forms: "`timeout D`",
        what: "how long an `expect` waits unless it says otherwise; 5 s if nothing is said",
    },
    Row {
        place: Place::Declaration,
        forms: "`procedure NAME(a, b) { … }`",
        what: "a block with a name; its parameters and variables are its own",
    },
    Row { place: Place::Statement, forms: "`send EXPR`", what: "write the text and the line ending" },
    Row { place: Place::Statement, forms: "`send raw EXPR`", what: "write exactly these bytes" },
    Row {
        place: Place::Statement,
        forms: "`expect PATTERN [within D]`",
        what: "wait for it; named groups become variables",
    },
    Row {
        place: Place::Statement,
        forms: "`expect secret PATTERN [within D]`",
        what: "the same; what its groups capture is secret",
    },
    Row {
        place: Place::Statement,
        forms: "`expect [within D] { [using NAME] [secret] PATTERN -> {…} … timeout -> {…} }`",
        what: "whichever comes first; the `timeout` arm may be left out. What the groups of a `secret` arm capture is secret. An arm with `using` looks at that port",
    },
    Row {
        place: Place::Statement,
        forms: "`expect all [within D] { [using NAME] PATTERN … }`",
        what: "all of them, in any order",
    },
    Row {
        place: Place::Statement,
        forms: "`expect none PATTERN for D`",
        what: "passes if it does not come in this time; at the end, an unfinished line counts too",
    },
    Row {
        place: Place::Statement,
        forms: "`expect quiet for D [within D]`",
        what: "waits until nothing has come for this long",
    },
    Row {
        place: Place::Statement,
        forms: "`expect cts on [within D]` · `expect dsr off` · `expect dcd on` · `expect ri on`",
        what: "waits until the device has switched this control line (flows)",
    },
    Row {
        place: Place::Statement,
        forms: "`await [secret] PATTERN [within D]`",
        what: "an unsolicited line: come already and claimed by nothing, or still to come",
    },
    Row {
        place: Place::Statement,
        forms: "`read N bytes as [secret] NAME [within D]`",
        what: "the next N bytes after the last match, with any content",
    },
    Row {
        place: Place::Statement,
        forms: "`read until PATTERN as [secret] NAME [within D]`",
        what: "everything up to and including the pattern",
    },
    Row {
        place: Place::Statement,
        forms: "`read until quiet for D as [secret] NAME [within D]`",
        what: "everything until nothing has come for this long; a byte must come",
    },
    Row {
        place: Place::Statement,
        forms: "`send_file EXPR [as EXPR] [by PROTOCOL] [within D]`",
        what: "send a file: as it is, or by `xmodem`, `xmodem_crc`, `xmodem_1k` or `ymodem`, which tells its name. It fails unless all of it arrives, within D",
    },
    Row {
        place: Place::Statement,
        forms: "`receive_file [secret] NAME by PROTOCOL [within D]`",
        what: "receive a file by `xmodem`, `xmodem_crc`, `xmodem_1k` or `ymodem`: its content as bytes",
    },
    Row {
        place: Place::Statement,
        forms: "`capture [secret] NAME from EXPR`",
        what: "take a value out of an expression",
    },
    Row {
        place: Place::Statement,
        forms: "`capture [secret] NAME from [line] /regex/ [in EXPR]`",
        what: "take what the regex's only group, its group NAME or itself finds in the last response, or in a text",
    },
    Row { place: Place::Statement, forms: "`compute [secret] NAME = EXPR`", what: "work a value out" },
    Row {
        place: Place::Statement,
        forms: "`assert EXPR, \"message\"`",
        what: "fail with the message unless it is true",
    },
    Row {
        place: Place::Statement,
        forms: "`measure [soft] NAME = EXPR [unit \"V\"] [limits A .. B]` · `measure NAME = EXPR limits A ..` · `measure NAME = EXPR limits .. B` · `measure NAME = EXPR limits A`",
        what: "a number with its unit and its limits, for the reports; fail if it is outside. With `soft` go on, and fail at the end of the flow (flows)",
    },
    Row {
        place: Place::Statement,
        forms: "`fail \"message\"` · `skip \"why\"`",
        what: "end the flow as failed · end the step, or the flow outside of a step, as skipped; a `finally` cannot skip",
    },
    Row {
        place: Place::Statement,
        forms: "`fail now \"message\"`",
        what: "end the run as failed: no `try` catches it, and no step is tried again. Each `finally` runs",
    },
    Row {
        place: Place::Statement,
        forms: "`ask EXPR [as [secret] NAME] [choices EXPR, …] [matches /regex/] [default EXPR]`",
        what: "ask the person at the terminal, again until the answer is one of the choices, or the regex fits all of it; the default is the answer if the person types nothing, and if nobody is there, as with `--port sim`. The line is served meanwhile (flows)",
    },
    Row {
        place: Place::Statement,
        forms: "`hook \"NAME\" [, EXPR …] [within D]`",
        what: "run the program that `flowrun.toml` names for it; in a simulated run the device's `on hook`. It fails unless that ends well, within D or the file's `timeout`. The line is served meanwhile (flows)",
    },
    Row {
        place: Place::Statement,
        forms: "`save NAME …`",
        what: "a result of the run: durable before the next statement begins",
    },
    Row { place: Place::Statement, forms: "`log EXPR` · `sleep D`", what: "" },
    Row {
        place: Place::Statement,
        forms: "`step \"title\" [retry N [every D] [unless [using NAME] PATTERN]] [timeout D] { … }`",
        what: "a part of the flow with a name; `retry 3` allows three further attempts, but none after a line that fits `unless`",
    },
    Row { place: Place::Statement, forms: "`if EXPR { … } else if EXPR { … } else { … }`", what: "" },
    Row { place: Place::Statement, forms: "`repeat N [every D] { … }`", what: "N times" },
    Row {
        place: Place::Statement,
        forms: "`repeat until EXPR [every D] [at most N] { … }` · `repeat while EXPR …`",
        what: "`until` is tested after each turn, `while` before it; inside a step with a timeout, or with `at most`",
    },
    Row {
        place: Place::Statement,
        forms: "`for NAME in EXPR { … }` · `for NAME in A .. B { … }`",
        what: "for each item of a list, key of a map, character of a text, or octet of bytes, as a number · from A to B, both included; `10 .. 1` counts down",
    },
    Row {
        place: Place::Statement,
        forms: "`try { … } else { … }`",
        what: "a failure inside is noted and does not end the flow; `else` may be left out",
    },
    Row {
        place: Place::Statement,
        forms: "`call NAME(args) [-> NAME, …]` · `return [EXPR]`",
        what: "run a procedure; leave a procedure or handler. Several names take the items of a list that is returned",
    },
    Row {
        place: Place::Statement,
        forms: "`finally { … }`",
        what: "runs when the enclosing step, procedure, handler or flow ends, however it ends, once this statement has been reached",
    },
    Row {
        place: Place::Statement,
        forms: "`fail on PATTERN [, \"message\"]`",
        what: "ends any wait the moment it comes, unless that wait names it itself",
    },
    Row {
        place: Place::Statement,
        forms: "`fail now on PATTERN [, \"message\"]`",
        what: "the same, and it ends the run as `fail now` does; it also looks between two attempts at a step",
    },
    Row {
        place: Place::Statement,
        forms: "`ignore PATTERN`",
        what: "keeps lines out of matching, unless a wait names them itself",
    },
    Row {
        place: Place::Statement,
        forms: "`on [secret] PATTERN { … }`",
        what: "while anything waits, whenever this comes; what the groups of a `secret` pattern capture is secret",
    },
    Row { place: Place::Statement, forms: "`using NAME { … }`", what: "everything inside speaks to this port" },
    Row {
        place: Place::Statement,
        forms: "`using NAME fail [now] on PATTERN` · `using NAME ignore PATTERN` · `using NAME on [secret] PATTERN { … }`",
        what: "watches this port until the block around it ends",
    },
    Row {
        place: Place::Statement,
        forms: "`reopen within D`",
        what: "waits until the port has gone and come back, which may have happened since the last `send` (flows)",
    },
    Row {
        place: Place::Statement,
        forms: "`baud N` · `dtr on` · `rts off` · `dtr on rts off` · `break D` · `flush`",
        what: "the line itself; `flush` throws away what has come so far",
    },
    Row {
        place: Place::Statement,
        forms: "`echo on` · `echo off`",
        what: "whether everything that is sent comes back (flows), or what is heard is sent back (devices), from now on",
    },
    Row {
        place: Place::Device,
        forms: "`reply EXPR`",
        what: "write the setting `header`, the text and the line ending",
    },
    Row {
        place: Place::Device,
        forms: "`after D { … }`",
        what: "run the block this much later, between other handlers; it sees the variables of now",
    },
    Row {
        place: Place::Device,
        forms: "`cts on` · `dsr off` · `dcd on` · `ri off` · `cts on dsr on`",
        what: "switch the control lines that the flow waits for; all are off at first",
    },
    Row {
        place: Place::Device,
        forms: "`on dtr off { … }` · `on rts on { … }` · `on break { … }`",
        what: "when the flow switches DTR or RTS, or sends a break; at the top level of the device",
    },
    Row {
        place: Place::Device,
        forms: "`on hook \"NAME\" (a, b) { … }` · `on wire NAME { … }`",
        what: "when the flow runs this hook · when a wire has changed, by this device or another; at the top level of the device",
    },
    Row {
        place: Place::Device,
        forms: "`restart`",
        what: "start again, as after power-on: states, settings and timers",
    },
    Row {
        place: Place::Device,
        forms: "`unplug` · `unplug for D`",
        what: "the line goes away, as if the adapter were pulled; for good, which ends the device, or for this long",
    },
];
