//! Any text is parsed, checked and formatted without a panic.
#![no_main]

use std::path::Path;

use flowrun::check::check;
use flowrun::format::format;
use flowrun::load::load;
use flowrun::source::{Source, Sources};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let reader = |_: &Path| Ok(text.as_bytes().to_vec());
    let _ = check(load(Path::new("fuzz.flow"), &reader));
    let mut sources = Sources::default();
    let source = Source::new("fuzz.flow", text);
    let _ = format(sources.add(source.clone()), &source);
});
