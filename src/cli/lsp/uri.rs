//! Paths as editors name them: `file:///home/me/a.flow`.

use std::path::{Path, PathBuf};

use crate::source::name_of;
use crate::value::coding::{url_decode, url_encode};

/// Returns the path of a URI. What is no file keeps its URI as its name: a document that was never saved.
pub(super) fn path_of(uri: &str) -> PathBuf {
    let Some(rest) = uri.strip_prefix("file://") else { return PathBuf::from(uri) };
    // A host may stand before the path; it is this one.
    let path = rest.find('/').map_or(rest, |at| &rest[at..]);
    let path = String::from_utf8_lossy(&url_decode(path.as_bytes())).into_owned();
    // `/c:/flows` is `c:/flows` where drives have letters.
    let drive = path.strip_prefix('/').filter(|rest| rest.as_bytes().get(1) == Some(&b':'));
    PathBuf::from(match drive {
        Some(drive) if cfg!(windows) => drive.to_string(),
        Some(_) | None => path,
    })
}

/// Returns the URI of a path.
pub(super) fn uri_of(path: &Path) -> String {
    let name = name_of(path);
    if !path.is_absolute() {
        return name;
    }
    let parts: Vec<String> = name.split('/').map(|part| url_encode(part.as_bytes())).collect();
    let path = parts.join("/");
    if path.starts_with('/') { format!("file://{path}") } else { format!("file:///{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_whatever_is_in_it() {
        for path in ["/a/b.flow", "/a b/ü#?.flow", "/100%/x.flow"] {
            if cfg!(unix) {
                assert_eq!(path_of(&uri_of(Path::new(path))), Path::new(path));
            }
        }
        assert_eq!(path_of("file:///a%20b/c.flow"), Path::new("/a b/c.flow"));
        assert_eq!(path_of("file://localhost/a.flow"), Path::new("/a.flow"));
        assert_eq!(path_of("untitled:Untitled-1"), Path::new("untitled:Untitled-1"));
        assert_eq!(uri_of(Path::new("untitled:Untitled-1")), "untitled:Untitled-1");
    }
}
