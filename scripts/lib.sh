# Shared by the scripts of this folder; read with `.`, not run.
# shellcheck shell=sh

say() {
    printf '==> %s\n' "$*"
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

is_root() {
    [ "$(id -u)" -eq 0 ]
}

apt_refresh() {
    say "Refreshing the list of Debian packages"
    apt-get -qq update >/dev/null 2>&1 || say "Some lists could not be refreshed; going on"
}

# Starts nothing that it installs where init scripts are in charge (they start nothing in runlevel
# 1). Where systemd is, the caller sees to that.
apt_try() {
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get -qq install -y --no-install-recommends "$@" 2>&1
}

# apt_install PACKAGE...: installs them, quietly unless that fails. Lists that are missing or too
# old are the usual cause, so they are refreshed once.
apt_install() {
    say "Installing $* with apt-get"
    apt_try "$@" >/dev/null && return 0
    apt_refresh
    apt_output=$(apt_try "$@") && return 0
    printf '%s\n' "$apt_output" >&2
    return 1
}
