//! The dialogue of a manual, pasted as text: what is sent and what is answered in turn, with words around it.

use super::model::{Script, Stmt, What, made};
use super::text::{escaped_regex, quoted, title};

/// Answers that are these words and nothing else.
const ANSWERS: &[&str] = &[
    "OK",
    "ERROR",
    "CONNECT",
    "CONNECT OK",
    "CONNACK OK",
    "ALREADY CONNECT",
    "SUBACK",
    "UNSUBACK",
    "PUBACK",
    "PUBREC",
    "PUBCOMP",
    "DOWNLOAD",
    "SEND OK",
    "SHUT OK",
    "CLOSE OK",
    "CLOSED",
    "READY",
    "RDY",
    "NO CARRIER",
    "BUSY",
    "RING",
    "NO ANSWER",
    "NO DIALTONE",
    "SMS Ready",
    "Call Ready",
    "CONNECT FAIL",
    "SEND FAIL",
];

/// Answers that ask for data: what follows is sent as it is.
const ASK_FOR_DATA: &[&str] = &["DOWNLOAD", ">", "CONNECT", "INPUT"];

/// What a manual puts before what is sent, and before an answer.
const SENT: &[&str] = &["发送：", "发送:", "发：", "发:", "send:", "Send:", "TX:", "TX>", ">>", "-->", "→", "==>"];
const ANSWERED: &[&str] =
    &["接收：", "接收:", "返回：", "返回:", "收：", "收:", "recv:", "Recv:", "RX:", "RX<", "<<", "<--", "←", "<=="];

/// Returns the statements of a dialogue.
pub(super) fn read(text: &str) -> Script {
    let mut dialogue = Dialogue {
        script: Script::default(),
        open: None,
        command: String::new(),
        is_answering: false,
        wants_data: false,
        headings: Vec::new(),
    };
    for (n, line) in text.lines().enumerate() {
        dialogue.line(n + 1, line);
    }
    dialogue.close();
    let headings = dialogue.headings;
    let mut script = dialogue.script;
    script.body = steps(std::mem::take(&mut script.body), &headings);
    script
}

/// Makes a step of what follows each heading.
fn steps(body: Vec<Stmt>, headings: &[usize]) -> Vec<Stmt> {
    let mut out: Vec<Stmt> = Vec::new();
    let mut open: Option<(Stmt, Vec<Stmt>)> = None;
    for stmt in body {
        let is_heading = headings.contains(&stmt.line) && matches!(stmt.what, What::Comment(_));
        if is_heading {
            out.extend(open.take().map(step).unwrap_or_default());
            open = Some((stmt, Vec::new()));
        } else if let Some((_, inside)) = &mut open {
            inside.push(stmt);
        } else {
            out.push(stmt);
        }
    }
    out.extend(open.take().map(step).unwrap_or_default());
    out
}

fn step((heading, body): (Stmt, Vec<Stmt>)) -> Vec<Stmt> {
    let text = if let What::Comment(text) = &heading.what { text.clone() } else { String::new() };
    let gap = made(What::Gap);
    if !body.iter().any(|stmt| matches!(stmt.what, What::Plain(_))) {
        return [gap, heading].into_iter().chain(body).collect();
    }
    vec![gap, made(What::Block { head: format!("step {}", title(&text)), body })]
}

struct Dialogue {
    script: Script,
    /// The line of the command whose answer the text has not shown yet.
    open: Option<usize>,
    /// What was sent last.
    command: String,
    /// Whether its answer goes on.
    is_answering: bool,
    /// Whether the device asks for data.
    wants_data: bool,
    /// The lines of the headings.
    headings: Vec<usize>,
}

impl Dialogue {
    fn line(&mut self, line: usize, text: &str) {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.script.push(line, What::Gap);
            return;
        }
        if trimmed.starts_with("```") {
            return;
        }
        let plain = unescaped(trimmed);
        let is_heading = plain.starts_with('#') || is_numbered(&plain);
        let heading = is_heading.then(|| plain.trim_start_matches('#').trim().to_string());
        let said = heading.clone().unwrap_or_else(|| plain.clone());
        if let Some(rest) = SENT.iter().find_map(|sign| said.strip_prefix(sign)) {
            self.command(line, rest.trim());
        } else if let Some(rest) = ANSWERED.iter().find_map(|sign| said.strip_prefix(sign)) {
            self.answer(line, rest.trim());
        } else if is_command(&said) {
            self.command(line, &said);
        } else if self.wants_data && !is_answer(&said) && !has_wide(&said) && heading.is_none() {
            self.script.plain(line, format!("send raw {}", quoted(&said)));
            self.wants_data = false;
        } else if is_answer(&said) || self.is_answering && is_data(&said) && heading.is_none() {
            self.answer(line, &said);
        } else {
            self.words(line, &said, heading.is_some());
        }
    }

    /// A heading, or words about the dialogue.
    fn words(&mut self, line: usize, text: &str, is_heading: bool) {
        if is_heading {
            self.close();
            self.is_answering = false;
            self.headings.push(line);
        } else {
            self.without_gap(|before| matches!(before, What::Comment(_)) || is_sent(before));
        }
        self.script.push(line, What::Comment(text.to_string()));
    }

    /// Leaves out the gap at the end if what is before it belongs to what follows.
    fn without_gap(&mut self, belongs: impl Fn(&What) -> bool) {
        let is_gap = |stmt: &&Stmt| stmt.what == What::Gap;
        let n_gaps = self.script.body.iter().rev().take_while(is_gap).count();
        let at = self.script.body.len() - n_gaps;
        let is_heading = |stmt: &Stmt| self.headings.contains(&stmt.line);
        if self.script.body[..at].last().is_some_and(|before| belongs(&before.what) && !is_heading(before)) {
            self.script.body.truncate(at);
        }
    }

    fn command(&mut self, line: usize, text: &str) {
        self.close();
        let (command, note) = parted(text);
        if !note.is_empty() {
            self.script.push(line, What::Comment(note));
        }
        self.script.plain(line, format!("send {}", quoted(command)));
        self.open = Some(line);
        self.command = command.to_string();
        self.is_answering = true;
        self.wants_data = false;
    }

    /// A command that the text shows no answer of is answered with OK.
    fn close(&mut self) {
        if let Some(line) = self.open.take() {
            let at = self.script.body.iter().rposition(|stmt| is_sent(&stmt.what)).map_or(0, |at| at + 1);
            let wait =
                self.script.stmt(line, What::Plain("expect line \"OK\"  # the text shows no answer".to_string()));
            self.script.body.insert(at, wait);
        }
    }

    fn answer(&mut self, line: usize, text: &str) {
        let (answer, note) = parted(text);
        if !note.is_empty() {
            self.script.push(line, What::Comment(note));
        }
        if answer.is_empty() {
            return;
        }
        self.wants_data = ASK_FOR_DATA.contains(&answer);
        let unasked = self.is_unasked(answer);
        if unasked {
            self.close();
        }
        // The blank lines of a manual are not those of a flow.
        while self.script.body.last().is_some_and(|stmt| stmt.what == What::Gap) {
            self.script.body.pop();
        }
        let statement = if answer == ">" {
            "expect prompt \"> \"".to_string()
        } else if unasked {
            format!("await line {} within 60s", quoted(answer))
        } else if answer.contains('<') && answer.contains('>') {
            format!("expect line /{}/", placeholders(answer))
        } else {
            format!("expect line {}", quoted(answer))
        };
        self.script.plain(line, statement);
        self.open = None;
        self.is_answering &= !ANSWERS.contains(&answer);
    }

    /// Whether an answer comes by itself: it has the name of another command, or the answer was over.
    fn is_unasked(&self, answer: &str) -> bool {
        let Some((name, _)) = answer.strip_prefix('+').and_then(|rest| rest.split_once(':')) else { return false };
        let is_own = self.command.strip_prefix("AT+").is_some_and(|rest| rest.starts_with(name.trim()));
        !self.is_answering || self.open.is_some() && !is_own
    }
}

fn is_sent(what: &What) -> bool {
    matches!(what, What::Plain(text) if text.starts_with("send "))
}

/// Whether a line is a heading of a Chinese manual: a number in words, and `、`.
fn is_numbered(text: &str) -> bool {
    let rest = text.trim_start_matches(['一', '二', '三', '四', '五', '六', '七', '八', '九', '十']);
    rest.len() < text.len() && rest.starts_with('、')
}

/// Whether a line is a command: `AT` and what follows it.
fn is_command(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("AT").or_else(|| text.strip_prefix("at")) else { return text == "+++" };
    match rest.chars().next() {
        None => true,
        // Words about the command follow after more than one blank.
        Some(c) if c.is_whitespace() => rest.starts_with('\t') || rest.starts_with("  "),
        Some(c) => {
            "+#$^&*%\\!".contains(c)
                || (c.is_ascii_uppercase() || c.is_ascii_digit())
                    && rest.chars().take_while(|c| !c.is_whitespace()).all(|c| c.is_ascii_graphic())
        }
    }
}

/// Whether a line is an answer of a modem.
fn is_answer(text: &str) -> bool {
    let (answer, _) = parted(text);
    let has_name = answer.strip_prefix('+').is_some_and(|rest| {
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == ' ').collect();
        !name.is_empty() && rest[name.len()..].starts_with(':')
    });
    ANSWERS.contains(&answer) || has_name || answer == ">"
}

/// Whether a line can be data that a device answers with: one word, or JSON, and nothing of prose.
fn is_data(text: &str) -> bool {
    let (answer, _) = parted(text);
    let is_json = answer.starts_with('{') && answer.ends_with('}');
    let has_letter = answer.len() > 1 && answer.contains(|c: char| c.is_ascii_alphanumeric());
    has_letter && (is_json || !answer.contains(char::is_whitespace) && !answer.contains('=') && !answer.ends_with(':'))
}

/// Whether a text has characters of Chinese or Japanese.
fn has_wide(text: &str) -> bool {
    text.chars().any(is_wide)
}

fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}

/// Parts what goes over the line from words about it, which follow after a tab, several blanks, or in Chinese.
fn parted(text: &str) -> (&str, String) {
    let mut is_quoted = false;
    let mut at = text.len();
    for (n, c) in text.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\t' => {
                at = n;
                break;
            }
            c if is_wide(c) && !is_quoted => {
                at = n;
                break;
            }
            ' ' if !is_quoted && text[n..].starts_with("  ") => {
                at = n;
                break;
            }
            _ => {}
        }
    }
    let note = text[at..].trim().trim_start_matches(['/', '#']).trim().to_string();
    (text[..at].trim_end(), note)
}

/// Takes the backslashes and the marks of Markdown away.
fn unescaped(text: &str) -> String {
    let text = text.strip_prefix("- ").or_else(|| text.strip_prefix("> ")).unwrap_or(text);
    let text = text
        .strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'))
        .filter(|inner| !inner.contains('`'))
        .unwrap_or(text);
    let text = text.strip_prefix("**").and_then(|rest| rest.strip_suffix("**")).unwrap_or(text);
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('_' | '*' | '#' | '[' | ']' | '<' | '>' | '`')) => out.extend(chars.next()),
            (c, _) => out.push(c),
        }
    }
    out
}

/// `+CSQ: <rssi>,<ber>` has any values in its places.
fn placeholders(answer: &str) -> String {
    let mut out = String::new();
    let mut rest = answer;
    while let Some(at) = rest.find('<') {
        let Some(end) = rest[at..].find('>') else { break };
        out.push_str(&escaped_regex(&rest.as_bytes()[..at]));
        out.push_str("[^,]*");
        rest = &rest[at + end + 1..];
    }
    out.push_str(&escaped_regex(rest.as_bytes()));
    out
}
