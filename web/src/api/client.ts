// What requests go over: the session's cookie goes by itself, what is changed carries the header that foreign pages can't send, and whatever isn't
// a success is thrown as the errors that the API gave.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type ErrorObject = NonNullable<Schemas["errors"]["errors"]>[number] & { source?: { pointer?: string; parameter?: string; header?: string } };

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly errors: ErrorObject[],
    readonly retryAfter: number | null,
  ) {
    super(errors[0]?.detail ?? `HTTP ${status}`);
    this.name = "ApiError";
  }

  get first(): ErrorObject | undefined {
    return this.errors[0];
  }

  /** Whether it is about this attribute of the document, or about something in it: of a list the third. */
  about(attribute: string): boolean {
    return this.errors.some((e) => `${e.source?.pointer ?? ""}/`.startsWith(`/data/attributes/${attribute}/`));
  }
}

/** The errors of an answer that isn't a success, also when something between us and the API wrote it. */
export async function errorOf(response: Response): Promise<ApiError> {
  const wait = Number(response.headers.get("Retry-After"));
  let errors: ErrorObject[] = [];
  try {
    const body: unknown = await response.json();
    if (body && typeof body === "object" && "errors" in body && Array.isArray(body.errors)) {
      errors = body.errors as ErrorObject[];
    }
  } catch {
    // no JSON: the status alone speaks
  }
  return new ApiError(response.status, errors, wait > 0 ? wait : null);
}

const listeners = new Set<() => void>();

/** Is told when the session has ended while somebody worked. */
export function onSignedOut(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let prove: (() => Promise<boolean>) | null = null;

/** Who asks for a proof of who sits there, when the API wants one; false: he gave it up. */
export function onProof(ask: typeof prove): void {
  prove = ask;
}

let touched = Date.now();
if (typeof window !== "undefined") {
  for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"]) {
    window.addEventListener(kind, () => (touched = Date.now()), { capture: true, passive: true });
  }
}

/** What the page asks by itself, while nobody does anything, says so: it keeps no session from ending. What wants a proof is asked once more after it. */
async function send(request: Request): Promise<Response> {
  if (Date.now() - touched > 60_000) {
    request.headers.set("X-Siegel-Background", "1");
  }
  const again = prove && request.method !== "GET" && request.headers.get("Content-Type") !== "application/octet-stream" ? request.clone() : null;
  const response = await fetch(request);
  if (again && prove && response.status === 403 && (await errorOf(response.clone())).first?.source?.header === "Cookie" && (await prove())) {
    return fetch(again);
  }
  return response;
}

export const api = createClient<paths>({
  baseUrl: "/api/v2.0",
  fetch: send,
  credentials: "same-origin",
  cache: "no-store",
  headers: { Accept: "application/vnd.api+json", "Content-Type": "application/vnd.api+json", "X-Siegel-Console": "1" },
});

api.use({
  async onResponse({ response, schemaPath, request }) {
    if (response.ok) {
      return undefined;
    }
    const error = await errorOf(response);
    const signingIn = schemaPath === "/sessions" && request.method === "POST";
    if (response.status === 401 && !signingIn) {
      listeners.forEach((tell) => tell());
    }
    throw error;
  },
});

/** What a success has under "data"; an answer without it is a fault of ours, said as such. */
export function dataOf<T>(answer: { data?: { data?: T } }): T {
  const data = answer.data?.data;
  if (data === undefined) {
    throw new ApiError(0, [{ detail: "the answer has no data" }], null);
  }
  return data;
}
