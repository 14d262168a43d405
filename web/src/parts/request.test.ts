import { expect, it } from "vitest";
import { requestOfFile, requestOfText } from "./request";

const PEM = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----";
const KEY = "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----";

it("a request is taken as text and as DER", () => {
  expect(requestOfFile(new TextEncoder().encode(PEM))).toEqual({ text: PEM, fault: null });
  const der = new Uint8Array(200).fill(0xa1);
  der.set([0x30, 0x81, 0xc5, 0x30, 0x81, 0x90, 0x02, 0x01, 0x00]);
  const { text, fault } = requestOfFile(der);
  expect([fault, text.split("\n")[0], text.split("\n")[1]?.length, text.split("\n")[1]?.slice(0, 4)]).toEqual([null, "-----BEGIN CERTIFICATE REQUEST-----", 64, "MIHF"]);
  expect(atob(text.split("\n").slice(1, -2).join("")).length).toBe(200);
});

it("what is neither is said to be so", () => {
  expect(requestOfFile(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0xff)).fault).toBe("unreadable");
  expect(requestOfFile(Uint8Array.of(0x41, 0)).fault).toBe("unreadable");
});

it("a private key goes nowhere", () => {
  expect(requestOfText(KEY)).toEqual({ text: "", fault: "secret" });
  // In DER: PKCS#8, SEC1, PKCS#12, an encrypted key
  for (const begin of [[0x30, 0x81, 0x87, 0x02, 0x01, 0x00], [0x30, 0x77, 0x02, 0x01, 0x01], [0x30, 0x82, 0x03, 0x0f, 0x02, 0x01, 0x03], [0x30, 0x81, 0xec, 0x30, 0x57, 0x06, 0x09]]) {
    const der = new Uint8Array(140).fill(0xa1);
    der.set(begin);
    expect(requestOfFile(der)).toEqual({ text: "", fault: "secret" });
  }
  expect(requestOfFile(new TextEncoder().encode(`${KEY}\n${PEM}\n`))).toEqual({ text: `${PEM}\n`, fault: null });
});
