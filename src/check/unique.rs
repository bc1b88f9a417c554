//! Params that are `unique`: what a run of one command has and no other run of it.

use super::Compiler;
use crate::diagnostic::Code;
use crate::syntax::ast::Param;

impl Compiler<'_> {
    /// Reports a default that all runs would have.
    pub(super) fn check_unique(&mut self, param: &Param) {
        if let (Some(unique), Some(_)) = (param.unique, &param.default) {
            let message = format!("`{}` is `unique` and has a default, which all runs would have", param.name.node);
            self.problem(Code::CheckMisplaced, unique, message, "each run has a value of its own").help =
                Some("leave out the default, or `unique`".to_string());
        }
    }
}
