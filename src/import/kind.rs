//! `Kind`: which tool a script is for, by its name and by what it says.

/// Which tool a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A macro of Tera Term.
    Teraterm,
    /// A script of `chat`, the dialler of pppd, or a shell script that calls it.
    Chat,
    /// A script of minicom's `runscript`.
    Minicom,
    /// An expect script (Tcl).
    Expect,
    /// The list of strings in the settings of SSCOM.
    Sscom,
    /// A project of Docklight.
    Docklight,
    /// A dialogue of a manual: what is sent and what is answered, in turn.
    Dialogue,
}

impl Kind {
    /// All of them, in the order of the documents.
    pub const ALL: &[Kind] =
        &[Kind::Teraterm, Kind::Chat, Kind::Minicom, Kind::Expect, Kind::Sscom, Kind::Docklight, Kind::Dialogue];

    /// Returns the word that names it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Teraterm => "teraterm",
            Kind::Chat => "chat",
            Kind::Minicom => "minicom",
            Kind::Expect => "expect",
            Kind::Sscom => "sscom",
            Kind::Docklight => "docklight",
            Kind::Dialogue => "dialogue",
        }
    }

    /// Returns the words of all of them.
    pub fn names() -> Vec<&'static str> {
        Kind::ALL.iter().map(|kind| kind.name()).collect()
    }

    /// Returns what the tool is called in a sentence.
    pub fn tool(self) -> &'static str {
        match self {
            Kind::Teraterm => "Tera Term",
            Kind::Chat => "chat",
            Kind::Minicom => "minicom",
            Kind::Expect => "expect",
            Kind::Sscom => "SSCOM",
            Kind::Docklight => "Docklight",
            Kind::Dialogue => "a manual",
        }
    }

    /// Returns which tool a text is for, if that can be seen.
    pub(super) fn of(text: &str, name: &str) -> Option<Kind> {
        let name = name.to_ascii_lowercase();
        let of_name = match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("ttl") => Some(Kind::Teraterm),
            Some("chat" | "chatscript") => Some(Kind::Chat),
            Some("exp" | "tcl") => Some(Kind::Expect),
            Some("ptp") => Some(Kind::Docklight),
            Some("runscript" | "minicom") => Some(Kind::Minicom),
            Some("ini") if name.contains("sscom") => Some(Kind::Sscom),
            Some(_) | None => None,
        };
        of_name.or_else(|| Kind::of_text(text))
    }

    /// Returns the tool whose words a text has most of.
    fn of_text(text: &str) -> Option<Kind> {
        let mut votes = [0usize; Kind::ALL.len()];
        let first = text.lines().next().unwrap_or_default();
        if first.starts_with("#!") && first.contains("expect") {
            return Some(Kind::Expect);
        }
        let says = |line: &&str| !line.is_empty() && !line.starts_with('#');
        for line in text.lines().map(str::trim).filter(says) {
            let word = line.split_whitespace().next().unwrap_or_default();
            let rest = line[word.len()..].trim();
            let mut vote = |kind: Kind, n: usize| votes[kind as usize] += n;
            match word {
                "sendln" | "wait" | "waitln" | "waitregex" | "mpause" | "messagebox" | "strconcat" | "connect"
                    if !rest.starts_with('{') =>
                {
                    vote(Kind::Teraterm, 3);
                }
                "ABORT" | "TIMEOUT" | "REPORT" | "SAY" | "CLR_ABORT" | "HANGUP" => vote(Kind::Chat, 3),
                "OK" | "CONNECT" | "''" | "\"\"" if !rest.is_empty() => vote(Kind::Chat, 1),
                "spawn" | "interact" | "exp_continue" | "send_user" => vote(Kind::Expect, 4),
                "goto" | "gosub" | "inc" | "verbose" | "print" => vote(Kind::Minicom, 1),
                "expect" if rest == "{" => {
                    vote(Kind::Minicom, 1);
                    vote(Kind::Expect, 1);
                }
                "send" if rest.contains("\\r\"") || rest.starts_with("--") => vote(Kind::Expect, 2),
                "expect" => vote(Kind::Expect, 1),
                "call" => vote(Kind::Minicom, 1),
                "timeout" if rest.contains("goto") => vote(Kind::Minicom, 2),
                "COMMSETTINGS" | "COMMDISPLAY" | "COMMCHANNELS" if rest.is_empty() => vote(Kind::Docklight, 4),
                _ if word.starts_with("AT") && !line.contains(" = ") => vote(Kind::Dialogue, 1),
                _ if is_sscom(line) => vote(Kind::Sscom, 2),
                _ if line.contains("chat -v") || line.contains("/chat ") => vote(Kind::Chat, 6),
                _ => {}
            }
        }
        let best = Kind::ALL.iter().copied().max_by_key(|kind| votes[*kind as usize])?;
        (votes[best as usize] > 0).then(|| {
            // Of two with as many votes the first counts.
            let most = votes[best as usize];
            Kind::ALL.iter().copied().find(|kind| votes[*kind as usize] == most).unwrap_or(best)
        })
    }
}

/// Whether a line is one of a list of SSCOM: `N101=1,name,1000` or `N1=A,text`.
fn is_sscom(line: &str) -> bool {
    let Some((key, value)) = line.split_once('=') else { return false };
    let is_key = key.strip_prefix('N').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    is_key && value.contains(',')
}
