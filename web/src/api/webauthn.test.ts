import { describe, expect, it } from "vitest";
import { cardAnswer } from "./card";
import { PasskeyError, reasonOf, toBytes, toText } from "./webauthn";

describe("base64url", () => {
  it("goes both ways", () => {
    for (const octets of [[], [0], [255, 254], [251, 255, 191], Array.from({ length: 256 }, (_, i) => i)]) {
      expect([...toBytes(toText(new Uint8Array(octets)))]).toEqual(octets);
    }
    expect(toText(new Uint8Array([251, 255, 191]))).toBe("-_-_");
    expect([...toBytes("-_-_")]).toEqual([251, 255, 191]);
  });
  it("takes no more than it is given", () => expect(() => toBytes("!")).toThrow());
});

describe("what browsers say", () => {
  it.each([
    ["NotAllowedError", "cancelled"],
    ["AbortError", "cancelled"],
    ["InvalidStateError", "known"],
    ["NotSupportedError", "unsupported"],
    ["SecurityError", "other"],
  ])("%s is %s", (name, reason) => expect(reasonOf(Object.assign(new Error(), { name }))).toBe(reason));
  it("is an error of its own", () => expect(new PasskeyError("known").reason).toBe("known"));
});

describe("coming back from the card's address", () => {
  it("takes a code or a word", () => {
    expect(cardAnswer("#card=abc234")).toEqual({ code: "abc234" });
    expect(cardAnswer("#card_refused=on_hold")).toEqual({ refused: "on_hold" });
  });
  it.each(["", "#", "#card=", "#card=<script>", "#card=a&b", "#other=a", `#card=${"a".repeat(129)}`])("takes nothing else: %s", (hash) =>
    expect(cardAnswer(hash)).toBeNull(),
  );
});
