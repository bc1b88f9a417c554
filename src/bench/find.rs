//! Where `flowrun.toml` is: in the folder of a flow, or above it as far as the folders are its user's.

use std::fs;
use std::path::{Path, PathBuf};

use super::FILE;

/// Returns the nearest file in a folder or above it.
///
/// The search ends with the root of the repository, the folder that has `.git`, or with the user's home. Outside of both,
/// only the folder itself is looked in: above it, in `/tmp` for instance, anybody may put a file.
pub(crate) fn find(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    find_named(FILE, folder, home)
}

/// Returns the nearest file or folder of this name, where [`find`] would look for it.
pub(crate) fn find_named(name: &str, folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let folder = fs::canonicalize(folder).ok()?;
    let home = home.and_then(|home| fs::canonicalize(home).ok());
    let is_last = |folder: &Path| fs::symlink_metadata(folder.join(".git")).is_ok() || Some(folder) == home.as_deref();
    let n_folders = folder.ancestors().position(is_last).map_or(1, |at| at + 1);
    let files = folder.ancestors().take(n_folders).map(|folder| folder.join(name));
    files.into_iter().find(|file| fs::symlink_metadata(file).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_counts_up_to_the_root_of_the_repository() {
        let outer = tempfile::tempdir().expect("a folder can be made for tests");
        let outer = fs::canonicalize(outer.path()).expect("it is there");
        let flows = outer.join("repo/flows/deep");
        fs::create_dir_all(&flows).expect("there is room");
        let put = |folder: &str| fs::write(outer.join(folder).join(FILE), "").expect("there is room");
        put("");
        assert_eq!(find(&flows, None), None, "no repository and no home: nothing above the folder counts");
        assert_eq!(find(&outer, None), Some(outer.join(FILE)), "only the folder itself");
        assert_eq!(find(&flows, Some(&outer)), Some(outer.join(FILE)), "as far as home");
        fs::create_dir(outer.join("repo/.git")).expect("there is room");
        assert_eq!(find(&flows, Some(&outer)), None, "the repository ends before");
        put("repo");
        assert_eq!(find(&flows, None), Some(outer.join("repo").join(FILE)));
        put("repo/flows");
        assert_eq!(find(&flows, None), Some(outer.join("repo/flows").join(FILE)));
    }
}
