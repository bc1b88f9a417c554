# What is built for Windows (x86_64-pc-windows-gnu) on a Linux machine, to be sourced by sh.
# shellcheck shell=sh
#
# If rustup has installed the Windows library (rustup target add x86_64-pc-windows-gnu), the usual compiler does it.
# Otherwise Debian's rustc and its library source build one. Its version is newer than the one in Cargo.toml: this
# shows that the Windows branches compile, not that they do so with the oldest compiler allowed.

windows_target=x86_64-pc-windows-gnu
# What is made here, and nothing else.
windows_folder=$PWD/target/windows

# has_windows_library: whether the usual compiler can build for Windows.
has_windows_library() {
    [ -d "$(rustc --print target-libdir --target "$windows_target")" ]
}

# install_packages PACKAGE…: installs those that are missing.
install_packages() {
    missing=
    for package in "$@"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "installing$missing"
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update
    # shellcheck disable=SC2086 # Package names are words of their own.
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install --yes --no-install-recommends $missing
}

# windows_cargo COMMAND ARGUMENT…: runs cargo for Windows.
windows_cargo() {
    command=$1
    shift
    if has_windows_library; then
        echo "$(rustc --version): cargo $command for $windows_target in target/windows"
        CARGO_TARGET_DIR=$windows_folder cargo "$command" --target "$windows_target" "$@"
        return
    fi
    install_packages rustc-web rust-web-src binutils-mingw-w64-x86-64 gcc-mingw-w64-x86-64-posix
    rustc=/usr/bin/rustc
    echo "$($rustc --version): cargo $command for $windows_target in target/windows"
    # The standard library is built from source, which the compiler allows only if asked like this.
    RUSTC=$rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$windows_folder \
        cargo "$command" --target "$windows_target" -Zbuild-std=std,panic_abort,test "$@"
}
