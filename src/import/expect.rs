//! Expect scripts of the simple kind: send, expect, variables, branches and loops.

mod waits;
mod words;

use super::jumps::{BREAK, CONTINUE, failing};
use super::model::{ParamKind, Script, Stmt, What};
use super::tcl::{Command, Word, commands};
use super::text::{Part, expression, is_secret, millis, name, quoted, send, title};

/// What expect waits if nobody says otherwise.
const USUAL: u64 = 10;

/// Blocks are not nested deeper.
const DEEPEST: usize = 40;

/// Returns the statements of a script.
pub(super) fn read(text: &str) -> Script {
    let mut reader = Reader { script: Script::default(), timeout: None, asked: String::new(), constants: Vec::new() };
    let text = match text.strip_prefix("#!") {
        Some(rest) => format!("#{rest}"),
        None => text.to_string(),
    };
    let commands = commands(&text, 1);
    reader.constants = constants(&commands);
    let body = reader.block(&commands, 0);
    let mut script = reader.script;
    script.body.extend(body);
    script.timeout.get_or_insert_with(|| format!("{USUAL}s"));
    script
}

/// Reads a script command by command.
struct Reader {
    script: Script,
    /// How long a wait may take from here on, if that is not what the file says.
    timeout: Option<String>,
    /// What was waited for last: it tells what the answer is.
    asked: String,
    /// Variables that get one text and keep it.
    constants: Vec<String>,
}

impl Reader {
    fn block(&mut self, commands: &[Command], depth: usize) -> Vec<Stmt> {
        let mut out = Vec::new();
        let mut last_line = 0;
        for command in commands {
            if last_line > 0 && command.line > last_line + 1 {
                out.push(Stmt { line: command.line, what: What::Gap });
            }
            last_line = command.line;
            match &command.comment {
                Some(comment) if !comment.trim().is_empty() && !comment.starts_with('/') => {
                    out.push(Stmt { line: command.line, what: What::Comment(comment.clone()) });
                }
                Some(_) => {}
                None if depth > DEEPEST => out.push(self.lost(command, "its blocks are nested too deep")),
                None => {
                    let stmts = self.command(command, depth);
                    out.extend(stmts);
                }
            }
        }
        failing(out)
    }

    /// Returns the statements of a block that is a word.
    fn body(&mut self, word: &Word, depth: usize) -> Vec<Stmt> {
        let commands = commands(&word.text, word.line);
        self.block(&commands, depth + 1)
    }

    fn command(&mut self, command: &Command, depth: usize) -> Vec<Stmt> {
        let line = command.line;
        let words = &command.words;
        self.script.lines.insert(line);
        let arguments = &words[1..];
        let done = match words[0].text.as_str() {
            "send" | "exp_send" => self.sent(line, arguments),
            "expect" | "expect_after" | "expect_before" => {
                self.waits(line, arguments, depth, words[0].text == "expect")
            }
            "set" => self.set(line, arguments),
            "spawn" | "open" => {
                self.spawned(arguments);
                Some(Vec::new())
            }
            "puts" | "send_user" | "send_log" | "send_error" => self.told(line, arguments),
            "sleep" => arguments.first().and_then(|word| self.pause(line, &word.text, 1000)),
            "after" => arguments.first().and_then(|word| self.pause(line, &word.text, 1)),
            "exit" => {
                let status = arguments.first().map_or("0", |word| word.text.as_str()).to_string();
                let message = (status != "0").then(|| title(&format!("the script ends with {status}")));
                Some(vec![self.script.stmt(line, What::End(message))])
            }
            "if" => self.branch(line, arguments, depth),
            "while" => self.repeat(line, arguments, depth),
            "for" => self.count(line, arguments, depth),
            "foreach" => self.each(line, arguments, depth),
            "incr" => arguments.first().map(|word| {
                let by = arguments.get(1).map_or("1", |word| word.text.as_str()).to_string();
                let variable = name(&word.text);
                self.compute(line, &variable, &format!("{variable} + {by}"))
            }),
            "break" => Some(vec![self.script.stmt(line, What::Goto(BREAK.to_string()))]),
            "continue" if arguments.first().is_some_and(|word| word.text == "-expect") => {
                Some(vec![self.script.stmt(line, What::Goto("exp_continue".to_string()))])
            }
            "continue" => Some(vec![self.script.stmt(line, What::Goto(CONTINUE.to_string()))]),
            "exp_continue" => Some(vec![self.script.stmt(line, What::Goto("exp_continue".to_string()))]),
            "interact" => {
                self.script.note("The script ends with a person at the keys: `flowrun term PORT` does that.");
                let text = "interact: go on with `flowrun term PORT`".to_string();
                Some(vec![Stmt { line, what: What::Comment(text) }])
            }
            "log_user" | "log_file" | "match_max" | "exp_internal" | "close" | "wait" | "exp_close" | "exp_wait"
            | "package" | "stty" | "trap" | "remove_nulls" | "global" | "fconfigure" => {
                Some(vec![Stmt { line, what: What::Comment(format!("{}: not needed", shown(command))) }])
            }
            _ => None,
        };
        done.unwrap_or_else(|| vec![self.lost(command, why_not(&words[0].text))])
    }

    fn lost(&mut self, command: &Command, why: &str) -> Stmt {
        // A command of several lines is as many lines without a translation.
        let last = command.words.iter().map(|word| word.line + word.text.matches('\n').count()).max();
        let text = shown(command);
        for line in command.line + 1..=last.unwrap_or(command.line) {
            self.script.lines.insert(line);
        }
        self.script.stmt(command.line, What::Lost { text, why: why.to_string() })
    }

    fn compute(&mut self, line: usize, variable: &str, value: &str) -> Vec<Stmt> {
        self.script.variables.insert(variable.to_string());
        vec![self.script.stmt(line, What::Plain(format!("compute {variable} = {value}")))]
    }

    fn plain(&mut self, line: usize, text: String) -> Vec<Stmt> {
        vec![self.script.stmt(line, What::Plain(text))]
    }

    fn sent(&mut self, line: usize, arguments: &[Word]) -> Option<Vec<Stmt>> {
        let mut words = arguments;
        while let [first, rest @ ..] = words {
            match first.text.as_str() {
                "--" | "-raw" | "-s" | "-h" | "-null" => words = rest,
                "-i" => words = rest.get(1..)?,
                _ => break,
            }
        }
        let word = words.first()?;
        let parts = self.parts(word)?;
        if let [Part::Bytes(bytes)] = &parts[..] {
            let text = String::from_utf8_lossy(bytes).trim_end_matches(['\r', '\n']).to_string();
            let is_text = text.len() > 1 && text.chars().all(|c| !c.is_control());
            if is_text && is_secret(&self.asked) {
                let note = format!("line {line} of the script has it; give it with FLOWRUN_VAR_PASSWORD");
                self.script.param("password", ParamKind::Secret, None, Some(&note));
                return Some(self.plain(line, "send password".to_string()));
            }
            if is_text && super::text::is_login(&self.asked) {
                self.script.param("user", ParamKind::Plain, Some(quoted(&text)), None);
                return Some(self.plain(line, "send user".to_string()));
            }
        }
        // A terminal takes LF for the line ending as well.
        let mut parts = parts;
        if let Some(Part::Bytes(bytes)) = parts.last_mut()
            && bytes.last() == Some(&b'\n')
        {
            bytes.pop();
            if bytes.last() != Some(&b'\r') {
                bytes.push(b'\r');
            }
        }
        Some(self.plain(line, send(&parts)))
    }

    fn told(&mut self, line: usize, arguments: &[Word]) -> Option<Vec<Stmt>> {
        let word = arguments.iter().rfind(|word| !word.text.starts_with('-'))?;
        let parts = self.parts(word)?;
        let text = match &parts[..] {
            [] => return Some(Vec::new()),
            [Part::Bytes(bytes)] => title(&String::from_utf8_lossy(bytes)),
            _ => expression(&parts),
        };
        if text == "\"\"" {
            return Some(Vec::new());
        }
        Some(self.plain(line, format!("log {text}")))
    }

    fn pause(&mut self, line: usize, text: &str, factor: u64) -> Option<Vec<Stmt>> {
        let n: f64 = text.parse().ok()?;
        if !(0.0..1.0e9).contains(&n) {
            return None;
        }
        let whole = if let Ok(n) = text.parse::<u64>() { n.checked_mul(factor)? } else { words::milliseconds(text)? };
        Some(self.plain(line, format!("sleep {}", millis(whole))))
    }

    fn set(&mut self, line: usize, arguments: &[Word]) -> Option<Vec<Stmt>> {
        let [variable, value] = arguments else { return None };
        if variable.text == "timeout" {
            return self.limit(line, &value.text);
        }
        if variable.text == "send_slow" || variable.text == "send_human" || variable.text == "force_conservative" {
            let text = format!("set {}: `serial {{ pace 10ms }}` does that", variable.text);
            return Some(vec![Stmt { line, what: What::Comment(text) }]);
        }
        let called = name(&variable.text);
        let from_outside = value.text.starts_with("[lindex $argv") || value.text.starts_with("$env(");
        if from_outside || value.text.starts_with("$argv") {
            let kind = if is_secret(&called) { ParamKind::Secret } else { ParamKind::Plain };
            self.script.param(&called, kind, None, None);
            return Some(Vec::new());
        }
        if value.text.contains("$argv") {
            return None;
        }
        if self.constants.contains(&variable.text) {
            let parts = self.parts(value)?;
            if is_secret(&called) && !called.contains("prompt") {
                let note =
                    format!("line {line} of the script has it; give it with FLOWRUN_VAR_{}", called.to_uppercase());
                self.script.param(&called, ParamKind::Secret, None, Some(&note));
            } else {
                self.script.param(&called, ParamKind::Plain, Some(expression(&parts)), None);
            }
            return Some(Vec::new());
        }
        let value = self.value(value)?;
        Some(self.compute(line, &called, &value))
    }

    fn limit(&mut self, line: usize, value: &str) -> Option<Vec<Stmt>> {
        let seconds = value.parse::<i64>().ok()?;
        if seconds < 0 {
            self.script
                .note("The script has waits without a limit; here every wait ends, and `within 1h` is a long one.");
            self.timeout = Some("1h".to_string());
            return Some(Vec::new());
        }
        let limit = format!("{}s", seconds.max(1));
        match &self.script.timeout {
            None => {
                self.script.timeout = Some(limit);
                self.timeout = None;
            }
            Some(usual) => self.timeout = (*usual != limit).then_some(limit),
        }
        self.script.lines.insert(line);
        Some(Vec::new())
    }

    fn spawned(&mut self, arguments: &[Word]) {
        let words: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
        let words: Vec<&&str> = words.iter().filter(|word| **word != "-noecho").collect();
        let command: Vec<&str> = words.iter().map(|word| **word).collect();
        match command.first() {
            Some(&"-open") | None => self.script.note("The script opens a port: run the flow with --port PORT."),
            Some(&"telnet") => self.script.note(&format!(
                "The script runs `{}`: run the flow with --port telnet://HOST:PORT.",
                command.join(" ")
            )),
            Some(&"cu" | &"tip" | &"minicom" | &"screen" | &"picocom" | &"kermit" | &"microcom") => {
                self.script.note(&format!(
                    "The script runs `{}`: run the flow with --port and the port that it opens.",
                    command.join(" ")
                ))
            }
            Some(_) => self
                .script
                .note(&format!("The script runs `{0}`: run the flow with --port 'exec:{0}'.", command.join(" "))),
        }
    }

    fn branch(&mut self, line: usize, arguments: &[Word], depth: usize) -> Option<Vec<Stmt>> {
        let words: Vec<&Word> = arguments.iter().filter(|word| word.is_braced || word.text != "then").collect();
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        let mut at = 0;
        while at < words.len() {
            match words[at].text.as_str() {
                "elseif" => at += 1,
                "else" => {
                    otherwise = self.body(words.get(at + 1)?, depth);
                    break;
                }
                _ if at > 0 => {
                    otherwise = self.body(words[at], depth);
                    break;
                }
                _ => {}
            }
            let condition = self.condition(&words.get(at)?.text)?;
            branches.push((condition, self.body(words.get(at + 1)?, depth)));
            at += 2;
        }
        Some(vec![self.script.stmt(line, What::If { branches, otherwise })])
    }

    fn repeat(&mut self, line: usize, arguments: &[Word], depth: usize) -> Option<Vec<Stmt>> {
        let [condition, body] = arguments else { return None };
        let condition = match condition.text.trim() {
            "1" | "true" => "true".to_string(),
            text => self.condition(text)?,
        };
        let body = self.body(body, depth);
        let head = format!("repeat while {condition} at most 1000");
        Some(vec![self.script.stmt(line, What::Block { head, body })])
    }

    fn count(&mut self, line: usize, arguments: &[Word], depth: usize) -> Option<Vec<Stmt>> {
        let [first, condition, next, body] = arguments else { return None };
        let mut out = self.body(first, depth);
        let condition = self.condition(&condition.text)?;
        let mut turn = self.body(body, depth);
        turn.extend(self.body(next, depth));
        let head = format!("repeat while {condition} at most 1000");
        out.push(self.script.stmt(line, What::Block { head, body: turn }));
        Some(out)
    }

    fn each(&mut self, line: usize, arguments: &[Word], depth: usize) -> Option<Vec<Stmt>> {
        let [variable, list, body] = arguments else { return None };
        let items = if let Some(variable) = list.text.strip_prefix('$') {
            name(variable)
        } else {
            let items: Vec<String> =
                super::tcl::list(&list.text, list.line).iter().map(|word| quoted(&word.text)).collect();
            format!("[{}]", items.join(", "))
        };
        let called = name(&variable.text);
        let body = self.body(body, depth);
        Some(vec![self.script.stmt(line, What::Block { head: format!("for {called} in {items}"), body })])
    }
}

/// Returns a command on one line.
fn shown(command: &Command) -> String {
    let words: Vec<String> = command
        .words
        .iter()
        .map(|word| match (word.text.contains('\n'), word.is_braced) {
            (true, _) => "{…}".to_string(),
            (false, true) => format!("{{{}}}", word.text),
            (false, false) if word.text.contains(' ') => format!("\"{}\"", word.text),
            (false, false) => word.text.clone(),
        })
        .collect();
    words.join(" ")
}

/// Returns the variables that are set once, to a text.
fn constants(commands: &[Command]) -> Vec<String> {
    let mut set: Vec<(&str, bool)> = Vec::new();
    for command in commands {
        if let [first, variable, value] = &command.words[..]
            && first.text == "set"
        {
            let is_plain = !value.text.contains(['$', '[']) && value.text.parse::<i64>().is_err();
            set.push((&variable.text, is_plain));
        }
    }
    let all: String = commands.iter().flat_map(|command| &command.words).map(|word| word.text.as_str()).collect();
    let is_once = |variable: &str| {
        set.iter().filter(|(other, _)| *other == variable).count() == 1 && !all.contains(&format!("set {variable} "))
    };
    let constants = set.iter().filter(|(variable, is_plain)| *is_plain && is_once(variable));
    constants.map(|(variable, _)| (*variable).to_string()).collect()
}

fn why_not(word: &str) -> &'static str {
    match word {
        "exec" | "system" => "a flow runs no programs; `hook` runs one that flowrun.toml names",
        "proc" => "make a `procedure` of it",
        "source" => "import that script too, or make a library of it",
        "expect_user" | "expect_tty" => "a person is asked with `ask`",
        "overlay" | "fork" | "disconnect" => "the flow ends here: start what follows yourself",
        "send_tty" => "a flow has no terminal; `log` shows a text",
        _ => "flows have no such command",
    }
}
