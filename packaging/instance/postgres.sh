# shellcheck shell=bash
# The instance's own PostgreSQL cluster: a Unix socket and no network, peer authentication, checksums.

postgres_bin() {
	local newest
	newest=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -name '[0-9]*' -printf '%f\n' 2>/dev/null | sort -n | tail -n 1)
	[ -n "$newest" ] || { echo "PostgreSQL isn't installed: no folder under /usr/lib/postgresql" >&2; return 1; }
	echo "/usr/lib/postgresql/$newest/bin"
}

# The version that made the cluster goes on serving it.
postgres_bin_of_cluster() {
	local version bin
	version=$(cat "$PG_DIR/data/PG_VERSION")
	bin=/usr/lib/postgresql/$version/bin
	[ -x "$bin/postgres" ] || { echo "the cluster in $PG_DIR/data needs PostgreSQL $version, which isn't installed" >&2; return 1; }
	echo "$bin"
}

postgres_settings() {
	cat <<END
# Made by packaging/instance at each start.
listen_addresses = ''
unix_socket_directories = '$PG_DIR'
unix_socket_permissions = 0700
port = 5432
max_connections = 100
shared_buffers = 128MB
fsync = on
full_page_writes = on
synchronous_commit = on
wal_level = replica
max_wal_size = 2GB
# A backend is forgotten by its client at the latest then; lib/db sets the shorter limits of a statement itself.
idle_in_transaction_session_timeout = 60s
password_encryption = scram-sha-256
# Values of statements may be secrets and stay out of the log.
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_destination = stderr
logging_collector = off
log_line_prefix = '[%p] %u '
log_checkpoints = off
log_timezone = UTC
timezone = UTC
jit = off
recovery_init_sync_method = syncfs
END
}

# Who may become which role: the services' user every one of ours, and with root the superuser of this cluster.
postgres_ident() {
	local user role
	for user in "$RUN_USER" root; do
		for role in postgres siegel_owner siegel_ca siegel_est siegel_scep siegel_acme siegel_va siegel_api siegel_sched siegel_setup; do
			echo "siegel $user $role"
		done
		[ "$RUN_USER" != root ] || break
	done
}

postgres_make() {
	local bin
	own_folder 0700 "$PG_DIR"
	if [ ! -s "$PG_DIR/data/PG_VERSION" ]; then
		bin=$(postgres_bin)
		as_user rm -rf "$PG_DIR/data"
		as_user "$bin/initdb" -D "$PG_DIR/data" -U postgres --data-checksums --encoding=UTF8 --locale=C.UTF-8 --auth=peer
		echo "include = '$PG_DIR/settings.conf'" | as_user tee -a "$PG_DIR/data/postgresql.conf"
	fi
	postgres_settings | user_file "$PG_DIR/settings.conf"
	echo 'local all all peer map=siegel' | user_file "$PG_DIR/data/pg_hba.conf"
	postgres_ident | user_file "$PG_DIR/data/pg_ident.conf"
}

postgres_run_script() {
	local bin
	bin=$(postgres_bin_of_cluster)
	cat <<END
#!/bin/sh
exec 2>&1
$DIR/end-leftovers postgres $PG_DIR/data
exec chpst -e $DIR/env/postgresql $bin/postgres -D $PG_DIR/data
END
}

postgres_up() {
	local bin i
	bin=$(postgres_bin_of_cluster)
	sv start "$DIR/service/postgresql"
	for ((i = 0; i < 600; i++)); do
		as_user "$bin/pg_isready" -q -h "$PG_DIR" -p 5432 -U postgres -d postgres && return 0
		sleep 0.1
	done
	echo "PostgreSQL didn't come up within a minute:"
	tail -n 15 "$DIR/log/postgresql/current"
	return 1
}

superuser_sql() {
	as_user psql -X -q -v ON_ERROR_STOP=1 -h "$PG_DIR" -p 5432 -U postgres "$@"
}

postgres_database() {
	superuser_sql -d postgres <"$PREFIX/share/siegel/migrations/roles.sql"
	if [ -z "$(superuser_sql -At -d postgres -c "SELECT 1 FROM pg_database WHERE datname = 'siegel'")" ]; then
		superuser_sql -d postgres -c 'CREATE DATABASE siegel OWNER siegel_owner'
	fi
	superuser_sql -d siegel <"$PREFIX/share/siegel/migrations/database.sql"
	as_user "$PREFIX/bin/siegelctl" --config "$CONFIG" db migrate
}
