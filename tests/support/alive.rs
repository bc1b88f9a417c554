//! How many bytes are alive: an allocator that counts, for tests that say what a run may take.
//!
//! A file of tests that uses it has it as a module of its own, for a program has one allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what each thread holds; what one thread frees for another does not happen in these tests.
struct Counting;

thread_local! {
    static ALIVE: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is done by `System`; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps what `GlobalAlloc` asks for, and `System` asks for the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above; `memory` came from `System`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as above; `memory` came from `System`.
        unsafe { System.realloc(memory, layout, size) }
    }
}

fn count(bytes: isize) {
    // While a thread ends there is nothing left to count with.
    let _ = ALIVE.try_with(|alive| {
        alive.set(alive.get() + bytes);
        MOST.try_with(|most| most.set(most.get().max(alive.get())))
    });
}

/// Returns how many bytes this thread holds.
#[allow(dead_code, reason = "each test binary uses a part of this")]
pub(crate) fn alive() -> isize {
    ALIVE.get()
}

/// Does something; returns what it gave, and how many bytes more than before were alive at most.
#[allow(dead_code, reason = "each test binary uses a part of this")]
pub(crate) fn most_alive<T>(work: impl FnOnce() -> T) -> (T, isize) {
    let before = ALIVE.get();
    MOST.set(before);
    let done = work();
    (done, MOST.get() - before)
}
