# shellcheck shell=bash
# The SoftHSM token with a random PIN, and the keys that wrap other keys.

softhsm_module() {
	local one
	for one in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
		[ ! -e "$one" ] || { echo "$one"; return; }
	done
	echo "SoftHSM isn't installed: no libsofthsm2.so" >&2
	return 1
}

token_make() {
	local module so_pin pin
	module=$(softhsm_module)
	root_folder 0750 "$SECRET"
	own_folder 0700 "$DIR/token" "$DIR/keys"
	as_user mkdir -p "$DIR/token/store"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n' \
		"$DIR/token/store" | user_file "$DIR/token/softhsm2.conf"
	for one in master.key ocsp.key; do
		[ -s "$SECRET/$one" ] || random_hex 32 | secret_file "$SECRET/$one"
	done
	[ ! -s "$SECRET/pin" ] || return 0
	# Without its PIN a token from an attempt that was cut short is of no use.
	as_user find "$DIR/token/store" -mindepth 1 -delete
	so_pin=$(random_hex 16)
	pin=$(random_hex 16)
	printf '%s\n' "$so_pin" | secret_file "$SECRET/so-pin"
	# By the environment of the one process: a command line can be read by everybody on the machine.
	SOFTHSM2_CONF=$DIR/token/softhsm2.conf SIEGEL_SO_PIN=$so_pin as_user pkcs11-tool --module "$module" --init-token \
		--label siegel --so-pin env:SIEGEL_SO_PIN
	SOFTHSM2_CONF=$DIR/token/softhsm2.conf SIEGEL_SO_PIN=$so_pin SIEGEL_PIN=$pin as_user pkcs11-tool --module "$module" \
		--token-label siegel --login --login-type so --so-pin env:SIEGEL_SO_PIN --init-pin --new-pin env:SIEGEL_PIN
	printf '%s\n' "$pin" | secret_file "$SECRET/pin"
}
