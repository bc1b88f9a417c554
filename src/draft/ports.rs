//! Several ports: what was done on each, in the order in which it was done.

use super::ahead::in_turn;
use super::early::behind_questions;
use super::frame::whole_frames;
use super::keys::whole_lines;
use super::merge::{Exchange, merge};
use super::session::{Session, Turn};
use super::transfers::transfers;
use crate::port::PortId;
use crate::record::Recording;
use crate::syntax::is_keyword;
use crate::time::Moment;

/// Returns what the ports of some recordings are called: one nothing, if there is one port.
///
/// # Errors
///
/// They are not of the same ports.
pub(super) fn port_names(recordings: &[Recording]) -> Result<Vec<Option<String>>, String> {
    let of = |recording: &Recording| -> Vec<Option<String>> {
        let n = recording.n_ports().max(recording.port_names().len()).max(1);
        if n == 1 {
            return vec![None];
        }
        let known = recording.port_names();
        let is_name = |name: &&&str| {
            !is_keyword(name)
                && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        let name =
            |at: usize| known.get(at).filter(is_name).map_or_else(|| format!("port_{}", at + 1), ToString::to_string);
        (0..n).map(|at| Some(name(at))).collect()
    };
    let names = recordings.first().map(of).unwrap_or_default();
    for (n, recording) in recordings.iter().enumerate().skip(1) {
        if of(recording) != names {
            return Err(format!("recording {} has other ports than the first: draft each by itself", n + 1));
        }
    }
    Ok(names)
}

/// Returns what was sent and came on each port, in whole lines and in turn.
pub(super) fn lines_of_ports(recording: &Recording, n_ports: usize) -> Vec<Recording> {
    let ids = (0..n_ports).filter_map(PortId::new);
    ids.map(|port| behind_questions(&in_turn(&whole_lines(&whole_frames(&transfers(&recording.of_port(port)))))))
        .collect()
}

/// Returns what was done on all ports in the order in which it was done, the session of each port in the first run, and what a person
/// is to know.
pub(super) fn exchanges_of(
    runs: &[Vec<Recording>],
    names: &[Option<String>],
) -> (Vec<Exchange>, Vec<Session>, Vec<String>) {
    let all: Vec<Vec<Session>> = runs.iter().map(|ports| sessions_of(ports)).collect();
    let mut all: Vec<_> = all.into_iter().map(Vec::into_iter).collect();
    let (mut exchanges, mut sessions, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for (port, name) in names.iter().enumerate() {
        let own: Vec<Session> = all.iter_mut().filter_map(Iterator::next).collect();
        let (merged, told) = merge(&own);
        exchanges.extend(merged.into_iter().map(|exchange| Exchange { port, ..exchange }));
        notes.extend(told.into_iter().map(|note| match name {
            Some(name) => format!("{name}: {note}"),
            None => note,
        }));
        sessions.extend(own.into_iter().next());
    }
    // What came meanwhile follows what was sent at that moment.
    exchanges.sort_by_key(|exchange| (exchange.at, exchange.sent.is_empty()));
    exchanges.retain(|exchange| {
        !exchange.sent.is_empty() || !exchange.answers.is_empty() || !exchange.before.is_empty() || names.len() == 1
    });
    (exchanges, sessions, notes)
}

/// Returns the sessions of the ports of one run, parted where another port was spoken to.
fn sessions_of(ports: &[Recording]) -> Vec<Session> {
    let mut sessions: Vec<Session> = ports.iter().map(Session::of).collect();
    let sent: Vec<Vec<Moment>> = sessions
        .iter()
        .map(|session| session.turns.iter().filter(|turn| turn.sent.is_some()).map(|turn| turn.at).collect())
        .collect();
    for (port, session) in sessions.iter_mut().enumerate() {
        let others = sent.iter().enumerate().filter(|(other, _)| *other != port);
        let mut moments: Vec<Moment> = others.flat_map(|(_, moments)| moments.iter().copied()).collect();
        moments.sort_unstable();
        let turns = std::mem::take(&mut session.turns);
        session.turns = turns.into_iter().flat_map(|turn| parted(turn, &moments)).collect();
    }
    sessions
}

/// Parts a turn where another port was spoken to before all had come.
fn parted(turn: Turn, moments: &[Moment]) -> Vec<Turn> {
    let mut parts = vec![turn];
    let begin = parts[0].at;
    for moment in moments.iter().filter(|moment| **moment >= begin) {
        let Some(last) = parts.last_mut() else { break };
        let n = last.heard.iter().take_while(|heard| heard.at <= *moment).count();
        if n == last.heard.len() {
            continue;
        }
        let rest = last.heard.split_off(n);
        if n == 0 && last.sent.is_none() {
            last.at = *moment;
            last.heard = rest;
            continue;
        }
        last.goes_on = true;
        parts.push(Turn { at: *moment, heard: rest, ..Turn::default() });
    }
    parts
}
