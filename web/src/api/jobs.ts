// What the machine does by itself, after somebody asked for it.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { keys, renewAll } from "./keys";
import { type Item, number, one, type Path, text } from "./rest";

export function isRunning(job: Item | undefined): boolean {
  return ["queued", "running"].includes(text(job, "status"));
}

/** Percent of a job, or null when nobody knows how much there is. */
export function percentOf(job: Item): number | null {
  const total = job.attributes.total;
  if (text(job, "status") === "done") {
    return 100;
  }
  if (typeof total !== "number" || total <= 0) {
    return null;
  }
  return Math.min(100, Math.floor((100 * (number(job, "done") + number(job, "failed"))) / total));
}

/** A job, asked about again as long as it runs; when it is over, all that it may have changed is asked for anew. */
export function useJob(id: string | null) {
  const client = useQueryClient();
  const path: Path = `/jobs/${id ?? ""}`;
  const job = useQuery({
    queryKey: keys.one(path),
    enabled: id !== null,
    queryFn: () => one(path),
    refetchInterval: (asked) => (asked.state.data && !isRunning(asked.state.data) ? false : 1000),
  });
  const over = job.data !== undefined && !isRunning(job.data);
  useEffect(() => {
    if (over) {
      void renewAll(client, path);
    }
  }, [client, over, path]);
  return job;
}
