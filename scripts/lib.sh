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

# timed WHAT COMMAND...: says what goes on, counts the seconds on a terminal, and says how many it took.
timed() {
    timed_what=$1
    timed_begin=$(date +%s)
    shift
    say "$timed_what …"
    timed_ticker=
    if [ -t 1 ]; then
        while kill -0 $$ 2>/dev/null; do
            sleep 1
            printf '\r    %s s' "$(($(date +%s) - timed_begin))"
        done &
        timed_ticker=$!
    fi
    timed_status=0
    "$@" || timed_status=$?
    if [ -n "$timed_ticker" ]; then
        kill "$timed_ticker" 2>/dev/null || true
        wait "$timed_ticker" 2>/dev/null || true
        printf '\r'
    fi
    [ "$timed_status" -ne 0 ] || say "$timed_what: $(($(date +%s) - timed_begin)) s"
    return "$timed_status"
}

apt_lists() {
    apt-get -qq update >/dev/null 2>&1
}

apt_refresh() {
    timed "Refreshing the list of Debian packages" apt_lists ||
        say "Some lists could not be refreshed; going on"
}

# Starts nothing that it installs where init scripts are in charge (they start nothing in runlevel
# 1). Where systemd is, the caller sees to that.
apt_try() {
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get -qq install -y --no-install-recommends "$@" 2>&1
}

apt_quiet() {
    apt_try "$@" >/dev/null
}

# apt_install PACKAGE...: installs them, quietly unless that fails. Lists that are missing or too
# old are the usual cause, so they are refreshed once.
apt_install() {
    timed "Installing $* with apt-get" apt_quiet "$@" && return 0
    apt_refresh
    apt_output=$(apt_try "$@") && return 0
    printf '%s\n' "$apt_output" >&2
    return 1
}

install_python() {
    apt_refresh
    for version in 3.14 3.13 3.12 3.11; do
        if apt-cache show "python$version" >/dev/null 2>&1; then
            apt_install "python$version" "python$version-venv" && return 0
        fi
    done
    return 1
}

# Sets $python to an interpreter that can make virtual environments, which is installed if need be.
need_python() {
    if ! python=$(scripts/find-python); then
        if have apt-get && is_root; then
            install_python || fail "no Python 3.11 or later in the package lists of this system"
            python=$(scripts/find-python) || fail "Python was installed and cannot be found"
        elif have apt-get; then
            fail "Python 3.11 or later is missing: sudo apt-get install python3 python3-venv"
        else
            fail "Python 3.11 or later is missing: brew install python, or dnf install python3"
        fi
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        if have apt-get && is_root; then
            apt_install "python$version-venv" || fail "could not install python$version-venv"
        else
            fail "Python's venv module is missing: sudo apt-get install python$version-venv"
        fi
    fi
}

# has_compiler PYTHON: whether a C compiler and the headers of an interpreter are here.
has_compiler() {
    have cc && [ -e "$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]
}

# want_compiler PYTHON: a C compiler and the headers of an interpreter, if they can be had; the core is
# compiled with them, and pure Python without.
want_compiler() {
    [ "${AGENT_ANALYTICS_PURE:-}" != 1 ] || return 0
    has_compiler "$1" && return 0
    if have apt-get && is_root; then
        version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        apt_install gcc libc6-dev "libpython$version-dev" && return 0
    fi
    say "No C compiler, or no Python.h: the core of agent-analytics stays pure Python"
}

# fill_environment DIRECTORY REQUIREMENTS: a virtual environment with every package by its hash.
fill_environment() {
    # One of another place or of an older Python is made anew; else it is brought up to date.
    if ! "$1/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        ! "$1/bin/pip" --version >/dev/null 2>&1; then
        rm -rf "$1"
        timed "Making $1 with $("$python" -V)" "$python" -m venv "$1" ||
            fail "$python could not make a virtual environment"
    fi
    rm -f "$1"/.packages-*
    # Compiling every module takes a third of the time, and most are never imported.
    timed "Installing $(grep -c '==' "$2") Python packages into $1" \
        "$1/bin/python" -m pip install -qq --no-deps --disable-pip-version-check --no-input \
        --no-compile --require-hashes --requirement "$2" ||
        fail "Python packages could not be installed: is the package index within reach?"
}
