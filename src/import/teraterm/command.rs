//! The commands of a macro, each as statements.

use super::Reader;
use crate::import::model::{ParamKind, Stmt, What};
use crate::import::text::{Part, expression, groups, is_secret, literal, millis, pattern, regex, send, title};
use crate::import::ttl::{Token, formatted};

impl Reader<'_> {
    /// Returns the statements of a command.
    pub(super) fn command(&mut self, line: usize, text: &str, word: &str, tokens: &[Token]) -> Vec<Stmt> {
        let stmts = match word {
            "send" | "sendln" => self.sent(line, tokens, word == "sendln"),
            "sendbinary" => self.sent(line, tokens, false),
            "wait" | "waitln" | "waitregex" | "waitany" => self.wait(line, word, tokens),
            "recvln" => Some(self.captured(line, "expect line /(?<inputstr>.*)/".to_string(), "inputstr")),
            "waitn" => match tokens {
                [Token::Number(n)] if *n > 0 => {
                    Some(self.captured(line, format!("read {n} bytes as inputstr"), "inputstr"))
                }
                _ => None,
            },
            "pause" | "mpause" => self.pause(line, tokens, if word == "pause" { 1000 } else { 1 }),
            "flushrecv" => Some(self.plain(line, "flush")),
            "sendbreak" => Some(self.plain(line, "break 250ms")),
            "setdtr" | "setrts" => match tokens {
                [Token::Number(n)] => {
                    let state = if *n == 0 { "off" } else { "on" };
                    Some(self.plain(line, &format!("{} {state}", &word[3..])))
                }
                _ => None,
            },
            "setbaud" | "setspeed" => match tokens {
                [Token::Number(n)] if *n > 0 => Some(self.plain(line, &format!("baud {n}"))),
                _ => None,
            },
            "getpassword" | "getpassword2" => match tokens {
                [.., Token::Name(variable)] => Some(self.secret(line, variable)),
                _ => None,
            },
            "passwordbox" => Some(self.secret(line, "inputstr")),
            "inputbox" | "yesnobox" => self.ask(line, word, tokens),
            "messagebox" | "dispstr" | "statusbox" => self.told(line, tokens),
            "strconcat" | "strcopy" | "int2str" | "str2int" | "strlen" | "strtrim" | "tolower" | "toupper" => {
                self.string(line, word, tokens)
            }
            "strcompare" | "strmatch" | "strscan" => self.compared(line, word, tokens),
            "sprintf" | "sprintf2" => self.printed(line, word, tokens),
            "call" => match tokens {
                [Token::Name(label)] => Some(self.plain(line, &format!("call {}()", label.to_ascii_lowercase()))),
                _ => None,
            },
            "return" => Some(self.plain(line, "return")),
            "xmodemsend" | "ymodemsend" => self.sends_file(line, word),
            "xmodemrecv" | "ymodemrecv" => {
                let protocol = if word.starts_with('x') { "xmodem_crc" } else { "ymodem" };
                Some(self.plain(line, &format!("receive_file received by {protocol}")))
            }
            "sendfile" => self.sends_file(line, word),
            "connect" => self.connects(line, tokens),
            _ if NOT_NEEDED.contains(&word) => {
                self.script.lines.insert(line);
                let why = if word.starts_with("log") { "`--transcript FILE` keeps the exchange" } else { "not needed" };
                Some(vec![Stmt { line, what: What::Comment(format!("{text}: {why}")) }])
            }
            _ => None,
        };
        stmts.unwrap_or_else(|| vec![self.lost(line, text, why_not(word))])
    }

    fn plain(&mut self, line: usize, text: &str) -> Vec<Stmt> {
        vec![self.script.stmt(line, What::Plain(text.to_string()))]
    }

    fn captured(&mut self, line: usize, text: String, variable: &str) -> Vec<Stmt> {
        self.script.variables.insert(variable.to_string());
        let text = match &self.wait {
            Some(limit) => format!("{text} within {limit}"),
            None => text,
        };
        self.plain(line, &text)
    }

    /// Returns the parts of arguments that are joined.
    fn parts(&mut self, tokens: &[Token]) -> Option<Vec<Part>> {
        let mut parts: Vec<Part> = Vec::new();
        for token in tokens {
            let part = match token {
                Token::Text(text) => Part::Bytes(text.clone()),
                Token::Number(n) => Part::Bytes(vec![u8::try_from(*n).ok()?]),
                Token::Name(name) => Part::Value(self.name(name)),
                Token::Sign(_) => return None,
            };
            match (parts.last_mut(), part) {
                (Some(Part::Bytes(before)), Part::Bytes(bytes)) => before.extend(bytes),
                (_, part) => parts.push(part),
            }
        }
        Some(parts)
    }

    fn sent(&mut self, line: usize, tokens: &[Token], ends_line: bool) -> Option<Vec<Stmt>> {
        let mut parts = self.parts(tokens)?;
        if ends_line {
            match parts.last_mut() {
                Some(Part::Bytes(bytes)) => bytes.push(b'\r'),
                Some(Part::Value(_)) | None => parts.push(Part::Bytes(vec![b'\r'])),
            }
        }
        Some(self.plain(line, &send(&parts)))
    }

    fn wait(&mut self, line: usize, word: &str, tokens: &[Token]) -> Option<Vec<Stmt>> {
        let mut arms = Vec::new();
        for token in tokens {
            let waited = match token {
                Token::Text(text) if word == "waitregex" => {
                    let regex = regex(std::str::from_utf8(text).ok()?)?;
                    for n in 0..groups(&regex).len() {
                        let called = self.name(&format!("groupmatchstr{}", n + 1));
                        self.script.variables.insert(called);
                    }
                    regex.replace("(?<g", "(?<groupmatchstr")
                }
                Token::Text(text) if word == "waitln" => {
                    format!("/{}/", crate::import::text::escaped_regex(text))
                }
                Token::Text(text) => pattern(text),
                Token::Name(name) => literal(&[Part::Value(self.name(name))]),
                Token::Number(n) => pattern(&[u8::try_from(*n).ok()?]),
                Token::Sign(_) => return None,
            };
            arms.push((Some(waited), Vec::new()));
        }
        if arms.is_empty() {
            return None;
        }
        arms.push((None, Vec::new()));
        self.script.variables.insert("result".to_string());
        let within = self.wait.clone();
        Some(vec![self.script.stmt(line, What::Expect { within, arms })])
    }

    fn pause(&mut self, line: usize, tokens: &[Token], factor: u64) -> Option<Vec<Stmt>> {
        match tokens {
            [Token::Number(n)] => {
                let n = u64::try_from(*n).ok()?.checked_mul(factor)?;
                Some(self.plain(line, &format!("sleep {}", millis(n))))
            }
            _ => {
                let value = self.expr(tokens)?;
                let unit = if factor == 1 { "millis" } else { "seconds" };
                Some(self.plain(line, &format!("sleep {unit}({value})")))
            }
        }
    }

    fn secret(&mut self, line: usize, variable: &str) -> Vec<Stmt> {
        let called = self.name(variable);
        let note = format!("line {line} of the macro asks for it; give it with FLOWRUN_VAR_{}", called.to_uppercase());
        self.script.lines.insert(line);
        self.script.param(&called, ParamKind::Secret, None, Some(&note));
        self.script.variables.remove(&called);
        Vec::new()
    }

    fn ask(&mut self, line: usize, word: &str, tokens: &[Token]) -> Option<Vec<Stmt>> {
        let question = self.parts(tokens.get(..1)?)?;
        let question = expression(&question);
        if word == "yesnobox" {
            self.script.variables.insert("answer".to_string());
            self.script.variables.insert("result".to_string());
            let ask = format!("ask {question} as answer choices \"yes\", \"no\" default \"no\"");
            let yes = vec![self.script.stmt(line, What::Plain("compute result = 1".to_string()))];
            let no = vec![self.script.stmt(line, What::Plain("compute result = 0".to_string()))];
            let branches = vec![("answer == \"yes\"".to_string(), yes)];
            let mut out = self.plain(line, &ask);
            out.push(self.script.stmt(line, What::If { branches, otherwise: no }));
            return Some(out);
        }
        let hides = is_secret(&question);
        let called = self.name("inputstr");
        self.script.variables.insert(called.clone());
        let secret = if hides { "secret " } else { "" };
        Some(self.plain(line, &format!("ask {question} as {secret}{called}")))
    }

    fn told(&mut self, line: usize, tokens: &[Token]) -> Option<Vec<Stmt>> {
        let parts = self.parts(tokens.get(..1)?)?;
        let text = match &parts[..] {
            [Part::Bytes(bytes)] => title(&String::from_utf8_lossy(bytes)),
            _ => expression(&parts),
        };
        Some(self.plain(line, &format!("log {text}")))
    }

    fn string(&mut self, line: usize, word: &str, tokens: &[Token]) -> Option<Vec<Stmt>> {
        let Token::Name(first) = tokens.first()? else {
            let [Token::Text(_), ..] = tokens else { return None };
            let value = self.expr(&tokens[..1])?;
            return (word == "strlen").then(|| self.compute(line, "result", &format!("len({value})")));
        };
        let target = self.name(first);
        let value = |reader: &mut Self, n: usize| reader.expr(tokens.get(n..=n)?);
        let (variable, value) = match word {
            "strconcat" => {
                let added = match tokens.get(1)? {
                    Token::Text(text) => Part::Bytes(text.clone()),
                    Token::Name(name) => Part::Value(self.name(name)),
                    Token::Number(_) | Token::Sign(_) => return None,
                };
                let joined = literal(&[Part::Value(target.clone()), added]);
                (target, joined)
            }
            "int2str" => {
                let value = value(self, 1)?;
                (target, format!("\"${{{value}}}\""))
            }
            "str2int" => {
                let value = value(self, 1)?;
                (target, format!("int({value})"))
            }
            "strlen" => ("result".to_string(), format!("len({target})")),
            "strtrim" => (target.clone(), format!("trim({target})")),
            "tolower" => (target, format!("lower({})", value(self, 1)?)),
            "toupper" => (target, format!("upper({})", value(self, 1)?)),
            // The place counts from 1.
            "strcopy" => match tokens {
                [_, Token::Number(from), Token::Number(n), Token::Name(to)] if *from > 0 => {
                    let to = self.name(to);
                    (to, format!("substring({target}, {}, {n})", from - 1))
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(self.compute(line, &variable, &value))
    }

    fn compared(&mut self, line: usize, word: &str, tokens: &[Token]) -> Option<Vec<Stmt>> {
        let [first, second] = tokens else { return None };
        let left = self.expr(std::slice::from_ref(first))?;
        let condition = match (word, second) {
            ("strcompare", _) => format!("{left} != {}", self.expr(std::slice::from_ref(second))?),
            ("strscan", _) => format!("{} in {left}", self.expr(std::slice::from_ref(second))?),
            (_, Token::Text(text)) => format!("{left} matches {}", regex(std::str::from_utf8(text).ok()?)?),
            _ => return None,
        };
        self.script.variables.insert("result".to_string());
        let one = vec![self.script.stmt(line, What::Plain("compute result = 1".to_string()))];
        let zero = vec![self.script.stmt(line, What::Plain("compute result = 0".to_string()))];
        Some(vec![self.script.stmt(line, What::If { branches: vec![(condition, one)], otherwise: zero })])
    }

    fn printed(&mut self, line: usize, word: &str, tokens: &[Token]) -> Option<Vec<Stmt>> {
        let (target, form, values) = match (word, tokens) {
            ("sprintf2", [Token::Name(target), Token::Text(form), values @ ..]) => (self.name(target), form, values),
            ("sprintf", [Token::Text(form), values @ ..]) => ("inputstr".to_string(), form, values),
            _ => return None,
        };
        let mut named = Vec::new();
        for value in values {
            named.push(self.expr(std::slice::from_ref(value))?);
        }
        let text = formatted(form, &named)?;
        Some(self.compute(line, &target, &text))
    }

    fn sends_file(&mut self, line: usize, word: &str) -> Option<Vec<Stmt>> {
        self.script.param("firmware", ParamKind::File, None, Some("give it with --file firmware=PATH"));
        let by = match word {
            "xmodemsend" => " by xmodem_1k",
            "ymodemsend" => " by ymodem",
            _ => "",
        };
        Some(self.plain(line, &format!("send_file firmware{by}")))
    }

    /// `connect '/C=1 /BAUD=9600'` is what the command line says.
    fn connects(&mut self, line: usize, tokens: &[Token]) -> Option<Vec<Stmt>> {
        let Some(Token::Text(text)) = tokens.first() else { return None };
        let text = String::from_utf8_lossy(text).into_owned();
        let lower = text.to_ascii_lowercase();
        if lower.contains("/ssh") {
            self.script.note("The macro connects by SSH: run the flow with --port 'exec:ssh USER@HOST'.");
        } else if let Some(at) = lower.find("/c=") {
            let n: String = lower[at + 3..].chars().take_while(char::is_ascii_digit).collect();
            self.script.note(&format!("The macro opens COM{n}: run the flow with --port COM{n}."));
        } else {
            let host = text.split(' ').next().unwrap_or_default();
            self.script
                .note(&format!("The macro connects to {}: run the flow with --port telnet://…", name_of_host(host)));
        }
        if let Some(at) = lower.find("/baud=") {
            let baud: String = lower[at + 6..].chars().take_while(char::is_ascii_digit).collect();
            if baud.parse::<u32>().is_ok_and(|baud| baud > 0) {
                self.script.settings.push(format!("baud {baud}"));
            }
        }
        self.script.lines.insert(line);
        Some(Vec::new())
    }
}

fn name_of_host(host: &str) -> String {
    host.chars().filter(|c| c.is_alphanumeric() || matches!(c, '.' | ':' | '-')).collect()
}

/// Commands about the window and the log, which a flow does not have.
const NOT_NEEDED: &[&str] = &[
    "logopen",
    "logclose",
    "logpause",
    "logstart",
    "logwrite",
    "loginfo",
    "settitle",
    "showtt",
    "show",
    "clearscreen",
    "setsync",
    "closesbox",
    "setdlgpos",
    "beep",
    "setecho",
    "restoresetup",
    "changedir",
    "setdir",
    "logautoclosemode",
    "unlink",
    "strdim",
    "intdim",
    "testlink",
];

fn why_not(word: &str) -> &'static str {
    match word {
        "fileopen" | "fileread" | "filereadln" | "filewrite" | "filewriteln" | "fileclose" | "filecreate"
        | "filedelete" | "filesearch" | "filecopy" | "filerename" | "findfirst" | "findnext" | "filestat" => {
            "a flow reaches no files; give values with --var, --vars or --file"
        }
        "exec" | "execcmnd" => "a flow runs no programs; `hook` runs one that flowrun.toml names",
        "include" | "callmenu" => "import that macro too, and put its statements here",
        "zmodemsend" | "zmodemrecv" | "kmtsend" | "kmtrecv" | "bplussend" | "bplusrecv" | "scpsend" | "scprecv" => {
            "flows transfer files by XMODEM and YMODEM"
        }
        "getdate" | "gettime" | "random" | "getenv" | "gethostname" => "use `format_time`, `random_digits` or a param",
        "disconnect" => "the port stays open until the flow ends",
        "sendkcode" | "enablekeyb" => "a flow sends bytes, not keys",
        _ => "flows have no such command",
    }
}
