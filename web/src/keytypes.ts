// The types of keys, by the names that the API has for them (lib/x509/keytype.h). The description of the API doesn't number them: what a key store makes it says itself.

/** Of which people choose, the best known first. */
export const USUAL_KEY_TYPES = ["p256", "p384", "p521", "rsa2048", "rsa3072", "rsa4096", "ed25519"] as const;
/** All that certificates may have. */
export const KEY_TYPES = [...USUAL_KEY_TYPES, "ed448", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"] as const;

/** Of some, the usual ones first. */
export function usualFirst(types: readonly string[]): string[] {
  const usual: readonly string[] = USUAL_KEY_TYPES;
  return [...usual.filter((one) => types.includes(one)), ...types.filter((one) => !usual.includes(one))];
}

/** As the field writes it: P-256, RSA 3072, Ed25519, ML-DSA-65. */
export function keyTypeTitle(type: string): string {
  return type
    .replace(/^p(?=[0-9])/, "P-")
    .replace(/^rsa(?=[0-9])/, "RSA ")
    .replace(/^ed/, "Ed")
    .replace(/^(ml|slh)-.*/, (name) => name.toUpperCase());
}
