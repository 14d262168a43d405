/* The npm package acme-client through a certificate's life: node client.js TASK.json, result as JSON on stdout. The modules are found by NODE_PATH.
 * TASK: directory, names, challenge, key (rsa2048, rsa4096, p256, p384), webroot, control, address, eab; see acme_sites.py for control. */
'use strict';
const fs = require('fs');
const path = require('path');
const acme = require('acme-client');

const task = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));

function newKey(kind) {
	return kind.startsWith('rsa') ? acme.crypto.createPrivateRsaKey(Number(kind.slice(3)))
		: acme.crypto.createPrivateEcdsaKey(`P-${kind.slice(1)}`);
}

async function tell(what, query) {
	const answer = await fetch(`${task.control}/${what}?${new URLSearchParams(query)}`);
	if (!answer.ok)
		throw new Error(`${what}: ${answer.status}`);
}

const bend = (text) => task.bend ? `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}` : text;

async function create(authz, challenge, proof) {
	const name = authz.identifier.value;
	if (challenge.type === 'http-01') {
		const folder = path.join(task.webroot, '.well-known', 'acme-challenge');
		fs.mkdirSync(folder, { recursive: true });
		fs.writeFileSync(path.join(folder, challenge.token), bend(proof));
	} else if (challenge.type === 'dns-01') {
		await tell('txt', { name: `_acme-challenge.${name}`, value: bend(proof) });
	} else {
		const [key, certificate] = await acme.crypto.createAlpnCertificate(authz, bend(proof));
		await tell('responder', { address: task.address, certificate: certificate.toString(), key: key.toString() });
	}
}

async function remove(authz, challenge) {
	if (challenge.type === 'http-01')
		fs.unlinkSync(path.join(task.webroot, '.well-known', 'acme-challenge', challenge.token));
	else if (challenge.type === 'dns-01')
		await tell('forget', { name: `_acme-challenge.${authz.identifier.value}` });
	else
		await tell('silent', { address: task.address });
}

async function main() {
	const accountKey = await newKey(task.accountKey);
	const client = new acme.Client({ directoryUrl: task.directory, accountKey, externalAccountBinding: task.eab, backoffMin: 200, backoffMax: 1000 });
	const result = { certificates: [], keys: [] };
	async function certificate() {
		const [key, csr] = await acme.crypto.createCsr({ altNames: task.names }, await newKey(task.key));
		result.certificates.push(await client.auto({ csr, email: 'first@clients.example', termsOfServiceAgreed: true, challengePriority: [task.challenge],
			skipChallengeVerification: true, challengeCreateFn: create, challengeRemoveFn: remove }));
		result.keys.push(key.toString());
	}
	await certificate();
	result.contact = (await client.updateAccount({ contact: ['mailto:second@clients.example'] })).contact;
	await client.updateAccountKey(await newKey(task.accountKey));
	await certificate();
	if (task.revoke) {
		await client.revokeCertificate(result.certificates[0], { reason: 4 });
		await client.revokeCertificate(result.certificates[1]);
	}
	result.account = client.getAccountUrl();
	if (task.deactivate)
		result.status = (await client.updateAccount({ status: 'deactivated' })).status;
	process.stdout.write(JSON.stringify(result));
}

main().catch((error) => {
	process.stderr.write(`${error.stack}\n`);
	process.exit(1);
});
