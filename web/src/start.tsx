// What the console and the portal begin with.
import "@patternfly/react-core/dist/styles/base.css";
import "./style.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/client";
import { sessionQuery } from "./api/session";
import { begin } from "./i18n";
import type { Area } from "./i18n/words";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // What is wrong with the question stays wrong; what was away for a moment is asked for twice more.
      retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status < 500),
      refetchOnWindowFocus: true,
      staleTime: 10_000,
    },
  },
});

/** areas: the words that its frame wants, besides those of all. */
export async function start(app: ReactNode, ...areas: Area[]): Promise<void> {
  const root = document.getElementById("root");
  void client.prefetchQuery(sessionQuery); // while the words come
  await begin(areas);
  if (root) {
    createRoot(root).render(
      <StrictMode>
        <QueryClientProvider client={client}>{app}</QueryClientProvider>
      </StrictMode>,
    );
  }
}
