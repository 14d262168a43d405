# shellcheck shell=bash
# The supervisor: runit's runsvdir over DIR/service, one folder for each process, each with its own log by svlogd.

# service_folder NAME: makes the folder of a service from its run script on standard input.
service_folder() {
	local folder=$DIR/service/$1
	root_folder 0755 "$folder" "$folder/log" "$folder/control" "$DIR/env/$1"
	own_folder 0700 "$folder/supervise" "$folder/log/supervise" # all that runsv writes
	own_folder 0750 "$DIR/log/$1"
	cat >"$folder/run.new"
	printf '#!/bin/sh\nexec svlogd -tt %s\n' "$DIR/log/$1" >"$folder/log/run.new"
	printf 's10485760\nn5\n' | user_file "$DIR/log/$1/config"
	chmod 755 "$folder/run.new" "$folder/log/run.new"
	mv "$folder/run.new" "$folder/run"
	mv "$folder/log/run.new" "$folder/log/run"
	# Until the steps of a start have run, nothing comes up by itself.
	[ -e "$folder/supervise/stat" ] || : >"$folder/down"
}

# A process of ours. Files of DIR/env/NAME are its environment: the file's name is the variable's, its first line the value.
siegel_run_script() {
	cat <<END
#!/bin/sh
exec 2>&1
$DIR/end-leftovers $1 $DIR/service/$1
exec chpst -e $DIR/env/$1 $PREFIX/sbin/$1 --config $CONFIG
END
}

nginx_run_script() {
	cat <<END
#!/bin/sh
exec 2>&1
$DIR/end-leftovers nginx $DIR/service/nginx
exec chpst -e $DIR/env/nginx nginx -e stderr -p $DIR -c $DIR/nginx.conf
END
}

services_make() {
	local one
	install -m 755 "$HERE/end-leftovers" "$DIR/end-leftovers"
	postgres_run_script | service_folder postgresql
	# INT is PostgreSQL's fast shutdown; its answer to TERM is to wait for all clients.
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nkill -INT "$(cat supervise/pid)"\n' >"$DIR/service/postgresql/control/t"
	chmod 755 "$DIR/service/postgresql/control/t"
	for one in siegel-ca siegel-est siegel-scep siegel-acme siegel-acme-probe siegel-va siegel-api siegel-sched; do
		siegel_run_script "$one" | service_folder "$one"
	done
	echo "$DIR/token/softhsm2.conf" >"$DIR/env/siegel-ca/SOFTHSM2_CONF"
	nginx_run_script | service_folder nginx
}

# The pid of this instance's supervisor; fails when it doesn't run.
supervisor_pid() {
	local pid
	pid=$(cat "$DIR/runsvdir.pid" 2>/dev/null) && [ -n "$pid" ] || return 1
	tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "runsvdir -P $DIR/service" || return 1
	echo "$pid"
}

# Detached from the terminal and from every descriptor of ours: a caller that reads our output to its end isn't held up.
supervisor_up() {
	local one i as=()
	supervisor_pid >/dev/null && return 0
	[ "$(id -u)" != 0 ] || as=(chpst -u "$RUN_USER")
	for one in "${NAMES_OF_SERVICES[@]}"; do
		: >"$DIR/service/$one/down"
	done
	rm -f "$SOCKETS"/*.sock
	(
		cd "$DIR" || exit
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$DIR" LANG=C.UTF-8 \
			setsid "${as[@]}" runsvdir -P "$DIR/service" </dev/null >>"$DIR/log/runsvdir.log" 2>&1 3>&- 9>&- &
		echo $! >"$DIR/runsvdir.pid"
	)
	for ((i = 0; i < 100; i++)); do
		for one in "${NAMES_OF_SERVICES[@]}"; do
			if ! [ -p "$DIR/service/$one/supervise/control" ] || ! [ -p "$DIR/service/$one/log/supervise/control" ]; then
				sleep 0.1
				continue 2
			fi
		done
		return 0
	done
	echo "runsvdir didn't take up $DIR/service within 10 s"
	return 1
}

# service_up NAME SOCKET…: starts a service and waits until it listens on its Unix sockets.
service_up() {
	local name=$1 i socket
	shift
	sv start "$DIR/service/$name" >/dev/null
	for ((i = 0; i < 300; i++)); do
		for socket; do
			listens "$socket" || { sleep 0.1; continue 2; }
		done
		return 0
	done
	echo "$name doesn't listen on $* after 30 s. Its log:"
	tail -n 15 "$DIR/log/$name/current"
	return 1
}

# service_stays NAME: for a service without a socket: it runs, and goes on running.
service_stays() {
	local name=$1 first i
	sv start "$DIR/service/$name" >/dev/null
	for ((i = 0; i < 20; i++)); do
		first=$(cat "$DIR/service/$name/supervise/pid")
		sleep 0.7
		[ -z "$first" ] || [ "$first" != "$(cat "$DIR/service/$name/supervise/pid")" ] || return 0
	done
	echo "$name doesn't stay up. Its log:"
	tail -n 15 "$DIR/log/$name/current"
	return 1
}

# services_check_config FILE: every process reads it as its siegel.conf.
services_check_config() {
	local one
	for one in siegel-ca siegel-est siegel-scep siegel-acme siegel-acme-probe siegel-va siegel-api siegel-sched; do
		as_user chpst -e "$DIR/env/$one" "$PREFIX/sbin/$one" --config "$1" --check-config
	done
}

# services_stop: those that run have read another siegel.conf; services_up starts them again.
services_stop() {
	local one
	supervisor_pid >/dev/null || return 0
	for one in siegel-sched siegel-est siegel-scep siegel-acme-probe siegel-acme siegel-api siegel-va siegel-ca; do
		sv -w 20 force-stop "$DIR/service/$one"
	done
}

services_up() {
	service_up siegel-ca "$SOCKETS/ca.api.sock" "$SOCKETS/ca.est.sock" "$SOCKETS/ca.scep.sock" "$SOCKETS/ca.acme.sock" "$SOCKETS/ca.sched.sock"
	service_up siegel-api "$SOCKETS/api.sock"
	service_up siegel-est "$SOCKETS/est.sock"
	service_up siegel-scep "$SOCKETS/scep.sock"
	service_up siegel-acme "$SOCKETS/acme.sock" "$SOCKETS/acme-probe.sock"
	service_stays siegel-acme-probe
	service_up siegel-va "$SOCKETS/va.sock"
	service_stays siegel-sched
}

# From now on a supervisor that is started again brings everything up by itself.
services_keep() {
	local one
	for one in "${NAMES_OF_SERVICES[@]}"; do
		rm -f "$DIR/service/$one/down"
	done
}

# The supervisor, and below it everything that works in a service's folder: runsv and svlogd end a moment later. What has ended and
# waits for its parent to notice has no folder any more.
supervisor_gone() {
	[ "$(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null || echo Z)" = Z ] &&
		[ -z "$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$DIR/service/*" 2>/dev/null)" ]
}

# Who takes requests goes first, the store last.
services_down() {
	local one pid i
	pid=$(supervisor_pid) || return 0
	for one in "nginx siegel-sched siegel-api siegel-est siegel-scep siegel-acme-probe siegel-acme siegel-va" siegel-ca postgresql; do
		# shellcheck disable=SC2086
		(cd "$DIR/service" && SVDIR=$DIR/service sv -w 8 force-stop $one) || true
	done
	for one in "${NAMES_OF_SERVICES[@]}"; do
		"$DIR/end-leftovers" "$one" "$DIR/service/$one"
	done
	"$DIR/end-leftovers" postgres "$PG_DIR/data"
	kill -HUP "$pid"
	for ((i = 0; i < 100; i++)); do
		if supervisor_gone "$pid"; then
			rm -f "$DIR/runsvdir.pid"
			return 0
		fi
		sleep 0.1
	done
	echo "the supervisor (process $pid) doesn't end"
	return 1
}
