//! Layouts of small ugly texts.
