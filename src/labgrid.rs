//! Places of a labgrid coordinator: found, acquired, resolved to their ports, and released.
//!
//! Everything goes through the program `labgrid-client`. The other way would be the coordinator's gRPC interface. That is
//! a stream of updates that a client has to keep a state of, needs an asynchronous runtime and some eighty crates, and has no
//! promise of stability. The program is installed where labgrid is used, has the version of its coordinator, and has the
//! settings of its user.

mod client;
mod resources;

use crate::address::{AddressError, Place, PlaceName};
pub(crate) use client::Client;
use client::Trouble;
pub(crate) use resources::NoPort;
use resources::port_in;

/// So many programs run at once.
const AT_ONCE: usize = 8;

/// Places that are held for as long as this is there.
#[derive(Debug)]
pub(crate) struct Laboratory {
    client: Client,
    places: Vec<Place>,
    /// The names of those that are to be released: the others were held before.
    acquired: Vec<String>,
}

/// Why a place cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LabError {
    /// What was typed is no name and no pattern.
    Address(AddressError),
    /// `labgrid-client` is not there, or cannot be started.
    NoClient { why: String },
    /// Which places there are is not known: the coordinator does not answer, most likely.
    NoPlaces { why: Vec<String> },
    /// The coordinator has no such place.
    Unknown { typed: String, there: Vec<String> },
    /// The place was not given.
    Refused { place: String, why: Vec<String> },
    /// A place was acquired, and what it has is not known.
    Unresolved { place: String, why: Vec<String> },
    /// The place has no serial port that can be opened.
    NoPort { place: String, why: NoPort },
    /// Somebody wants the command to end.
    Interrupted,
}

impl Laboratory {
    /// Acquires the places of these names, and finds their ports: all of them, or none. A place that its user holds
    /// already is used, and is not released.
    ///
    /// # Errors
    ///
    /// Why one of them cannot be used.
    pub(crate) fn hold(
        client: Client,
        wanted: &[PlaceName],
        wants_end: &dyn Fn() -> bool,
    ) -> Result<Laboratory, LabError> {
        let names = find(&client, wanted)?;
        let mut laboratory = Laboratory { client, places: Vec::new(), acquired: Vec::new() };
        laboratory.acquire(&names, wants_end)?;
        Ok(laboratory)
    }

    /// Returns the places.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Releases what was acquired; returns the places that may still be held, and why.
    pub(crate) fn release(&mut self) -> Vec<(String, Vec<String>)> {
        let acquired = std::mem::take(&mut self.acquired);
        let answers = self.ask_each(&acquired, "release");
        let kept = acquired.into_iter().zip(answers);
        kept.filter_map(|(place, answer)| answer.err().map(|trouble| (place, trouble.lines()))).collect()
    }

    fn acquire(&mut self, names: &[PlaceName], wants_end: &dyn Fn() -> bool) -> Result<(), LabError> {
        for some in names.chunks(AT_ONCE) {
            if wants_end() {
                return Err(LabError::Interrupted);
            }
            let mut places: Vec<String> = some.iter().map(|name| name.place().to_string()).collect();
            // Two ports of one place.
            places.dedup();
            let mut refused = Vec::new();
            for (place, answer) in places.iter().zip(self.ask_each(&places, "acquire")) {
                match answer {
                    Ok(_) => self.acquired.push(place.clone()),
                    Err(trouble) => refused.push((place.clone(), trouble)),
                }
            }
            // Only who holds a place is told what it has.
            let answers = self.ask_each(&places, "env");
            for name in some {
                let place = name.place();
                let answer = places.iter().position(|one| one == place).and_then(|at| answers.get(at));
                let refusal = refused.iter().find(|(of, _)| of == place);
                let text = match (answer, refusal) {
                    // Nobody knows whether this client or another has it now.
                    (_, Some((_, Trouble::Late))) => {
                        return Err(LabError::Refused { place: place.to_string(), why: Trouble::Late.lines() });
                    }
                    (Some(Ok(text)), _) => text,
                    (_, Some((_, trouble))) => {
                        return Err(LabError::Refused { place: place.to_string(), why: trouble.lines() });
                    }
                    (Some(Err(trouble)), None) => {
                        return Err(LabError::Unresolved { place: place.to_string(), why: trouble.lines() });
                    }
                    (None, None) => return Err(LabError::Unresolved { place: place.to_string(), why: Vec::new() }),
                };
                let port = port_in(text, place, name.resource())
                    .map_err(|why| LabError::NoPort { place: place.to_string(), why })?;
                self.places.push(Place::new(name.clone(), port));
            }
        }
        if wants_end() { Err(LabError::Interrupted) } else { Ok(()) }
    }

    /// Asks the same of several places, a few at once; returns the answers in their order.
    fn ask_each(&self, places: &[String], what: &str) -> Vec<Result<String, Trouble>> {
        let mut answers = Vec::with_capacity(places.len());
        for some in places.chunks(AT_ONCE) {
            let asked: Vec<_> = some.iter().map(|place| self.client.ask(&["-p", place, what])).collect();
            answers.extend(asked.into_iter().map(|asked| asked.and_then(client::Asked::answer)));
        }
        answers
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        // Who wants to know what was not released calls `release`.
        let _ = self.release();
    }
}

/// Returns the places that are meant, each once.
fn find(client: &Client, wanted: &[PlaceName]) -> Result<Vec<PlaceName>, LabError> {
    let asked = client.ask(&["complete", "places"]).and_then(client::Asked::answer);
    let there = asked.map_err(|trouble| match trouble {
        Trouble::NotStarted(why) => LabError::NoClient { why },
        Trouble::Failed(_) | Trouble::Late => LabError::NoPlaces { why: trouble.lines() },
    })?;
    let there: Vec<String> = there.lines().filter(|line| !line.is_empty()).map(str::to_string).collect();
    let mut names: Vec<PlaceName> = Vec::new();
    for name in wanted {
        let fitting = name.fitting(&there).map_err(LabError::Address)?;
        if fitting.is_empty() {
            return Err(LabError::Unknown { typed: name.to_string(), there });
        }
        names.extend(fitting.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
    }
    Ok(names)
}

#[cfg(all(test, unix))]
mod tests;
