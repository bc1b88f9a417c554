//! A firmware project would have its code here; this example has only its flows and their test.
