//! `bridge`: simulated ports, each joined with a real one that other programs open.

use crate::event::CloseReason;
use crate::port::{Happening, PortCommand, PortId, WriteToken};
use crate::settings::{InputLine, LineSettings, Signal};
use crate::world::World;

/// A simulated port and the real one that it is served on; both are ports of one world.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The simulated one.
    pub(crate) device: PortId,
    /// The real one.
    pub(crate) served: PortId,
    /// How the device has set its line.
    pub(crate) settings: LineSettings,
}

/// Why a bridge has ended.
#[derive(Debug)]
pub(crate) enum BridgeEnd {
    /// Someone wanted it to end.
    Interrupted,
    /// A port is gone for good.
    Closed(PortId, CloseReason),
}

/// Hands everything that comes on one port of a pair to the other, until someone wants it to end or a port is gone for good. The
/// port of a device that goes away is closed until the device is back.
pub(crate) fn bridge(world: &mut dyn World, pairs: &[Pair]) -> BridgeEnd {
    for pair in pairs {
        for port in [pair.served, pair.device] {
            world.perform(port, PortCommand::Open { settings: pair.settings.clone() });
        }
    }
    let mut received = Vec::new();
    let mut n_writes = 0;
    let mut away: Vec<PortId> = Vec::new();
    loop {
        received.clear();
        let (_, happening) = world.wait(None, &mut received);
        match happening {
            Happening::Received(port) => {
                let Some(to) = other(pairs, port) else { continue };
                n_writes += 1;
                let bytes = std::mem::take(&mut received);
                world.perform(to, PortCommand::Write { token: WriteToken::new(to, n_writes), bytes });
            }
            Happening::Signalled(port, signal) => {
                if let Some(to) = other(pairs, port) {
                    world.perform(to, command_of(signal));
                }
            }
            Happening::Lines(port, Ok(lines)) => {
                if let Some(to) = other(pairs, port) {
                    let lines = InputLine::ALL.into_iter().map(|line| (line, lines.is_on(line))).collect();
                    world.perform(to, PortCommand::DriveLines { lines });
                }
            }
            Happening::Closed(port, CloseReason::HungUp { .. }) if pairs.iter().any(|pair| pair.device == port) => {
                let pair = pairs.iter().find(|pair| pair.device == port).expect("it has been looked at");
                away.push(port);
                world.perform(pair.served, PortCommand::Close);
                world.perform(port, PortCommand::Reopen { settings: pair.settings.clone() });
            }
            Happening::Opened(port) if away.contains(&port) => {
                away.retain(|other| *other != port);
                if let Some(pair) = pairs.iter().find(|pair| pair.device == port) {
                    world.perform(pair.served, PortCommand::Open { settings: pair.settings.clone() });
                }
            }
            Happening::Closed(port, reason) => return BridgeEnd::Closed(port, reason),
            Happening::Interrupt => return BridgeEnd::Interrupted,
            Happening::Nothing
            | Happening::Opened(_)
            | Happening::Sent(_)
            | Happening::Departed(_, _)
            | Happening::Noted(_, _)
            | Happening::Lines(_, Err(_))
            | Happening::Hook(_)
            | Happening::Unplayed(_) => {}
        }
    }
}

/// Returns the port that a port is joined with.
fn other(pairs: &[Pair], port: PortId) -> Option<PortId> {
    pairs.iter().find_map(|pair| match port {
        _ if port == pair.device => Some(pair.served),
        _ if port == pair.served => Some(pair.device),
        _ => None,
    })
}

/// Returns what a host does that a device sees as this.
fn command_of(signal: Signal) -> PortCommand {
    match signal {
        Signal::Dtr(on) => PortCommand::SetLines { dtr: Some(on), rts: None },
        Signal::Rts(on) => PortCommand::SetLines { dtr: None, rts: Some(on) },
        Signal::Break => PortCommand::Break { lasting: std::time::Duration::ZERO },
    }
}
