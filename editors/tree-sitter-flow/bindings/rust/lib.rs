//! Flow, device and library files for tree-sitter.

use tree_sitter_language::LanguageFn;

unsafe extern "C" {
    fn tree_sitter_flow() -> *const ();
}

/// The language, for `tree_sitter::Parser::set_language`.
pub const LANGUAGE: LanguageFn = unsafe { LanguageFn::from_raw(tree_sitter_flow) };

/// What an editor colours.
pub const HIGHLIGHTS: &str = include_str!("../../queries/highlights.scm");
/// What an editor folds.
pub const FOLDS: &str = include_str!("../../queries/folds.scm");
/// What an editor indents.
pub const INDENTS: &str = include_str!("../../queries/indents.scm");
/// Which places belong to a name.
pub const LOCALS: &str = include_str!("../../queries/locals.scm");
/// What is written in another language.
pub const INJECTIONS: &str = include_str!("../../queries/injections.scm");
