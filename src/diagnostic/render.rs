//! How diagnostics look: the only module that knows miette.

mod window;

use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};

use self::window::Window;
use super::{Diagnostic, Label, Severity};
use crate::source::{Site, Source, SourceId, Sources};
use crate::value::escape::harmless;
use crate::words::{Language, columns};

/// How many diagnostics [`render`] shows in full; the others are counted.
pub const SHOWN_AT_MOST: usize = 20;

/// Labels so many lines apart share one excerpt.
const NEAR: usize = 3;

/// A note's line takes so many rows at most.
const ROWS_AT_MOST: usize = 3;

const CYAN: &str = "\u{1b}[36m";
const RESET: &str = "\u{1b}[0m";

/// What a text for people may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// How many columns there are.
    pub width: usize,
    /// Which characters, and whether colours.
    pub style: Style,
}

/// Which characters a text is drawn with, and whether it has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Unicode without colours: for files, pipes and snapshots.
    Plain,
    /// ASCII without colours, except in what is quoted.
    Ascii,
    /// Unicode with ANSI colours.
    Colour,
}

/// Something that is told between the excerpt and the help, such as what was sent last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is; four letters line up with `help`.
    pub title: &'static str,
    /// One visible text a line.
    pub lines: Vec<String>,
}

/// Returns the diagnostics as people read them: code, message, excerpts with labels, help.
///
/// The first excerpt is the one with the main label; labels elsewhere, or in other files, have excerpts of
/// their own below it. The first twenty are shown in the order given, the others are counted.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, look: Look) -> String {
    render_said(diagnostics, sources, look, Language::English)
}

/// Returns the diagnostics like [`render`], in a language.
pub fn render_said(diagnostics: &[Diagnostic], sources: &Sources, look: Look, language: Language) -> String {
    let shown = diagnostics.len().min(SHOWN_AT_MOST);
    let said = |diagnostic: &Diagnostic| render_noted(diagnostic, &[], sources, look, language);
    let mut out = diagnostics[..shown].iter().map(said).collect::<Vec<_>>().join("\n");
    if diagnostics.len() > shown {
        let dots = if look.style == Style::Ascii { "..." } else { "…" };
        let more = language.said(&format!("and {} more", diagnostics.len() - shown)).into_owned();
        out.push_str(&format!("\n{dots} {more}\n"));
    }
    out
}

/// Returns one diagnostic like [`render_said`], with notes between its excerpts and its help.
pub fn render_noted(
    diagnostic: &Diagnostic,
    notes: &[Note],
    sources: &Sources,
    look: Look,
    language: Language,
) -> String {
    let diagnostic = &diagnostic.said_in(language);
    let severity = diagnostic.severity();
    let mut head = Report { severity, code: Some(diagnostic.code.text()), ..Report::empty(severity) };
    head.message = safe(&sources.covered(&diagnostic.message));
    let mut excerpts = excerpts(diagnostic, sources).into_iter().map(|excerpt| excerpt.fitted(look));
    head.excerpt = excerpts.next();
    let mut out = head.draw(look);
    for excerpt in excerpts {
        out.push_str(&Report { excerpt: Some(excerpt), ..Report::empty(severity) }.draw_headless(look));
    }
    for note in notes {
        let lines = note.lines.iter().map(|line| sources.covered(line)).collect();
        push_note(&mut out, &Note { title: language.word(note.title), lines }, look);
    }
    if let Some(help) = &diagnostic.help {
        let help = safe(&sources.covered(help));
        let drawn = Report { help: Some(help), ..Report::empty(severity) }.draw_headless(look);
        // What miette begins a help with; the words of all languages for it are as wide.
        out.push_str(&drawn.replacen("help", language.word("help"), 1));
    }
    out.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Returns `file:line:column` of a site, with nothing in it that could disturb a terminal; `?` for a site
/// that these sources do not have.
pub fn render_place(site: Site, sources: &Sources) -> String {
    match source_of(site, sources) {
        Some(_) => harmless(sources.place(site)),
        None => "?".to_string(),
    }
}

/// Text with its line ends kept and everything that could disturb a terminal escaped.
fn safe(text: &str) -> String {
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

fn source_of(site: Site, sources: &Sources) -> Option<&Source> {
    sources.iter().find(|(id, _)| *id == site.source).map(|(_, source)| source)
}

fn push_note(out: &mut String, note: &Note, look: Look) {
    let width = look.width.saturating_sub(10).max(20);
    let mut lead = match look.style {
        Style::Plain | Style::Ascii => format!("  {}: ", note.title),
        Style::Colour => format!("{CYAN}  {}: {RESET}", note.title),
    };
    let indent = " ".repeat(columns(note.title) + 4);
    for line in &note.lines {
        let chars: Vec<char> = harmless(line).chars().collect();
        let mut rows: Vec<String> = chars.chunks(width).take(ROWS_AT_MOST).map(|row| row.iter().collect()).collect();
        if chars.len() > width * ROWS_AT_MOST
            && let Some(last) = rows.last_mut()
        {
            last.push_str(if look.style == Style::Ascii { "..." } else { "…" });
        }
        for row in rows {
            out.push_str(&lead);
            out.push_str(&row);
            out.push('\n');
            lead.clone_from(&indent);
        }
    }
}

/// The excerpts that a diagnostic needs, the one with its main label first.
fn excerpts(diagnostic: &Diagnostic, sources: &Sources) -> Vec<Excerpt> {
    let mut excerpts: Vec<Excerpt> = Vec::new();
    for label in diagnostic.label.iter().chain(&diagnostic.others) {
        let Some(source) = source_of(label.site, sources) else { continue };
        let label = Label { site: label.site, text: sources.covered(&label.text) };
        let (line, _) = source.line_column(label.site.span.start);
        let near = excerpts.iter_mut().find(|excerpt| {
            excerpt.id == label.site.source && excerpt.lines.iter().any(|other| other.abs_diff(line) <= NEAR)
        });
        match near {
            Some(excerpt) => excerpt.add(&label, line),
            None => {
                let mut excerpt = Excerpt::of(label.site.source, source);
                excerpt.add(&label, line);
                excerpts.push(excerpt);
            }
        }
    }
    excerpts
}

/// A text, made safe to show, and what is said about some lines of it that are near to each other.
#[derive(Debug)]
struct Excerpt {
    id: SourceId,
    name: String,
    /// The source, byte for byte as long, and a line end behind it, so that its end can be pointed at.
    text: String,
    /// How long the source is.
    len: usize,
    /// Where its lines begin.
    starts: Vec<usize>,
    labels: Vec<LabeledSpan>,
    /// The line of each label.
    lines: Vec<usize>,
    /// How many characters were cut from the left of every line.
    n_cut: usize,
}

impl Excerpt {
    fn of(id: SourceId, source: &Source) -> Excerpt {
        let mut text = same_length(source.shown());
        let len = text.len();
        text.push('\n');
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Excerpt {
            id,
            name: harmless(source.name()),
            text,
            len,
            starts,
            labels: Vec::new(),
            lines: Vec::new(),
            n_cut: 0,
        }
    }

    /// Returns it with lines that are no longer than there is room for: what is far from the labels is left out.
    fn fitted(self, look: Look) -> Excerpt {
        let bounds = |span: &LabeledSpan| {
            let start = self.starts[self.line_of(span.offset())];
            let column = self.text[start..span.offset()].chars().count();
            (column, column + self.text[span.offset()..span.offset() + span.len()].chars().count())
        };
        let room = look.width.max(30).saturating_sub(6 + self.starts.len().to_string().len());
        let near = |line: usize| self.lines.iter().any(|label| (*label - 1).abs_diff(line) <= 1);
        let longest =
            (0..self.starts.len()).filter(|line| near(*line)).map(|line| self.line(line).chars().count()).max();
        let from = self.labels.iter().map(|label| bounds(label).0).min().unwrap_or(0);
        let to = self.labels.iter().map(|label| bounds(label).1).max().unwrap_or(0);
        let dots = if look.style == Style::Ascii { "..." } else { "…" };
        match Window::around(from..to, longest.unwrap_or(0), room, dots) {
            Some(window) => self.cut(&window),
            None => self,
        }
    }

    /// Returns the text of a line, counted from 0.
    fn line(&self, line: usize) -> &str {
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        &self.text[self.starts[line]..end]
    }

    fn cut(&self, window: &Window) -> Excerpt {
        let (mut text, mut starts, mut labels) = (String::new(), Vec::new(), self.labels.clone());
        for line in 0..self.starts.len() {
            let (old, new) = (self.starts[line], text.len());
            starts.push(new);
            let whole = self.line(line);
            for (label, known) in labels.iter_mut().zip(&self.labels) {
                if self.line_of(known.offset()) == line {
                    let start = window.place(whole, known.offset() - old);
                    let end = window.place(whole, known.offset() - old + known.len()).max(start);
                    let text = known.label().map(str::to_string);
                    *label = match known.primary() {
                        true => LabeledSpan::new_primary_with_span(text, (new + start, end - start)),
                        false => LabeledSpan::new_with_span(text, (new + start, end - start)),
                    };
                }
            }
            text.push_str(&window.show(whole));
            if line + 1 < self.starts.len() {
                text.push('\n');
            }
        }
        let len = text.len().saturating_sub(1);
        let n_cut = window.n_cut();
        Excerpt { id: self.id, name: self.name.clone(), text, len, starts, labels, lines: self.lines.clone(), n_cut }
    }

    /// Adds a label, its span cut to the first of its lines.
    fn add(&mut self, label: &Label, line: usize) {
        let floor = |mut at: usize| {
            at = at.min(self.len);
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(label.site.span.start as usize);
        let end = floor(label.site.span.end as usize).max(start);
        let shown = self.text[start..end].lines().next().unwrap_or_default().trim_end();
        let text = Some(harmless(&label.text)).filter(|text| !text.is_empty());
        self.labels.push(match self.labels.is_empty() {
            true => LabeledSpan::new_primary_with_span(text, (start, shown.len())),
            false => LabeledSpan::new_with_span(text, (start, shown.len())),
        });
        self.lines.push(line);
    }

    /// The number of the line, from 0, in which an offset lies.
    fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let first = self.line_of(span.offset());
        let last = self.line_of(span.offset() + span.len().saturating_sub(1));
        let top = first.saturating_sub(before);
        let start = if before == 0 { span.offset() } else { self.starts[top] };
        let bottom = (last + after).min(self.line_of(self.len.saturating_sub(1)).max(last));
        let end = self.starts.get(bottom + 1).copied().unwrap_or(self.text.len());
        let column = self.text[self.starts[first]..start.max(self.starts[first])].chars().count();
        let column = if before == 0 { column + self.n_cut } else { 0 };
        let bytes = &self.text.as_bytes()[start..end];
        let place = SourceSpan::new(start.into(), end - start);
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), bytes, place, top, column, bottom - top + 1)))
    }
}

/// The text with each character that could disturb a terminal replaced by one of the same length.
fn same_length(text: &str) -> String {
    let replace = |c: char| match c {
        '\n' | '\t' | ' '..='~' => c,
        '\r' => ' ',
        c if c.is_ascii() => '?',
        c => match (harmless(c.encode_utf8(&mut [0; 4])).starts_with('\\'), c.len_utf8()) {
            (false, _) => c,
            (true, 2) => '\u{bf}',
            (true, 3) => '\u{fffd}',
            (true, _) => '\u{1f7e6}',
        },
    };
    text.chars().map(replace).collect()
}

/// What miette draws at a time.
#[derive(Debug)]
struct Report {
    severity: Severity,
    code: Option<&'static str>,
    message: String,
    excerpt: Option<Excerpt>,
    help: Option<String>,
}

impl Report {
    fn empty(severity: Severity) -> Report {
        Report { severity, code: None, message: String::new(), excerpt: None, help: None }
    }

    fn draw(&self, look: Look) -> String {
        let theme = match look.style {
            Style::Plain => GraphicalTheme::unicode_nocolor(),
            Style::Ascii => GraphicalTheme::none(),
            Style::Colour => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(look.width.max(30))
            .with_links(false)
            .without_syntax_highlighting();
        let mut out = String::new();
        handler
            .render_report(&mut out, self)
            .expect("a String takes whatever is written, and every span is in its text");
        out
    }

    /// The same without the line of the message, which is empty.
    fn draw_headless(&self, look: Look) -> String {
        let text = self.draw(look);
        text.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_string())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.excerpt.as_ref().map(|excerpt| Box::new(excerpt.labels.iter().cloned()) as Box<dyn Iterator<Item = _>>)
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Span;

    const PLAIN: Look = Look { width: 80, style: Style::Plain };

    fn site(sources: &Sources, id: SourceId, text: &str) -> Site {
        let start = sources.get(id).text().find(text).expect("the test's text is in its source");
        Site { source: id, span: Span::new(start, start + text.len()) }
    }

    fn two_files() -> (Sources, Diagnostic) {
        let mut sources = Sources::default();
        let main = sources.add(Source::new("main.flow", "flow \"x\"\nuse \"lib/air.flow\"\ncall attach(5)\n"));
        let lib = sources.add(Source::new(
            "lib/air.flow",
            "library \"air\"\nprocedure attach(n) {\n  send \"é\" expect line \"OK\"\n}\n\n\n\n\nfail on \"ERROR\"\n",
        ));
        let diagnostic = Diagnostic::new(
            Code::RunTimeout,
            site(&sources, lib, "expect line \"OK\""),
            "line \"OK\" did not come within 5s",
            "waited here",
        )
        .other(site(&sources, main, "call attach(5)"), "called here")
        .other(site(&sources, lib, "fail on \"ERROR\""), "watched since here")
        .help("look whether the antenna is plugged in\nand the SIM unlocked");
        (sources, diagnostic)
    }

    #[test]
    fn labels_in_other_files_have_excerpts_of_their_own_below_the_main_one() {
        let (sources, diagnostic) = two_files();
        assert_snapshot!(render(&[diagnostic], &sources, PLAIN), @r#"
        flow::run::timeout

          × line "OK" did not come within 5s
           ╭─[lib/air.flow:3:12]
         2 │ procedure attach(n) {
         3 │   send "é" expect line "OK"
           ·            ────────┬───────
           ·                    ╰── waited here
         4 │ }
           ╰────
           ╭─[main.flow:3:1]
         2 │ use "lib/air.flow"
         3 │ call attach(5)
           · ───────┬──────
           ·        ╰── called here
           ╰────
           ╭─[lib/air.flow:9:1]
         8 │
         9 │ fail on "ERROR"
           · ───────┬───────
           ·        ╰── watched since here
           ╰────
          help: look whether the antenna is plugged in
                and the SIM unlocked
        "#);
    }

    #[test]
    fn a_long_line_is_cut_around_what_is_meant() {
        let mut sources = Sources::default();
        let text = format!(
            "flow \"x\"\n{}expect line \"OK\" within 5s{}\nlog 1\n",
            "send \"AT\"  ".repeat(9),
            "  log 2".repeat(9)
        );
        let id = sources.add(Source::new("a.flow", text));
        let diagnostic = Diagnostic::new(Code::RunTimeout, site(&sources, id, "line \"OK\""), "not come", "here");
        for (width, style) in [(50, Style::Plain), (30, Style::Ascii), (100, Style::Plain)] {
            let shown = render(std::slice::from_ref(&diagnostic), &sources, Look { width, style });
            assert!(shown.lines().all(|line| line.chars().count() <= width), "{shown}");
            assert!(shown.contains("line \"OK\"") && shown.contains("[a.flow:2:107]"), "{shown}");
        }
        assert_snapshot!(render(&[diagnostic], &sources, Look { width: 50, ..PLAIN }), @r#"
        flow::run::timeout

          × not come
           ╭─[a.flow:2:107]
         1 │ …
         2 │ … expect line "OK" within 5s  log 2  log 2…
           ·          ────┬────
           ·              ╰── here
         3 │ …
           ╰────
        "#);
    }

    #[test]
    fn ascii_has_no_other_characters_than_the_source() {
        let (sources, diagnostic) = two_files();
        let text = render(&[diagnostic], &sources, Look { width: 80, style: Style::Ascii });
        assert!(text.replace('é', "").is_ascii(), "{text}");
    }

    #[test]
    fn near_labels_share_an_excerpt_and_a_block_is_marked_in_its_first_line_only() {
        let mut sources = Sources::default();
        let id = sources
            .add(Source::new("a.flow", "flow \"x\"\nparam n = 1\nstep \"s\" {\n  send \"AT\"\n}\nparam n = 2\n"));
        let block = site(&sources, id, "step \"s\" {\n  send \"AT\"\n}");
        let diagnostic = Diagnostic::new(Code::CheckNothingChecked, block, "nothing is checked", "no expect in it")
            .other(site(&sources, id, "param n = 1"), "first");
        assert_snapshot!(render(&[diagnostic], &sources, PLAIN), @r#"
        flow::check::nothing-checked

          × nothing is checked
           ╭─[a.flow:3:1]
         1 │ flow "x"
         2 │ param n = 1
           · ─────┬─────
           ·      ╰── first
         3 │ step "s" {
           · ─────┬────
           ·      ╰── no expect in it
         4 │   send "AT"
           ╰────
        "#);
    }

    #[test]
    fn spans_outside_of_the_text_and_inside_of_characters_are_clamped() {
        for text in ["", "\n", "flow \"é\"\r\nx", "a\n\n", "日本"] {
            let mut sources = Sources::default();
            let id = sources.add(Source::new("a.flow", text));
            for start in 0..12 {
                for end in start..14 {
                    let site = Site { source: id, span: Span::new(start, end) };
                    let diagnostic = Diagnostic::new(Code::SyntaxUnexpected, site, "unexpected", "here");
                    let shown = render(&[diagnostic], &sources, PLAIN);
                    assert!(shown.contains("here"), "{text:?} {start} {end}\n{shown}");
                }
            }
        }
    }

    #[test]
    fn the_end_of_a_file_can_be_pointed_at() {
        let mut sources = Sources::default();
        let id = sources.add(Source::new("a.flow", "step \"s\" {\n"));
        let diagnostic = Diagnostic::new(
            Code::SyntaxUnclosed,
            Site { source: id, span: Span::new(11, 11) },
            "a block is not closed",
            "`}` is missing",
        );
        assert_snapshot!(render(&[diagnostic], &sources, PLAIN), @r#"
        flow::syntax::unclosed

          × a block is not closed
           ╭─[a.flow:2:1]
         1 │ step "s" {
         2 │
           · ▲
           · ╰── `}` is missing
           ╰────
        "#);
    }

    #[test]
    fn only_twenty_are_shown_and_the_others_counted() {
        let many = vec![Diagnostic::general(Code::CommandLine, "no such port"); 23];
        let text = render(&many, &Sources::default(), PLAIN);
        assert_eq!(text.matches("no such port").count(), 20);
        assert!(text.ends_with("\n… and 3 more\n"));
    }

    #[test]
    fn a_general_one_has_no_place() {
        let diagnostic = Diagnostic::general(Code::CommandLine, "there is no port `x`").help("run `flowrun ports`");
        assert_snapshot!(render(&[diagnostic], &Sources::default(), PLAIN), @r#"
        flow::command-line

          × there is no port `x`
          help: run `flowrun ports`
        "#);
    }

    #[test]
    fn neither_source_nor_message_can_disturb_the_terminal() {
        let mut sources = Sources::default();
        let id = sources.add(Source::new("a\u{1b}.flow", "send \"\u{1b}[2J\u{202e}\u{9b}31m\"\r\n"));
        let site = Site { source: id, span: Span::new(0, 4) };
        let diagnostic = Diagnostic::new(Code::SyntaxEscape, site, "bad\u{1b}]0;x\u{7}", "\u{1b}c").help("\r\u{1b}[1A");
        let text = render(std::slice::from_ref(&diagnostic), &sources, PLAIN);
        assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
    }
}
