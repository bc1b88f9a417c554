//! Files that a program receives, and which of them are kept outside.

use std::sync::Arc;

use super::{FileReceive, Op, Program};

impl Program {
    /// Whether it receives a file into a variable of this name, and declares none with `file` that is called so.
    pub fn receives(&self, name: &str) -> bool {
        let is_received = |op: &Op| matches!(op, Op::ReceiveFile(file) if file.target.name == name);
        self.ops.iter().any(is_received) && !self.params.iter().any(|param| param.name == name)
    }

    /// Returns the program that has the files durable which it receives into variables of these names, before it goes on.
    #[must_use]
    pub fn keeping_files(mut self: Arc<Program>, names: &[String]) -> Arc<Program> {
        if names.is_empty() {
            return self;
        }
        for op in &mut Arc::make_mut(&mut self).ops {
            let Op::ReceiveFile(file) = op else { continue };
            if names.contains(&file.target.name) {
                *file = Arc::new(FileReceive { is_kept: true, ..(**file).clone() });
            }
        }
        self
    }
}
