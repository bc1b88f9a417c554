//! What an editor offers to do: mend what a diagnostic is about, and run a flow.

use std::path::Path;

use super::{Finding, Position, Range, Text, Workspace};
use crate::diagnostic::{Code, Severity};
use crate::syntax::ast::FileKind;

/// A change that mends something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Action {
    /// What it does, as a menu shows it.
    pub title: String,
    /// What it mends.
    pub finding: Finding,
    /// The piece to be replaced.
    pub range: Range,
    /// What to put there.
    pub text: String,
    /// Whether it is what the user most likely wants.
    pub is_preferred: bool,
}

/// A place above which an editor shows what can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lens {
    /// The line.
    pub range: Range,
    /// What it says.
    pub title: &'static str,
}

impl Workspace {
    /// Returns what mends the findings that touch a range.
    pub(crate) fn actions(&self, path: &Path, range: Range, findings: &[Finding]) -> Vec<Action> {
        let Some(text) = self.text(path) else { return Vec::new() };
        let touches = |finding: &&Finding| finding.range.start <= range.end && range.start <= finding.range.end;
        let mut actions = Vec::new();
        for finding in findings.iter().filter(touches) {
            actions.extend(meant(text, finding));
            actions.extend(self.declaration(path, text, finding));
            actions.extend(allowed(text, finding));
        }
        actions
    }

    /// Returns where a flow can be run against the devices that it names.
    pub(crate) fn lenses(&self, path: &Path) -> Vec<Lens> {
        let Some(known) = self.known(path) else { return Vec::new() };
        let Some(header) = known.parsed.file.header.as_ref().filter(|header| header.kind == FileKind::Flow) else {
            return Vec::new();
        };
        if known.devices().is_empty() {
            return Vec::new();
        }
        vec![Lens { range: known.text.range(header.span), title: "Run against the simulator" }]
    }

    /// Returns the declaration of a name that nothing gives a value.
    fn declaration(&self, path: &Path, text: &Text, finding: &Finding) -> Option<Action> {
        let known = self.known(path)?;
        let name = text.as_str().get(text.offset(finding.range.start)..text.offset(finding.range.end))?;
        let is_missing = finding.code == Code::CheckUnknownName && finding.message.starts_with("there is no variable");
        let word = match known.kind()? {
            FileKind::Flow => "param",
            FileKind::Device => "state",
            FileKind::Library => return None,
        };
        if !is_missing
            || crate::syntax::is_keyword(name)
            || finding.help.as_deref().is_some_and(|help| help.contains("procedure"))
        {
            return None;
        }
        let header = text.range(known.parsed.file.header.as_ref()?.span);
        let at =
            Position { line: header.end.line, character: text.line(header.end.line).encode_utf16().count() as u32 };
        let value = if word == "state" { " = 0" } else { "" };
        Some(Action {
            title: format!("Declare `{word} {name}{value}`"),
            finding: finding.clone(),
            range: Range { start: at, end: at },
            text: format!("\n\n{word} {name}{value}"),
            is_preferred: false,
        })
    }
}

/// Returns the change that a help text proposes: "did you mean `expect`?".
fn meant(text: &Text, finding: &Finding) -> Option<Action> {
    let (_, rest) = finding.help.as_deref()?.split_once("did you mean `")?;
    let (meant, _) = rest.split_once("`?")?;
    let (start, end) = (text.offset(finding.range.start), text.offset(finding.range.end));
    let written = text.as_str().get(start..end)?;
    // What stands in quotes keeps them.
    let quote = written.chars().next().filter(|c| matches!(c, '"' | '`') && !meant.starts_with(*c));
    let new = quote.map_or_else(|| meant.to_string(), |quote| format!("{quote}{meant}{quote}"));
    Some(Action {
        title: format!("Change to `{meant}`"),
        finding: finding.clone(),
        range: finding.range,
        text: new,
        is_preferred: true,
    })
}

/// Returns the comment that says that a warning is meant.
fn allowed(text: &Text, finding: &Finding) -> Option<Action> {
    if finding.severity != Severity::Warning {
        return None;
    }
    let name = finding.code.text().rsplit("::").next()?;
    let line = text.line(finding.range.start.line);
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let at = Position { line: finding.range.start.line, character: 0 };
    Some(Action {
        title: format!("Allow it here: `# allow {name}`"),
        finding: finding.clone(),
        range: Range { start: at, end: at },
        text: format!("{indent}# allow {name}\n"),
        is_preferred: false,
    })
}
