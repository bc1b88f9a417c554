//! Macros of Tera Term.

mod arms;
mod command;

use std::collections::BTreeMap;

use super::jumps::{BREAK, CONTINUE};
use super::model::{ParamKind, Script, Stmt, What};
use super::text::{is_secret, name, quoted};
use super::ttl::{Token, condition, expr, tokens};
use arms::with_arms;

/// Blocks of a macro are not nested deeper.
const DEEPEST: usize = 40;

/// Returns the statements of a macro.
pub(super) fn read(text: &str) -> Script {
    let lines: Vec<(usize, &str)> = text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())).collect();
    let mut reader =
        Reader { script: Script::default(), names: BTreeMap::new(), lines, at: 0, constants: Vec::new(), wait: None };
    reader.constants = reader.constants();
    let mut body = reader.block(&[], 0);
    while reader.at < reader.lines.len() {
        // What closes a block that is not open.
        let (line, text) = reader.lines[reader.at];
        reader.at += 1;
        body.push(reader.lost(line, text, "no block is open here"));
        body.extend(reader.block(&[], 0));
    }
    let mut script = reader.script;
    script.body = with_arms(body);
    subroutines(&mut script);
    if script.timeout.is_none() {
        script.timeout = Some("60s".to_string());
        script.note("The macro waits without a limit; here every wait ends, after `timeout`.");
    }
    script
}

/// Reads a macro line by line.
pub(super) struct Reader<'a> {
    script: Script,
    /// What a name of the macro, in lower case, is called here.
    names: BTreeMap<String, String>,
    lines: Vec<(usize, &'a str)>,
    at: usize,
    /// Variables that get one value, at the top level, and keep it.
    constants: Vec<String>,
    /// How long a wait may take from here on, if that is not what the file says.
    wait: Option<String>,
}

impl Reader<'_> {
    /// Reads statements up to one of these words.
    fn block(&mut self, closers: &[&str], depth: usize) -> Vec<Stmt> {
        let mut body = Vec::new();
        while let Some(&(line, text)) = self.lines.get(self.at) {
            if text.is_empty() {
                self.at += 1;
                body.push(Stmt { line, what: What::Gap });
                continue;
            }
            let first = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
            let is_closer =
                ["endif", "else", "elseif", "endwhile", "enduntil", "loop", "next"].contains(&first.as_str());
            if is_closer {
                if !closers.contains(&first.as_str()) && depth > 0 {
                    // The block that is open is not the one that ends here.
                    return body;
                }
                return body;
            }
            self.at += 1;
            body.extend(self.line(line, text, depth));
        }
        body
    }

    /// Reads a line, and the block that it opens.
    fn line(&mut self, line: usize, text: &str, depth: usize) -> Vec<Stmt> {
        if let Some(label) = text.strip_prefix(':') {
            let label = label.split([' ', ';', '\t']).next().unwrap_or_default().to_ascii_lowercase();
            return vec![self.script.stmt(line, What::Label(label))];
        }
        if text.starts_with("/*") || text.starts_with('*') {
            return vec![Stmt { line, what: What::Comment(text.trim_matches(['/', '*', ' ']).to_string()) }];
        }
        let Some((tokens, comment)) = tokens(text) else {
            return vec![self.lost(line, text, "a text is not closed")];
        };
        let mut out = Vec::new();
        if let Some(comment) = comment {
            let comment = comment.trim_start_matches(';').trim().to_string();
            if !comment.is_empty() {
                out.push(Stmt { line, what: What::Comment(comment) });
            }
        }
        if tokens.is_empty() {
            return out;
        }
        if depth >= DEEPEST {
            out.push(self.lost(line, text, "its blocks are nested too deep"));
            return out;
        }
        let stmts = self.statement(line, text, &tokens, depth);
        out.extend(stmts);
        out
    }

    fn statement(&mut self, line: usize, text: &str, tokens: &[Token], depth: usize) -> Vec<Stmt> {
        let first = match &tokens[0] {
            Token::Name(name) => name.to_ascii_lowercase(),
            Token::Text(_) | Token::Number(_) | Token::Sign(_) => String::new(),
        };
        match first.as_str() {
            "if" => self.branch(line, text, &tokens[1..], depth),
            "while" | "until" => self.repeat(line, text, &tokens[1..], first == "while", depth),
            "do" => self.do_loop(line, text, &tokens[1..], depth),
            "for" => self.count(line, text, &tokens[1..], depth),
            "goto" => match tokens.get(1) {
                Some(Token::Name(label)) => vec![self.script.stmt(line, What::Goto(label.to_ascii_lowercase()))],
                _ => vec![self.lost(line, text, "it has no label")],
            },
            "end" | "exit" | "closett" => vec![self.script.stmt(line, What::End(None))],
            "break" => vec![self.script.stmt(line, What::Goto(BREAK.to_string()))],
            "continue" => vec![self.script.stmt(line, What::Goto(CONTINUE.to_string()))],
            _ if tokens.get(1).is_some_and(|token| token.is_sign("=")) => self.assign(line, text, tokens),
            _ => self.command(line, text, &first, &tokens[1..]),
        }
    }

    fn branch(&mut self, line: usize, text: &str, tokens: &[Token], depth: usize) -> Vec<Stmt> {
        let then = tokens.iter().position(|token| token.is("then"));
        let Some(then) = then else { return self.short_branch(line, text, tokens, depth) };
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        let mut condition = self.condition(&tokens[..then]);
        let mut is_known = true;
        loop {
            let body = self.block(&["else", "elseif", "endif"], depth + 1);
            match &condition {
                Some(condition) => branches.push((condition.clone(), body)),
                None if branches.is_empty() => is_known = false,
                None => otherwise = body,
            }
            if !is_known {
                self.skip_to_endif();
                return vec![self.lost(line, text, "its condition has no counterpart")];
            }
            let Some(&(number, closer)) = self.lines.get(self.at) else { break };
            let lower = closer.to_ascii_lowercase();
            if !["else", "elseif", "endif"].iter().any(|word| lower.starts_with(word)) {
                break;
            }
            self.at += 1;
            self.script.lines.insert(number);
            if lower.starts_with("endif") {
                break;
            }
            condition = match super::ttl::tokens(closer) {
                Some((tokens, _)) if lower.starts_with("elseif") => {
                    let then = tokens.iter().position(|token| token.is("then")).unwrap_or(tokens.len());
                    self.condition(tokens.get(1..then).unwrap_or_default())
                }
                Some(_) | None => None,
            };
        }
        vec![self.script.stmt(line, What::If { branches, otherwise })]
    }

    /// Leaves out the rest of a branch, each line as one that has no translation.
    fn skip_to_endif(&mut self) {
        let mut depth = 1;
        while let Some(&(number, text)) = self.lines.get(self.at) {
            self.at += 1;
            let lower = text.to_ascii_lowercase();
            if !lower.is_empty() && !lower.starts_with(';') {
                self.script.lines.insert(number);
            }
            depth += usize::from(lower.starts_with("if ") && lower.contains(" then"));
            depth -= usize::from(lower.starts_with("endif"));
            if depth == 0 {
                break;
            }
        }
    }

    fn short_branch(&mut self, line: usize, text: &str, tokens: &[Token], depth: usize) -> Vec<Stmt> {
        let words =
            ["goto", "call", "end", "exit", "sendln", "send", "break", "continue", "messagebox", "pause", "closett"];
        let at = tokens.iter().skip(1).position(|token| words.iter().any(|word| token.is(word))).map(|at| at + 1);
        let assigns = || {
            let at = tokens.windows(3).skip(1).position(|three| {
                let is_value = |token: &Token| matches!(token, Token::Name(_) | Token::Number(_));
                is_value(&three[0]) && matches!(three[1], Token::Name(_)) && three[2].is_sign("=")
            });
            at.map(|at| at + 2)
        };
        let Some(at) = at.or_else(assigns) else { return vec![self.lost(line, text, "its statement is not known")] };
        let Some(condition) = self.condition(&tokens[..at]) else {
            return vec![self.lost(line, text, "its condition has no counterpart")];
        };
        let body = self.statement(line, text, &tokens[at..], depth + 1);
        vec![self.script.stmt(line, What::If { branches: vec![(condition, body)], otherwise: Vec::new() })]
    }

    fn repeat(&mut self, line: usize, text: &str, tokens: &[Token], is_while: bool, depth: usize) -> Vec<Stmt> {
        let condition = self.condition(tokens);
        let body = self.block(if is_while { &["endwhile"] } else { &["enduntil"] }, depth + 1);
        self.close(&["endwhile", "enduntil"]);
        let Some(condition) = condition else {
            let mut out = vec![self.lost(line, text, "its condition has no counterpart")];
            out.extend(body);
            return out;
        };
        let condition = match (condition.as_str(), is_while) {
            ("1 != 0", true) => "true".to_string(),
            (condition, true) => condition.to_string(),
            (condition, false) => format!("not ({condition})"),
        };
        let head = format!("repeat while {condition} at most 1000");
        vec![self.script.stmt(line, What::Block { head, body: with_arms(body) })]
    }

    fn do_loop(&mut self, line: usize, text: &str, tokens: &[Token], depth: usize) -> Vec<Stmt> {
        if let Some(word) = tokens.first() {
            return self.repeat_do(line, text, word.is("while"), &tokens[1..], depth);
        }
        let body = self.block(&["loop"], depth + 1);
        let closing = self.lines.get(self.at).map(|(_, text)| (*text).to_string()).unwrap_or_default();
        self.close(&["loop"]);
        let tokens = tokens_of(&closing);
        let head = match tokens.get(1) {
            None => "repeat while true at most 1000".to_string(),
            Some(word) => match self.condition(tokens.get(2..).unwrap_or_default()) {
                Some(condition) if word.is("while") && condition == "1 != 0" => {
                    "repeat while true at most 1000".to_string()
                }
                Some(condition) if word.is("while") => format!("repeat until not ({condition}) at most 1000"),
                Some(condition) => format!("repeat until {condition} at most 1000"),
                None => return vec![self.lost(line, text, "its condition has no counterpart")],
            },
        };
        vec![self.script.stmt(line, What::Block { head, body: with_arms(body) })]
    }

    fn repeat_do(&mut self, line: usize, text: &str, is_while: bool, tokens: &[Token], depth: usize) -> Vec<Stmt> {
        let condition = self.condition(tokens);
        let body = self.block(&["loop"], depth + 1);
        self.close(&["loop"]);
        let Some(condition) = condition else { return vec![self.lost(line, text, "its condition has no counterpart")] };
        let condition = if is_while { condition } else { format!("not ({condition})") };
        let head = format!("repeat while {condition} at most 1000");
        vec![self.script.stmt(line, What::Block { head, body: with_arms(body) })]
    }

    fn count(&mut self, line: usize, text: &str, tokens: &[Token], depth: usize) -> Vec<Stmt> {
        let (variable, from, to) = match tokens {
            [Token::Name(variable), from, to] => (variable.clone(), from.clone(), to.clone()),
            _ => return vec![self.lost(line, text, "its limits have no counterpart")],
        };
        let variable = self.name(&variable);
        let (from, to) = (self.expr(&[from]).unwrap_or_default(), self.expr(&[to]).unwrap_or_default());
        let body = self.block(&["next"], depth + 1);
        self.close(&["next"]);
        let head = format!("for {variable} in {from} .. {to}");
        vec![self.script.stmt(line, What::Block { head, body: with_arms(body) })]
    }

    fn close(&mut self, words: &[&str]) {
        if let Some(&(number, text)) = self.lines.get(self.at)
            && words.iter().any(|word| text.to_ascii_lowercase().starts_with(word))
        {
            self.script.lines.insert(number);
            self.at += 1;
        }
    }

    fn assign(&mut self, line: usize, text: &str, tokens: &[Token]) -> Vec<Stmt> {
        let Token::Name(variable) = &tokens[0] else { return vec![self.lost(line, text, "it has no name")] };
        let value = &tokens[2..];
        match (variable.to_ascii_lowercase().as_str(), value) {
            (word @ ("timeout" | "mtimeout"), [Token::Number(n)]) => {
                let n = u64::try_from(*n).unwrap_or(0) * if word == "timeout" { 1000 } else { 1 };
                self.script.lines.insert(line);
                if n > 0 && self.script.timeout.is_none() {
                    self.script.timeout = Some(super::text::millis(n));
                } else if n > 0 {
                    let limit = super::text::millis(n);
                    self.wait = (self.script.timeout.as_ref() != Some(&limit)).then_some(limit);
                }
                return Vec::new();
            }
            ("timeout" | "mtimeout", _) => {
                return vec![self.lost(line, text, "a limit that is computed: write `within`")];
            }
            _ => {}
        }
        let called = self.name(variable);
        if let [Token::Text(text)] = value
            && self.constants.contains(&variable.to_ascii_lowercase())
        {
            self.script.lines.insert(line);
            if is_secret(&called) && !called.contains("prompt") {
                let note =
                    format!("line {line} of the macro has it; give it with FLOWRUN_VAR_{}", called.to_uppercase());
                self.script.param(&called, ParamKind::Secret, None, Some(&note));
            } else {
                self.script.param(&called, ParamKind::Plain, Some(quoted(text)), None);
            }
            return Vec::new();
        }
        match self.expr(value) {
            Some(value) => self.compute(line, &called, &value),
            None => vec![self.lost(line, text, "its value has no counterpart")],
        }
    }

    /// Returns what gives a variable its value.
    fn compute(&mut self, line: usize, variable: &str, value: &str) -> Vec<Stmt> {
        self.script.variables.insert(variable.to_string());
        vec![self.script.stmt(line, What::Plain(format!("compute {variable} = {value}")))]
    }

    fn lost(&mut self, line: usize, text: &str, why: &str) -> Stmt {
        self.script.stmt(line, What::Lost { text: text.to_string(), why: why.to_string() })
    }

    fn condition(&mut self, tokens: &[Token]) -> Option<String> {
        let names = &mut self.names;
        condition(tokens, &mut |name| called(names, name))
    }

    fn expr(&mut self, tokens: &[Token]) -> Option<String> {
        let names = &mut self.names;
        expr(tokens, &mut |name| called(names, name))
    }

    /// Returns what a name of the macro is called here.
    fn name(&mut self, name: &str) -> String {
        called(&mut self.names, name)
    }

    /// Returns the variables that get a text once, at the top level.
    fn constants(&self) -> Vec<String> {
        let mut set: BTreeMap<String, usize> = BTreeMap::new();
        let changing =
            ["strconcat", "inputbox", "passwordbox", "sprintf2", "int2str", "getpassword", "strremove", "strtrim"];
        let mut is_text = Vec::new();
        for (_, text) in &self.lines {
            let tokens = tokens_of(text);
            let (Some(Token::Name(first)), second) = (tokens.first(), tokens.get(1)) else { continue };
            let first = first.to_ascii_lowercase();
            if second.is_some_and(|token| token.is_sign("=")) {
                *set.entry(first.clone()).or_default() += 1;
                if matches!(tokens[2..], [Token::Text(_)]) {
                    is_text.push(first);
                }
            } else if let (true, Some(Token::Name(changed))) = (changing.contains(&first.as_str()), second) {
                *set.entry(changed.to_ascii_lowercase()).or_default() += 2;
            }
        }
        is_text.into_iter().filter(|name| set.get(name) == Some(&1)).collect()
    }
}

fn tokens_of(text: &str) -> Vec<Token> {
    tokens(text).map(|(tokens, _)| tokens).unwrap_or_default()
}

/// Returns what a name is called here: words of `UserName` are parted.
fn called(names: &mut BTreeMap<String, String>, text: &str) -> String {
    let key = text.to_ascii_lowercase();
    if let Some(known) = names.get(&key) {
        return known.clone();
    }
    let mut parted = String::new();
    let mut was_lower = false;
    for c in text.chars() {
        if c.is_uppercase() && was_lower {
            parted.push('_');
        }
        was_lower = c.is_lowercase();
        parted.push(c);
    }
    let called = name(&parted);
    names.insert(key, called.clone());
    called
}

/// Puts what `call` goes to where it is called.
fn subroutines(script: &mut Script) {
    for _ in 0..8 {
        let called = script.body.iter().find_map(call_in);
        let Some(label) = called else { break };
        let is_label = |stmt: &Stmt| matches!(&stmt.what, What::Label(text) if *text == label);
        let Some(from) = script.body.iter().position(is_label) else { break };
        let is_return = |stmt: &Stmt| stmt.what == What::Plain("return".to_string());
        let Some(to) = script.body[from..].iter().position(is_return).map(|at| from + at) else { break };
        let routine: Vec<Stmt> = script.body.drain(from..=to).collect();
        let inner: Vec<Stmt> = routine[1..routine.len() - 1].to_vec();
        put(&mut script.body, &label, &inner);
        if script.body.len() > 5000 {
            break;
        }
    }
}

fn call_in(stmt: &Stmt) -> Option<String> {
    if let What::Plain(text) = &stmt.what
        && let Some(label) = text.strip_prefix("call ")
    {
        return Some(label.trim_end_matches("()").to_string());
    }
    stmt.blocks().into_iter().flatten().find_map(call_in)
}

fn put(body: &mut Vec<Stmt>, label: &str, with: &[Stmt]) {
    let call = What::Plain(format!("call {label}()"));
    let mut at = 0;
    while at < body.len() {
        if body[at].what == call {
            let n = with.len();
            body.splice(at..=at, with.iter().cloned());
            at += n;
            continue;
        }
        for block in body[at].blocks_mut() {
            put(block, label, with);
        }
        at += 1;
    }
}
