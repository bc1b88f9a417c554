//! `Finding`: one thing that `flowrun doctor` has found, and what to do about it.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// It is as it should be.
    Fine,
    /// It may explain something.
    Note,
    /// The port cannot be used, or not well.
    Wrong,
}

macro_rules! topics {
    ($($name:ident $word:literal)+) => {
        /// What was looked at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(not(unix), allow(dead_code, reason = "some things can be looked at on Unix only"))]
        pub(super) enum Topic { $($name,)+ }

        impl Topic {
            /// Every topic.
            #[cfg(test)]
            const ALL: &[Topic] = &[$(Topic::$name),+];

            /// Returns the word for programs: it stays the same.
            pub(super) fn word(self) -> &'static str {
                match self { $(Topic::$name => $word),+ }
            }
        }
    };
}

topics! {
    Rights "rights"
    Holders "holders"
    Driver "driver"
    Latency "latency"
    ModemManager "modem-manager"
    Brltty "brltty"
    Open "open"
    Listen "listen"
    Probe "probe"
    Echo "echo"
    Loopback "loopback"
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub level: Level,
    pub topic: Topic,
    /// What was found, in one sentence without a full stop.
    pub what: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Finding {
    pub(super) fn fine(topic: Topic, what: impl Into<String>) -> Finding {
        Finding { level: Level::Fine, topic, what: what.into(), advice: None }
    }

    pub(super) fn note(topic: Topic, what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { level: Level::Note, topic, what: what.into(), advice: Some(advice.into()) }
    }

    pub(super) fn wrong(topic: Topic, what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { level: Level::Wrong, topic, what: what.into(), advice: Some(advice.into()) }
    }
}

impl Level {
    /// Returns the word that people and programs read.
    pub(super) fn word(self) -> &'static str {
        match self {
            Level::Fine => "ok",
            Level::Note => "note",
            Level::Wrong => "wrong",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_in_the_document_and_no_other() {
        let table = include_str!("../../docs/ports.md").split("| topic |").nth(1).expect("there is the table");
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let cells = rows.filter_map(|row| row.split('|').nth(1));
        let listed: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let topics: Vec<&str> = Topic::ALL.iter().map(|topic| topic.word()).collect();
        assert_eq!(listed, topics);
    }
}
