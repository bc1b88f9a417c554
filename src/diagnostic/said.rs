//! A diagnostic in the language of the person who reads it.

use super::{Code, Diagnostic, Label};
use crate::words::Language;

impl Diagnostic {
    /// Returns it in a language, for a console; its code and its places stay as they are.
    ///
    /// What the author of a flow wrote as the reason of a failure is not ours to translate.
    #[must_use]
    pub fn said_in(&self, language: Language) -> Diagnostic {
        if language == Language::English {
            return self.clone();
        }
        let said = |text: &str| language.said_lines(text);
        let label = |label: &Label| Label::new(label.site, said(&label.text));
        Diagnostic {
            code: self.code,
            message: if self.code == Code::RunFail { self.message.clone() } else { said(&self.message) },
            label: self.label.as_ref().map(label),
            others: self.others.iter().map(label).collect(),
            help: self.help.as_deref().map(said),
        }
    }
}
