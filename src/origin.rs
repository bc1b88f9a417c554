//! `Origin` and `About`: what makes a run traceable. Every file that a run leaves begins with it, and takes it from here.
//!
//! No secret stands in it. Whoever makes an [`About`] names those that it knows; a value of which the run makes a secret is
//! not in it at all.

use crate::source::{Source, Sources};
use crate::value::calendar::format_time;
use crate::value::coding::hex;
use crate::value::digest::sha256;
use crate::value::escape::visible_cut;

/// How much of a value people are shown.
const VALUE_SHOWN: usize = 200;

/// When and where a command was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Unix time in milliseconds when it began, by the clock of the machine: also where the run itself has a time of its own.
    pub begun: i64,
    /// The name of the machine, if it has one.
    pub host: Option<String>,
    /// The name of the user, if somebody says.
    pub user: Option<String>,
    /// The profile of `flowrun.toml`, if one was named.
    pub profile: Option<String>,
    /// The bench of `flowrun.toml`, if one was named.
    pub bench: Option<String>,
}

/// What makes one run traceable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// When and where.
    pub origin: Origin,
    /// The flow, what it uses, and what is simulated.
    pub texts: Vec<Digest>,
    /// The addresses of its ports, as the user named them.
    pub addresses: Vec<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// What was given to variables, by name.
    pub variables: Vec<(String, String)>,
}

/// Which text it was, exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Its name, as messages show it.
    pub name: String,
    /// The SHA-256 of its bytes, 64 digits; where secrets stand in it, that of the text in which each of their bytes is a `*`.
    pub sha256: String,
    /// Whether secrets stand in it. A digest of the whole text would tell a short one to whoever tries all.
    pub is_covered: bool,
}

impl Origin {
    /// The version of flowrun.
    pub const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    /// Returns when it began, in UTC, as RFC 3339 writes it: `2026-11-30T15:08:12.345Z`.
    pub fn date(&self) -> String {
        let seconds = format_time(self.begun.div_euclid(1000), "%FT%T", 0).unwrap_or_default();
        format!("{seconds}.{:03}Z", self.begun.rem_euclid(1000))
    }

    /// Returns it as names and values, in the order in which every file has them.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let known = [("host", &self.host), ("user", &self.user)];
        let named = [("profile", &self.profile), ("bench", &self.bench)];
        let row = |(name, value): (&'static str, &Option<String>)| value.clone().map(|value| (name, value));
        let mut rows = vec![("date", self.date())];
        rows.extend(known.into_iter().filter_map(row));
        rows.push(("flowrun", Origin::VERSION.to_string()));
        rows.extend(named.into_iter().filter_map(row));
        rows
    }
}

impl About {
    /// Returns it as names and values for people, without the addresses, which most files have in their own place.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = self.origin.rows();
        rows.push(("seed", self.seed.to_string()));
        rows.extend(self.texts.iter().map(|text| ("sha256", text.to_string())));
        rows.extend(self.variables.iter().map(|(name, value)| ("variable", variable_shown(name, value))));
        rows
    }

    /// Changes every text in it: secrets get their names.
    #[must_use]
    pub fn named(mut self, name: impl Fn(&str) -> String) -> About {
        let Origin { begun: _, host, user, profile, bench } = &mut self.origin;
        let origin = [host, user, profile, bench].into_iter().flatten();
        let texts = self.texts.iter_mut().map(|text| &mut text.name);
        let variables = self.variables.iter_mut().map(|(_, value)| value);
        origin.chain(texts).chain(&mut self.addresses).chain(variables).for_each(|text| *text = name(text));
        self
    }
}

/// Returns what people read about a variable that was given.
pub fn variable_shown(name: &str, value: &str) -> String {
    format!("{name} = {}", visible_cut(value.as_bytes(), VALUE_SHOWN))
}

impl Digest {
    /// Returns the digests of all texts.
    pub fn all(sources: &Sources) -> Vec<Digest> {
        let mut all: Vec<Digest> = Vec::new();
        for digest in sources.iter().map(|(_, source)| Digest::of(source)) {
            // Flow and device may use the same library.
            if !all.contains(&digest) {
                all.push(digest);
            }
        }
        all
    }

    fn of(source: &Source) -> Digest {
        let (text, shown) = (source.text(), source.shown());
        let sha256 = hex(&sha256(shown.as_bytes()));
        Digest { name: source.name().to_string(), sha256, is_covered: text != shown }
    }
}

impl std::fmt::Display for Digest {
    /// Writes digest and name, as `sha256sum` does.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let covered = if self.is_covered { " (with its secrets covered)" } else { "" };
        write!(f, "{}  {}{covered}", self.sha256, self.name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a run has that is the same in every test.
    pub(crate) fn example() -> About {
        let mut sources = Sources::default();
        sources.add(Source::new("login.flow", "flow \"Login\"\n"));
        sources.add(Source::new("lib/at.flow", "library \"AT\"\nlog \"hunter22\"\n"));
        sources.hide(b"hunter22");
        let origin = Origin {
            begun: 1_795_953_600_042,
            host: Some("bench-3".to_string()),
            user: Some("anna".to_string()),
            profile: None,
            bench: Some("left".to_string()),
        };
        let variables = vec![("apn".to_string(), "cm\nnet".to_string())];
        About { origin, texts: Digest::all(&sources), addresses: vec!["sim".to_string()], seed: 7, variables }
    }

    #[test]
    fn a_date_is_that_of_rfc_3339() {
        let date = |begun| Origin { begun, ..Origin::default() }.date();
        assert_eq!(date(1_795_953_600_042), "2026-11-29T12:00:00.042Z");
        assert_eq!(date(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn the_digest_of_a_text_is_that_of_its_file_unless_secrets_stand_in_it() {
        let digests = example().texts;
        // As `printf 'flow "Login"\n' | sha256sum` says.
        assert_eq!(
            digests[0].to_string(),
            "8a2efbc1576d9c9f454333eded817edce441d6add79a5f9069f9e4558a7daa2d  login.flow"
        );
        assert!(!digests[0].is_covered && digests[1].is_covered);
        let covered = sha256(b"library \"AT\"\nlog \"********\"\n");
        assert_eq!(digests[1].sha256, hex(&covered), "who tries all secrets learns nothing");
    }

    #[test]
    fn every_text_in_it_can_be_named() {
        let about = example().named(|text| text.replace(['a', 'e', 'i'], "*"));
        let rows: Vec<String> = about.rows().iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert!(rows.contains(&"host: b*nch-3".to_string()), "{rows:?}");
        assert!(rows.contains(&"user: *nn*".to_string()), "{rows:?}");
        assert!(rows.contains(&"bench: l*ft".to_string()), "{rows:?}");
        assert!(rows.contains(&"variable: apn = cm\\nn*t".to_string()), "{rows:?}");
        assert_eq!(about.addresses, ["s*m"]);
    }
}
