//! `Diagnostic`: something wrong, with its code, its place and what to do; plain data.

pub mod nearest;
pub mod render;
mod said;

use crate::source::Site;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The flow cannot be run, or has failed.
    Error,
    /// The flow runs, but not as its author would wish.
    Warning,
}

/// A place and what is the matter with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub site: Site,
    /// What is said about it; lower case, no full stop.
    pub text: String,
}

impl Label {
    /// Makes a label.
    pub fn new(site: Site, text: impl Into<String>) -> Label {
        Label { site, text: text.into() }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind; its severity goes with it.
    pub code: Code,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where, if a place in a text is to blame.
    pub label: Option<Label>,
    /// Further places.
    pub others: Vec<Label>,
    /// What to write or do instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Makes a diagnostic that points at `site`.
    pub fn new(code: Code, site: Site, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
        let label = Some(Label::new(site, label));
        Diagnostic { code, message: message.into(), label, others: Vec::new(), help: None }
    }

    /// Makes a diagnostic without a place, for the command line or a file that cannot be read.
    pub fn general(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, message: message.into(), label: None, others: Vec::new(), help: None }
    }

    /// Adds what to do instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds a further place.
    #[must_use]
    pub fn other(mut self, site: Site, text: impl Into<String>) -> Diagnostic {
        self.others.push(Label::new(site, text));
        self
    }

    /// Returns how bad it is.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident $severity:ident $text:literal)+) => {
        /// The kind of a diagnostic.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])+ $name,)+ }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$name),+];

            /// Returns the code as messages show it, such as `flow::syntax::unexpected`.
            pub fn text(self) -> &'static str {
                match self { $(Code::$name => $text),+ }
            }

            /// Returns how bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity),+ }
            }
        }
    };
}

codes! {
    /// Something stands where something else belongs.
    SyntaxUnexpected Error "flow::syntax::unexpected"
    /// A string, regex or block is not closed.
    SyntaxUnclosed Error "flow::syntax::unclosed"
    /// A string has an escape that does not exist.
    SyntaxEscape Error "flow::syntax::escape"
    /// A number or duration is out of range.
    SyntaxNumber Error "flow::syntax::number"
    /// The file does not begin with `flow`, `device` or `library`.
    SyntaxHeader Error "flow::syntax::header"
    /// Blocks or expressions are nested too deeply.
    SyntaxDepth Error "flow::syntax::depth"
    /// A file cannot be read.
    LoadUnreadable Error "flow::load::unreadable"
    /// A `use` names a file that may not be used.
    LoadUse Error "flow::load::use"
    /// A name that nothing defines.
    CheckUnknownName Error "flow::check::unknown-name"
    /// A procedure that nothing defines.
    CheckUnknownProcedure Error "flow::check::unknown-procedure"
    /// A function that does not exist.
    CheckUnknownFunction Error "flow::check::unknown-function"
    /// A port that the flow does not declare.
    CheckUnknownPort Error "flow::check::unknown-port"
    /// A setting that does not exist.
    CheckUnknownSetting Error "flow::check::unknown-setting"
    /// A setting with a value that does not fit.
    CheckSettingValue Error "flow::check::setting-value"
    /// Two definitions of one name.
    CheckDuplicate Error "flow::check::duplicate"
    /// A value of the wrong type.
    CheckType Error "flow::check::type"
    /// Too few or too many arguments.
    CheckArguments Error "flow::check::arguments"
    /// A regex that cannot be compiled.
    CheckRegex Error "flow::check::regex"
    /// A tag that no filter could name.
    CheckTag Error "flow::check::tag"
    /// A statement in a file or a block where it has no meaning.
    CheckMisplaced Error "flow::check::misplaced"
    /// A repeat that nothing bounds.
    CheckUnbounded Error "flow::check::unbounded"
    /// A flow that checks nothing.
    CheckNothingChecked Error "flow::check::nothing-checked"
    /// An awaited text that is part of another awaited text.
    CheckContained Warning "flow::check::contained"
    /// Two texts that are ordered letter by letter, though they may be numbers.
    CheckTextOrder Warning "flow::check::text-order"
    /// A port that nothing speaks to.
    LintUnusedPort Warning "flow::lint::unused-port"
    /// A library that is used for a port with other settings than it wants.
    LintPortSettings Warning "flow::lint::port-settings"
    /// A capture that nothing uses.
    LintUnusedCapture Warning "flow::lint::unused-capture"
    /// A variable that looks like a secret and is not declared as one.
    LintClearSecret Warning "flow::lint::clear-secret"
    /// A pattern that stands in the command before it.
    LintOwnEcho Warning "flow::lint::own-echo"
    /// A pattern that the late answer to an earlier question satisfies.
    LintLateAnswer Warning "flow::lint::late-answer"
    /// An arm that an earlier one always wins over.
    LintShadowed Warning "flow::lint::shadowed"
    /// An expect before anything was sent.
    LintUnasked Warning "flow::lint::unasked"
    /// A sleep where an expect follows.
    LintSleep Warning "flow::lint::sleep"
    /// Statements that cannot be reached.
    LintUnreachable Warning "flow::lint::unreachable"
    /// One of many watchers whose pattern no text tells apart from others.
    LintSlowPattern Warning "flow::lint::slow-pattern"
    /// A line that is sent with a line end of its own besides the one that is added.
    LintSecondLineEnd Warning "flow::lint::second-line-end"
    /// An awaited text that looks like a regex.
    LintTextAsRegex Warning "flow::lint::text-as-regex"
    /// A prompt that is awaited as a line.
    LintPromptAsLine Warning "flow::lint::prompt-as-line"
    /// A changed answer of the simulated device that a flow did not notice.
    MutateUnnoticed Warning "flow::mutate::unnoticed"
    /// A call of a procedure that calls itself.
    CheckRecursion Error "flow::check::recursion"
    /// A required variable was not given.
    VariableMissing Error "flow::variable::missing"
    /// A variable was given that the flow does not have.
    VariableUnknown Error "flow::variable::unknown"
    /// A variable was given a value that does not fit.
    VariableValue Error "flow::variable::value"
    /// The command line asks for something that cannot be.
    CommandLine Error "flow::command-line"
    /// Something is wrong with `flowrun.toml`.
    BenchFile Error "flow::bench-file"
    /// What was awaited did not come in time.
    RunTimeout Error "flow::run::timeout"
    /// What a `fail on` watches for came.
    RunFailOn Error "flow::run::fail-on"
    /// Something came that was not to come.
    RunUnwanted Error "flow::run::unwanted"
    /// Something else came back than what was sent, where all of it comes back.
    RunCollision Error "flow::run::collision"
    /// A file did not get to the other side, or from it.
    RunTransfer Error "flow::run::transfer"
    /// An `assert` did not hold.
    RunAssert Error "flow::run::assert"
    /// A `fail` was reached.
    RunFail Error "flow::run::fail"
    /// A value could not be worked out.
    RunValue Error "flow::run::value"
    /// A limit of the engine was reached.
    RunLimit Error "flow::run::limit"
    /// The flow ended without having checked anything.
    RunNothingChecked Error "flow::run::nothing-checked"
    /// A hook did not do what it was asked for.
    RunHook Error "flow::run::hook"
    /// A measured value is outside of its limits.
    RunMeasure Error "flow::run::measure"
    /// A result could not be saved.
    RunSave Error "flow::run::save"
    /// The port could not be opened, or went away.
    RunPort Error "flow::run::port"
    /// Somebody ended the run.
    RunInterrupted Error "flow::run::interrupted"
    /// A recording was not played to its end.
    RunUnplayed Error "flow::run::unplayed"
}
