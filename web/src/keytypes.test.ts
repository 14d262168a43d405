import { expect, it } from "vitest";
import { KEY_TYPES, keyTypeTitle } from "./keytypes";

it("types of keys are written as the field writes them", () => {
  expect(KEY_TYPES.map(keyTypeTitle)).toEqual(
    ["P-256", "P-384", "P-521", "RSA 2048", "RSA 3072", "RSA 4096", "Ed25519", "Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]);
  expect(keyTypeTitle("slh-dsa-sha2-128s")).toBe("SLH-DSA-SHA2-128S");
  expect(keyTypeTitle("")).toBe("");
});
