//! Compiles the parser that tree-sitter made of `grammar.js`.

fn main() {
    let sources = ["src/parser.c", "src/scanner.c"];
    // Not optimised: it is fast enough for tests, and compiles in a tenth of the time.
    cc::Build::new().std("c11").include("src").opt_level(0).warnings(false).files(sources).compile("tree-sitter-flow");
    for source in sources {
        println!("cargo:rerun-if-changed={source}");
    }
}
