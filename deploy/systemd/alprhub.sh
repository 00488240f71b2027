#!/bin/sh
# Goes to /usr/local/bin/alprhub: `sudo alprhub …` runs a command as the services do, with their settings. The audit
# record names the person who logged in: the kernel knows that behind sudo too (pam_loginuid, as sshd and login have it).
set -eu
set -a
. /etc/alprhub/alprhub.env
set +a
export ALPRHUB_DATA="${ALPRHUB_DATA:-/var/lib/alprhub}" HOME=/var/lib/alprhub
export DO_NOT_TRACK=1 PREFECT_HOME=/var/lib/alprhub/prefect
umask 077
exec runuser --user alprhub -- /opt/alprhub/.venv/bin/alprhub "$@"
