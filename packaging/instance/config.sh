# shellcheck shell=bash
# The instance's settings, its folders and siegel.conf.

# settings_load: what earlier starts were told.
settings_load() {
	LISTEN='' HTTPS_PORT='' HTTP_PORT='' CARD='' DEVICES='' NAMES=() SETS=()
	# shellcheck disable=SC1091
	[ ! -s "$DIR/instance.env" ] || . "$DIR/instance.env"
}

settings_save() {
	{
		echo "# What this instance was started with; the next start takes it up."
		printf 'PREFIX=%q\nLISTEN=%q\nHTTPS_PORT=%q\nHTTP_PORT=%q\nCARD=%q\nDEVICES=%q\n' "$PREFIX" "$LISTEN" "$HTTPS_PORT" "$HTTP_PORT" "$CARD" "$DEVICES"
		printf 'NAMES=('
		[ ${#NAMES[@]} = 0 ] || printf ' %q' "${NAMES[@]}"
		printf ' )\nSETS=('
		[ ${#SETS[@]} = 0 ] || printf ' %q' "${SETS[@]}"
		printf ' )\n'
	} >"$DIR/instance.env"
}

# The name by which clients reach the edge: the first of the edge certificate's names that isn't a wildcard address.
main_name() {
	if [ ${#NAMES[@]} -gt 0 ]; then
		bracket "${NAMES[0]}"
	elif [ -z "$LISTEN" ]; then
		echo localhost
	elif [[ "$LISTEN" =~ ^(0\.0\.0\.0|::|\*)$ ]]; then
		hostname -f
	else
		bracket "$LISTEN"
	fi
}

bracket() {
	case $1 in
	*:*) echo "[$1]" ;;
	*) echo "$1" ;;
	esac
}

https_url() {
	echo "https://$(main_name):$HTTPS_PORT"
}

card_setting() {
	local card
	card=$(card_name)
	[ -z "$card" ] || echo "card_url = https://$card:$HTTPS_PORT"
}

http_url() {
	echo "http://$(main_name):$HTTP_PORT"
}

# user_make: as root, one system user runs everything.
user_make() {
	[ "$(id -u)" != 0 ] || id "$RUN_USER" >/dev/null 2>&1 ||
		useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$RUN_USER"
}

# folders_reachable: a folder that the services' user can't enter would make every step fail in its own way.
folders_reachable() {
	local one=$DIR
	if [ ${#DIR} -gt 80 ]; then
		echo "The name of the folder $DIR is too long for Unix sockets (at most 80 characters): choose another by SIEGEL_RUN."
		return 1
	fi
	if [[ "$DIR" =~ [^A-Za-z0-9/._+-] ]]; then
		echo "The name of the folder $DIR has characters that configuration files would need escapes for: choose another by SIEGEL_RUN."
		return 1
	fi
	[ "$(id -u)" = 0 ] || return 0
	while ! chpst -u "$RUN_USER" test -x "$one" 2>/dev/null; do
		[ "$one" != / ] || break
		chpst -u "$RUN_USER" test -x "$(dirname "$one")" && break
		one=$(dirname "$one")
	done
	chpst -u "$RUN_USER" test -x "$DIR" 2>/dev/null && return 0
	echo "The system user $RUN_USER, as which the services run, can't enter $one."
	echo "Let others pass (chmod o+x $one), or choose another place: SIEGEL_RUN=/var/tmp/siegel-run"
	return 1
}

folders_make() {
	umask 022
	mkdir -p "$DIR"
	chmod go+rx "$DIR"
	folders_reachable
	root_folder 0755 "$DIR" "$DIR/env" "$DIR/service"
	root_folder 0750 "$DIR/log"
	own_folder 0750 "$SOCKETS" "$CRL_DIR" "$DIR/anchor"
}

# config_write FILE: siegel.conf as the settings want it.
config_write() {
	local one section key module
	module=$(softhsm_module)
	{
		echo "; Made by packaging/instance at each start: a change is made by --set SECTION.KEY=VALUE, and kept."
		cat <<END
[instance]
name = $(basename "$DIR")
[database]
host = $PG_DIR
port = 5432
name = siegel
[sockets]
dir = $SOCKETS
[peers]
api = $RUN_USER
est = $RUN_USER
scep = $RUN_USER
acme = $RUN_USER
acme_probe = $RUN_USER
sched = $RUN_USER
edge = $RUN_USER
[ca]
workers = 2
pkcs11_module = $module
token_label = siegel
pin_file = $SECRET/pin
key_dir = $DIR/keys
master_key_file = $SECRET/master.key
ocsp_key_file = $SECRET/ocsp.key
crl_dir = $CRL_DIR
[va]
ocsp_key_file = $SECRET/ocsp.key
crl_dir = $CRL_DIR
[api]
base_url = $(https_url)
disks = $PG_DIR $DIR/log $CRL_DIR
$(card_setting)
[scep]
crl_dir = $CRL_DIR
[acme]
base_url = $(https_url)
[sched]
anchor_file = $DIR/anchor/audit-heads
END
	} >"$1"
	for one in "${SETS[@]}"; do
		section=${one%%.*}
		key=${one#*.}
		config_set "$1" "$section" "${key%%=*}" "${one#*=}"
	done
	chmod 644 "$1"
}

# config_set FILE SECTION KEY VALUE: replaces or adds one line.
config_set() {
	awk -v section="[$2]" -v key="$3" -v value="$4" '
		function put() { if (inside && !done) { print key " = " value; done = 1 } }
		/^\[/ { put(); inside = ($0 == section) }
		inside && $1 == key { put(); next }
		{ print }
		END { put(); if (!done) { print section; print key " = " value } }' "$1" >"$1.set"
	mv "$1.set" "$1"
}
