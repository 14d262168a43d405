import { act, renderHook } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import type { Item } from "../api/rest";
import { useOpened } from "./opened";

const version = (n: number, id = "7"): Item => ({ type: "policies", id, attributes: { version: n } });

interface Looked {
  data: Item | undefined;
  isFetching: boolean;
  id?: string;
}

it("a form keeps to what it was opened with until it is saved, or another thing is opened", async () => {
  const told = vi.fn();
  const refetch = vi.fn(() => Promise.resolve());
  const { result, rerender } = renderHook((found: Looked) => useOpened({ ...found, refetch }, told, found.id), {
    initialProps: { data: version(1), isFetching: true } as Looked,
  });
  expect(result.current[0]).toBeUndefined(); // kept from an earlier look: the newer answer is awaited
  rerender({ data: version(2), isFetching: false });
  expect(result.current[0]).toEqual(version(2));
  rerender({ data: version(3), isFetching: false }); // somebody else's change
  expect(result.current[0]).toEqual(version(2));
  act(() => result.current[1]({ item: { type: "approvals", id: "7", attributes: {} }, approval: "7", job: null }));
  expect(result.current[0]).toEqual(version(2));
  act(() => result.current[1]({ item: version(4), approval: null, job: null }));
  expect(result.current[0]).toEqual(version(4));
  expect(told).toHaveBeenCalledTimes(2);
  // What somebody else stored, once it is asked for
  rerender({ data: version(5), isFetching: false });
  expect(result.current[0]).toEqual(version(4));
  await act(async () => result.current[2]());
  expect(refetch).toHaveBeenCalledTimes(1);
  expect(result.current[0]).toEqual(version(5));
  // At another address the former thing isn't shown, neither while the new one is awaited nor when there is none
  rerender({ data: undefined, isFetching: true, id: "8" });
  expect(result.current[0]).toBeUndefined();
  rerender({ data: version(1, "8"), isFetching: false, id: "8" });
  expect(result.current[0]).toEqual(version(1, "8"));
});
