/* What the resources of ACME share: addresses, and command lines that people begin with. */
#ifndef SIEGEL_API_RESOURCES_ACME_H
#define SIEGEL_API_RESOURCES_ACME_H
#include "api/api.h"

#define ACME_URL "'$URL/acme/' || n.label || '/directory'"

#define ACME_OFFERS(challenge) "'" challenge "' = ANY (n.auth)"
/* Ready command lines for the directory n, or null for a client that can't use it. eab: an expression, whether an external account key is shown;
 * kid, key: expressions of its two parts. root.pem: the root of the edge's certificate, which uacme takes from the system's store alone. */
#define ACME_COMMANDS(eab, kid, key)                                                                                               \
	"jsonb_build_object("                                                                                                     \
	"'curl', 'curl --cacert root.pem ' || " ACME_URL ","                                                                      \
	" 'certbot', 'REQUESTS_CA_BUNDLE=root.pem certbot certonly --server ' || " ACME_URL " || CASE WHEN " ACME_OFFERS("http-01")   \
	" THEN ' --standalone' WHEN " ACME_OFFERS("dns-01") " THEN ' --manual --preferred-challenges dns' END"                         \
	" || CASE WHEN " eab " THEN ' --eab-kid ' || " kid " || ' --eab-hmac-key ' || " key " ELSE '' END"                             \
	" || ' --agree-tos -m admin@host.example -d host.example',"                                                             \
	" 'lego', 'LEGO_CA_CERTIFICATES=root.pem lego --server ' || " ACME_URL " || CASE WHEN " ACME_OFFERS("http-01") " THEN ' --http'" \
	" WHEN " ACME_OFFERS("tls-alpn-01") " THEN ' --tls' WHEN " ACME_OFFERS("dns-01") " THEN ' --dns PROVIDER' END"                \
	" || CASE WHEN " eab " THEN ' --eab --kid ' || " kid " || ' --hmac ' || " key " ELSE '' END"                                  \
	" || ' --accept-tos --email admin@host.example -d host.example run',"                                                    \
	" 'dehydrated', 'printf ''%s\\n'' CA=' || " ACME_URL " || CASE WHEN " ACME_OFFERS("http-01") " THEN ' WELLKNOWN=/var/www/acme'"   \
	" WHEN " ACME_OFFERS("dns-01") " THEN ' CHALLENGETYPE=dns-01 HOOK=hook.sh' WHEN " ACME_OFFERS("tls-alpn-01")                   \
	" THEN ' CHALLENGETYPE=tls-alpn-01' END || CASE WHEN " eab " THEN ' EAB_KID=' || " kid " || ' EAB_HMAC_KEY=' || " key " ELSE '' END" \
	" || ' > dehydrated.conf && export CURL_CA_BUNDLE=root.pem && dehydrated -f dehydrated.conf --register --accept-terms"     \
	" && dehydrated -f dehydrated.conf --cron -d host.example',"                                                             \
	" 'uacme', CASE WHEN n.auth && '{http-01,dns-01,tls-alpn-01}' THEN 'uacme -v -y -c acme -a ' || " ACME_URL                      \
	" || CASE WHEN " eab " THEN ' -e ' || " kid " || ':' || " key " ELSE '' END || ' new admin@host.example && uacme -v -c acme -a ' || " \
	ACME_URL " || ' -h hook.sh issue host.example' END,"                                                                      \
	" 'acme_tiny', CASE WHEN " ACME_OFFERS("http-01") " AND NOT (" eab ") THEN 'SSL_CERT_FILE=root.pem acme-tiny --account-key account.key" \
	" --csr host.csr --acme-dir /var/www/acme --directory-url ' || " ACME_URL " || ' > host.crt' END)"

#endif
