//! `# mutant ok: why`: a comment in a device that says why a flow need not notice a change of an answer.

use super::edit::Kind;
use crate::program::Program;
use crate::source::{Site, Sources};
use crate::value::escape::harmless;

/// What such a comment begins with.
const MARK: &str = "# mutant ok";

/// Returns why a flow need not notice a change of the answer at a place: from a comment on the line where its statement ends, or
/// alone on the line before it. `# mutant ok digit, limit: why` is about these kinds of changes only.
pub(super) fn explanation(sources: &Sources, site: Site, kind: Kind) -> Option<String> {
    let text = sources.get(site.source).shown();
    let behind = text.get(site.span.end as usize..)?.lines().next().unwrap_or_default();
    let before = text.get(..site.span.start as usize)?;
    // The line that the statement begins on is the last one here.
    let above = before.lines().rev().nth(usize::from(!before.ends_with('\n'))).unwrap_or_default();
    let beside = behind.find(MARK).map(|at| &behind[at..]);
    let alone = Some(above.trim_start()).filter(|line| line.starts_with(MARK));
    beside.into_iter().chain(alone).find_map(|comment| said(comment, kind))
}

/// A comment `# mutant ok` in a device that explains nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The file of the device, as the user named it.
    pub file: String,
    /// Its line there, from 1.
    pub line: usize,
    /// Why it explains nothing: a sentence that goes on behind "the comment".
    pub why: String,
}

/// A change that was tried: of which answer, of which kind, and whether the flow let it pass.
pub(super) type Change = (Site, Kind, bool);

/// Returns the comments of a device that explain nothing. `fates` are the changes that were tried, each with its answer and whether
/// nobody noticed it; of an answer that has none here, nothing is said: another flow may reach it.
pub(super) fn stale(device: &Program, answers: &[Site], fates: &[Change]) -> Vec<Stale> {
    let mut found = Vec::new();
    for (id, source) in device.sources.iter() {
        let mut start = 0;
        for (number, line) in source.shown().split_inclusive('\n').enumerate() {
            let comment = line.find(MARK).map(|at| (start + at, line[at..].trim_end()));
            start += line.len();
            let Some((at, comment)) = comment else { continue };
            let is_about = |site: &&Site| site.source == id && comments_on(&device.sources, **site, at);
            let about: Vec<&Site> = answers.iter().filter(is_about).collect();
            if let Some(why) = uselessness(comment, &about, fates) {
                found.push(Stale { file: source.name().to_string(), line: number + 1, why });
            }
        }
    }
    found
}

/// Says why a comment on these answers explains nothing; `None` if it explains something, or nobody knows.
fn uselessness(comment: &str, about: &[&Site], fates: &[Change]) -> Option<String> {
    let Some((kinds, why)) = comment.strip_prefix(MARK).and_then(|rest| rest.split_once(':')) else {
        return Some("has no reason: write `# mutant ok: why`".to_string());
    };
    if why.trim().is_empty() {
        return Some("has no reason: write `# mutant ok: why`".to_string());
    }
    let mut words = kinds.split([' ', ',']).filter(|word| !word.is_empty());
    if let Some(unknown) = words.find(|word| Kind::named(word).is_none()) {
        let kinds = Kind::ALL.map(Kind::name).join(", ");
        return Some(format!("names no kind of change with `{}`: the kinds are {kinds}", harmless(unknown)));
    }
    if about.is_empty() {
        return Some(
            "stands beside no answer: put it on the line where one ends, or on the line before it".to_string(),
        );
    }
    let mut tried = fates.iter().filter(|(site, _, _)| about.contains(&site)).peekable();
    tried.peek()?;
    let explains = tried.any(|(_, kind, is_unnoticed)| *is_unnoticed && said(comment, *kind).is_some());
    let why = "explains no change that this flow lets pass: remove it, unless another flow needs it";
    (!explains).then(|| why.to_string())
}

/// Says whether a comment that begins at `at` is about the answer at a place.
fn comments_on(sources: &Sources, site: Site, at: usize) -> bool {
    let text = sources.get(site.source).shown();
    let (start, end) = (site.span.start as usize, site.span.end as usize);
    let is_beside = at >= end && text.get(end..at).is_some_and(|between| !between.contains('\n'));
    let line = text.get(..at).map_or(0, |before| before.rfind('\n').map_or(0, |at| at + 1));
    let is_alone = text.get(line..at).is_some_and(|before| before.trim().is_empty());
    let is_above = at < start && text.get(at..start).is_some_and(|between| between.matches('\n').count() == 1);
    is_beside || is_alone && is_above
}

/// Returns the reason of a comment, if it is about a kind of change; a comment without a reason explains nothing.
fn said(comment: &str, kind: Kind) -> Option<String> {
    let (kinds, why) = comment.strip_prefix(MARK)?.split_once(':')?;
    let mut kinds = kinds.split([' ', ',']).filter(|word| !word.is_empty()).peekable();
    let is_meant = kinds.peek().is_none() || kinds.any(|name| Kind::named(name) == Some(kind));
    let why = why.trim();
    (is_meant && !why.is_empty()).then(|| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Span};

    const DEVICE: &str = "device \"d\"\n\
        on line \"A\" { reply \"1\" }  # mutant ok: any number will do\n\
        # mutant ok digit, limit: it is the time\n\
        on line \"B\" { reply \"2\" }\n\
        on line \"C\" { reply \"3\" }\n\
        on line \"D\" { reply \"4\" }  # mutant ok:\n\
        on line \"E\" { reply \"5\" }  # mutant ok\n\
        reply \"6\"\n";

    fn why(answer: &str, kind: Kind) -> Option<String> {
        let mut sources = Sources::default();
        let source = sources.add(Source::new("d.flow", DEVICE));
        let start = DEVICE.find(answer).expect("it is there");
        explanation(&sources, Site { source, span: Span::new(start, start + answer.len()) }, kind)
    }

    #[test]
    fn a_comment_beside_an_answer_or_above_it_explains_the_kinds_that_it_names() {
        assert_eq!(why("reply \"1\"", Kind::Cut).as_deref(), Some("any number will do"));
        assert_eq!(why("reply \"2\"", Kind::Digit).as_deref(), Some("it is the time"));
        assert_eq!(why("reply \"2\"", Kind::Limit).as_deref(), Some("it is the time"));
        assert_eq!(why("reply \"2\"", Kind::Missing), None, "another kind");
        assert_eq!(why("reply \"3\"", Kind::Digit), None, "another line");
    }

    #[test]
    fn a_comment_without_a_reason_explains_nothing() {
        assert_eq!(why("reply \"4\"", Kind::Cut), None);
        assert_eq!(why("reply \"5\"", Kind::Cut), None);
        assert_eq!(why("reply \"6\"", Kind::Cut), None);
    }
}
