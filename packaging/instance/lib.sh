# shellcheck shell=bash
# What all steps of an instance share: where things are, steps with progress, running as the service's user.

# Debian leaves these out of the PATH of users, and nginx is there.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Set by the caller: DIR (the instance's folder), and PREFIX (where Siegel is installed) once it is known.
NAMES_OF_SERVICES=(postgresql siegel-ca siegel-est siegel-scep siegel-acme siegel-acme-probe siegel-va siegel-api siegel-sched nginx)

# paths: everything that the steps need to find. DIR must be absolute.
paths() {
	LOG_FILE=$DIR/log/steps.log
	SOCKETS=$DIR/sockets
	PG_DIR=$DIR/pg
	SECRET=$DIR/secret
	CONFIG=$DIR/siegel.conf
	CRL_DIR=$DIR/crl
	EDGE=$DIR/edge
	if [ "$(id -u)" = 0 ]; then
		RUN_USER=siegel
	else
		RUN_USER=$(id -un)
	fi
}

note() {
	printf '%s\n' "$@"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# as_user COMMAND…: runs it as the user of the services, with the instance's folder as home and working directory.
as_user() {
	if [ "$(id -u)" = 0 ]; then
		(cd "$DIR" && HOME=$DIR exec chpst -u "$RUN_USER" "$@")
	else
		(cd "$DIR" && HOME=$DIR exec "$@")
	fi
}

seconds_since() {
	local now=${EPOCHREALTIME/[.,]/} then=${1/[.,]/}
	printf '%d.%d' $(((now - then) / 1000000)) $(((now - then) / 100000 % 10))
}

# step NAME COMMAND…: runs a function or command with its output in the log; shows the name, that it is alive, and how long it took.
# When it fails: its last lines, the step's name and the log, and the end of the script.
step() {
	local name=$1 begin=$EPOCHREALTIME from pid waited=0 status=0
	shift
	mkdir -p "$(dirname "$LOG_FILE")"
	printf '== %s  %s\n' "$(date -u +%FT%TZ)" "$name" >>"$LOG_FILE"
	from=$(wc -l <"$LOG_FILE")
	(set -eu; "$@") >>"$LOG_FILE" 2>&1 </dev/null 3>&- 9>&- &
	pid=$!
	[ ! -t 1 ] || printf '  %-44s' "$name"
	while kill -0 $pid 2>/dev/null; do
		sleep 0.1
		waited=$((waited + 1))
		if [ -t 1 ] && [ $((waited % 10)) = 0 ]; then
			printf '\r  %-44s %s s' "$name" $((waited / 10))
		elif [ ! -t 1 ] && [ $((waited % 300)) = 0 ]; then
			note "  … $name ($((waited / 10)) s)"
		fi
	done
	wait $pid || status=$?
	[ ! -t 1 ] || printf '\r'
	if [ $status = 0 ]; then
		printf '  %-44s %s s\n' "$name" "$(seconds_since "$begin")"
		return 0
	fi
	printf '  %-44s failed after %s s\n' "$name" "$(seconds_since "$begin")"
	{
		printf '\nThe step "%s" failed. Its last lines:\n' "$name"
		tail -n +$((from + 1)) "$LOG_FILE" | tail -n 20 | sed 's/^/    /'
		printf 'The whole log: %s\n' "$LOG_FILE"
	} >&2
	exit 1
}

# A service that was taken over owns what its user owns. So root runs and reads nothing in a folder of that user, and writes there as
# that user alone: a link would lead it elsewhere.

# user_file FILE: takes standard input into a file of the services' user.
user_file() {
	# shellcheck disable=SC2016
	as_user sh -c 'umask 022 && cat >"$1.new" && mv "$1.new" "$1"' - "$1"
}

# secret_file FILE: takes standard input into a file that only the services' user reads, in a folder of root's.
secret_file() {
	(umask 077 && cat >"$1.new")
	own "$1.new"
	mv "$1.new" "$1"
}

# own PATH…: gives files, themselves and not what they link to, to the services' user.
own() {
	[ "$(id -u)" != 0 ] || chown -h "$RUN_USER:$(id -gn "$RUN_USER")" "$@"
}

# root_folder MODE PATH…: makes folders of root's that the services' user may read by his group; without root they are his own.
root_folder() {
	local mode=$1 one
	shift
	for one; do
		mkdir -p "$one"
		[ "$(id -u)" != 0 ] || chown -h "root:$(id -gn "$RUN_USER")" "$one"
		chmod "$mode" "$one"
	done
}

# own_folder MODE PATH…: makes folders of the services' user.
own_folder() {
	local mode=$1 one
	shift
	for one; do
		mkdir -p "$one"
		chmod "$mode" "$one"
		own "$one"
	done
}

listens() {
	ss -Hxl | awk '{ print $5 }' | grep -qxF "$1"
}

# free_port NAME WANTED FROM: WANTED when it is set, else the first port from FROM on that nobody listens on.
free_port() {
	local port=$3
	if [ -n "$2" ]; then
		echo "$2"
		return
	fi
	while [ -n "$(ss -Htln "sport = :$port")" ]; do
		port=$((port + 1))
	done
	echo "$port"
}

random_hex() {
	openssl rand -hex "$1"
}
