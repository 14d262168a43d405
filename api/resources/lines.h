/* Command lines for devices at a door (a row n of endpoint), as expressions of SQL. What stands in them comes from this file, from labels and the
 * configuration, whose letters are harmless, or is quoted. NULL: the door doesn't take that. */
#ifndef SIEGEL_API_RESOURCES_LINES_H
#define SIEGEL_API_RESOURCES_LINES_H

#define EST_URL "'$URL/.well-known/est/' || n.label"
#define PKI_URL "'$URL/' || n.label" /* pki appends /.well-known/est */
/* What a device's programmer begins with; doc/est.md has the rest. */
#define SECRET "CASE WHEN n.auth && '{password,code,both}' THEN ' -u NAME:SECRET' ELSE '' END"
#define IDENTITY "CASE WHEN n.auth && '{certificate,both}' THEN ' --cert device.crt --key device.key' ELSE '' END"
#define EVIDENCE SECRET " || CASE WHEN n.auth && '{password,code}' THEN '' ELSE " IDENTITY " END"
/* What pki --estca writes beside the root, and pki --est needs to verify what it gets. */
#define ISSUER                                                                                                         \
	"coalesce((SELECT ' --cacert ca-1.crt' FROM ca k WHERE (k.id = n.ca_id OR (n.ca_id IS NULL AND k.is_default))"   \
	" AND (k.parent_id IS NOT NULL OR k.external)), '')"
/* A refusal is a text, and no base64: it is shown as it is. */
#define DECODE(file) "'-o answer.b64 --fail-with-body && openssl base64 -d -A -in answer.b64 | openssl pkcs7 -inform DER -print_certs -out " file \
	" || ! cat answer.b64'"
#define POST "'curl --cacert root.pem'"
/* The file as it is: DER, or the PEM that openssl req writes when nobody says otherwise. */
#define PKCS10(csr) "' -H ''Content-Type: application/pkcs10'' --data-binary @" csr " ' || " EST_URL

#define EST_CACERTS "'curl --cacert root.pem ' || " EST_URL " || '/cacerts | openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs'"
#define EST_ENROLL POST " || " EVIDENCE " || " PKCS10("device.csr") " || '/simpleenroll ' || " DECODE("device.crt")
#define EST_PKI_CACERTS "'pki --estca --url ' || " PKI_URL " || ' --cacert root.pem --outform pem --caout ca.crt --force'"
#define EST_PKI_ENROLL                                                                                                 \
	"CASE WHEN n.auth && '{password,code}' THEN 'pki --est --url ' || " PKI_URL                                        \
	" || ' --cacert root.pem' || " ISSUER " || ' --in device.csr --userpass NAME:SECRET --outform pem > device.crt' END"

/* The port of plain HTTP, as the CRLs of the CA say where it is: clients of SCEP seldom let one say which root they trust for TLS, and need none. */
#define SCEP_PLAIN                                                                                                     \
	"coalesce((SELECT substring(k.crl_url FROM '^(http://[^/]+)/crl/[0-9a-f]+[.]crl$') FROM ca k WHERE k.id = n.ca_id"    \
	" OR (n.ca_id IS NULL AND k.is_default)), '$URL') || '/scep/' || n.label"
/* Debian's strongSwan wants all capabilities announced. */
#define SWAN "CASE WHEN n.settings->>'capabilities' = 'all' THEN "
#define SWAN_CHALLENGE "CASE WHEN n.settings->>'capabilities' = 'all' AND n.auth && '{challenge,code,webhook}' THEN "
#define SWAN_CERTIFICATE "CASE WHEN n.settings->>'capabilities' = 'all' AND 'certificate' = ANY (n.auth) THEN "
#define SWAN_TRUST " --cacert-enc ra.pem --cacert-sig ra.pem --cacert ca.pem --cacert ca-1.pem --cipher aes --digest sha256 --outform pem"
#define CHALLENGE "CASE WHEN n.auth && '{challenge,code,webhook}' THEN "
/* dn: an expression, one word of a shell. Over TLS certmonger would want -R, and uses that in its first request alone. */
#define SCEP_PKI_CA SWAN "'pki --scepca --url ' || " SCEP_PLAIN " || ' --caout ca.pem --raout ra.pem --outform pem --force' END"
#define SCEP_PKI_ENROLL(dn)                                                                                            \
	SWAN_CHALLENGE "'pki --scep --url ' || " SCEP_PLAIN " || ' --in device.key --dn ' || " dn                              \
	" || ' --password CHALLENGE" SWAN_TRUST " > device.crt' END"
#define SCEP_CERTMONGER_CA "'getcert add-scep-ca -c siegel -u ' || " SCEP_PLAIN
#define SCEP_CERTMONGER_ENROLL(dn)                                                                                     \
	CHALLENGE "'getcert request -c siegel -f \"$PWD/device.crt\" -k \"$PWD/device.key\" -N ' || " dn " || ' -L CHALLENGE -w' END"

#endif
