//! Checks of what the editor changes, in a thread of their own: no answer waits for a check.
//!
//! The thread has a workspace of its own, which gets the same orders as that of the server.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::Happened;
use super::files::Files;
use crate::lsp::{Finding, Range, Workspace};

/// A change of what the editor has open.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// A document was opened.
    Open { path: PathBuf, version: i32, text: String },
    /// All of a document is this now.
    Replace { path: PathBuf, version: i32, text: String },
    /// A piece of a document is this now.
    Edit { path: PathBuf, version: i32, range: Range, text: String },
    /// A document was closed.
    Close(PathBuf),
    /// Folders were opened and closed.
    Folders { added: Vec<PathBuf>, removed: Vec<PathBuf> },
    /// Files may have come or gone.
    Forget,
    /// A file has changed on the disk.
    Changed(PathBuf),
}

impl Order {
    /// Does to a workspace what is ordered.
    pub(super) fn apply(&self, workspace: &mut Workspace) {
        match self {
            Order::Open { path, version, text } => workspace.open(path, *version, text),
            Order::Replace { path, version, text } => workspace.replace(path, *version, text),
            Order::Edit { path, version, range, text } => workspace.edit(path, *version, *range, text),
            Order::Close(path) => workspace.close(path),
            Order::Folders { added, removed } => workspace.change_folders(added.clone(), removed),
            Order::Forget | Order::Changed(_) => workspace.forget_files(),
        }
    }
}

/// What came of the check of a file.
pub(super) struct Checked {
    /// The file.
    pub root: PathBuf,
    /// The version of it, if it is open.
    pub version: Option<i32>,
    /// What is wrong, for each file in which it is.
    pub findings: BTreeMap<PathBuf, Vec<Finding>>,
}

/// What is still to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Check {
    /// A file.
    File(PathBuf),
    /// The files that use this one.
    UsersOf(PathBuf),
}

/// Starts the thread; it ends with the channel.
pub(super) fn start(results: Sender<Happened>) -> Sender<Order> {
    let (sender, orders) = channel();
    thread::spawn(move || {
        let workspace = Workspace::new(Vec::new(), Box::new(Files));
        Checker { workspace, pending: VecDeque::new(), results }.serve(&orders);
    });
    sender
}

struct Checker {
    workspace: Workspace,
    pending: VecDeque<Check>,
    results: Sender<Happened>,
}

impl Checker {
    /// Takes all orders that are there before each check: of many changes only the last is checked.
    fn serve(mut self, orders: &Receiver<Order>) {
        loop {
            orders.try_iter().for_each(|order| self.take(&order));
            let goes_on = match self.pending.pop_front() {
                Some(check) => self.check(check),
                None => orders.recv().map(|order| self.take(&order)).is_ok(),
            };
            if !goes_on {
                return;
            }
        }
    }

    fn take(&mut self, order: &Order) {
        order.apply(&mut self.workspace);
        match order {
            Order::Open { path, .. } | Order::Replace { path, .. } | Order::Edit { path, .. } => {
                // What is typed in comes first, those that use it when all else is done.
                let check = Check::File(path.clone());
                self.pending.retain(|other| *other != check);
                self.pending.push_front(check);
                self.plan(Check::UsersOf(path.clone()));
            }
            Order::Close(path) => {
                self.pending.retain(|check| *check != Check::File(path.clone()));
                self.plan(Check::UsersOf(path.clone()));
            }
            Order::Changed(path) => self.plan(Check::UsersOf(path.clone())),
            Order::Folders { .. } | Order::Forget => {}
        }
    }

    fn plan(&mut self, check: Check) {
        if !self.pending.contains(&check) {
            self.pending.push_back(check);
        }
    }

    /// Does one check; false if nobody wants to know.
    fn check(&mut self, check: Check) -> bool {
        match check {
            Check::File(root) => {
                let (version, findings) = (self.workspace.version(&root), self.workspace.findings(&root));
                self.results.send(Happened::Checked(Box::new(Checked { root, version, findings }))).is_ok()
            }
            Check::UsersOf(path) => {
                for user in self.workspace.touched(&[path]).into_iter().skip(1) {
                    self.plan(Check::File(user));
                }
                true
            }
        }
    }
}
