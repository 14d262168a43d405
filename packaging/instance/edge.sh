# shellcheck shell=bash
# nginx as the edge of the instance, and its certificate, which our own CA issues.

# edge_listen PORT OPTIONS: listen lines for the address, or for the loopback of both families.
edge_listen() {
	local one
	local -a addresses=("$LISTEN")
	if [ -z "$LISTEN" ]; then
		addresses=(127.0.0.1)
		! grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null || addresses+=(::1)
	fi
	for one in "${addresses[@]}"; do
		printf '\t\tlisten %s:%s%s;\n' "$(bracket "$one")" "$1" "${2:+ $2}"
	done
}

# From nginx 1.25.1 on, HTTP/2 is a directive of its own, and the old way is a warning.
edge_http2() {
	local version
	version=$(nginx -v 2>&1 | sed 's/.*nginx\///; s/ .*//')
	if dpkg --compare-versions "$version" ge 1.25.1; then
		printf '\n\t\thttp2 on;\n'
	fi
}

# Every name and address by which the edge may be called.
edge_names() {
	printf '%s\n' localhost 127.0.0.1 ::1
	if [[ "$LISTEN" =~ ^(0\.0\.0\.0|::|\*)$ ]]; then
		hostname -f
		hostname -I | tr ' ' '\n'
	elif [ -n "$LISTEN" ]; then
		printf '%s\n' "$LISTEN"
	fi
	[ ${#NAMES[@]} = 0 ] || printf '%s\n' "${NAMES[@]}"
}

# The name under which browsers are asked for a certificate, to sign in to the console; nothing when there is none.
card_name() {
	local main
	main=$(main_name)
	case $CARD in
	none) ;;
	'') [[ "$main" =~ ^[0-9.]+$ || "$main" == *:* ]] || echo "card.$main" ;;
	*) echo "$CARD" ;;
	esac
}

# All of them, for the certificate.
edge_certificate_names() {
	{ edge_names; card_name; printf '%s\n' "$DEVICES"; } | sed '/^$/d' | sort -u
}

# part TEXT NAME: what stands between "# NAME {" and "# } NAME"; part_put TEXT NAME NEW: the text with something else in its place.
part() {
	local one=${1#*"# $2 {"}
	printf '%s' "${one%%"# } $2"*}"
}
part_put() {
	printf '%s#%s\n%s#%s' "${1%%"# $2 {"*}" " $2" "$3" "${1#*"# } $2"}"
}

# edge_front TEXT NAMES ASKS
edge_front() {
	local one=${1#*$'\n'}
	one=${one//@FRONT_NAMES@/"$2"}
	printf '%s\n' "${one//@FRONT_ASKS@/"$3"}"
}

edge_errors() {
	local status as code title detail
	mkdir -p "$EDGE/errors"
	: >"$EDGE/errors.conf.new"
	: >"$EDGE/errors-text.conf.new"
	: >"$EDGE/errors-acme.conf.new"
	while IFS='|' read -r status as code title detail problem; do
		[[ "$status" =~ ^[0-9]+$ ]] || continue
		printf '{"jsonapi":{"version":"1.1"},"errors":[{"status":"%s","code":"%s","title":"%s","detail":"%s"}]}\n' \
			"$as" "$code" "$title" "$detail" >"$EDGE/errors/$status.json"
		printf '%s\n' "$detail" >"$EDGE/errors/$status.txt"
		printf '{"type":"urn:ietf:params:acme:error:%s","detail":"%s","status":%s}\n' \
			"$problem" "${detail/ with the same Idempotency-Key/}" "$as" >"$EDGE/errors/$status.problem"
		printf 'error_page %s =%s /.error/%s.json;\n' "$status" "$as" "$status" >>"$EDGE/errors.conf.new"
		printf 'error_page %s =%s /.error/%s.txt;\n' "$status" "$as" "$status" >>"$EDGE/errors-text.conf.new"
		printf 'error_page %s =%s /.error/%s.problem;\n' "$status" "$as" "$status" >>"$EDGE/errors-acme.conf.new"
	done <"$HERE/../edge/errors"
	cat >>"$EDGE/errors.conf.new" <<END
location ~ "^/\.error/(?<page>[0-9]{3}\.json)$" {
	internal;
	alias $EDGE/errors/\$page;
	types { }
	client_max_body_size 0; # or the answer to a body that is too large would be refused for it
	default_type application/vnd.api+json;
	add_header Retry-After \$siegel_retry_after always;
}
location ~ "^/\.error/(?<page>[0-9]{3}\.txt)$" {
	internal;
	alias $EDGE/errors/\$page;
	types { }
	client_max_body_size 0;
	default_type text/plain;
	add_header Retry-After \$siegel_retry_after always;
}
location ~ "^/\.error/(?<page>[0-9]{3}\.problem)$" {
	internal;
	alias $EDGE/errors/\$page;
	types { }
	client_max_body_size 0;
	default_type application/problem+json;
	add_header Retry-After \$siegel_retry_after always;
}
END
	mv "$EDGE/errors.conf.new" "$EDGE/errors.conf"
	mv "$EDGE/errors-text.conf.new" "$EDGE/errors-text.conf"
	mv "$EDGE/errors-acme.conf.new" "$EDGE/errors-acme.conf"
}

# The key agreement that is safe from quantum computers as well, in front of the others, where this OpenSSL has it.
edge_hybrid() {
	if openssl list -kem-algorithms 2>/dev/null | grep -q X25519MLKEM768; then
		echo X25519MLKEM768:
	fi
}

edge_config() {
	local files text names=() one http2 tls=ssl front card
	root_folder 0750 "$EDGE"
	own_folder 0750 "$EDGE/tmp" "$EDGE/cache"
	edge_errors
	cp "$HERE/../edge/proxy.conf" "$EDGE/proxy.conf"
	cp "$HERE/../edge/console.conf" "$EDGE/console.conf"
	files=$(ulimit -Hn)
	[ "$files" != unlimited ] && [ "$files" -lt 16384 ] || files=16384
	while read -r one; do
		names+=("$(bracket "$one")")
	done < <(edge_names | sed '/^$/d' | sort -u)
	http2=$(edge_http2)
	[ -n "$http2" ] || tls='ssl http2'
	text=$(<"$HERE/../edge/nginx.conf.in")
	front=$(part "$text" front)
	if [ -n "$DEVICES" ]; then
		text=$(part_put "$text" front "$(edge_front "$front" "${names[*]}" off)$(edge_front "$front" "$DEVICES" optional_no_ca)")
	else
		text=$(part_put "$text" front "$(edge_front "$front" "${names[*]}" optional_no_ca)")
	fi
	card=$(card_name)
	[ -n "$card" ] || text=$(part_put "$text" card '')
	text=${text//@CARD_NAME@/"$card"}
	text=${text//@LISTEN_HTTPS_DEFAULT@/"$(edge_listen "$HTTPS_PORT" "default_server $tls backlog=1024")$http2"}
	text=${text//@LISTEN_HTTP_DEFAULT@/"$(edge_listen "$HTTP_PORT" 'default_server backlog=1024')"}
	text=${text//@LISTEN_HTTPS@/"$(edge_listen "$HTTPS_PORT" "$tls")$http2"}
	text=${text//@LISTEN_HTTP@/"$(edge_listen "$HTTP_PORT" '')"}
	text=${text//@NAMES@/"${names[*]}${DEVICES:+ $DEVICES}"}
	text=${text//@FILES@/$files}
	text=${text//@HYBRID@/"$(edge_hybrid)"}
	text=${text//@CONNECTIONS@/$((files / 2))}
	text=${text//@EDGE@/"$EDGE"}
	text=${text//@CRL_DIR@/"$CRL_DIR"}
	text=${text//@SOCKETS@/"$SOCKETS"}
	text=${text//@WEB@/"$PREFIX/share/siegel/web"}
	printf '%s\n' "$text" >"$DIR/nginx.conf"
}

# The names as a subjectAltName of openssl's.
edge_san() {
	local one san=''
	while read -r one; do
		case $one in
		*:*) san+=,IP:$one ;;
		*[!0-9.]*) san+=,DNS:$one ;;
		*) san+=,IP:$one ;;
		esac
	done < <(edge_certificate_names)
	echo "${san#,}"
}

# A new certificate when there is none, when it ends within 30 days, or when the names have changed.
edge_certificate_wanted() {
	[ -s "$EDGE/edge.crt" ] && [ -s "$EDGE/edge.key" ] || return 0
	openssl x509 -in "$EDGE/edge.crt" -noout -checkend $((30 * 86400)) >/dev/null || return 0
	[ "$(cat "$EDGE/edge.names" 2>/dev/null)" = "$(edge_san)" ] || return 0
	return 1
}

edge_certificate() {
	local answer cn
	edge_certificate_wanted || return 0
	cn=$(main_name)
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$EDGE/edge.key.new" -out "$EDGE/edge.csr" \
		-subj "/CN=${cn//[\[\]]/}" -addext "subjectAltName=$(edge_san)"
	answer=$(mktemp)
	jq -n --rawfile csr "$EDGE/edge.csr" '{data: {type: "cert_server", attributes: {csr: $csr, profile: "server", cert_days: 397}}}' |
		rest_socket POST /api/v2.0/cert_server "$answer"
	jq -r '.data.attributes | .pem + .chain_pem' "$answer" >"$EDGE/edge.crt.new"
	rm -f "$answer" "$EDGE/edge.csr"
	openssl x509 -in "$EDGE/edge.crt.new" -noout
	chmod 600 "$EDGE/edge.key.new"
	own "$EDGE/edge.key.new" "$EDGE/edge.crt.new"
	mv "$EDGE/edge.key.new" "$EDGE/edge.key"
	mv "$EDGE/edge.crt.new" "$EDGE/edge.crt"
	edge_san >"$EDGE/edge.names"
}

edge_check() {
	# The access log goes to standard output, which nginx opens by name: it must be a pipe of the same user's.
	# shellcheck disable=SC2016
	as_user bash -c 'set -o pipefail; nginx -t -q -e stderr -p "$1" -c "$1/nginx.conf" 2>&1 | cat' - "$DIR"
}

edge_up() {
	local i was
	edge_check
	was=$(cat "$DIR/service/nginx/supervise/pid" 2>/dev/null || true)
	if [ -n "$was" ]; then
		# Running since an earlier start: take up the new files.
		sv hup "$DIR/service/nginx"
		return 0
	fi
	sv start "$DIR/service/nginx"
	for ((i = 0; i < 100; i++)); do
		[ -z "$(ss -Htln "sport = :$HTTPS_PORT")" ] || [ -z "$(ss -Htln "sport = :$HTTP_PORT")" ] || return 0
		sleep 0.1
	done
	echo "nginx doesn't listen on port $HTTPS_PORT and $HTTP_PORT after 10 s. Its log:"
	tail -n 15 "$DIR/log/nginx/current"
	return 1
}
