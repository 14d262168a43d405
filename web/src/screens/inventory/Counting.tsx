import { Progress, ProgressMeasureLocation, Stack, StackItem } from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { countByJob, ended, foundBy, isTooLong, useCounting } from "../../api/counts";
import { type Deed, preview, type Which } from "../../api/inventory";
import { count } from "../../format";
import { ErrorAlert } from "../../parts/ErrorAlert";
import { Notice } from "../../parts/Notice";

/** How many it would be: at once, or where that takes longer by a job, to whose certificates the rest is then bound. */
export function useFound(isLong: boolean) {
  const [job, setJob] = useState<string | null>(null);
  const counting = useCounting(job);
  const ask = useMutation({
    mutationFn: async ({ which, deed }: { which: Which; deed: Deed }) => {
      const byJob = async () => {
        setJob(await countByJob(which, deed));
        return null;
      };
      if (isLong && !("ids" in which)) {
        return byJob();
      }
      try {
        return await preview(which, deed);
      } catch (error) {
        if (isTooLong(error) && !("ids" in which)) {
          return byJob();
        }
        throw error;
      }
    },
  });
  return {
    ask,
    job,
    found: job === null ? (ask.data ?? null) : foundBy(counting.data),
    reset: () => {
      setJob(null);
      ask.reset();
    },
  };
}

/** How far a count is. */
export function Counting({ id }: { id: string }) {
  const { t, i18n } = useTranslation("inventory");
  const { t: base } = useTranslation();
  const job = useCounting(id);
  const a = job.data?.attributes;
  const total = a?.total ?? null;
  const n = (value: number) => count(i18n.language, value);
  return (
    <Stack hasGutter>
      <StackItem>
        <ErrorAlert error={job.error} />
        {a && ended(a.status) && a.status !== "done" ? (
          <Notice isLiveRegion variant="danger" title={t("many.notCounted")}>
            {a.error}
          </Notice>
        ) : (
          <Progress
            title={t("many.counting")} value={total ? Math.min(100, Math.round(((a?.done ?? 0) / total) * 100)) : 0}
            label={t("many.looked", { done: n(a?.done ?? 0), total: total === null ? "…" : n(total) })} measureLocation={ProgressMeasureLocation.outside}
          />
        )}
      </StackItem>
      <StackItem>
        {t("many.countingText")} <Link to={`/jobs/${id}`}>{base("kit.toJob")}</Link>
      </StackItem>
    </Stack>
  );
}
