//! `merge`: several recordings of one job as one, by what was sent.
//!
//! The first recording says what is done and in which order; the others tell what changes. A line that did not come each time is
//! not waited for.

use std::time::Duration;

use super::frame::as_frame;
use super::session::{Heard, HeardKind, Sent, Session, Turn, shown};
use crate::record::Piece;
use crate::time::Moment;

/// Lists with more pairs are not compared: that would take memory and minutes.
const MOST_PAIRS: usize = 16 << 20;

/// What was sent, and what came for it, in all recordings that have it.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Which port, by its number.
    pub port: usize,
    /// When it was sent in the first recording.
    pub at: Moment,
    /// Whether what came later stands in another exchange.
    pub goes_on: bool,
    pub title: Option<String>,
    pub pause: Duration,
    pub before: Vec<String>,
    /// What was sent in each recording; nothing before the first was sent.
    pub sent: Vec<Sent>,
    pub answers: Vec<Answer>,
    /// Whether lines came in another order in another recording.
    pub is_any_order: bool,
    /// Whether something came that did not come each time.
    pub has_left_out: bool,
}

/// A line that came in all recordings.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub variants: Vec<Vec<Piece>>,
    pub kind: HeardKind,
    pub after: Duration,
    pub gap: Duration,
}

/// Returns what was done, and what a person is to know of what was left out.
pub(super) fn merge(sessions: &[Session]) -> (Vec<Exchange>, Vec<String>) {
    let (Some(first), others) = (sessions.first(), sessions.get(1..).unwrap_or_default()) else {
        return (Vec::new(), Vec::new());
    };
    let places: Vec<Vec<Option<usize>>> = others.iter().map(|other| align(&first.turns, &other.turns)).collect();
    let mut notes = Vec::new();
    for (n, (other, places)) in others.iter().zip(&places).enumerate() {
        for (at, turn) in other.turns.iter().enumerate() {
            if let Some(sent) = &turn.sent
                && !places.contains(&Some(at))
            {
                let text = String::from_utf8_lossy(&shown(&sent.text)).into_owned();
                notes.push(format!("`{text}` of recording {} is not in the first, and is left out", n + 2));
            }
        }
    }
    let exchange = |(at, turn): (usize, &Turn)| {
        let same = others.iter().zip(&places).filter_map(|(other, places)| places[at].map(|place| &other.turns[place]));
        exchange_of(turn, &same.collect::<Vec<_>>())
    };
    (first.turns.iter().enumerate().map(exchange).collect(), notes)
}

/// Returns for each turn which one of the other recording is the same.
fn align(turns: &[Turn], others: &[Turn]) -> Vec<Option<usize>> {
    let key = |turn: &Turn| turn.sent.as_ref().map(|sent| (shown(&sent.text), sent.end));
    let (keys, other_keys): (Vec<_>, Vec<_>) = (turns.iter().map(key).collect(), others.iter().map(key).collect());
    // Most of a job is the same at both ends.
    let n_front = keys.iter().zip(&other_keys).take_while(|(key, other)| key == other).count();
    let ends = keys[n_front..].iter().rev().zip(other_keys[n_front..].iter().rev());
    let n_back = ends.take_while(|(key, other)| key == other).count();
    let (n, m) = (keys.len() - n_back, other_keys.len() - n_back);
    let mut places: Vec<Option<usize>> = (0..keys.len()).map(|at| (at < n_front).then_some(at)).collect();
    for at in 0..n_back {
        places[n + at] = Some(m + at);
    }
    let mut gap = (n_front, n_front);
    for (i, j) in common(&keys[n_front..n], &other_keys[n_front..m]) {
        let (i, j) = (n_front + i, n_front + j);
        pair_gap(turns, others, gap, (i, j), &mut places);
        places[i] = Some(j);
        gap = (i + 1, j + 1);
    }
    pair_gap(turns, others, gap, (n, m), &mut places);
    places
}

/// Returns the places of the longest common part of two lists, which need not stand together; nothing if they are too long for that.
fn common<T: PartialEq>(list: &[T], other: &[T]) -> Vec<(usize, usize)> {
    let (n, m) = (list.len(), other.len());
    if n.saturating_mul(m) > MOST_PAIRS {
        return Vec::new();
    }
    let mut longest = vec![vec![0_u32; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            longest[i][j] =
                if list[i] == other[j] { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < n && j < m {
        if list[i] == other[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Pairs what stands between two common turns, if it is alike: a command with another value.
fn pair_gap(
    turns: &[Turn],
    others: &[Turn],
    (i, j): (usize, usize),
    (to_i, to_j): (usize, usize),
    places: &mut [Option<usize>],
) {
    if to_i - i != to_j - j {
        return;
    }
    for n in 0..to_i - i {
        if is_alike(&turns[i + n], &others[j + n]) {
            places[i + n] = Some(j + n);
        }
    }
}

/// Whether two commands begin in the same way.
fn is_alike(turn: &Turn, other: &Turn) -> bool {
    let lead = |turn: &Turn| {
        let text = turn.sent.as_ref().map(|sent| shown(&sent.text)).unwrap_or_default();
        let n = text.iter().position(|byte| matches!(byte, b' ' | b'=' | b'(' | b'"')).unwrap_or(0);
        text[..n].to_vec()
    };
    let end = |turn: &Turn| turn.sent.as_ref().map(|sent| sent.end);
    end(turn) == end(other) && !lead(turn).is_empty() && lead(turn) == lead(other)
}

fn exchange_of(turn: &Turn, others: &[&Turn]) -> Exchange {
    let mut places: Vec<Vec<Option<usize>>> = Vec::new();
    for other in others {
        places.push(pair_lines(&turn.heard, &other.heard));
    }
    let mut is_any_order = false;
    for found in &places {
        let order: Vec<usize> = found.iter().flatten().copied().collect();
        is_any_order |= order.windows(2).any(|pair| pair[0] > pair[1]);
    }
    let answers: Vec<Answer> = turn
        .heard
        .iter()
        .enumerate()
        .filter(|(at, _)| places.iter().all(|places| places[*at].is_some()))
        .map(|(at, heard)| {
            let same: Vec<&Heard> = others
                .iter()
                .zip(&places)
                .filter_map(|(other, places)| places[at].map(|place| &other.heard[place]))
                .chain([heard])
                .collect();
            let variants = [heard].into_iter().chain(same[..same.len() - 1].iter().copied());
            Answer {
                variants: variants.map(|heard| heard.text.clone()).collect(),
                kind: heard.kind,
                after: same.iter().map(|heard| heard.after).max().unwrap_or_default(),
                gap: same.iter().map(|heard| heard.gap).max().unwrap_or_default(),
            }
        })
        .collect();
    let has_left_out = answers.len() < turn.heard.len();
    let all = [turn].into_iter().chain(others.iter().copied());
    Exchange {
        port: 0,
        at: turn.at,
        goes_on: turn.goes_on,
        title: turn.title.clone(),
        pause: turn.pause,
        before: turn.before.clone(),
        sent: all.filter_map(|turn| turn.sent.clone()).collect(),
        answers,
        is_any_order,
        has_left_out,
    }
}

/// Returns for each line which one of the other recording is the same: equal lines first, then lines that are alike.
fn pair_lines(lines: &[Heard], others: &[Heard]) -> Vec<Option<usize>> {
    let mut places = vec![None; lines.len()];
    let mut is_taken = vec![false; others.len()];
    let looks: [fn(&Heard, &Heard) -> bool; 3] = [is_equal, is_of_one_shape, begins_alike];
    for is_same in looks {
        for (at, line) in lines.iter().enumerate() {
            if places[at].is_some() {
                continue;
            }
            let found = others.iter().enumerate().position(|(place, other)| !is_taken[place] && is_same(line, other));
            if let Some(place) = found {
                is_taken[place] = true;
                places[at] = Some(place);
            }
        }
    }
    // What stands at the same place of as many lines is the same, though nothing shows it.
    let left: Vec<usize> = (0..lines.len()).filter(|at| places[*at].is_none()).collect();
    let left_there: Vec<usize> = (0..others.len()).filter(|at| !is_taken[*at]).collect();
    if lines.len() == others.len() && left == left_there {
        for at in left {
            places[at] = (lines[at].kind == others[at].kind).then_some(at);
        }
    }
    places
}

fn is_equal(line: &Heard, other: &Heard) -> bool {
    line.text == other.text && is_of_one_kind(line, other)
}

/// Whether two came in the same way; what came early may come late another time.
fn is_of_one_kind(line: &Heard, other: &Heard) -> bool {
    let way = |heard: &Heard| match heard.kind {
        HeardKind::Line | HeardKind::Early => HeardKind::Line,
        kind @ (HeardKind::Rest | HeardKind::Frame | HeardKind::Return | HeardKind::Change) => kind,
    };
    way(line) == way(other)
}

fn is_of_one_shape(line: &Heard, other: &Heard) -> bool {
    let shape = |heard: &Heard| {
        let mut shape = Vec::new();
        for byte in shown(&heard.text) {
            let sign = if byte.is_ascii_digit() { b'0' } else { byte };
            if shape.last() != Some(&sign) || sign != b'0' {
                shape.push(sign);
            }
        }
        shape
    };
    is_of_one_kind(line, other) && shape(line) == shape(other)
}

fn begins_alike(line: &Heard, other: &Heard) -> bool {
    if let (Some(frame), Some(other)) = (as_frame(&line.text), as_frame(&other.text)) {
        return frame[..2] == other[..2];
    }
    let lead = |heard: &Heard| {
        let text = shown(&heard.text);
        let n = text.iter().position(|byte| matches!(byte, b':' | b'=')).unwrap_or(0);
        text[..n].to_vec()
    };
    is_of_one_kind(line, other) && !lead(line).is_empty() && lead(line) == lead(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Recording;

    /// Returns what was done in recordings: each a text of `> sent` and `< came` lines.
    fn merged(recordings: &[&str]) -> (String, Vec<String>) {
        let session = |happened: &&str| {
            let mut text = "flowrun recording 2\ntitle \"t\"\nseed 1\nbegun 1\n".to_string();
            for (i, line) in happened.lines().enumerate() {
                let (sign, words) = line.trim().split_once(' ').expect("a sign and a text");
                let took = if sign == ">" { " +0.000000000" } else { "" };
                text += &format!("0.{i:09} {sign}{took} \"{words}\\r\\n\"\n");
            }
            Session::of(&Recording::read(&text).expect("it is right"))
        };
        let sessions: Vec<Session> = recordings.iter().map(session).collect();
        let (exchanges, notes) = merge(&sessions);
        let line = |exchange: &Exchange| {
            let text = |pieces: &[Piece]| String::from_utf8_lossy(&shown(pieces)).into_owned();
            let sent: Vec<String> = exchange.sent.iter().map(|sent| text(&sent.text)).collect();
            let answers: Vec<String> = exchange
                .answers
                .iter()
                .map(|answer| answer.variants.iter().map(|line| text(line)).collect::<Vec<_>>().join("/"))
                .collect();
            let order = if exchange.is_any_order { " in any order" } else { "" };
            format!("{} -> {}{order}\n", sent.join("/"), answers.join(", "))
        };
        (exchanges.iter().skip(1).map(line).collect(), notes)
    }

    #[test]
    fn commands_are_aligned_and_what_the_first_has_not_is_told() {
        let (text, notes) = merged(&["> A\n< OK\n> B=1\n< OK", "> A\n< OK\n> X\n< no\n> B=1\n< OK"]);
        assert_eq!(text, "A/A -> OK/OK\nB=1/B=1 -> OK/OK\n");
        assert_eq!(notes, ["`X` of recording 2 is not in the first, and is left out"]);
        let (text, _) = merged(&["> A\n< OK\n> B=1\n< OK\n> C\n< OK", "> A\n< OK\n> B=2\n< OK\n> C\n< OK"]);
        assert_eq!(text, "A/A -> OK/OK\nB=1/B=2 -> OK/OK\nC/C -> OK/OK\n");
    }

    #[test]
    fn what_three_recordings_have_in_common_is_aligned() {
        let (text, notes) = merged(&[
            "> A\n< v: 1\n> B\n< OK\n> C\n< OK",
            "> A\n< v: 2\n> X\n< no\n> B\n< OK\n> C\n< OK",
            "> A\n< v: 3\n> C\n< OK",
        ]);
        assert_eq!(text, "A/A/A -> v: 1/v: 2/v: 3\nB/B -> OK/OK\nC/C/C -> OK/OK/OK\n");
        assert_eq!(notes, ["`X` of recording 2 is not in the first, and is left out"]);
        assert_eq!(common(&[1, 2, 3, 4], &[2, 9, 4]), [(1, 0), (3, 2)]);
        assert!(common(&vec![1; 5000], &vec![1; 5000]).is_empty());
    }

    #[test]
    fn lines_in_another_order_are_the_same_lines() {
        let (text, _) = merged(&["> A\n< OK\n< CONNACK OK", "> A\n< CONNACK OK\n< OK"]);
        assert_eq!(text, "A/A -> OK/OK, CONNACK OK/CONNACK OK in any order\n");
    }

    #[test]
    fn a_line_that_does_not_come_each_time_is_left_out() {
        let (text, _) = merged(&["> A\n< busy\n< v: 1\n< OK", "> A\n< v: x\n< OK"]);
        assert_eq!(text, "A/A -> v: 1/v: x, OK/OK\n");
    }
}
