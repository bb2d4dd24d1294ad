#!/usr/bin/env bash
# Runs a command in a clean Debian: a root of its own with nothing but the essential packages, and a copy of what is
# committed here. What is printed and the status are the command's.
#
#   on_debian.sh RELEASE [COMMAND...]      RELEASE: 12, 13 or a code name; COMMAND: ./setup check
#
# Needs root and mmdebstrap (a package of Debian). Packages come from the mirror that apt uses here, or else from
# mmdebstrap's own. The command runs in namespaces of processes and mounts, so that nothing of it is left.
# Variables: ROOT (a folder: the root is kept there and used again, packages that the command installed included),
# COMMIT (HEAD), JOBS and the other variables of test/run_all.sh.
set -euo pipefail

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

# within ROOT COMMAND...: what is run in the namespaces
within() {
    local root=$1
    shift
    mount --make-rprivate /
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind --make-rslave /sys "$root/sys"
    mount --rbind --make-rslave /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    local variable kept=()
    for variable in JOBS FUZZ_SECONDS DIFFERENTIAL_SECONDS; do
        if [ -v $variable ]; then kept+=("$variable=${!variable}"); fi
    done
    # Not chroot: within one the kernel gives nobody a namespace of users.
    cd "$root"
    pivot_root . .
    umount -l .
    cd /vee
    # Not exec: a shell as the first process of the namespace takes in the orphans.
    env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${kept[@]}" "$@" </dev/null
    exit
}

if [ "${1:-}" = --within ]; then within "${@:2}"; fi
case ${1:-} in
"" | -*) usage ;;
12) release=bookworm ;;
13) release=trixie ;;
*) release=$1 ;;
esac
shift
if [ $# = 0 ]; then set -- ./setup check; fi
[ "$(id -u)" = 0 ] || { echo "on_debian.sh: needs root" >&2; exit 2; }
command -v mmdebstrap >/dev/null || { echo "on_debian.sh: needs mmdebstrap" >&2; exit 2; }

if [ -v ROOT ]; then
    root=$ROOT
else
    root=$(mktemp -d)
    trap 'rm -rf --one-file-system "$root"' EXIT
fi
if [ ! -e "$root/etc/debian_version" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sed -n 1p)
    mapfile -t settings < <(apt-config dump | grep -E '^Acquire::(http|https|Check[A-Za-z-]*)[: ]')
    mmdebstrap --quiet --variant=minbase --aptopt='APT::Install-Recommends "false"' "${settings[@]/#/--aptopt=}" \
        "$release" "$root" ${mirror:+"$mirror"} >&2
fi
rm -rf "$root/vee"
mkdir "$root/vee"
git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel >/dev/null
(cd "$(dirname "${BASH_SOURCE[0]}")/.." && git archive "${COMMIT:-HEAD}") | tar -x -C "$root/vee"
echo "Debian $(<"$root/etc/debian_version"), $*" >&2
unshare --mount --pid --fork --kill-child "$(realpath "${BASH_SOURCE[0]}")" --within "$root" "$@"
