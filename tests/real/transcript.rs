//! Transcripts without what may differ from run to run: times, and how the bytes were cut into reads.

/// What was sent, and all that followed until the next was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub sent: String,
    /// What came, joined, as the transcript writes it.
    pub received: String,
    /// Steps, variables, notes and results, without times.
    pub notes: Vec<String>,
}

/// Cuts a transcript into exchanges; the first is what comes before anything is sent.
pub(crate) fn exchanges(transcript: &str) -> Vec<Exchange> {
    let new = |sent: &str| Exchange { sent: sent.to_string(), received: String::new(), notes: Vec::new() };
    let mut all = vec![new("")];
    // The head is the title, the port and the line; an empty line ends it.
    for line in transcript.lines().skip_while(|line| !line.is_empty()).skip(1) {
        let Some((_time, event)) = line.trim_start().split_once(' ') else { continue };
        let current = all.last_mut().expect("there is always one");
        match event.split_at_checked(2) {
            Some(("> ", sent)) => all.push(new(sent)),
            Some(("< ", received)) => current.received.push_str(received),
            _ => current.notes.push(without_duration(event)),
        }
    }
    all
}

/// `-- passed sign off, 0.003 s` without what is behind the comma.
fn without_duration(event: &str) -> String {
    let is_duration = |end: &str| end.ends_with(" s") && end.starts_with(|c: char| c.is_ascii_digit());
    match event.rsplit_once(", ") {
        Some((what, end)) if event.starts_with("--") && is_duration(end) => what.to_string(),
        _ => event.to_string(),
    }
}
