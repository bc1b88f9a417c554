//! What is at the two ends of a line that misbehaves, and what is on its way.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::engine::Engine;
use crate::port::PortId;
use crate::settings::LineSettings;
use crate::sim::SimWorld;
use crate::time::Moment;
use crate::value::Value;

/// Something that is on its way to the host.
pub(super) struct Arrival {
    pub at: Moment,
    pub bytes: Vec<u8>,
    pub kind: ArrivalKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ArrivalKind {
    /// What the device wrote.
    Block,
    /// The same; the next block may join it.
    OpenBlock,
    /// A line between blocks.
    Chatter,
}

/// The device, and its power.
pub(super) struct Power<'a> {
    pub power_on: &'a dyn Fn() -> Engine,
    pub device: SimWorld,
    /// When the device was last switched on.
    pub born: Moment,
    /// Whether the next `Opened` is that of a device that was switched on again.
    pub is_reborn: bool,
    /// The wires that it shares with other devices, as they are; `None` if there are no others.
    pub wires: Option<BTreeMap<String, Value>>,
}

impl Power<'_> {
    /// Takes note of a wire: a device that is switched on again finds it as it is.
    pub(super) fn keep_wire(&mut self, name: &str, value: &Value) {
        if let Some(wires) = &mut self.wires {
            wires.insert(name.to_string(), value.clone());
        }
    }
}

/// What the device has said.
#[derive(Default)]
pub(super) struct Spoken {
    /// In how many blocks.
    pub n_blocks: u32,
    /// What the last block on its way ends with.
    pub last_byte: Option<u8>,
    /// The last block, without echoes.
    pub last_answer: Vec<u8>,
}

/// What the host has done to its port.
#[derive(Default)]
pub(super) struct Host {
    pub settings: Option<LineSettings>,
    /// Numbers of the writes that have not left.
    pub writes: Vec<u64>,
    /// What was written and may come back as echo.
    pub echoes: VecDeque<Vec<u8>>,
    /// Whether the device has said nothing since it wrote.
    pub is_asked: bool,
    /// Whether the echo of what it wrote last is missing: the flow may hold the answer for it, and read on later than it would.
    pub is_mute: bool,
}

/// What the host wrote at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// To which port.
    pub port: PortId,
    /// What.
    pub bytes: Vec<u8>,
}

/// What the lines of all ports of a run share with it.
#[derive(Clone, Default)]
pub(in crate::stress) struct Shared {
    /// Whether the flow waits for counted bytes, which nothing stands between.
    pub is_reading: Rc<Cell<bool>>,
    /// What the host wrote, in order.
    pub sent: Rc<RefCell<Vec<Write>>>,
}
