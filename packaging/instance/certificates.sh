# shellcheck shell=bash
# The hierarchy, the accounts, and the first certificate.

hierarchy_make() {
	local file=$DIR/bootstrap.json
	[ -s "$file" ] || jq -n --arg url "$(http_url)" '{
		tenant: "default", base_url: $url,
		root: {name: "root", subject: [["CN", "Siegel Root CA"], ["O", "Siegel trial"]], key: "p256", days: 7300},
		issuing: {name: "issuing", subject: [["CN", "Siegel Issuing CA"], ["O", "Siegel trial"]], key: "p256", days: 5475},
		profiles: ["server", "client", "device"]}' >"$file"
	chmod 644 "$file"
	as_user chpst -e "$DIR/env/siegel-ca" "$PREFIX/sbin/siegel-ca" --config "$CONFIG" --bootstrap "$file"
	[ -s "$DIR/root.pem" ] || root_find
}

# The root is the one certificate among the published ones that names itself as its issuer.
root_find() {
	local one names
	for one in "$CRL_DIR"/*.crt; do
		names=$(openssl x509 -inform DER -in "$one" -noout -subject_hash -issuer_hash | sort -u | wc -l)
		[ "$names" = 1 ] || continue
		openssl x509 -inform DER -in "$one" -out "$DIR/root.pem"
		chmod 644 "$DIR/root.pem"
		return 0
	done
	echo "no root certificate among those that the engine published in $CRL_DIR"
	return 1
}

# account NAME ROLE KIND FILE: makes an account once; FILE keeps what siegelctl says, the secret among it.
account() {
	local made
	[ ! -s "$4" ] || return 0
	made=$(as_user "$PREFIX/bin/siegelctl" --config "$CONFIG" setup account --tenant default --name "$1" --role "$2" "--$3" --json)
	printf '%s\n' "$made" | secret_file "$4"
}

accounts_make() {
	account quickstart administrator token "$SECRET/script.json"
	account est-client requestor password "$SECRET/est.json"
	account admin administrator one-time "$SECRET/admin.json"
	printf 'Authorization: Bearer %s\n' "$(jq -r .secret "$SECRET/script.json")" | secret_file "$SECRET/authorization"
}

# rest_curl METHOD URL ANSWER CURL-OPTION…: a REST request with the body on standard input; fails with the answer's text.
rest_curl() {
	local method=$1 url=$2 answer=$3 status
	shift 3
	# The token comes from a file: a command line can be read by everybody on the machine.
	status=$(curl -sS --max-time 30 -X "$method" -H "@$SECRET/authorization" -H 'Content-Type: application/vnd.api+json' \
		-H 'Accept: application/vnd.api+json' --data-binary @- -o "$answer" -w '%{http_code}' "$@" "$url")
	case $status in
	2*) return 0 ;;
	esac
	echo "$method $url: HTTP status $status"
	head -c 2000 "$answer"
	return 1
}

rest_socket() {
	rest_curl "$1" "http://localhost$2" "$3" --unix-socket "$SOCKETS/api.sock"
}

access_write() {
	{
		echo "# How to reach this instance, for scripts: set -a; . $DIR/access.env"
		printf '%s=%q\n' SIEGEL_URL "$(https_url)" SIEGEL_CACERT "$DIR/root.pem" \
			SIEGEL_TOKEN "$(jq -r .secret "$SECRET/script.json")" SIEGEL_EST_URL "$(https_url)/.well-known/est" \
			SIEGEL_SCEP_URL "$(http_url)/scep" \
			SIEGEL_ACME_URL "$(https_url)/acme" \
			SIEGEL_EST_USER "$(jq -r .account "$SECRET/est.json")" SIEGEL_EST_PASSWORD "$(jq -r .secret "$SECRET/est.json")" \
			SIEGEL_OCSP_URL "$(http_url)/ocsp" SIEGEL_CRL_URL "$(http_url)/crl" SIEGEL_ROOT "$DIR/root.pem" \
			SIEGEL_CONFIG "$CONFIG" SIEGEL_BIN "$PREFIX/bin"
	} | (umask 077 && cat >"$DIR/access.env.new")
	mv "$DIR/access.env.new" "$DIR/access.env"
	[ -z "${SUDO_UID:-}" ] || [ "$(id -u)" != 0 ] || chown "$SUDO_UID:$SUDO_GID" "$DIR/access.env"
}

# first_certificate: the REST request of the manual, byte for byte, through the edge; then chain, OCSP and CRL by openssl.
first_certificate() {
	local first=$DIR/first answer url
	root_folder 0700 "$first"
	answer=$first/answer.json
	printf '%s\n' '{ "data": { "type": "cert_server", "attributes": { "cn": "Certificate", "cert_days": 3650 } } }' |
		rest_curl POST "$(https_url)/api/v2.0/cert_server" "$answer" --cacert "$DIR/root.pem"
	jq -er '.data.attributes.pem' "$answer" >"$first/cert.pem"
	jq -er '.data.attributes.chain_pem' "$answer" >"$first/chain.pem"
	rm -f "$answer"
	cat "$DIR/root.pem" "$first/chain.pem" >"$first/trust.pem"
	openssl verify -CAfile "$DIR/root.pem" -untrusted "$first/chain.pem" "$first/cert.pem"
	openssl ocsp -issuer "$first/chain.pem" -cert "$first/cert.pem" -url "$(http_url)/ocsp" -CAfile "$first/trust.pem" \
		>"$first/ocsp.txt" 2>&1 || { cat "$first/ocsp.txt"; return 1; }
	cat "$first/ocsp.txt"
	grep -q ': good$' "$first/ocsp.txt"
	grep -q 'Response verify OK' "$first/ocsp.txt"
	url=$(openssl x509 -in "$first/cert.pem" -noout -ext crlDistributionPoints | sed -n 's/.*URI://p' | head -n 1)
	curl -sSf --max-time 10 -o "$first/crl.der" "$url"
	openssl crl -inform DER -in "$first/crl.der" -out "$first/crl.pem"
	openssl verify -crl_check -CAfile "$DIR/root.pem" -untrusted "$first/chain.pem" -CRLfile "$first/crl.pem" "$first/cert.pem"
	{
		openssl x509 -in "$first/cert.pem" -noout -subject -issuer -serial -enddate
		echo "chain: verified up to $(openssl x509 -in "$DIR/root.pem" -noout -subject -nameopt RFC2253)"
		echo "OCSP:  good, by $(http_url)/ocsp"
		echo "CRL:   not on it, by $url"
	} >"$first/summary"
}
