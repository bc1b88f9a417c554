//! Any text is read as a recording without a panic, and what is read is written and read again the same.
#![no_main]

use flowrun::record::Recording;
use flowrun::replay::{ReplayWorld, Timing, device_file};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(recording) = Recording::read(text) {
        assert_eq!(Recording::read(&recording.render()), Ok(recording.clone()));
        let _ = (ReplayWorld::new(&recording, &[], Timing::Same), device_file(&recording));
    }
});
