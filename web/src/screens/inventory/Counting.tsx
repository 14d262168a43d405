import { Progress, ProgressMeasureLocation, Stack, StackItem } from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { type Deed, preview, type Which } from "../../api/certificates";
import { countByJob, foundBy, isTooLong } from "../../api/counts";
import { isRunning, percentOf, useJob } from "../../api/jobs";
import { number, text } from "../../api/rest";
import { count } from "../../format";
import { ErrorAlert } from "../../parts/ErrorAlert";
import { Notice } from "../../parts/Notice";

/** How many it would be: at once, or where that takes longer by a job, to whose certificates the rest is then bound. */
export function useFound(isLong: boolean) {
  const [job, setJob] = useState<string | null>(null);
  const counting = useJob(job);
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
  const { data: job, error } = useJob(id);
  const total = job?.attributes.total;
  const n = (value: number) => count(i18n.language, value);
  return (
    <Stack hasGutter>
      <StackItem>
        <ErrorAlert error={error} />
        {job && !isRunning(job) && text(job, "status") !== "done" ? (
          <Notice isLiveRegion variant="danger" title={t("many.notCounted")}>
            {text(job, "error")}
          </Notice>
        ) : (
          <Progress
            title={t("many.counting")} value={(job && percentOf(job)) ?? 0}
            label={t("many.looked", { done: n(number(job, "done")), total: typeof total === "number" ? n(total) : "…" })} measureLocation={ProgressMeasureLocation.outside}
          />
        )}
      </StackItem>
      <StackItem>
        {t("many.countingText")} <Link to={`/jobs/${id}`}>{base("kit.toJob")}</Link>
      </StackItem>
    </Stack>
  );
}
